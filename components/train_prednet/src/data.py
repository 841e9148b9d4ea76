"""Cuts videos into sequences: random ones to learn from, the same ones every time to be measured by."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from errors import InputError


@dataclass(frozen=True)
class Sequences:
    """All stretches of `length` consecutive frames within one video."""

    frames: NDArray[np.uint8]
    """(n, height, width, 3)."""
    starts: NDArray[np.int64]
    """Index of the first frame of each stretch."""
    length: int

    def batch(self, starts: NDArray[np.int64], device: torch.device) -> Tensor:
        """The stretches that begin at `starts` (b,), as floats (b, length, 3, height, width) in 0..1."""
        indices = starts[:, None] + np.arange(self.length)[None, :]
        pictures = torch.from_numpy(self.frames[indices]).to(device)
        return pictures.permute(0, 1, 4, 2, 3).float() / 255

    def sample(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """`count` random starts, none twice as long as there are enough."""
        return rng.choice(self.starts, size=count, replace=count > len(self.starts))

    def spread(self, count: int) -> NDArray[np.int64]:
        """The same `count` starts every time, evenly spread over all videos; fewer if there are not as many."""
        chosen = np.linspace(0, len(self.starts) - 1, num=min(count, len(self.starts)))
        return self.starts[np.rint(chosen).astype(np.int64)]


def batches(starts: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """Pieces of at most `size` starts, in order."""
    for begin in range(0, len(starts), size):
        yield starts[begin : begin + size]


def load_sequences(folder: Path, split: str, length: int, divisor: int) -> Sequences:
    """The sequences of one split ("train", "val" or "test"); frame sides must be multiples of `divisor`."""
    path = folder / f"X_{split}.npz"
    try:
        with np.load(path) as arrays:
            frames, sources = arrays["frames"], arrays["sources"]
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} does not hold frames and sources") from error
    _, height, width, _ = frames.shape
    if height % divisor or width % divisor:
        raise InputError(f"{path}: frames of {width}x{height} pixels, both sides must be divisible by {divisor}")
    last = len(sources) - length + 1
    candidates = np.arange(max(0, last), dtype=np.int64)
    starts = candidates[sources[candidates] == sources[candidates + length - 1]]
    if not len(starts):
        raise InputError(f"{path}: no video has {length} frames")
    return Sequences(frames, starts, length)
