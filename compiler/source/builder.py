"""libyaml's events become located nodes, in one loop without recursion.

PyYAML's own composer recurses in C and kills the interpreter on deeply nested brackets, loses the places of
aliases and never sees that a key stands twice. The loop is also what reading time consists of: common scalars
are settled inline by their first character, and whatever is rare (tags, anchors, merges) has its own method.
"""

from __future__ import annotations

import re
from typing import Any

from compiler.diagnostics.model import Bag, Edit, Fix, Label
from compiler.diagnostics.span import SourceFile, Span
from compiler.source.anchors import Anchor, Anchors, TooMuch
from compiler.source.dialects import Resolver
from compiler.source.events import open_events
from compiler.source.lexical import cut_ends, line_end, quoted, unbalanced
from compiler.source.scalars import DOUBTFUL_STARTS
from compiler.source.tree import Entry, Mapping, Node, Scalar, Sequence

MOST_DEPTH = 64

# A key that no file can hold, since NUL is refused: the entry is settled when its mapping ends.
_MERGE = "\0<<"

_PROPERTIES = re.compile(r"(?:[&!]\S*(?:\s+|$)(?:#[^\r\n]*\s*)*)+")
_TAG = re.compile(r"(?:&\S*\s+)?(!\S*)")
_ANCHOR = re.compile(r"(?:!\S*\s+)?(&\S*)")
_BLANKS = " \t\r\n\x85\u2028\u2029"
_STANDARD = "tag:yaml.org,2002:"


class TemplateFound(Exception):
    """A flow mapping that is an unquoted expression: where it begins, and what it stands in."""

    def __init__(self, start: int, flow: bool, key: bool) -> None:
        super().__init__(start)
        self.start = start
        self.flow = flow
        self.key = key


class _Frame:
    """A collection that is being read: ``entries`` of a mapping, or ``items`` of a list or of the document."""

    __slots__ = ("anchor", "depth", "end", "entries", "flow", "items", "key", "key_end", "key_start", "parent", "start")

    def __init__(self, parent: _Frame | None, start: int, mapping: bool, flow: bool, anchor: Anchor | None) -> None:
        self.parent = parent
        self.start = start
        self.end = start
        self.entries: dict[str, Entry] | None = {} if mapping else None
        self.items: list[Node] = []
        self.flow = flow
        self.anchor = anchor
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.key: str | None = None
        self.key_start = 0
        self.key_end = 0


class Builder:
    """Builds the tree of one text. ``masks`` are stretches that were quoted to be read: offset to meant text."""

    __slots__ = (
        "_anchors", "_bag", "_cuts", "_documents", "_failed", "_masks", "_merges", "_resolver", "_root", "_source",
        "_text",
    )  # fmt: skip

    def __init__(self, source: SourceFile, text: str, bag: Bag, resolver: Resolver, masks: dict[int, str]) -> None:
        self._source = source
        self._text = text
        self._bag = bag
        self._resolver = resolver
        self._masks = masks
        self._cuts = cut_ends(text)
        self._anchors = Anchors(source, bag)
        self._documents = 0
        self._merges = False
        self._root = _Frame(None, 0, mapping=False, flow=False, anchor=None)
        self._failed = False

    def build(self) -> Node | None:
        """The root; None when something was reported for which there is no sensible tree.

        Raises TemplateFound, and ``yaml.YAMLError`` where the text is no YAML.
        """
        from yaml.events import ScalarEvent

        next_event = open_events(self._text)
        source, resolve, cuts, masks = self._source, self._resolver.value, self._cuts, self._masks
        doubtful = DOUBTFUL_STARTS
        doubtful_keys = DOUBTFUL_STARTS if self._resolver.azure else frozenset(["", "<"])
        at: _Frame | None = self._root
        while at is not None:
            event = next_event()
            kind: Any = event.__class__
            if kind is not ScalarEvent:
                at = self._structure(event, at)
                continue
            text: str = event.value
            style = event.style
            if event.anchor is not None or event.tag is not None or masks:
                self._place(at, self._special(event))
                continue
            start, end = event.start_mark.index, event.end_mark.index
            entries, key = at.entries, at.key
            if key is None and entries is not None:
                at.key_start, at.key_end = start, end
                at.key = text if style or text[:1] not in doubtful_keys else self._key(text, start, end)
                continue
            if style:
                if style == "|" or style == ">":
                    end = self._block_end(start, end)
                node = Scalar(source, start, end, text, text, False)
            else:
                node = Scalar(source, start, end, resolve(text, start, end) if text[:1] in doubtful else text, text)
                if cuts and end in cuts:
                    self._cut(text, start, end)
            at.end = end
            if key is None:
                at.items.append(node)
                continue
            assert entries is not None
            if key in entries:
                self._twice(at, entries)
            else:
                entries[key] = Entry(source, key, at.key_start, at.key_end, node)
            at.key = None
        return self._finish()

    def _structure(self, event: Any, at: _Frame) -> _Frame | None:
        """Handle an event that is no scalar; the frame to go on with, None at the end."""
        from yaml import events

        kind = event.__class__
        if kind is events.MappingStartEvent or kind is events.SequenceStartEvent:
            return self._open(event, at, kind is events.MappingStartEvent)
        if kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
            return self._close(event, at)
        if kind is events.AliasEvent:
            try:
                node = self._anchors.use(event.anchor, event.start_mark.index, event.end_mark.index)
            except TooMuch:
                self._failed = True
                return None
            self._place(at, node)
        elif kind is events.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                start = event.start_mark.index
                end = max(event.end_mark.index, start + 1)
                self._report("P0108", "a second document", start, end, "one file holds one document")
                return None
        elif kind is events.StreamEndEvent:
            return None
        return at

    def _open(self, event: Any, at: _Frame, mapping: bool) -> _Frame | None:
        start = event.start_mark.index
        anchor = None
        if event.anchor is not None or event.tag is not None:
            tags = (_STANDARD + ("map" if mapping else "seq"), "!")
            if event.tag is not None and event.tag not in tags:
                self._refuse_tag(start)
            if event.anchor is not None:
                anchor = self._anchor(event.anchor, start)
            start = self._after_properties(start)
        if at.depth >= MOST_DEPTH:
            self._report("P0104", f"nested deeper than {MOST_DEPTH} levels", start, min(start + 1, len(self._text)))
            self._failed = True
            return None
        if mapping and event.flow_style and not self._resolver.azure and self._text.startswith("{{", start):
            raise TemplateFound(start, at.flow, at.key is None and at.entries is not None)
        return _Frame(at, start, mapping, event.flow_style, anchor)

    def _close(self, event: Any, at: _Frame) -> _Frame:
        end = at.end
        if at.flow:
            # A pair in a list, `[a: b]`, is a mapping that no bracket closes.
            mark = event.end_mark.index
            end = mark if self._text[mark - 1 : mark] in ("]", "}") else end
        node: Node
        if at.entries is None:
            node = Sequence(self._source, at.start, end, at.items)
        else:
            node = Mapping(self._source, at.start, end, at.entries)
            if at.flow:
                self._check_colons(at.entries)
            if self._merges and _MERGE in at.entries:
                node.entries = self._anchors.merge(at.entries, _MERGE)
        if at.anchor is not None:
            at.anchor.close(node)
        assert at.parent is not None
        self._place(at.parent, node)
        return at.parent

    def _place(self, at: _Frame, node: Node) -> None:
        """Put a node where the frame wants one: a key, a value, an item. What the loop does inline for scalars."""
        at.end = node.end
        if at.entries is None:
            at.items.append(node)
        elif at.key is None:
            at.key_start, at.key_end = node.start, node.end
            at.key = self._node_key(node)
        elif at.key in at.entries:
            self._twice(at, at.entries)
            at.key = None
        else:
            at.entries[at.key] = Entry(self._source, at.key, at.key_start, at.key_end, node)
            at.key = None

    def _node_key(self, node: Node) -> str:
        if isinstance(node, Scalar):
            return self._key(node.text, node.start, node.end) if node.plain else node.text
        kind = "a mapping" if isinstance(node, Mapping) else "a list"
        self._report("P0107", f"{kind} as a key", node.start, node.end, "keys are texts; put it into quotes")
        self._failed = True
        return f"\0{node.start}"

    def _key(self, text: str, start: int, end: int) -> str:
        """A plain key that may be more than its text: ``<<``, nothing, in Azure's files a number or boolean."""
        if text == "<<":
            self._merges = True
            return _MERGE
        if not text:
            end = min(start + 1, len(self._text))
            self._report("P0107", "a `:` without a key", start, end, "write the key before it")
            self._failed = True
        return self._resolver.key(text, start, end)

    def _twice(self, at: _Frame, entries: dict[str, Entry]) -> None:
        """A key stands twice: the first one counts, so that whatever uses it is still checked."""
        assert at.key is not None
        first = Label(entries[at.key].key_span, "first here")
        message = f"the key `{'<<' if at.key == _MERGE else at.key}` stands twice"
        help = "write `<<: [*one, *two]`" if at.key == _MERGE else "remove one of them, or give it another name"
        self._bag.add("P0102", message, Span(self._source, at.key_start, at.key_end), secondary=[first], help=help)

    def _check_colons(self, entries: dict[str, Entry]) -> None:
        """``{type:string}`` is a key `type:string` without a value to YAML, and a slip to everyone else."""
        for entry in entries.values():
            value = entry.value
            if isinstance(value, Scalar) and not value.text and ":" in entry.key and "//" not in entry.key:
                colon = self._text.find(":", entry.key_start, entry.key_end)
                if colon >= 0 and value.plain and ":" not in self._text[entry.key_end : value.start]:
                    name = self._text[entry.key_start : colon]
                    edits = (Edit(Span(self._source, colon, colon + 1), ": "),)
                    self._bag.add(
                        "P0101", f"no space after the colon of `{name}`", edits[0].span,
                        help=f"write `{name}: {self._text[colon + 1 : entry.key_end]}`",
                        fix=Fix("add a space", edits, safe=True),
                    )  # fmt: skip
                    self._failed = True

    def _special(self, event: Any) -> Scalar:
        """A scalar with an anchor or a tag, or any scalar of a text with masks."""
        text: str = event.value
        start, end = event.start_mark.index, event.end_mark.index
        style = event.style or ""
        if style == '"' and start in self._masks:
            text = self._masks[start]
            return Scalar(self._source, start, end, text, text)
        begin = start
        if event.anchor is not None or event.tag is not None:
            start = min(self._after_properties(start), end)
        if style in ("|", ">"):
            end = self._block_end(start, end)
        plain = not style and event.tag is None
        value = self._resolver.value(text, start, end) if plain else text
        node = Scalar(self._source, start, end, value, text, plain)
        if event.tag not in (None, "!", _STANDARD + "str"):
            self._tagged(event.tag, begin, node)
        if event.anchor is not None:
            self._anchor(event.anchor, begin).close(node)
        return node

    def _tagged(self, tag: str, begin: int, node: Scalar) -> None:
        """Give a scalar the type that its standard tag names; ``!!float 1`` is 1.0."""
        value = self._resolver.quiet(node.text)
        if tag == _STANDARD + "float" and type(value) is int:
            value = float(value)
        types = {"int": int, "float": float, "bool": bool, "null": type(None)}
        if types.get(tag.removeprefix(_STANDARD)) is not type(value):
            self._refuse_tag(begin)
        else:
            node.value = value

    def _refuse_tag(self, begin: int) -> None:
        match = _TAG.match(self._text, begin)
        start, end = match.span(1) if match else (begin, begin + 1)
        message = f"the tag `{self._text[start:end]}`"
        self._report("P0105", message, start, end, "remove it; a text that begins with `!` needs quotes")

    def _anchor(self, name: str, begin: int) -> Anchor:
        match = _ANCHOR.match(self._text, begin)
        start, end = match.span(1) if match else (begin, begin + 1)
        return self._anchors.define(name, start, end)

    def _after_properties(self, start: int) -> int:
        """Where a node begins behind its ``&anchor`` and ``!tag``."""
        match = _PROPERTIES.match(self._text, start)
        return match.end() if match else start

    def _block_end(self, start: int, end: int) -> int:
        """The end of the text of a ``|`` or ``>`` scalar: libyaml counts the blank lines after it too."""
        return start + len(self._text[start:end].rstrip(_BLANKS))

    def _cut(self, text: str, start: int, end: int) -> None:
        if unbalanced(text):
            mark = self._cuts[end]
            rest = line_end(self._text, mark)
            whole = quoted(self._text[start:rest].rstrip())
            self._report("P0124", f"a comment cuts the value `{text}`", mark, rest, f"if it is meant, write {whole}")

    def _report(self, code: str, message: str, start: int, end: int, help: str | None = None) -> None:
        self._bag.add(code, message, Span(self._source, start, end), help=help)

    def _finish(self) -> Node | None:
        root = self._root.items[0] if self._root.items else None
        if self._failed or self._anchors.failed:
            return None
        self._anchors.report_unused()
        if root is None or (isinstance(root, Scalar) and root.plain and root.start == root.end):
            self._report("P0109", "the file is empty", 0, 0)
            return None
        return root
