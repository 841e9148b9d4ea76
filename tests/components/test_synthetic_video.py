"""The tool that stands in for a camera: the same request gives the same videos, whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from component_harness import assert_refused, run_script, run_well

pytest.importorskip("av", reason="the videos are encoded with PyAV")

SMALL = {"dataset": "ped", "train_videos": 1, "test_videos": 5, "frames": 12, "height": 32, "width": 48}


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder by their relative names."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_makes_the_same_files_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run_well("synthetic_video", "make_videos.py", {**SMALL, "output": tmp_path / name, "seed": seed})
    first, again, other = (contents(tmp_path / name) for name in "abc")
    assert first == again
    assert sorted(first) == sorted(other)
    assert first["Train/Train001/video.mp4"] != other["Train/Train001/video.mp4"]


def test_asked_again_it_does_nothing_and_it_never_replaces_other_data(tmp_path: Path) -> None:
    request = {**SMALL, "output": tmp_path / "ped"}
    run_well("synthetic_video", "make_videos.py", request)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "ped").rglob("*")}
    assert "nothing to do" in run_well("synthetic_video", "make_videos.py", request).stdout
    assert_refused(run_script("synthetic_video", "make_videos.py", {**request, "seed": 9}), "other options")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "ped").rglob("*")} == times


def test_a_failure_leaves_no_half_written_folder(
    tmp_path: Path, modules: Callable[[str, str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = modules("synthetic_video", "make_videos")
    encode, seen = tool.encode, []

    def encode_twice(path: Path, *rest: object) -> None:
        seen.append(path)
        if len(seen) == 3:
            raise OSError("disk full")
        encode(path, *rest)

    monkeypatch.setattr(tool, "encode", encode_twice)
    request = [f"--{name}={value}" for name, value in SMALL.items()]
    assert tool.main([*request, f"--output={tmp_path / 'ped'}"]) == 1
    assert seen[0].is_relative_to(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_labels_name_exactly_the_frames_that_hold_an_anomaly(
    tmp_path: Path, modules: Callable[[str, str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = modules("synthetic_video", "make_videos")
    draw = tool.draw
    filmed: dict[str, list[np.ndarray]] = {}
    monkeypatch.setattr(tool, "encode", lambda path, pictures, _: _collect(filmed, path, pictures))
    request = tool.Request("ped", 1, 8, 30, 64, 96, seed=4)
    tool.write_dataset(request, _with_test_folder(tmp_path / "with"))
    with_anomalies = dict(filmed)
    # Walkers come back when they have left the picture, anomalies do not.
    monkeypatch.setattr(tool, "draw", lambda street, movers, frame: draw(street, [m for m in movers if m.wraps], frame))
    tool.write_dataset(request, _with_test_folder(tmp_path / "without"))

    lines = (tmp_path / "with/Test/ped.m").read_text().splitlines()
    assert len(lines) == request.test_videos
    for number, line in enumerate(lines, start=1):
        pairs = zip(with_anomalies[f"Test{number:03d}"], filmed[f"Test{number:03d}"], strict=True)
        changed = [frame for frame, (one, other) in enumerate(pairs, start=1) if (one != other).any()]
        label = re.fullmatch(r"TestVideoFile\{end\+1\}\.gt_frame = \[(?:(\d+):(\d+))?\];", line)
        assert label is not None
        labelled = list(range(int(label[1]), int(label[2]) + 1)) if label[1] else []
        # An object of which less than a pixel is in the picture changes it a little, and is not called visible.
        assert set(labelled) <= set(changed)
        assert len(changed) - len(labelled) <= 2


def _collect(filmed: dict[str, list[np.ndarray]], path: Path, pictures: object) -> None:
    filmed[path.parent.name] = list(pictures)  # type: ignore[call-overload]


def _with_test_folder(folder: Path) -> Path:
    (folder / "Test").mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("change", "word"),
    [({"height": 33}, "even"), ({"frames": 3}, "too short"), ({"test_videos": 0}, "at least 1")],
)
def test_requests_that_cannot_be_met_are_refused(tmp_path: Path, change: dict[str, int], word: str) -> None:
    done = run_script("synthetic_video", "make_videos.py", {**SMALL, **change, "output": tmp_path / "ped"})
    assert_refused(done, word)
    assert list(tmp_path.iterdir()) == []
