"""Anchors, aliases and merge keys of one file.

    x-defaults: &base {compute: cpu}
    train:
      <<: *base            train: {compute: cpu, code: src}; the span of `compute` stays in the first line
      code: src

An alias costs nothing to read and everything to walk, so what aliases expand to is counted before it is built:
nine lines of nine aliases each are half a billion nodes.
"""

from __future__ import annotations

from compiler.diagnostics.model import Bag, Label
from compiler.diagnostics.span import SourceFile, Span
from compiler.diagnostics.suggest import closest
from compiler.source.tree import Entry, Mapping, Node, Scalar, Sequence

MOST_ALIASED = 100_000


class TooMuch(Exception):
    """Aliases expand to more nodes than any pass could walk."""


class Anchor:
    """``node`` is None while the anchored node is still being read; ``size`` is the nodes that it expands to."""

    __slots__ = ("node", "size", "span", "used")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.node: Node | None = None
        self.size = 1
        self.used = False

    def close(self, node: Node) -> None:
        """The anchored node is complete."""
        self.node = node
        self.size = _size(node)


class Anchors:
    """Everything that ``&name`` and ``*name`` mean while one file is read."""

    __slots__ = ("_all", "_bag", "_expanded", "_named", "_source", "failed")

    def __init__(self, source: SourceFile, bag: Bag) -> None:
        self._source = source
        self._bag = bag
        self._named: dict[str, Anchor] = {}
        self._all: list[Anchor] = []
        self._expanded = 0
        self.failed = False

    def define(self, name: str, start: int, end: int) -> Anchor:
        """``&name``. A later anchor of the same name takes its place, as YAML has it."""
        anchor = self._named[name] = Anchor(Span(self._source, start, end))
        self._all.append(anchor)
        return anchor

    def use(self, name: str, start: int, end: int) -> Node:
        """What ``*name`` stands for, with the span of the alias. Raises TooMuch, which is already reported."""
        span = Span(self._source, start, end)
        anchor = self._named.get(name)
        if anchor is None or anchor.node is None:
            self._refuse(name, anchor, span)
            return Scalar(self._source, start, end, None, "")
        anchor.used = True
        self._expanded += anchor.size
        node = anchor.node
        if self._expanded > MOST_ALIASED:
            label = Label(anchor.span, "the anchor")
            message = f"aliases that expand to more than {MOST_ALIASED:,} values"
            self._bag.add("P0104", message, span, secondary=[label], help="write the values out, or use `foreach`")
            raise TooMuch
        if isinstance(node, Scalar):
            return Scalar(self._source, start, end, node.value, node.text, node.plain, node.defined or node.span)
        if isinstance(node, Mapping):
            return Mapping(self._source, start, end, node.entries)
        return Sequence(self._source, start, end, node.items)

    def _refuse(self, name: str, anchor: Anchor | None, span: Span) -> None:
        self.failed = True
        if anchor is not None:
            label = Label(anchor.span, "the anchor of the value around it")
            self._bag.add("P0106", f"the alias `*{name}` stands within its own anchor", span, secondary=[label])
            return
        guess = closest(name, self._named)
        help = f"did you mean `*{guess}`?" if guess else f"define it before: `&{name}`; a text needs quotes"
        self._bag.add("P0106", f"the alias `*{name}` has no anchor", span, help=help)

    def report_unused(self) -> None:
        """Warn of anchors without an alias; not where an alias failed, which may have meant any of them."""
        for anchor in self._all:
            if not anchor.used and not self.failed:
                name = anchor.span.text
                self._bag.add("P0121", f"nothing uses the anchor `{name}`", anchor.span, help="remove it")

    def merge(self, entries: dict[str, Entry], merge_key: str) -> dict[str, Entry]:
        """Entries with ``<<`` replaced by what it merges: explicit keys win, then the earlier of several sources."""
        merged: dict[str, Entry] = {}
        for key, entry in entries.items():
            if key != merge_key:
                merged[key] = entry
                continue
            for mapping in self._sources(entry):
                for inner in mapping:
                    if inner.key not in merged:
                        merged[inner.key] = inner
        return merged

    def _sources(self, entry: Entry) -> list[Mapping]:
        nodes = entry.value.items if isinstance(entry.value, Sequence) else [entry.value]
        mappings = [node for node in nodes if isinstance(node, Mapping)]
        if len(mappings) < len(nodes) and not self.failed:
            help = "write `<<: *name`, or `<<: [*one, *two]`"
            self._bag.add("P0203", "`<<` merges mappings only", entry.value.span, help=help)
            self.failed = True
        return mappings


def _size(node: Node) -> int:
    """The nodes below and including ``node``, shared ones counted wherever they stand."""
    count = 0
    waiting: list[Node] = [node]
    while waiting:
        node = waiting.pop()
        count += 1
        if isinstance(node, Mapping):
            waiting.extend(entry.value for entry in node)
        elif isinstance(node, Sequence):
            waiting.extend(node.items)
    return count
