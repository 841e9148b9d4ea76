"""Diagnostics for programs: one JSON object; lines and columns count from 1, ends are exclusive."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from compiler.diagnostics.codes import Severity
from compiler.diagnostics.model import Diagnostic
from compiler.diagnostics.span import Span

FORMAT_VERSION = 1


def render(diagnostics: Sequence[Diagnostic]) -> str:
    document = {
        "format_version": FORMAT_VERSION,
        "error_count": sum(item.severity is Severity.ERROR for item in diagnostics),
        "warning_count": sum(item.severity is Severity.WARNING for item in diagnostics),
        "diagnostics": [_one(item) for item in diagnostics],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _one(item: Diagnostic) -> dict[str, Any]:
    record: dict[str, Any] = {"code": item.code, "severity": item.severity.value, "message": item.message}
    record |= _place(item.primary)
    record["help"] = item.help
    record["notes"] = list(item.notes)
    record["related"] = [{**_place(label.span), "message": label.text} for label in item.secondary]
    if item.fix is not None:
        edits = [{**_place(edit.span), "text": edit.text} for edit in item.fix.edits]
        record["fix"] = {"title": item.fix.title, "safe": item.fix.safe, "edits": edits}
    return record


def _place(span: Span | None) -> dict[str, Any]:
    if span is None:
        return dict.fromkeys(("file", "line", "column", "end_line", "end_column"))
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(max(span.start, span.end))
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }
