"""The two ways to read a plain scalar, and what there is to say where they differ.

A spec is YAML 1.2 core; Azure's files are what Azure's loader makes of them. The scalars that look like
something else than text come here; each distinct one is settled once per file.
"""

from __future__ import annotations

from enum import Enum

from compiler.diagnostics.model import Bag
from compiler.diagnostics.span import SourceFile, Span
from compiler.source.scalars import (
    OLD_BOOLEANS,
    AzureKind,
    has_leading_zero,
    plain_number,
    read_azure,
    resolve_core,
    same,
)
from compiler.source.tree import ScalarValue


class Dialect(Enum):
    """How a file is read: ``CORE`` as YAML 1.2 (specs), ``AZURE`` as PyYAML's safe loader does (YAML 1.1)."""

    CORE = "core"
    AZURE = "azure"


class Resolver:
    """Values of doubtful plain scalars, with a report wherever a reading may surprise."""

    __slots__ = ("_bag", "_clean", "_source", "azure")

    def __init__(self, source: SourceFile, bag: Bag, dialect: Dialect) -> None:
        self._source = source
        self._bag = bag
        self._clean: dict[str, ScalarValue] = {}
        self.azure = dialect is Dialect.AZURE

    def value(self, text: str, start: int, end: int) -> ScalarValue:
        """The value of the plain scalar ``text`` at ``start``; whatever is wrong with it is reported there."""
        clean = self._clean
        if text in clean:
            return clean[text]
        return self._azure(text, start, end) if self.azure else self._core(text, start, end)

    def key(self, text: str, start: int, end: int) -> str:
        """A plain key: the text as written, in Azure's files the value that Azure sees, as text."""
        return str(self.value(text, start, end)) if self.azure else text

    def quiet(self, text: str) -> ScalarValue:
        """The value without a report, for a scalar that its tag settles."""
        return read_azure(text)[0] if self.azure else resolve_core(text)

    def _core(self, text: str, start: int, end: int) -> ScalarValue:
        value = resolve_core(text)
        if text in OLD_BOOLEANS:
            help = f"write `{'true' if OLD_BOOLEANS[text] else 'false'}`, or quote it"
            self._bag.add("P0120", f"`{text}` is text here, not a boolean", Span(self._source, start, end), help=help)
        elif isinstance(value, int) and has_leading_zero(text):
            # Octal numbers have no sign in YAML 1.2, and 0 is 0 in any base.
            octal = f" or `0o{text.lstrip('0')}`" if value > 0 and not set(text) & set("89+") else ""
            help = f"write `{value}`{octal}, or quote it"
            self._bag.add("P0111", f"`{text}` begins with a zero", Span(self._source, start, end), help=help)
        else:
            self._clean[text] = value
        return value

    def _azure(self, text: str, start: int, end: int) -> ScalarValue:
        value, kind = read_azure(text)
        core = resolve_core(text)
        if kind is AzureKind.VALUE and same(value, core):
            self._clean[text] = value
            return value
        span = Span(self._source, start, end)
        if kind is AzureKind.REFUSED:
            self._bag.add("P0101", f"Azure's loader cannot read `{text}`", span, help="quote it")
            return value
        if kind is AzureKind.DATE:
            shown, help = "a date", "quote it"
        elif isinstance(value, str):
            shown, help = "text", f"write `{_both(core)}`, or quote it"
        else:
            shown, help = f"`{value}`", f"write `{_both(value)}`, or quote it"
        self._bag.add("P0123", f"`{text}` is {shown} to Azure's loader", span, help=help)
        return value


def _both(value: ScalarValue) -> str:
    """A value as text that both dialects read alike."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain_number(value) if isinstance(value, (int, float)) else str(value)
