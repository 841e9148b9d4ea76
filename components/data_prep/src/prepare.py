"""Makes the arrays that training reads, so that each of its many trials starts at once.

    <frames>/Train/Train001/001.png …  ->  <prepared>/X_train.npz, X_val.npz
    <frames>/Test/Test001/001.png …    ->  <prepared>/X_test.npz

Each file holds `frames`, bytes of shape (n, height, width, 3), and `sources`, the name of the video that each frame
comes from; consecutive frames with the same source make a sequence. Frames of one video never stand in two files,
or validation would see its training data a tenth of a second later.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pictures import FramesError, read_picture

SUFFIXES = (".png", ".tif", ".tiff")
DIVISOR = 8
"""The model halves the picture three times."""


def find_videos(root: Path, part: str) -> list[Path]:
    """The folders below `part` ("Train" or "Test") that hold pictures, by name."""
    folders = sorted(folder for folder in (root / part).glob(f"{part}*") if folder.is_dir())
    videos = [folder for folder in folders if find_pictures(folder)]
    if not videos:
        raise FramesError(f"no videos: {root / part} has no folder like {part}001 with pictures")
    return videos


def find_pictures(folder: Path) -> list[Path]:
    """The pictures of one video in the order of their numbers, so that 1000 follows 999."""
    pictures = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.stem.isdigit()]
    return sorted(pictures, key=lambda path: int(path.stem))


def split(videos: Sequence[Path], fraction: float, seed: int) -> tuple[list[Path], list[Path]]:
    """Divide videos into (train, val); both have at least one and keep the order of the names."""
    if not 0.0 < fraction < 1.0:
        raise FramesError(f"--validation_fraction {fraction} is not between 0 and 1")
    if len(videos) < 2:
        raise FramesError(f"only one training video, {videos[0]}: one is needed for training and one for validation")
    shuffled = list(videos)
    random.Random(seed).shuffle(shuffled)
    count = min(len(videos) - 1, max(1, round(fraction * len(videos))))
    return sorted(shuffled[count:]), sorted(shuffled[:count])


def check_size(height: int, width: int) -> None:
    """Refuse an input size that the model's poolings cannot halve evenly."""
    for name, value in (("height", height), ("width", width)):
        if value < DIVISOR or value % DIVISOR:
            raise FramesError(f"--{name} {value} is not a positive multiple of {DIVISOR}")


class Loader:
    """Reads videos at one size and holds all of a dataset to the size of the first picture it met."""

    def __init__(self, wanted: tuple[int, int]) -> None:
        self._wanted = wanted
        self._first: tuple[Path, tuple[int, int]] | None = None

    def load(self, videos: Sequence[Path]) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
        """All frames (n, height, width, 3) of some videos in order, and their sources (n,)."""
        paths = [path for video in videos for path in find_pictures(video)]
        frames = np.empty((len(paths), *self._wanted, 3), dtype=np.uint8)
        for index, path in enumerate(paths):
            frames[index], stored_size = read_picture(path, self._wanted)
            self._check(path, stored_size)
        return frames, np.array([f"{path.parent.parent.name}/{path.parent.name}" for path in paths])

    def _check(self, path: Path, size: tuple[int, int]) -> None:
        self._first = self._first or (path, size)
        if size != self._first[1]:
            sizes = " and ".join(f"{width}x{height}" for height, width in (self._first[1], size))
            raise FramesError(f"mixed sizes, {sizes}: {path} differs from {self._first[0]}")


def prepare(root: Path, prepared: Path, size: tuple[int, int], fraction: float, seed: int) -> dict[str, int]:
    """Write the three files and return how many frames each of them holds."""
    check_size(*size)
    test = find_videos(root, "Test")
    train, val = split(find_videos(root, "Train"), fraction, seed)
    parts = {"train": train, "val": val, "test": test}
    loader = Loader(size)
    loaded = {name: loader.load(videos) for name, videos in parts.items()}
    prepared.mkdir(parents=True, exist_ok=True)
    for name, (frames, sources) in loaded.items():
        np.savez_compressed(prepared / f"X_{name}.npz", frames=frames, sources=sources)
    return {name: len(sources) for name, (_, sources) in loaded.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the step; 0 when all three files are written."""
    parser = argparse.ArgumentParser(description="Scale, crop and split frames for training.")
    parser.add_argument("--frames", type=Path, required=True, help="folder with Train and Test")
    parser.add_argument("--prepared", type=Path, required=True, help="folder to write to")
    parser.add_argument("--height", type=int, default=152, help="pixels, divisible by 8")
    parser.add_argument("--width", type=int, default=232, help="pixels, divisible by 8")
    parser.add_argument("--validation_fraction", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=123)
    options = parser.parse_args(arguments)
    try:
        size = (options.height, options.width)
        counts = prepare(options.frames, options.prepared, size, options.validation_fraction, options.seed)
    except (FramesError, OSError) as error:
        print(f"data_prep: {error}", file=sys.stderr)
        return 1
    print("frames: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
