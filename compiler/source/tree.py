"""The located tree: what a YAML text says, and where it says it.

Three node classes, each with the span of its value. A mapping keeps the span of every key beside the value,
so that an error can point at the key, the value, or both. Nodes are made by the reader, and by passes that
rewrite values; a pass never changes a node in place, it makes another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from compiler.diagnostics.span import SourceFile, Span

ScalarValue: TypeAlias = "str | int | float | bool | None"


class Scalar:
    """A leaf. ``value`` has its YAML type; ``text`` is what was written, unquoted and unescaped.

    ``plain`` says that it was written without quotes. ``defined`` is where the value came from when it
    was put in by an expression: the span is then the place of use, ``defined`` the place of definition.
    """

    __slots__ = ("defined", "end", "plain", "source", "start", "text", "value")

    def __init__(
        self,
        source: SourceFile,
        start: int,
        end: int,
        value: ScalarValue,
        text: str,
        plain: bool = True,
        defined: Span | None = None,
    ) -> None:
        self.source = source
        self.start = start
        self.end = end
        self.value = value
        self.text = text
        self.plain = plain
        self.defined = defined

    @property
    def span(self) -> Span:
        return Span(self.source, self.start, self.end)

    def __repr__(self) -> str:
        return f"Scalar({self.value!r})"


class Entry:
    """One ``key: value`` of a mapping. ``value`` is never None: a missing value is a null scalar."""

    __slots__ = ("key", "key_end", "key_start", "source", "value")

    def __init__(self, source: SourceFile, key: str, key_start: int, key_end: int, value: Node) -> None:
        self.source = source
        self.key = key
        self.key_start = key_start
        self.key_end = key_end
        self.value = value

    @property
    def key_span(self) -> Span:
        return Span(self.source, self.key_start, self.key_end)

    def __repr__(self) -> str:
        return f"Entry({self.key!r}: {self.value!r})"


class Mapping:
    """Keys, which are strings, to entries, in the order of the text."""

    __slots__ = ("end", "entries", "source", "start")

    def __init__(self, source: SourceFile, start: int, end: int, entries: dict[str, Entry]) -> None:
        self.source = source
        self.start = start
        self.end = end
        self.entries = entries

    @property
    def span(self) -> Span:
        return Span(self.source, self.start, self.end)

    def get(self, key: str) -> Node | None:
        entry = self.entries.get(key)
        return None if entry is None else entry.value

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def __repr__(self) -> str:
        return f"Mapping({list(self.entries)!r})"


class Sequence:
    """Items in order."""

    __slots__ = ("end", "items", "source", "start")

    def __init__(self, source: SourceFile, start: int, end: int, items: list[Node]) -> None:
        self.source = source
        self.start = start
        self.end = end
        self.items = items

    @property
    def span(self) -> Span:
        return Span(self.source, self.start, self.end)

    def __repr__(self) -> str:
        return f"Sequence({self.items!r})"


Node: TypeAlias = "Scalar | Mapping | Sequence"


def plain_value(node: Node) -> object:
    """The node as dicts, lists and scalars, without places."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Mapping):
        return {entry.key: plain_value(entry.value) for entry in node}
    return [plain_value(item) for item in node.items]


def describe(node: Node) -> str:
    """How a message names what was found: ``a list``, ``the number 3``."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    value = node.value
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean `{'true' if value else 'false'}`"
    if isinstance(value, (int, float)):
        return f"the number `{node.text}`"
    shown = node.text if len(node.text) <= 40 else node.text[:37] + "..."
    return f"the text `{shown}`"
