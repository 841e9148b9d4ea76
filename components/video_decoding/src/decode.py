"""Turns videos into numbered pictures, so that no later step needs a codec for them.

    <video>/Train/Train001/video.mp4  ->  <frames>/Train/Train001/001.png, 002.png, …
    <video>/Test/Test001/video.mp4    ->  <frames>/Test/Test001/001.png, …
    <video>/Test/<dataset>.m          ->  <frames>/Test/<dataset>.m

Numbering starts at 1, as the label file counts. A video that yields fewer or more frames than its container says is
an error: its labels would no longer point at the right pictures.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import av
from av.error import FFmpegError

VIDEO = "video.mp4"
FOLDER_NAME = re.compile(r"(Train|Test)\d+")


class VideoError(Exception):
    """The dataset cannot be decoded; the message says which part and why."""


def find_videos(root: Path) -> list[Path]:
    """The video files of a dataset, in the order of their names."""
    folders = [
        folder
        for part in ("Train", "Test")
        for folder in sorted((root / part).glob(f"{part}*"))
        if folder.is_dir() and FOLDER_NAME.fullmatch(folder.name)
    ]
    if not folders:
        raise VideoError(f"no videos: {root} has no folder like Train/Train001 or Test/Test001")
    missing = [folder for folder in folders if not (folder / VIDEO).is_file()]
    if missing:
        raise VideoError(f"{missing[0]} has no {VIDEO}")
    return [folder / VIDEO for folder in folders]


def decode(video: Path, folder: Path) -> int:
    """Write the frames of one video as 001.png, 002.png … and return how many there were."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    try:
        with av.open(str(video)) as container:
            if not container.streams.video:
                raise VideoError(f"{video} has no picture track")
            announced = container.streams.video[0].frames
            for count, frame in enumerate(container.decode(video=0), start=1):
                frame.save(folder / f"{count:03d}.png", compression_level=1)
    except FFmpegError as error:
        raise VideoError(f"{video} cannot be decoded: {error.strerror}") from error
    if announced and count != announced:
        raise VideoError(f"{video} announces {announced} frames and holds {count}")
    if not count:
        raise VideoError(f"{video} holds no frames")
    return count


def decode_dataset(root: Path, dataset: str, frames: Path) -> tuple[int, int]:
    """Decode all videos below a folder and copy the labels; returns the numbers of videos and of frames."""
    videos = find_videos(root)
    labels = root / "Test" / f"{dataset}.m"
    if not labels.is_file():
        raise VideoError(f"no label file {labels}")
    total = 0
    for video in videos:
        total += decode(video, frames / video.parent.relative_to(root))
    (frames / "Test").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(labels, frames / "Test" / labels.name)
    return len(videos), total


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the step; 0 when every video is decoded."""
    parser = argparse.ArgumentParser(description="Decode a dataset's videos into numbered pictures.")
    parser.add_argument("--video", type=Path, required=True, help="folder with Train and Test")
    parser.add_argument("--dataset", required=True, help="names the label file")
    parser.add_argument("--frames", type=Path, required=True, help="folder to write to")
    options = parser.parse_args(arguments)
    try:
        videos, frames = decode_dataset(options.video, options.dataset, options.frames)
    except (VideoError, OSError) as error:
        print(f"video_decoding: {error}", file=sys.stderr)
        return 1
    print(f"decoded {frames} frames of {videos} videos")
    return 0


if __name__ == "__main__":
    sys.exit(main())
