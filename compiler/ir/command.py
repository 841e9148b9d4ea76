"""What a command line says: its bindings, its optional parts, and which quotes each binding stands in.

    python train.py --data '${{inputs.data}}' $[[--lr ${{inputs.lr}}]]

is text, a use of ``inputs.data`` in single quotes, text, and an optional part that holds a use of ``inputs.lr``.
The checks, the writers and the local runner all read commands through this one parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, TypeAlias

# What can change how a binding is read: our own marks, quotes, `$(…)` and backticks, comments. A `(` of its own counts
# inside `$(` only for the `)` that it takes.
_MARK = re.compile(r"\$\{\{|\$\[\[|\]\]|\\|'|\"|\$?\(|\)|`|(?<![^\s;&|()])#")


class Text(NamedTuple):
    """Words for the shell, as they are."""

    text: str
    start: int


class Use(NamedTuple):
    """``${{ root.name }}``. ``quote`` is the quote it stands in: ``'``, ``"`` or empty.

    ``root`` is empty when the inside is no dotted name; ``inner`` is the inside as written.
    Offsets count from the start of the command.
    """

    root: str
    name: str
    inner: str
    start: int
    end: int
    quote: str


class Optional(NamedTuple):
    """``$[[ … ]]``: vanishes when an input inside it has no value."""

    parts: tuple[Text | Use, ...]
    start: int
    end: int
    closed: bool = True


Part: TypeAlias = "Text | Use | Optional"


@lru_cache(maxsize=1024)  # every check and every writer asks for the same commands
def parse(command: str) -> tuple[Part, ...]:
    """The parts of a command, in order. Never fails: what is malformed shows in the parts."""
    parts: list[Part] = []
    inner: list[Text | Use] | None = None
    optional_at = text_from = position = 0
    shell = _Quotes()

    def flush(until: int) -> None:
        if until > text_from:
            (parts if inner is None else inner).append(Text(command[text_from:until], text_from))

    while (mark := _MARK.search(command, position)) is not None:
        token, at = mark.group(), mark.start()
        position = mark.end()
        if token == "${{":
            end = command.find("}}", position)
            if end < 0:
                break
            flush(at)
            (parts if inner is None else inner).append(_use(command, at, end + 2, shell.quote))
            position = text_from = end + 2
        elif token == "$[[" and inner is None:
            flush(at)
            inner, optional_at, text_from = [], at, position
        elif token == "]]" and inner is not None:
            flush(at)
            parts.append(Optional(tuple(inner), optional_at, position))
            inner, text_from = None, position
        elif token == "#" and not shell.quote:
            end = command.find("\n", position)
            position = len(command) if end < 0 else end
        elif token == "\\" and shell.quote != "'":
            position += 1
        else:
            shell.meet(token)
    flush(len(command))
    if inner is not None:
        parts.append(Optional(tuple(inner), optional_at, len(command), closed=False))
    return tuple(parts)


class _Quotes:
    """Which quotes the shell is in, as its marks go by; a substitution begins anew inside whatever is round it."""

    __slots__ = ("around", "quote")

    def __init__(self) -> None:
        self.quote = ""
        self.around: list[tuple[str, str]] = []  # what opened each substitution, and the quote that it stands in

    def meet(self, token: str) -> None:
        if token in ("'", '"') and self.quote in ("", token):
            self.quote = "" if self.quote else token
        elif self.quote == "'":
            return
        elif self.around and not self.quote and (self.around[-1][0], token) in (("(", ")"), ("`", "`")):
            self.quote = self.around.pop()[1]
        elif token in ("$(", "`") or (token == "(" and self.around and not self.quote):
            self.around.append((token[-1], self.quote))
            self.quote = ""


def uses(parts: tuple[Part, ...]) -> Iterator[tuple[Use, Optional | None]]:
    """Every binding with the optional part that it stands in."""
    for part in parts:
        if isinstance(part, Use):
            yield part, None
        elif isinstance(part, Optional):
            for piece in part.parts:
                if isinstance(piece, Use):
                    yield piece, part


_DOTTED = re.compile(r"\s*([A-Za-z_]\w*)\.([A-Za-z_][\w.\-]*(?:\[[^\]]*\])?[\w.\-]*)\s*")


def _use(command: str, start: int, end: int, quote: str) -> Use:
    inner = command[start + 3 : end - 2]
    match = _DOTTED.fullmatch(inner)
    root, name = match.groups() if match else ("", "")
    return Use(root, name, inner, start, end, quote)
