"""A YAML text as PyYAML sees it, with the place of everything: what the mutations are made on.

The compiler has its own reader; this one shares nothing with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same marks, thirty times faster


@dataclass(slots=True)
class Node:
    """A stretch of the text. ``kind``: scalar, map, list or alias. ``pairs``: keys (None in lists) and values."""

    kind: str
    start: int
    end: int
    value: str = ""
    style: str = ""
    flow: bool = False
    pairs: list[tuple[Node | None, Node]] = field(default_factory=list)

    def get(self, key: str) -> Node | None:
        return next((value for name, value in self.pairs if name is not None and name.value == key), None)


@dataclass(slots=True)
class Spot:
    """One ``key: value``: the path of the mapping, and the key of that mapping."""

    path: str
    key: Node
    value: Node
    inside: Node
    above: Node | None


def tree(text: str) -> Node | None:
    """The one document of a text; None when it is empty, or no YAML."""
    try:
        events = yaml.parse(text, LOADER)
        for event in events:
            if isinstance(event, yaml.NodeEvent):
                return _node(event, events, text)
    except yaml.YAMLError:
        pass
    return None


def _node(event: yaml.NodeEvent, events: Iterator[yaml.Event], text: str) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, yaml.AliasEvent):
        return Node("alias", start, end)
    if isinstance(event, yaml.ScalarEvent):
        end = start + len(text[start:end].rstrip()) if event.style in ("|", ">") else end
        return Node("scalar", start, end, event.value, event.style or "")
    mapping = isinstance(event, yaml.MappingStartEvent)
    node = Node("map" if mapping else "list", start, end, flow=bool(event.flow_style))
    key: Node | None = None
    for inner in events:
        if isinstance(inner, yaml.CollectionEndEvent):
            node.end = inner.end_mark.index if node.flow else max([node.end, *(value.end for _, value in node.pairs)])
            return node
        found = _node(inner, events, text)
        if mapping and key is None:
            key = found
        else:
            node.pairs.append((key, found))
            key = None
    raise AssertionError("PyYAML ends every collection")


def spots(root: Node | None) -> Iterator[Spot]:
    """Every ``key: value`` of a document, outermost first."""
    pending: list[tuple[str, Node, Node | None]] = [("", root, None)] if root is not None else []
    while pending:
        path, node, above = pending.pop(0)
        for key, value in node.pairs:
            if key is not None and key.kind == "scalar" and key.value != "<<":
                yield Spot(path, key, value, node, above)
                pending.append((f"{path}/{key.value}".lstrip("/"), value, key))
            elif key is None:
                pending.append((f"{path}/[]", value, above))


def line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def parses(text: str) -> bool:
    """Whether a text is still YAML."""
    try:
        for _ in yaml.parse(text, LOADER):
            pass
    except yaml.YAMLError:
        return False
    return True


def cut(text: str, spot: Spot) -> tuple[int, int] | None:
    """The stretch that takes a key and its value out of a block or flow mapping; None where that is not plain."""
    at = next(at for at, (key, _) in enumerate(spot.inside.pairs) if key is spot.key)
    following = spot.inside.pairs[at + 1][0] if at + 1 < len(spot.inside.pairs) else None
    if spot.inside.flow:
        if following is not None:
            return spot.key.start, following.start
        before = spot.inside.pairs[at - 1][1]
        return before.end, spot.value.end
    begin = text.rfind("\n", 0, spot.key.start) + 1
    end = text.find("\n", spot.value.end)
    if text[begin : spot.key.start].strip() or end < 0 or text[spot.value.end : end].strip():
        return None
    return begin, end + 1


def every(node: Node) -> Iterator[Node]:
    pending = [node]
    while pending:
        one = pending.pop()
        yield one
        for key, value in one.pairs:
            pending += [value] if key is None else [key, value]


def column(text: str, at: int) -> int:
    return at - (text.rfind("\n", 0, at) + 1)
