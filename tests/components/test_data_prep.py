"""Preparing frames: the right size without distortion, whole videos on one side of each split, clear refusals."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from component_harness import assert_refused, run_script, run_well

av = pytest.importorskip("av", reason="pictures are read with PyAV")

SIZE = {"height": 16, "width": 24}


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Save (height, width, 3) RGB bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    av.VideoFrame.from_ndarray(picture, format="rgb24").save(path)


def sources_of(prepared: Path, split: str) -> list[str]:
    """The videos of one split, each once, in order."""
    with np.load(prepared / f"X_{split}.npz") as arrays:
        assert arrays["frames"].shape == (len(arrays["sources"]), 16, 24, 3)
        assert arrays["frames"].dtype == np.uint8
        return list(dict.fromkeys(arrays["sources"].tolist()))


def test_videos_are_split_whole_and_test_stays_test(frames: Path, tmp_path: Path) -> None:
    for number in range(4, 11):
        shutil.copytree(frames / "Train/Train001", tmp_path / f"frames/Train/Train{number:03d}")
    shutil.copytree(frames, tmp_path / "frames", dirs_exist_ok=True)
    splits: dict[int, list[str]] = {}
    for seed in (1, 1, 2):
        folder = tmp_path / f"prepared{seed}"
        run_well("data_prep", "prepare.py", {"frames": tmp_path / "frames", "prepared": folder, "seed": seed, **SIZE})
        train, val = sources_of(folder, "train"), sources_of(folder, "val")
        assert len(train) == 8
        assert len(val) == 2
        assert sorted(train + val) == [f"Train/Train{number:03d}" for number in range(1, 11)]
        assert splits.setdefault(seed, val) == val
    assert splits[1] != splits[2]
    assert sources_of(tmp_path / "prepared1", "test") == ["Test/Test001", "Test/Test002"]


def test_frames_and_sources_are_parallel_and_in_order(frames: Path, prepared: Path) -> None:
    with np.load(prepared / "X_test.npz") as arrays:
        assert arrays["sources"].tolist() == ["Test/Test001"] * 12 + ["Test/Test002"] * 12
        stored = arrays["frames"][12 + 4].astype(float)
    with av.open(str(frames / "Test/Test002/005.png")) as container:
        original = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(float)
    halved = original.reshape(16, 2, 24, 2, 3).mean(axis=(1, 3))
    assert np.abs(stored - halved).mean() < 4


def test_pictures_keep_their_aspect_and_lose_their_margins(
    tmp_path: Path, modules: Callable[[str, str], ModuleType]
) -> None:
    wide = np.zeros((32, 96, 3), dtype=np.uint8)
    wide[:, 24:72] = 200  # the middle 48 columns are what a 16x24 picture keeps of it
    write_picture(tmp_path / "001.png", wide)
    pictures = modules("data_prep", "pictures")
    picture, size = pictures.read_picture(tmp_path / "001.png", (16, 24))
    assert size == (32, 96)
    assert picture.shape == (16, 24, 3)
    assert picture[:, 1:-1].min() > 190
    assert pictures.cover_and_crop((240, 360), (152, 232)) == ((155, 232), (1, 0))


def test_pictures_are_ordered_by_number(tmp_path: Path, modules: Callable[[str, str], ModuleType]) -> None:
    for name in ("1000.png", "999.png", "1.tif", "notes.txt", "x.png"):
        (tmp_path / name).touch()
    found = modules("data_prep", "prepare").find_pictures(tmp_path)
    assert [path.name for path in found] == ["1.tif", "999.png", "1000.png"]


@pytest.mark.parametrize(("height", "width"), [(20, 24), (16, 0), (-8, 24)])
def test_bad_sizes_are_refused(frames: Path, tmp_path: Path, height: int, width: int) -> None:
    wanted = {"frames": frames, "prepared": tmp_path / "out", "height": height, "width": width}
    assert_refused(run_script("data_prep", "prepare.py", wanted), "multiple of 8")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_videos_is_refused(tmp_path: Path) -> None:
    done = run_script("data_prep", "prepare.py", {"frames": tmp_path, "prepared": tmp_path / "out", **SIZE})
    assert_refused(done, "no videos")


def test_mixed_sizes_are_refused(frames: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "frames"
    shutil.copytree(frames, mixed)
    write_picture(mixed / "Test/Test002/007.png", np.zeros((40, 48, 3), dtype=np.uint8))
    done = run_script("data_prep", "prepare.py", {"frames": mixed, "prepared": tmp_path / "out", **SIZE})
    assert_refused(done, "mixed sizes", "48x32", "48x40", "007.png")


def test_a_single_training_video_is_refused(frames: Path, tmp_path: Path) -> None:
    shutil.copytree(frames / "Test", tmp_path / "Test")
    shutil.copytree(frames / "Train/Train001", tmp_path / "Train/Train001")
    done = run_script("data_prep", "prepare.py", {"frames": tmp_path, "prepared": tmp_path / "out", **SIZE})
    assert_refused(done, "only one training video")
