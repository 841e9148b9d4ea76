"""What the camera sees: walkers on two lanes, and the objects that do not belong there.

Walkers are rectangles of muted colours which keep to their lane: those above walk right, those below walk left,
all at a walking pace. An anomaly breaks exactly one of these habits, so that a model which has learnt how walkers
move is surprised by it. Nothing here knows about files or codecs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

AnomalyKind = Literal["fast", "wide", "wrong_way", "odd_colour"]
ANOMALY_KINDS: tuple[AnomalyKind, ...] = ("fast", "wide", "wrong_way", "odd_colour")

Image = NDArray[np.uint8]
"""One frame: (height, width, 3), RGB."""


@dataclass(frozen=True)
class Mover:
    """A rectangle that crosses the picture at a constant speed; all lengths in pixels, times in frames."""

    left: float
    """Left edge in frame 0; may lie outside the picture."""
    top: int
    width: int
    height: int
    speed: float
    """Pixels per frame, negative to the left."""
    colour: tuple[int, int, int]
    wraps: bool = True
    """Whether it comes back at the other side, as the walkers do."""

    def left_at(self, frame: int, picture_width: int) -> float:
        """Its left edge in one frame."""
        left = self.left + self.speed * frame
        if not self.wraps:
            return left
        span = picture_width + self.width
        return (left + self.width) % span - self.width


def background(height: int, width: int, rng: np.random.Generator) -> Image:
    """An empty street of shape (height, width, 3): two lanes of paving with a little fixed grain."""
    rows = np.linspace(0.45, 0.65, height)[:, None, None]
    grain = rng.normal(0.0, 0.015, size=(height, width, 1))
    tint = np.array([1.0, 0.98, 0.92])
    street = (rows + grain) * tint
    street[height // 2 - 1 : height // 2 + 1] *= 0.7
    picture: Image = np.clip(street * 255, 0, 255).astype(np.uint8)
    return picture


def walkers(height: int, width: int, rng: np.random.Generator) -> list[Mover]:
    """The ordinary people of one video: two or three in each lane."""
    people = []
    for lane in (0, 1):
        for _ in range(int(rng.integers(2, 4))):
            people.append(_walker(height, width, lane, rng))
    return people


def anomaly(kind: AnomalyKind, height: int, width: int, frames: int, rng: np.random.Generator) -> Mover:
    """One object that breaks one habit; it enters after the first third and crosses once."""
    lane = int(rng.integers(0, 2))
    base = _walker(height, width, lane, rng)
    speed = base.speed
    body_width = base.width
    colour = base.colour
    if kind == "fast":
        speed *= 3.5
    elif kind == "wrong_way":
        speed = -speed
    elif kind == "wide":
        body_width *= 4
    else:
        colour = ((235, 40, 40), (40, 60, 235), (240, 220, 30))[int(rng.integers(0, 3))]
    enters_at = int(rng.integers(frames // 3, frames // 2 + 1))
    edge = -body_width if speed > 0 else width
    return Mover(edge - speed * enters_at, base.top, body_width, base.height, speed, colour, wraps=False)


def draw(empty: Image, movers: Sequence[Mover], frame: int) -> Image:
    """The picture at one time; edges between two pixels are blended, so that motion is smooth."""
    picture = empty.astype(np.float32)
    columns = np.arange(empty.shape[1], dtype=np.float32)
    for mover in movers:
        left = mover.left_at(frame, empty.shape[1])
        cover = np.clip(np.minimum(columns + 1, left + mover.width) - np.maximum(columns, left), 0, 1)
        rows = slice(mover.top, mover.top + mover.height)
        share = cover[None, :, None]
        picture[rows] = picture[rows] * (1 - share) + np.array(mover.colour, dtype=np.float32) * share
    drawn: Image = np.rint(picture).astype(np.uint8)
    return drawn


def visible_frames(mover: Mover, frames: int, picture_width: int) -> list[int]:
    """The frames, counted from 1, in which at least one whole pixel column of it is in the picture."""
    seen = []
    for frame in range(frames):
        left = mover.left_at(frame, picture_width)
        shown = min(left + mover.width, picture_width) - max(left, 0)
        if shown >= 1:
            seen.append(frame + 1)
    return seen


def _walker(height: int, width: int, lane: int, rng: np.random.Generator) -> Mover:
    """One person in the upper (0, walking right) or lower (1, walking left) lane."""
    body_height = int(rng.integers(height // 5, height // 3))
    body_width = max(4, body_height // 3)
    lane_top = lane * (height // 2) + 2
    top = int(rng.integers(lane_top, lane_top + max(1, height // 2 - body_height - 3)))
    speed = float(rng.uniform(0.010, 0.020)) * width * (1 if lane == 0 else -1)
    grey = int(rng.integers(15, 75))
    colour = (grey, grey + int(rng.integers(0, 12)), grey + int(rng.integers(0, 20)))
    return Mover(float(rng.uniform(-body_width, width)), top, body_width, body_height, speed, colour)
