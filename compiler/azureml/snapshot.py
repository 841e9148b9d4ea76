"""The code that a component takes along: which files, under which names, and a hash that says when they change.

    code: ./src  with  src/.amlignore = "*.csv"     ->      code/3f6a…/train.py, code/3f6a…/.amlignore

The rules are azure-ai-ml's: one ignore file at the root of the folder, ``.amlignore`` before ``.gitignore``, its
last matching line deciding. Caches that no job needs and earlier builds of amlc are left out too.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from compiler.ir.model import LocalPath

_NEVER: Final = frozenset({".git", "__pycache__", ".amlc", ".ipynb_checkpoints"})
HASH_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``files`` has the path inside the snapshot, with slashes, and the absolute path of each file, sorted."""

    sha256: str
    files: Mapping[str, str]

    @property
    def name(self) -> str:
        """The folder that it gets in a build."""
        return self.sha256[:HASH_LENGTH]


@dataclass(slots=True)
class Snapshots:
    """Takes snapshots, each of a folder once. ``without`` is a folder that never counts as code: the build's own."""

    without: str = ""
    _taken: dict[tuple[str, ...], Snapshot] = field(default_factory=dict)

    def take(self, code: LocalPath | None, includes: tuple[LocalPath, ...] = ()) -> Snapshot:
        """The files of a folder, or the one file, with further files and folders laid beside them.

        Raises OSError when something cannot be read.
        """
        key = ("" if code is None else code.path, *(include.path for include in includes))
        if key not in self._taken:
            files = {} if code is None else dict(self._files(code.path))
            for include in includes:
                files.update(self._included(include.path))
            self._taken[key] = _hashed({name: files[name] for name in sorted(files)})
        return self._taken[key]

    def _included(self, path: str) -> Iterator[tuple[str, str]]:
        if os.path.isdir(path):
            base = os.path.basename(path)
            yield from ((f"{base}/{name}", source) for name, source in self._files(path))
        else:
            yield os.path.basename(path), path

    def _files(self, path: str) -> Iterator[tuple[str, str]]:
        if not os.path.isdir(path):
            yield os.path.basename(path), path
            return
        ignored = ignore_rules(path)
        seen = {os.path.realpath(path)}
        for folder, folders, names in os.walk(path, followlinks=True, onerror=_raise):
            inside = os.path.relpath(folder, path).replace(os.sep, "/")
            prefix = "" if inside == "." else f"{inside}/"
            folders[:] = [name for name in folders if self._enters(os.path.join(folder, name), name, seen)]
            for name in names:
                if not name.endswith(".pyc") and not ignored(prefix + name):
                    yield prefix + name, os.path.join(folder, name)

    def _enters(self, path: str, name: str, seen: set[str]) -> bool:
        """Whether a folder is part of the code; one that links lead to twice is walked once, or it had no end."""
        if name in _NEVER or path == self.without or is_build(path):
            return False
        if os.path.islink(path):
            real = os.path.realpath(path)
            if real in seen:
                return False
            seen.add(real)
        return True


def is_build(path: str) -> bool:
    """Whether a folder is what amlc has compiled."""
    return all(os.path.isfile(os.path.join(path, name)) for name in ("manifest.json", "job.yml"))


def _raise(error: OSError) -> None:
    raise error


def _hashed(files: dict[str, str]) -> Snapshot:
    digest = hashlib.sha256()
    for name, source in files.items():
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
        digest.update(file_hash(source).digest())
    return Snapshot(digest.hexdigest(), files)


def file_hash(path: str) -> hashlib._Hash:
    """The sha256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256")


# ------------------------------------------------------------------------------------------------------ ignore files


def ignore_rules(folder: str) -> Callable[[str], bool]:
    """Says of a path below ``folder``, with slashes, whether the folder's ignore file leaves it out."""
    for name in (".amlignore", ".gitignore"):
        try:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                return _matcher(file.read().splitlines())
        except FileNotFoundError:
            continue
    return lambda path: False


def _matcher(lines: list[str]) -> Callable[[str], bool]:
    rules = [rule for line in lines if (rule := _rule(line)) is not None]

    def ignored(path: str) -> bool:
        result = False
        for pattern, leaves_out in rules:
            if leaves_out != result and pattern.fullmatch(path):
                result = leaves_out
        return result

    return ignored


def _rule(line: str) -> tuple[re.Pattern[str], bool] | None:
    """One line of an ignore file: a pattern over paths of files, and whether it leaves out or takes back."""
    text = line.rstrip()
    if not text or text.startswith("#"):
        return None
    leaves_out = not text.startswith("!")
    text = text.removeprefix("!").removeprefix("\\")
    below = text.endswith("/")
    text = text.rstrip("/")
    anchored = "/" in text
    text = text.removeprefix("/")
    if not text:
        return None
    start = "" if anchored else "(?:.*/)?"
    end = "/.*" if below else "(?:/.*)?"
    return re.compile(start + _pattern(text) + end, re.DOTALL), leaves_out


def _pattern(text: str) -> str:
    """A pattern of an ignore file as a regular expression."""
    out: list[str] = []
    at = 0
    while at < len(text):
        if text.startswith("**/", at):
            out.append("(?:.*/)?")
            at += 3
        elif text.startswith("**", at):
            out.append(".*")
            at += 2
        elif text[at] == "*":
            out.append("[^/]*")
            at += 1
        elif text[at] == "?":
            out.append("[^/]")
            at += 1
        elif text[at] == "[" and (end := text.find("]", at + 2)) > 0:
            inside = text[at + 1 : end].replace("\\", "\\\\")
            out.append(f"[{'^' + inside[1:] if inside[0] in '!^' else inside}]")
            at = end + 1
        else:
            at += text[at] == "\\" and at + 1 < len(text)
            out.append(re.escape(text[at]))
            at += 1
    return "".join(out)
