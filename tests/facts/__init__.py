"""Two readers that make the same plain facts: one of the IR, one of the REST body that azure-ai-ml would send.

    {"train": {"inputs": {"lr": "0.1", "data": "${{parent.jobs.prep.outputs.out}}"}, "compute": "gpu", …}}

Each goes its own way, and neither knows how the writer works. Where
the facts are equal, the body says what the spec says.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

Facts = dict[str, Any]


def as_number(value: Any, kind: str) -> str | None:
    """A default or bound as text; numbers in one form, whichever way they were written."""
    return str(float(value)) if kind in ("integer", "number") and value is not None else as_text(value)


def as_text(value: Any) -> str | None:
    return None if value is None else str(value)


def files_below(folder: Path) -> dict[str, bytes]:
    if folder.is_file():
        return {folder.name: folder.read_bytes()}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def said(value: Any) -> Any:
    """Without what is empty: a thing that nobody said is the same as a thing left out."""
    if isinstance(value, dict):
        kept = {key: said(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item is not None and item != {} and item != []}
    return [said(item) for item in value] if isinstance(value, list) else value


def differences(body: Any, spec: Any) -> list[str]:
    """Where two sets of facts differ."""
    ours, theirs = (dict(leaves(said(facts))) for facts in (spec, body))
    return [
        f"{path}: the spec says {ours.get(path)!r}, the body {theirs.get(path)!r}"
        for path in sorted({*ours, *theirs})
        if ours.get(path) != theirs.get(path)
    ]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}/{key}")
    else:
        yield path, value
