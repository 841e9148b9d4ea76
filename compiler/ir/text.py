"""The printed form of the IR, for people and for golden tests (``amlc compile --emit ir``).

    pipeline churn
      inputs
        data: uri_folder
          value: path ./data
      steps
        train: Step
          inputs
            data: <- inputs.data

Every field that differs from its default is printed, in the order of the class, so that nothing can be forgotten
here when the model grows. Places are left out; local paths are printed relative to ``base``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from compiler.ir.model import Argument, InputRef, Invalid, LocalPath, OutputRef, Pipeline


def to_text(pipeline: Pipeline, base: str = "") -> str:
    """The pipeline as text; ``base`` is the folder that local paths are shown relative to."""
    lines = [f"pipeline {pipeline.name}"]
    lines += _fields(pipeline, "  ", base, skip="name")
    return "\n".join(lines) + "\n"


def _fields(node: Any, indent: str, base: str, skip: str = "") -> Iterator[str]:
    for field in fields(node):
        value = getattr(node, field.name)
        if not field.compare or field.name == skip or _is_default(field, value):
            continue
        yield from _named(field.name, value, indent, base)


def _is_default(field: Any, value: Any) -> bool:
    default = field.default
    if default is MISSING:
        default = field.default_factory() if field.default_factory is not MISSING else MISSING
    return default is not MISSING and type(value) is type(default) and bool(value == default)


def _named(name: str, value: Any, indent: str, base: str) -> Iterator[str]:
    leaf = _leaf(value, base)
    if leaf is not None:
        yield f"{indent}{name}: {leaf}"
    elif isinstance(value, Mapping):
        yield f"{indent}{name}" if value else f"{indent}{name}: {{}}"
        for key, item in value.items():
            yield from _named(str(key), item, indent + "  ", base)
    elif isinstance(value, tuple):
        yield f"{indent}{name}"
        for item in value:
            yield from _named("-", item, indent + "  ", base)
    else:
        yield f"{indent}{name}: {type(value).__name__}"
        yield from _fields(value, indent + "  ", base, skip="name" if getattr(value, "name", None) == name else "")


def _leaf(value: Any, base: str) -> str | None:
    """The value in one line, or None when it needs more."""
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, InputRef):
        return f"<- inputs.{value.input}"
    if isinstance(value, OutputRef):
        return f"<- steps.{value.step}.outputs.{value.output}"
    if isinstance(value, LocalPath):
        return f"path {os.path.relpath(value.path, base) if base else value.path}"
    if isinstance(value, Invalid):
        return "invalid"
    if isinstance(value, Argument) and value == Argument(value.value):
        return _leaf(value.value, base)
    if isinstance(value, tuple) and not any(is_dataclass(item) or isinstance(item, (Mapping, tuple)) for item in value):
        return "[" + ", ".join(repr(item) for item in value) + "]"
    return None
