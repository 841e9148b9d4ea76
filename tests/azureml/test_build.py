"""A build on disk: whole or not there, never over something that is no build."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from compiler.azureml import build
from compiler.azureml.build import Build, check, write
from compiler.diagnostics.model import Bag

OLD = Build({"job.yml": "old\n", "manifest.json": "{}\n", "components/gone.yml": "x\n"})


@pytest.fixture
def new(tmp_path: Path) -> Build:
    source = tmp_path / "train.sh"
    source.write_text("echo\n")
    source.chmod(0o755)
    return Build({"job.yml": "new\n", "manifest.json": "{}\n"}, {"code/0f/train.sh": str(source)})


def texts(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_new_build_takes_the_place_of_the_old_one(new: Build, tmp_path: Path) -> None:
    place = tmp_path / "build" / "train"
    bag = Bag()
    assert write(OLD, str(place), bag) and write(new, str(place), bag)
    assert texts(place) == {"job.yml": "new\n", "manifest.json": "{}\n", "code/0f/train.sh": "echo\n"}
    assert os.access(place / "code/0f/train.sh", os.X_OK)
    assert os.listdir(place.parent) == ["train"] and not len(bag)


def test_a_full_disk_leaves_the_old_build(new: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "build" / "train"
    bag = Bag()
    write(OLD, str(place), bag)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x")

    monkeypatch.setattr(shutil, "copyfile", full)
    assert not write(new, str(place), bag)
    assert [found.code for found in bag] == ["P0810"] and "No space" in bag.sorted()[0].message
    assert texts(place) == OLD.files and os.listdir(place.parent) == ["train"]


def test_a_failing_move_puts_the_old_build_back(new: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "build"
    bag = Bag()
    write(OLD, str(place), bag)
    monkeypatch.setattr(build, "exchanged", lambda *_: False)  # a system that takes two moves for it
    rename, calls = os.rename, []

    def second_fails(source: str, target: str) -> None:
        calls.append(source)
        if len(calls) == 2:
            raise PermissionError(errno.EACCES, "denied", target)
        rename(source, target)

    monkeypatch.setattr(os, "rename", second_fails)
    assert not write(new, str(place), bag)
    assert [found.code for found in bag] == ["P0810"] and texts(place) == OLD.files


def test_there_is_no_moment_without_a_build(new: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    if not build.exchanged(str(tmp_path / "one"), str(tmp_path / "two")):
        pytest.skip("this system cannot exchange two folders")
    place = tmp_path / "build"
    write(OLD, str(place), Bag())
    monkeypatch.setattr(os, "rename", lambda *_: pytest.fail("moved in two steps"))
    assert write(new, str(place), Bag())
    assert texts(place)["job.yml"] == "new\n" and os.listdir(tmp_path).count("build") == 1


@pytest.mark.parametrize("name", ["notes.txt", "job.yml"])
def test_what_is_no_build_is_not_replaced(name: str, new: Build, tmp_path: Path) -> None:
    place = tmp_path / "mine"
    place.mkdir()
    (place / name).write_text("mine")
    bag = Bag()
    assert not write(new, str(place), bag)
    assert [found.code for found in bag] == ["P0810"] and texts(place) == {name: "mine"}


def test_a_file_in_the_way(new: Build, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place in ("file", "file/below"):
        bag = Bag()
        assert not write(new, str(tmp_path / place), bag)
        assert [found.code for found in bag] == ["P0810"]


def test_check_names_what_differs(new: Build, tmp_path: Path) -> None:
    place = tmp_path / "build"
    assert len(check(new, str(place))) == 3
    write(new, str(place), Bag())
    assert check(new, str(place)) == []
    (place / "job.yml").write_text("edited")
    (place / "code/0f/train.sh").write_text("edited")
    (place / "manifest.json").unlink()
    (place / "more").write_text("")
    assert check(new, str(place)) == [
        "code/0f/train.sh differs",
        "job.yml differs",
        "manifest.json is missing",
        "more is no part of the build",
    ]
