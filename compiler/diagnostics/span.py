"""Where something stands: a source file and a stretch of its characters.

Offsets count code points from 0, as Python strings and libyaml do; lines and columns count from 1,
as editors do. Lines end at ``\\n``, ``\\r\\n`` or ``\\r`` only: libyaml also breaks at U+0085 and its kin,
editors do not, so line numbers are never taken from libyaml.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple


class SourceFile:
    """One text that was read, with the table that turns offsets into lines.

    ``path`` is absolute; ``name`` is what a person typed or would type to reach it.
    """

    __slots__ = ("_masked", "_starts", "name", "path", "text")

    def __init__(self, path: str, text: str, name: str | None = None) -> None:
        self.path = path
        self.text = text
        self.name = name or path
        self._starts: list[int] | None = None
        self._masked: list[tuple[int, int]] = []

    def __repr__(self) -> str:
        return f"SourceFile({self.name!r})"

    def _lines(self) -> list[int]:
        if self._starts is None:
            text, starts, at = self.text, [0], 0
            if "\r" not in text:
                while (at := text.find("\n", at) + 1) > 0:
                    starts.append(at)
            else:
                for offset, char in enumerate(text):
                    if char == "\n" or (char == "\r" and text[offset + 1 : offset + 2] != "\n"):
                        starts.append(offset + 1)
            self._starts = starts
        return self._starts

    def position(self, offset: int) -> tuple[int, int]:
        """1-based line and column of an offset."""
        starts = self._lines()
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a 1-based line, without its line break, masked characters as asterisks."""
        starts = self._lines()
        if not 1 <= number <= len(starts):
            return ""
        end = starts[number] if number < len(starts) else len(self.text)
        begin, text = starts[number - 1], self.text[starts[number - 1] : end]
        for start, stop in self._masked:
            if start < end and stop > begin:
                left, right = max(start - begin, 0), min(stop, end) - begin
                text = text[:left] + "*" * (right - left) + text[right:]
        return text.rstrip("\r\n")

    def mask(self, start: int, end: int) -> None:
        """Never show these characters again: they are a secret."""
        self._masked.append((start, end))


class Span(NamedTuple):
    """Characters ``start`` to ``end`` (exclusive) of a source file."""

    source: SourceFile
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]
