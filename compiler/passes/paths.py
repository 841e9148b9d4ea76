"""What a pipeline reads lies in its project: elsewhere is a warning, behind a link that leads out an error.

The project root is the nearest folder upward with ``.git`` or ``amlc.toml``. A file that stands in no project is
bound to nothing. ``amlc.toml`` with ``[paths]`` and ``follow_links = true`` allows links that lead out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from compiler.diagnostics.model import Bag
from compiler.diagnostics.span import Span
from compiler.ir.model import Component, Data, LocalPath, Pipeline

MARKS = (".git", "amlc.toml")


def project_root(path: str) -> tuple[str, bool]:
    """The folder that a pipeline's file belongs to, and whether a mark says so; else the file's own folder."""
    folder = start = os.path.dirname(os.path.abspath(path))
    while True:
        if any(os.path.exists(os.path.join(folder, mark)) for mark in MARKS):
            return folder, True
        parent = os.path.dirname(folder)
        if parent == folder:
            return start, False
        folder = parent


def paths(pipeline: Pipeline, bag: Bag) -> None:
    """Check one pipeline; its nested pipelines are checked on their own."""
    if pipeline.path is None:
        return
    root, marked = project_root(pipeline.path)
    if not marked:
        return
    links_allowed = _links_allowed(root)
    real_root = os.path.realpath(root)
    seen: set[str] = set()
    for path, written, at in _read(pipeline):
        if path in seen:
            continue
        seen.add(path)
        if not _inside(path, root):
            mark = next(mark for mark in MARKS if os.path.exists(os.path.join(root, mark)))
            where = os.path.relpath(root, os.path.dirname(pipeline.path))
            note = f"the project ends where `{mark}` stands: `{where}`"
            bag.add("P0418", f"`{written}` lies outside the project", at, notes=[note])
        elif not links_allowed and not _inside(os.path.realpath(path), real_root):
            bag.add(
                "P0419",
                f"`{written}` is a link that leaves the project",
                at,
                help="copy it, or set `follow_links = true` under `[paths]` in amlc.toml",
            )


def _read(pipeline: Pipeline) -> Iterator[tuple[str, str, Span | None]]:
    """The local paths that the pipeline names, as written and where."""
    folder = os.path.dirname(pipeline.path or "")
    for step in pipeline.steps.values():
        component = step.component
        if isinstance(component, Component):
            if component.path is not None:
                yield component.path, os.path.relpath(component.path, folder), step.at
            yield from _of(component.code, component.at)
            for included in component.additional_includes:
                yield from _of(included, component.at)
        for argument in step.inputs.values():
            yield from _of(argument.value, argument.at)
    for declared in pipeline.inputs.values():
        yield from _of(declared.value, declared.at)


def _of(value: object, at: Span | None) -> Iterator[tuple[str, str, Span | None]]:
    path = value.path if isinstance(value, Data) else value
    if isinstance(path, LocalPath):
        yield path.path, path.written, path.at or at


def _inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _links_allowed(root: str) -> bool:
    try:
        with open(os.path.join(root, "amlc.toml"), "rb") as handle:
            import tomllib

            return bool(tomllib.load(handle).get("paths", {}).get("follow_links"))
    except (OSError, ValueError, AttributeError):
        return False
