"""The one record of everything amlc has to say about an input, and the bag that collects it.

A diagnostic holds facts only; every format is made of them under ``report/``. The message stands alone
in one line and names the fault; the remedy is in ``help``; a ``Fix`` is text that a tool can apply.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from compiler.diagnostics.codes import CODES, Severity
from compiler.diagnostics.span import Span

# A fault that repeats (one misspelt key in a thousand steps) is shown this often per file, then counted.
MOST_PER_CODE = 20


class Label(NamedTuple):
    """A second place that explains the first: "defined here"."""

    span: Span
    text: str


class Edit(NamedTuple):
    """Replace the characters of ``span`` by ``text``."""

    span: Span
    text: str


class Fix(NamedTuple):
    """Edits that cure the fault; ``safe`` when they cannot change what the author meant."""

    title: str
    edits: tuple[Edit, ...]
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault or remark. ``primary`` is None only when no file is to blame (a bad ``--set``)."""

    code: str
    message: str
    primary: Span | None
    severity: Severity
    secondary: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    fix: Fix | None = None

    def sort_key(self) -> tuple[str, int, int, str, str]:
        if self.primary is None:
            return ("", -1, -1, self.code, self.message)
        return (self.primary.source.path, self.primary.start, self.primary.end, self.code, self.message)


class Bag:
    """Collects diagnostics while passes run; each is kept once, however often it is found."""

    def __init__(self) -> None:
        self._seen: dict[tuple[object, ...], Diagnostic] = {}
        self._errors = 0
        self._secrets: list[str] = []

    def redact(self, secret: str) -> None:
        """Take this text out of everything that is said, before or after."""
        self._secrets.append(secret)

    def add(
        self,
        code: str,
        message: str,
        span: Span | None,
        *,
        secondary: Iterable[Label] = (),
        notes: Iterable[str] = (),
        help: str | None = None,
        fix: Fix | None = None,
    ) -> None:
        """Record a diagnostic; its severity is the one that the table of codes gives."""
        self.put(Diagnostic(code, message, span, CODES[code].severity, tuple(secondary), tuple(notes), help, fix))

    def put(self, diagnostic: Diagnostic) -> None:
        at = diagnostic.primary
        key = (at and (at.source.path, at.start, at.end), diagnostic.code, diagnostic.message)
        if key not in self._seen:
            self._seen[key] = diagnostic
            self._errors += diagnostic.severity is Severity.ERROR

    def extend(self, other: Iterable[Diagnostic]) -> None:
        for diagnostic in other:
            self.put(diagnostic)

    @property
    def has_errors(self) -> bool:
        return self._errors > 0

    @property
    def error_count(self) -> int:
        return self._errors

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self.sorted())

    def __len__(self) -> int:
        return len(self._seen)

    def sorted(self) -> list[Diagnostic]:
        """All diagnostics by file, place and code."""
        found = sorted(self._seen.values(), key=Diagnostic.sort_key)
        return [self._redacted(diagnostic) for diagnostic in found] if self._secrets else found

    def _redacted(self, diagnostic: Diagnostic) -> Diagnostic:
        def clean(text: str) -> str:
            for secret in self._secrets:
                text = text.replace(secret, "***")
            return text

        return replace(
            diagnostic,
            message=clean(diagnostic.message),
            notes=tuple(clean(note) for note in diagnostic.notes),
            help=clean(diagnostic.help) if diagnostic.help is not None else None,
            secondary=tuple(Label(label.span, clean(label.text)) for label in diagnostic.secondary),
            fix=None,
        )
