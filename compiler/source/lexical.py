"""Where things begin and end in YAML text that YAML itself cannot read: for messages and repairs only.

    args: [${{inputs.a}}, b]      the author meant one value, from `$` to the comma
    path: {{ params.x }}/raw  # c  the author meant one value, from `{` to before the comment

Offsets are code points of the text, as in spans.
"""

from __future__ import annotations

import re

_OPENERS = {"[": "]", "{": "}", "(": ")"}
_CLOSERS = frozenset("]})")
_BREAK = re.compile(r"[\r\n]")
_KEY_LINE = re.compile(r"(?:- +|[\w.$\"'-]+ *:(?=[ \t\r\n]|$))")


def line_start(text: str, at: int) -> int:
    """Offset of the first character of the line that ``at`` stands in."""
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def line_end(text: str, at: int) -> int:
    """Offset of the line break after ``at``, or of the end of the text."""
    match = _BREAK.search(text, at)
    return match.start() if match else len(text)


def content_start(text: str, at: int) -> int:
    """Offset of the first character of the line of ``at`` that is no space or tab."""
    start = line_start(text, at)
    while start < len(text) and text[start] in " \t":
        start += 1
    return start


def value_end(text: str, start: int, *, flow: bool, key: bool = False) -> int:
    """Where the one value ends that a person meant to begin at ``start``: at most the end of its line.

    A comment ends it, in flow style also a comma or a closing bracket, and a colon where it is a key;
    nothing inside ``{{ }}`` or ``$[[ ]]`` does.
    """
    limit = line_end(text, start)
    at = start
    while at < limit:
        char = text[at]
        if text.startswith(("{{", "$[["), at):
            inside = bracket_end(text, at + (char == "$"), limit)
            if inside < 0:
                break
            at = inside
            continue
        if char == "#" and at > start and text[at - 1] in " \t":
            break
        if flow and char in ",[]{}":
            break
        if (flow or key) and char == ":" and text[at + 1 : at + 2] in ("", " ", "\t", "\r", "\n"):
            break
        at += 1
    while at > start and text[at - 1] in " \t":
        at -= 1
    return at


def bracket_end(text: str, start: int, limit: int) -> int:
    """Offset after the bracket that closes the one at ``start``, skipping quoted text; -1 if there is none."""
    waiting: list[str] = []
    at = start
    while at < limit:
        char = text[at]
        if char in _OPENERS:
            waiting.append(_OPENERS[char])
        elif char in _CLOSERS:
            if not waiting or waiting.pop() != char:
                return -1
            if not waiting:
                return at + 1
        elif char in "'\"":
            at = text.find(char, at + 1, limit)
            if at < 0:
                return -1
        at += 1
    return -1


def flow_end(text: str, start: int) -> tuple[int, bool]:
    """Where the YAML bracket at ``start`` is closed: the offset of its closer, and whether it is the right one.

    (-1, False) when nothing closes it before the text ends or goes on with a key of an outer level.
    """
    waiting: list[str] = []
    begin = content_start(text, start)
    indent = begin - line_start(text, start) + (start != begin)
    at, before = start, ""
    while at < len(text):
        char = text[at]
        if char in "\r\n":
            inner = content_start(text, at + 1)
            if inner - line_start(text, at + 1) < indent and _KEY_LINE.match(text, inner):
                break
        elif char == "#" and text[at - 1 : at] in ("", " ", "\t", "\r", "\n"):
            at = line_end(text, at)
            continue
        elif char in "'\"" and before in ",[{:":
            at = text.find(char, at + 1)
            if at < 0:
                break
        elif char in "[{":
            waiting.append(_OPENERS[char])
        elif char in "]}":
            if waiting.pop() != char:
                return at, False
            if not waiting:
                return at, True
        before = before if char in " \t\r\n" else char
        at += 1
    return -1, False


def quoted(value: str) -> str:
    """A one-line text in YAML quotes, double ones where they need no escapes."""
    if '"' in value or "\\" in value:
        return "'" + value.replace("'", "''") + "'"
    return f'"{value}"'


def masked(value: str) -> str:
    """A quoted YAML scalar of the same length as ``value``, to parse in its place."""
    return '"' + re.sub(r'[\\"]', "_", value[1:-1]) + '"'


def unbalanced(value: str) -> bool:
    """Whether a plain value opens a quote or a bracket and never closes it. The apostrophe in ``don't`` is none."""
    depth = 0
    quote = ""
    before = " "
    for char in value:
        if quote:
            if char == quote:
                quote = ""
        elif char in "'\"":
            if not before.isalnum():
                quote = char
        elif char in _OPENERS:
            depth += 1
        elif char in _CLOSERS:
            depth -= 1
        before = char
    return bool(quote) or depth > 0


def cut_ends(text: str) -> dict[int, int]:
    """Ends of values that a comment may cut, each with the offset of its ``#``: lines with an open quote or bracket."""
    found: dict[int, int] = {}
    for mark in (" #", "\t#"):
        at = text.find(mark)
        while at >= 0:
            start = line_start(text, at)
            before = text[start:at].rstrip(" \t")
            if before and any(char in before for char in "'\"([{") and unbalanced(before):
                found[start + len(before)] = at + 1
            at = text.find(mark, at + 1)
    return found
