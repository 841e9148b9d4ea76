"""A build on disk: written beside its place and moved there whole, or compared with what is there.

A reader of the folder sees the old build or the new one, at every moment, where the system can exchange two
folders. When the disk is full or the folder may not be written, the old one stays.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from compiler.azureml.snapshot import is_build
from compiler.diagnostics.model import Bag


@dataclass(frozen=True, slots=True)
class Build:
    """What compiling gives: the text of each file and, of each file to copy, where it lies; by path in the build."""

    files: Mapping[str, str]
    copies: Mapping[str, str] = field(default_factory=dict)


def write(build: Build, directory: str, bag: Bag) -> bool:
    """Put a build at ``directory``, in place of an older one; False when that was not possible, which is reported."""
    directory = os.path.abspath(directory)
    if not _replaceable(directory, bag):
        return False
    parent, name = os.path.split(directory)
    side: str | None = None
    try:
        os.makedirs(parent, exist_ok=True)
        side = tempfile.mkdtemp(prefix=f".{name}.", dir=parent)
        fresh = os.path.join(side, "new")
        _fill(build, fresh)
        _swap(fresh, directory, os.path.join(side, "old"))
    except OSError as error:
        file_in_the_way = isinstance(error, (FileExistsError, NotADirectoryError))
        reason = "a file stands where a folder is needed" if file_in_the_way else error.strerror or str(error)
        bag.add("P0810", f"`{directory}` cannot be written: {reason}", None)
        return False
    finally:
        if side is not None:
            shutil.rmtree(side, ignore_errors=True)
    return True


def _replaceable(directory: str, bag: Bag) -> bool:
    """Whether nothing that a person made would be lost: the place is free, or empty, or holds a build."""
    if not os.path.lexists(directory) or is_build(directory):
        return True
    if os.path.isdir(directory) and not os.listdir(directory):
        return True
    what = "is not a build of amlc" if os.path.isdir(directory) else "is not a folder"
    bag.add("P0810", f"`{directory}` {what}", None, help="name another folder, or move this one away")
    return False


def _fill(build: Build, folder: str) -> None:
    os.mkdir(folder, 0o755)
    made = {folder}
    for path, text in build.files.items():
        with open(_place(folder, path, made), "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    for path, source in build.copies.items():
        target = _place(folder, path, made)
        shutil.copyfile(source, target)
        os.chmod(target, 0o755 if os.access(source, os.X_OK) else 0o644)


def _place(folder: str, path: str, made: set[str]) -> str:
    target = os.path.join(folder, *path.split("/"))
    parent = os.path.dirname(target)
    if parent not in made:
        os.makedirs(parent, exist_ok=True)
        made.add(parent)
    return target


def _swap(fresh: str, directory: str, aside: str) -> None:
    """Move the new build into place; the old one comes back when that fails."""
    if not os.path.lexists(directory):
        os.rename(fresh, directory)
    elif not exchanged(fresh, directory):
        os.rename(directory, aside)
        try:
            os.rename(fresh, directory)
        except OSError:
            os.rename(aside, directory)
            raise


def exchanged(one: str, other: str) -> bool:
    """Exchange two folders in one step, so that there is no moment with neither; False where the system cannot."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
    except OSError:
        return False
    names = os.fsencode(one), os.fsencode(other)
    if hasattr(libc, "renameat2"):  # Linux: from the current folder, RENAME_EXCHANGE
        return bool(libc.renameat2(-100, names[0], -100, names[1], 2) == 0)
    if hasattr(libc, "renamex_np"):  # macOS: RENAME_SWAP
        return bool(libc.renamex_np(names[0], names[1], 2) == 0)
    return False


def check(build: Build, directory: str) -> list[str]:
    """What is out of date in ``directory``: a line for each file that is missing, differs, or does not belong."""
    present = _present(directory)
    found = [f"{path} is missing" for path in [*build.files, *build.copies] if path not in present]
    for path, text in build.files.items():
        if path in present and _content(os.path.join(directory, path)) != text.encode():
            found.append(f"{path} differs")
    for path, source in build.copies.items():
        if path in present and _content(os.path.join(directory, path)) != _content(source):
            found.append(f"{path} differs")
    found += [
        f"{path} is no part of the build" for path in present if path not in build.files and path not in build.copies
    ]
    return sorted(found)


def _present(directory: str) -> set[str]:
    found: set[str] = set()
    for folder, _, names in os.walk(directory):
        for name in names:
            found.add(os.path.relpath(os.path.join(folder, name), directory).replace(os.sep, "/"))
    return found


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None
