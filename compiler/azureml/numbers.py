"""Numbers as azure-ai-ml takes them: also from text, since YAML 1.1 reads ``1e-3`` as text.

"1e-3" -> 0.001      "3" -> 3      3.0, where a whole number is wanted -> 3      True -> none
"""

from __future__ import annotations

import re

_INTEGER = re.compile(r"[-+]?[0-9]+")
# Python refuses to turn longer texts into integers.
_MOST_DIGITS = 400


def as_number(value: object, *, whole: bool = False) -> int | float | None:
    """A number, also from text in quotes; None when it is none, or a fraction where a whole one is wanted."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str):
        if _INTEGER.fullmatch(value):
            return int(value) if len(value) < _MOST_DIGITS else None
        try:
            value = float(value)
        except ValueError:
            return None
    if whole and isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value
