"""The one writer of YAML: text that YAML 1.1 and 1.2 readers agree on, the same to the byte everywhere.

    {"lr": 1e-05, "tag": "1e3", "run": "a\\nb\\n"}      ->      lr: 1.0e-05
                                                             tag: "1e3"
                                                             run: |
                                                               a
                                                               b

Block style, keys in the order given, no aliases, no folded lines. Text that either reader could take for something
else is quoted, keys too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from compiler.source.scalars import ambiguous, plain_number

Value: TypeAlias = "str | int | float | bool | None | Mapping[str, Value] | Sequence[Value]"

# What may begin plain text without a second thought; everything else is quoted.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_$./(][^\x00-\x1f\x7f-\x9f\u00ad\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]*")
_UNSAFE: Final = re.compile(r": |:$| #|\s$")
_LITERAL: Final = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]+")
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}
_NEEDS_ESCAPE: Final = re.compile(r'[\x00-\x1f"\\\x7f-\x9f\u00ad\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]')


def to_yaml(value: Mapping[str, Value], comment: str = "") -> str:
    """A document, with each line of ``comment`` in front of it."""
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    if value:
        _mapping(value, "", lines)
    else:
        lines.append("{}")
    return "\n".join(lines) + "\n"


def _mapping(value: Mapping[str, Value], indent: str, lines: list[str]) -> None:
    for key, item in value.items():
        _entry(f"{indent}{_word(key)}:", item, indent, lines)


def _sequence(value: Sequence[Value], indent: str, lines: list[str]) -> None:
    for item in value:
        if isinstance(item, (Mapping, Sequence)) and not isinstance(item, str) and item:
            first = len(lines)
            _block(item, indent + "  ", lines)
            lines[first] = f"{indent}- {lines[first][len(indent) + 2 :]}"
        else:
            _entry(f"{indent}-", item, indent, lines)


def _entry(head: str, item: Value, indent: str, lines: list[str]) -> None:
    """What follows ``key:`` or ``-``, on the same line or below it."""
    if isinstance(item, str):
        if "\n" in item and _fits_block(item):
            _literal(head, item, indent, lines)
        else:
            lines.append(f"{head} {_word(item)}")
    elif isinstance(item, (Mapping, Sequence)):
        if item:
            lines.append(head)
            _block(item, indent + "  ", lines)
        else:
            lines.append(f"{head} {'{}' if isinstance(item, Mapping) else '[]'}")
    elif item is None:
        lines.append(f"{head} null")
    elif isinstance(item, bool):
        lines.append(f"{head} {'true' if item else 'false'}")
    else:
        lines.append(f"{head} {plain_number(item)}")


def _block(value: Mapping[str, Value] | Sequence[Value], indent: str, lines: list[str]) -> None:
    if isinstance(value, Mapping):
        _mapping(value, indent, lines)
    else:
        _sequence(value, indent, lines)


def _fits_block(text: str) -> bool:
    """Whether text of several lines can stand below a ``|`` and be read back: no odd start, nothing unprintable."""
    return text[0] not in " \n" and _LITERAL.fullmatch(text) is not None


def _literal(head: str, text: str, indent: str, lines: list[str]) -> None:
    body = text.rstrip("\n")
    newlines = len(text) - len(body)
    lines.append(f"{head} |{'-' if newlines == 0 else '' if newlines == 1 else '+'}")
    lines.extend(f"{indent}  {line}" if line else "" for line in body.split("\n"))
    lines.extend([""] * (newlines - 1))


@lru_cache(maxsize=16384)
def _word(text: str) -> str:
    """Text on one line, quoted where it has to be."""
    if _PLAIN.fullmatch(text) and not _UNSAFE.search(text) and not ambiguous(text):
        return text
    if not _NEEDS_ESCAPE.search(text):
        return f'"{text}"'
    if "\\" in text or '"' in text:
        plain = text.replace("\\", "").replace('"', "")
        if not _NEEDS_ESCAPE.search(plain):
            return "'" + text.replace("'", "''") + "'"
    return '"' + _NEEDS_ESCAPE.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
