"""Cases as text: an input, `>>>`, and what must come of it. `pytest --update` rewrites the second part.

    === a key twice
    a: 1
    a: 2
    >>>
    = {"a": 1}
    2:1-2:2 P0102 the key `a` stands twice
        help: remove one of them, or give it another name
        also 1:1-1:2 first here

⟨9⟩ in an input is the character U+0009, for what an editor would not show. An output opens with the tree as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

from compiler.diagnostics.model import Bag, Diagnostic
from compiler.diagnostics.span import SourceFile, Span
from compiler.source.reader import Dialect, read
from compiler.source.tree import Node, plain_value

CASES = Path(__file__).parent / "cases"
Reader: TypeAlias = "Callable[[str], tuple[Node | None, Bag]]"


class Case(NamedTuple):
    name: str
    text: str
    expected: str


def cases(file: str) -> Iterator[Case]:
    for block in re.split(r"^=== ", (CASES / file).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name, _, rest = block.partition("\n")
        text, _, expected = rest.partition(">>>\n")
        text = re.sub("⟨([0-9A-F]+)⟩", lambda match: chr(int(match[1], 16)), text)
        yield Case(name, text, expected.strip("\n"))


def rewrite(file: str, reader: Reader) -> None:
    path = CASES / file
    blocks = re.split(r"^=== ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    parts = [blocks[0]]
    for block, case in zip(blocks[1:], cases(file), strict=True):
        parts.append(f"=== {block.partition('>>>')[0]}>>>\n{outcome(*reader(case.text))}\n\n")
    path.write_text("".join(parts).rstrip() + "\n", encoding="utf-8")


def source(text: str) -> SourceFile:
    return SourceFile("/case.yml", text, "case.yml")


def read_text(text: str, dialect: Dialect = Dialect.CORE) -> tuple[Node | None, Bag]:
    bag = Bag()
    return read(source(text), bag, dialect), bag


def outcome(node: Node | None, bag: Bag) -> str:
    tree = "nothing" if node is None else json.dumps(plain_value(node), ensure_ascii=False)
    return "\n".join([f"= {tree}", *(line for diagnostic in bag for line in _lines(diagnostic))])


def _lines(diagnostic: Diagnostic) -> Iterator[str]:
    yield f"{_range(diagnostic.primary)} {diagnostic.code} {diagnostic.message}"
    if diagnostic.help:
        yield f"    help: {diagnostic.help}"
    for label in diagnostic.secondary:
        yield f"    also {_range(label.span)} {label.text}"
    if diagnostic.fix:
        for edit in diagnostic.fix.edits:
            yield f"    {'safe' if diagnostic.fix.safe else 'unsafe'} fix {_range(edit.span)} {edit.text!r}"


def _range(span: Span | None) -> str:
    if span is None:
        return "-"
    (line, column), (end_line, end_column) = (span.source.position(at) for at in (span.start, span.end))
    return f"{line}:{column}-{end_line}:{end_column}"
