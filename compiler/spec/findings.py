"""What jsonschema found in a tree, and the places and words to tell it with: shared by ``explain`` and its parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from compiler.diagnostics.model import Bag, Label
from compiler.diagnostics.span import Span
from compiler.source.tree import Mapping, Node, Scalar, describe

Path: TypeAlias = "tuple[str | int, ...]"
Schema: TypeAlias = "dict[str, Any]"

_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
}


class Findings:
    """jsonschema's errors by the path of the node that they are about, and what has been said of them so far.

    ``poisoned`` is what ``shape.check`` returns. Nothing is said about what stands at or below a settled path.
    """

    def __init__(self, document: Schema, tree: Mapping, errors: Iterable[Any], bag: Bag) -> None:
        self.document = document
        self.tree = tree
        self.bag = bag
        self.poisoned: set[tuple[str, ...]] = set()
        self.errors: dict[Path, list[Any]] = {}
        for error in errors:
            self.errors.setdefault(tuple(error.absolute_path), []).append(error)
        self._settled: set[Path] = set()

    def node(self, path: Path) -> Node:
        """The node at a path."""
        return self._find(path)[0]

    def place(self, path: Path) -> Span:
        """The smallest place that shows the value at a path.

        A value on the line of its key shows itself; of what is empty or takes more lines the key shows more.
        """
        node, key = self._find(path)
        span = node.span
        if key is None or (span.end > span.start and (isinstance(node, Scalar) or key.line == _last_line(span))):
            return span
        return key

    def name_place(self, path: Path) -> Span:
        """The key that a mapping stands under; of a list's item, and of the file, its first key."""
        node, key = self._find(path)
        if key is None and isinstance(node, Mapping) and node.entries:
            return next(iter(node)).key_span
        return key or node.span

    def poison(self, path: Path) -> None:
        """Later passes must say nothing about the entry of a section that holds a path; of a step, about the key."""
        section = self.document["properties"].get(path[0], {}) if path else {}
        if path:
            depth = 3 if path[0] == "steps" else 2 if "propertyNames" in section else 1
            self.poisoned.add(tuple(map(str, path[:depth])))

    def settle(self, path: Path) -> None:
        """What stands at a path, or below it, follows from a fault that was told."""
        self._settled.add(path)

    def is_settled(self, path: Path) -> bool:
        return any(path[:length] in self._settled for length in range(len(path) + 1))

    def _find(self, path: Path) -> tuple[Node, Span | None]:
        node: Node = self.tree
        key: Span | None = None
        for step in path:
            if isinstance(node, Mapping):
                entry = node.entries[str(step)]
                node, key = entry.value, entry.key_span
            elif not isinstance(node, Scalar):
                node, key = node.items[int(step)], None
        return node, key


def about_names(error: Any) -> bool:
    """Whether an error is about a key itself, not about what stands under it."""
    route = error.absolute_schema_path
    return len(route) > 1 and route[-2] == "propertyNames"


def kinds(schema: Schema) -> list[str]:
    """The JSON types that are really meant: not null, nor a text that only an expression may be."""
    named = schema.get("type", ["string"])
    stand_in = "pattern" in schema and "x-expected" not in schema
    names = [named] if isinstance(named, str) else named
    return [kind for kind in names if kind != "null" and not (stand_in and kind == "string")]


def words(schema: Schema) -> list[str]:
    """The words that may stand where the schema has an ``enum``, alone or beside an expression."""
    return next((list(part["enum"]) for part in (schema, *schema.get("anyOf", ())) if "enum" in part), [])


def expected(schema: Schema) -> str:
    choice = words(schema)
    return f"one of {listed(choice)}" if choice else _join([_KINDS[kind] for kind in kinds(schema)], "or")


def found(node: Node) -> str:
    if isinstance(node, Scalar) and node.value == "":
        return "an empty text"
    return _line(describe(node))


def owner(path: Path) -> str:
    """How a message names what stands at a path."""
    if not path:
        return "the spec"
    last = path[-1]
    return quoted(last) if isinstance(last, str) else f"item {last + 1} of {owner(path[:-1])}"


def origin(node: Node) -> list[Label]:
    """Where a value that an expression put here was defined."""
    if isinstance(node, Scalar) and node.defined is not None:
        return [Label(node.defined, "the value comes from here")]
    return []


def quoted(word: str) -> str:
    return f"`{_line(word)}`"


def listed(names: Iterable[str], last: str = ",") -> str:
    """Names for a message: ``a``, ``b`` and ``c``, where ``last`` is the word before the last."""
    return _join([quoted(name) for name in names], last)


def _join(parts: list[str], last: str) -> str:
    if len(parts) < 2 or last == ",":
        return ", ".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def _line(text: str) -> str:
    """A text fit to stand in a message: one line, not too long."""
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def _last_line(span: Span) -> int:
    return span.source.position(span.end)[0]
