"""Diagnostics for a person at a terminal: the source line, carets, labels, help.

error[P0401]: there is no step `trian`
  --> specs/churn.yml:14:17
   |
14 |       model: ${{steps.trian.outputs.model}}
   |                       ^^^^^
   = help: did you mean `train`?
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from compiler.diagnostics.codes import Severity
from compiler.diagnostics.model import MOST_PER_CODE, Diagnostic
from compiler.diagnostics.span import SourceFile, Span

_Paint: TypeAlias = Callable[[str, str], str]
_Tint: TypeAlias = Callable[[str], str]

_COLOR = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}
_WIDEST = 160  # a longer source line is cut round the fault


def render(diagnostics: Sequence[Diagnostic], color: bool = False) -> str:
    """All diagnostics with their source, then one line that counts them; empty for none."""
    shown, hidden = cap(diagnostics)
    blocks = [_one(diagnostic, color) for diagnostic in shown]
    blocks += [f"{count} more like {code} in {name}\n" for (name, code), count in hidden.items()]
    return "\n".join(blocks)


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """``2 errors, 1 warning``; empty for none."""
    counts = dict.fromkeys(Severity, 0)
    for diagnostic in diagnostics:
        counts[diagnostic.severity] += 1
    return ", ".join(f"{n} {kind.value}{'s' if n > 1 else ''}" for kind, n in counts.items() if n)


def cap(diagnostics: Iterable[Diagnostic]) -> tuple[list[Diagnostic], dict[tuple[str, str], int]]:
    """At most MOST_PER_CODE of one code in one file, and how many of which were left out."""
    seen: dict[tuple[str, str], int] = {}
    shown: list[Diagnostic] = []
    for diagnostic in diagnostics:
        key = (diagnostic.primary.source.name if diagnostic.primary else "", diagnostic.code)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= MOST_PER_CODE:
            shown.append(diagnostic)
    return shown, {key: count - MOST_PER_CODE for key, count in seen.items() if count > MOST_PER_CODE}


def _one(diagnostic: Diagnostic, color: bool) -> str:
    def paint(text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if color else text

    main = _COLOR[diagnostic.severity]
    head = paint(f"{diagnostic.severity.value}[{diagnostic.code}]", f"1;{main}")
    lines = [f"{head}: {paint(diagnostic.message, '1')}"]
    spans = [diagnostic.primary] if diagnostic.primary else []
    spans += [label.span for label in diagnostic.secondary]
    width = max((len(str(span.line)) for span in spans), default=0)
    bar = " " * width + " " + paint("|", "34")
    if diagnostic.primary is not None:
        at = diagnostic.primary
        lines.append(f"{' ' * width}{paint('-->', '34')} {at.source.name}:{at.line}:{at.column}")
        lines += [bar, *_snippet(at, "^", "", width, lambda text: paint(text, main), paint)]
        shown = at.source
        for label in diagnostic.secondary:
            lines += _secondary(label.span, label.text, shown, width, bar, paint)
            shown = label.span.source
    for note in diagnostic.notes:
        lines.append(f"{' ' * width} {paint('=', '34')} note: {note}")
    if diagnostic.help is not None:
        lines.append(f"{' ' * width} {paint('=', '34')} help: {diagnostic.help}")
    return "\n".join(lines) + "\n"


def _secondary(span: Span, text: str, shown: SourceFile, width: int, bar: str, paint: _Paint) -> list[str]:
    lines = []
    if span.source is not shown:
        lines.append(f"{' ' * width}{paint(':::', '34')} {span.source.name}:{span.line}:{span.column}")
    lines.append(bar)
    return lines + _snippet(span, "-", text, width, lambda mark: paint(mark, "34"), paint)


def _snippet(span: Span, mark: str, label: str, width: int, tint: _Tint, paint: _Paint) -> list[str]:
    """The first line of the span and the marks below it."""
    number, column = span.source.position(span.start)
    line = span.source.line(number)
    length = max(1, min(span.end - span.start, len(line) - column + 1))
    begin = 0
    if len(line) > _WIDEST:
        begin = max(0, min(column - 1 - _WIDEST // 3, len(line) - _WIDEST))
        line = line[begin : begin + _WIDEST]
        length = max(1, min(length, _WIDEST - (column - 1 - begin)))
    before, under = line[: column - 1 - begin], line[column - 1 - begin : column - 1 - begin + length]
    gap, marks = " " * _columns(before), mark * max(1, _columns(under))
    tail = f" {label}" if label else ""
    printable = "".join(char if char.isprintable() else " " for char in line)
    number_text = paint(f"{number:>{width}}", "34")
    return [
        f"{number_text} {paint('|', '34')} {printable}",
        f"{' ' * width} {paint('|', '34')} {gap}{tint(marks + tail)}",
    ]


def _columns(text: str) -> int:
    """How many terminal columns a text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    wide = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
    return wide - sum(1 for char in text if unicodedata.combining(char))
