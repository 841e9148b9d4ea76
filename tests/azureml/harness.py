"""Cases as text: an Azure ML pipeline, the files that it names, and what is said about them.

    === a key misspelt
    type: pipeline
    jobs: {a: {component: ./c.yml, imputs: {}}}
    --- c.yml
    type: command
    ...
    >>>
    pipeline.yml:2:31-2:37 P0201 unknown key `imputs` in the step `a`
        help: did you mean `inputs`?

``pytest --update`` rewrites what stands below ``>>>``.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from compiler.diagnostics.model import Bag, Diagnostic
from compiler.diagnostics.span import Span

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared"


class Case(NamedTuple):
    name: str
    files: dict[str, str]
    expected: str


def cases(file: Path) -> Iterator[Case]:
    for block in re.split(r"^=== ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name, _, rest = block.partition("\n")
        text, _, expected = rest.partition("\n>>>\n")
        first, *others = re.split(r"^--- (\S+)\n", text + "\n", flags=re.MULTILINE)
        files = {"pipeline.yml": first, **dict(zip(others[::2], others[1::2], strict=True))}
        yield Case(name.strip(), files, expected.strip())


def rewrite(file: Path, results: dict[str, str]) -> None:
    """Put new results below the cases of a file."""
    blocks = re.split(r"^=== ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for number, block in enumerate(blocks[1:], 1):
        name, _, rest = block.partition("\n")
        if name.strip() in results:
            text = rest.partition("\n>>>\n")[0].rstrip("\n").removesuffix("\n>>>")
            blocks[number] = f"{name}\n{text}\n>>>\n{results[name.strip()]}\n\n"
    file.write_text("=== ".join(blocks).rstrip("\n") + "\n", encoding="utf-8")


def place(case: Case, folder: Path) -> Path:
    """Write the files of a case; the path of its pipeline. A name that ends with a slash is a folder."""
    for name, text in case.files.items():
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "pipeline.yml"


def said(bag: Bag) -> str:
    return "\n".join(_diagnostic(found) for found in bag.sorted()) or "nothing"


def _diagnostic(found: Diagnostic) -> str:
    lines = [f"{_at(found.primary)} {found.code} {found.message}"]
    lines += [f"    help: {found.help}"] if found.help else []
    lines += [f"    note: {note}" for note in found.notes]
    lines += [f"    also {_at(label.span)} {label.text}" for label in found.secondary]
    return "\n".join(lines)


def _at(span: Span | None) -> str:
    if span is None:
        return "nowhere"
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(span.end)
    return f"{span.source.name}:{line}:{column}-{end_line}:{end_column}"


def rest_body() -> ModuleType:
    """The tool that prints what azure-ai-ml makes of a job file; skips the test where it is not."""
    pytest.importorskip("azure.ai.ml")
    path = SHARED / "tools" / "rest_body.py"
    if not path.is_file():
        pytest.skip("the tools that compare with azure-ai-ml are not beside the project")
    spec = importlib.util.spec_from_file_location("rest_body", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
