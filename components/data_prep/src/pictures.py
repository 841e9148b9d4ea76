"""Reads one picture at the size the model wants, without distorting it."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""One frame: (height, width, 3), RGB."""


class FramesError(Exception):
    """The frames cannot be prepared; the message says which and why."""


def cover_and_crop(size: tuple[int, int], wanted: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where a picture goes: the size it is scaled to, and the top-left corner of the crop; all (height, width).

    The scaled picture is the smallest one that covers the wanted size, so that one side fits exactly.

        >>> cover_and_crop((240, 360), (152, 232))
        ((155, 232), (1, 0))
    """
    scale = max(wanted[0] / size[0], wanted[1] / size[1])
    scaled = (max(wanted[0], round(size[0] * scale)), max(wanted[1], round(size[1] * scale)))
    return scaled, ((scaled[0] - wanted[0]) // 2, (scaled[1] - wanted[1]) // 2)


def read_picture(path: Path, wanted: tuple[int, int]) -> tuple[Image, tuple[int, int]]:
    """One picture at the wanted (height, width), and the (height, width) it was stored with."""
    try:
        with av.open(str(path)) as container:
            stored = next(container.decode(video=0))
    except (FFmpegError, IndexError, StopIteration) as error:
        raise FramesError(f"{path} is not a picture") from error
    size = (stored.height, stored.width)
    scaled, (top, left) = cover_and_crop(size, wanted)
    resized = stored.reformat(width=scaled[1], height=scaled[0], format="rgb24", interpolation="BICUBIC")
    picture: Image = np.asarray(resized.to_ndarray(), dtype=np.uint8)
    return picture[top : top + wanted[0], left : left + wanted[1]], size
