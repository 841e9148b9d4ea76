"""Makes a small surveillance dataset, so that the pipeline has real video to decode without a download.

    python make_videos.py --output data/UCSDped1 --dataset UCSDped1

writes Train/Train001/video.mp4 …, Test/Test001/video.mp4 … and the label file Test/UCSDped1.m, which has one line
per test video with the frames, counted from 1, that hold an anomaly: `TestVideoFile{end+1}.gt_frame = [14:31];`.

The folder is made aside and moved into place, so it is whole or absent. Asked again for the same, it does nothing.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from scene import ANOMALY_KINDS, Image, anomaly, background, draw, visible_frames, walkers

MARKER = "made_by.json"
FRAMES_PER_SECOND = 10
CODECS = ("libx264", "mpeg4")
"""In order of preference; mpeg4 is in every build of FFmpeg."""


class RequestError(Exception):
    """The request cannot be met; the message is for the person who made it."""


@dataclass(frozen=True)
class Request:
    """What decides the content of the dataset."""

    dataset: str
    train_videos: int
    test_videos: int
    frames: int
    height: int
    width: int
    seed: int

    def as_json(self) -> str:
        """The text of the marker file, the same for the same request."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def check(self) -> None:
        """Refuse what cannot be filmed or encoded."""
        if not self.dataset or "/" in self.dataset:
            raise RequestError(f"--dataset {self.dataset!r} is not a name")
        if min(self.train_videos, self.test_videos) < 1:
            raise RequestError("--train_videos and --test_videos must be at least 1")
        if self.frames < 12:
            raise RequestError(f"--frames {self.frames} is too short for an anomaly, use 12 or more")
        if min(self.height, self.width) < 32 or self.height % 2 or self.width % 2:
            raise RequestError(f"--height {self.height} and --width {self.width} must be even numbers from 32 up")


def write_dataset(request: Request, folder: Path) -> None:
    """Film, encode and label every video of the request below a folder."""
    street = background(request.height, request.width, np.random.default_rng(request.seed))
    for number in range(1, request.train_videos + 1):
        rng = np.random.default_rng([request.seed, 1, number])
        people = walkers(request.height, request.width, rng)
        pictures = (draw(street, people, frame) for frame in range(request.frames))
        encode(folder / "Train" / f"Train{number:03d}" / "video.mp4", pictures, request)
    labels = [_write_test_video(request, street, folder, number) for number in range(1, request.test_videos + 1)]
    lines = [f"TestVideoFile{{end+1}}.gt_frame = [{label}];\n" for label in labels]
    (folder / "Test" / f"{request.dataset}.m").write_text("".join(lines), encoding="utf-8")
    # Last, because its presence says that all the rest is there.
    (folder / MARKER).write_text(request.as_json(), encoding="utf-8")


def _write_test_video(request: Request, street: Image, folder: Path, number: int) -> str:
    """Make one test video and return its label; every fifth video has no anomaly and an empty label."""
    rng = np.random.default_rng([request.seed, 2, number])
    movers = walkers(request.height, request.width, rng)
    label = ""
    if number % 5:
        kind = ANOMALY_KINDS[(number - 1) % len(ANOMALY_KINDS)]
        intruder = anomaly(kind, request.height, request.width, request.frames, rng)
        seen = visible_frames(intruder, request.frames, request.width)
        label = f"{seen[0]}:{seen[-1]}"
        movers.append(intruder)
    pictures = (draw(street, movers, frame) for frame in range(request.frames))
    encode(folder / "Test" / f"Test{number:03d}" / "video.mp4", pictures, request)
    return label


def encode(path: Path, pictures: Iterable[Image], request: Request) -> None:
    """Write (height, width, 3) RGB pictures as one video file."""
    path.parent.mkdir(parents=True)
    codec = next(name for name in CODECS if name in av.codecs_available)
    options = {"crf": "16"} if codec == "libx264" else {"qscale": "2"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(FRAMES_PER_SECOND), options=options)
        assert isinstance(stream, VideoStream), f"{codec} makes video"
        stream.width, stream.height, stream.pix_fmt = request.width, request.height, "yuv420p"
        stream.codec_context.thread_count = 1
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def already_made(request: Request, output: Path) -> bool:
    """Whether the output holds this very dataset; anything else in it is not ours to replace."""
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return False
    marker = output / MARKER
    if not marker.is_file():
        raise RequestError(f"{output} exists and was not made by this tool")
    if marker.read_text(encoding="utf-8") != request.as_json():
        raise RequestError(f"{output} holds a dataset made with other options, remove it or choose another --output")
    return True


def move_into_place(made: Path, output: Path) -> None:
    """Rename the finished folder to its name; an output that is a mount point can only be copied into."""
    try:
        made.rename(output)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EBUSY):
            raise
        for child in sorted(made.iterdir(), key=lambda path: path.name == MARKER):
            if child.is_dir():
                shutil.copytree(child, output / child.name)
            else:
                shutil.copy(child, output / child.name)


def make(request: Request, output: Path) -> str:
    """Bring the dataset into being and return a sentence that says what was done."""
    request.check()
    if already_made(request, output):
        return f"{output} already holds this dataset, nothing to do"
    output.parent.mkdir(parents=True, exist_ok=True)
    aside = output.parent / f".{output.name}.{os.getpid()}.partial"
    try:
        write_dataset(request, aside)
        move_into_place(aside, output)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return f"{output}: {request.train_videos} train and {request.test_videos} test videos of {request.frames} frames"


def parse(arguments: Sequence[str] | None) -> tuple[Request, Path]:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Make synthetic surveillance video in the layout of UCSD.")
    parser.add_argument("--output", type=Path, required=True, help="folder to make")
    parser.add_argument("--dataset", required=True, help="names the label file")
    parser.add_argument("--train_videos", type=int, default=16)
    parser.add_argument("--test_videos", type=int, default=12)
    parser.add_argument("--frames", type=int, default=40, help="frames in each video")
    parser.add_argument("--height", type=int, default=64, help="pixels")
    parser.add_argument("--width", type=int, default=96, help="pixels")
    parser.add_argument("--seed", type=int, default=0)
    options = vars(parser.parse_args(arguments))
    output: Path = options.pop("output")
    return Request(**options), output


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; 0 when the dataset is there."""
    request, output = parse(arguments)
    try:
        print(make(request, output))
    except (RequestError, OSError) as error:
        print(f"make_videos: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
