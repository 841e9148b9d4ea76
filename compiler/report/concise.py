"""Diagnostics one to a line, for tools that parse them and for golden tests.

specs/churn.yml:14:17: error[P0401] there is no step `trian`
"""

from __future__ import annotations

from collections.abc import Iterable

from compiler.diagnostics.model import Diagnostic


def render(diagnostics: Iterable[Diagnostic]) -> str:
    return "".join(line(diagnostic) + "\n" for diagnostic in diagnostics)


def line(diagnostic: Diagnostic) -> str:
    at = diagnostic.primary
    place = f"{at.source.name}:{at.line}:{at.column}: " if at is not None else ""
    return f"{place}{diagnostic.severity.value}[{diagnostic.code}] {diagnostic.message}"
