"""What a plain scalar means: YAML 1.2 core for specs, YAML 1.1 for Azure's files.

    no      "no"        False       017   refused   15         1:30         "1:30"         90
    1e-3    0.001       "1e-3"      1_0   "1_0"     10         2024-01-01   "2024-01-01"   a date

(text, core, Azure). Azure's loader is PyYAML's ``SafeLoader``, so the 1.1 side follows that program and not the
YAML 1.1 specification; a property test holds the two together.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum

from compiler.source.tree import ScalarValue

# A plain scalar that begins otherwise is text in both readings: most are settled by this one look.
DOUBTFUL_STARTS = frozenset(["", *"0123456789+-.~nNtTfFyYoO=<"])

# Words that YAML 1.1 reads as booleans and 1.2 as text.
OLD_BOOLEANS: dict[str, bool] = {
    form: value
    for word, value in (("yes", True), ("no", False), ("on", True), ("off", False))
    for form in (word, word.capitalize(), word.upper())
}

_CORE_WORDS: dict[str, ScalarValue] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_AZURE_WORDS: dict[str, ScalarValue] = {**_CORE_WORDS, **OLD_BOOLEANS}

_NUMERIC_STARTS = frozenset("0123456789+-.")
# Longer digit strings stay text: no float holds them, and Python refuses to print the longest.
_MOST_DIGITS = 300

_CORE_INT = re.compile(r"[-+]?[0-9]+")
_CORE_OCTAL = re.compile(r"0o[0-7]+")
_CORE_HEX = re.compile(r"0x[0-9a-fA-F]+")
_CORE_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_CORE_INFINITY = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NAN = re.compile(r"\.(?:nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")

_AZURE_INT = re.compile(
    r"[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+"
    r"|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+"
)
_AZURE_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_AZURE_DATE = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d?)-(?P<day>\d\d?)"
    r"(?:(?:[Tt]|[ \t]+)(?P<hour>\d\d?):(?P<minute>\d\d):(?P<second>\d\d)(?:\.\d*)?"
    r"(?:[ \t]*(?:Z|(?P<zone>[-+])(?P<zone_hour>\d\d?)(?::(?P<zone_minute>\d\d))?))?)?",
    re.ASCII,
)
_SHORT_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class AzureKind(Enum):
    """What Azure's loader makes of a plain scalar; ``REFUSED`` is what it cannot load at all."""

    VALUE = "value"
    DATE = "date"
    REFUSED = "refused"


def resolve_core(text: str) -> ScalarValue:
    """The YAML 1.2 core value of a plain scalar. ``017`` is read as 17 here; the reader refuses it."""
    if text in _CORE_WORDS:
        return _CORE_WORDS[text]
    if text[0] not in _NUMERIC_STARTS or len(text) > _MOST_DIGITS:
        return text
    if _CORE_INT.fullmatch(text):
        return int(text)
    if _CORE_FLOAT.fullmatch(text):
        return float(text)
    if _CORE_OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _CORE_HEX.fullmatch(text):
        return int(text[2:], 16)
    if _CORE_INFINITY.fullmatch(text):
        return float(text.replace(".", ""))
    return float("nan") if _NAN.fullmatch(text) else text


def has_leading_zero(text: str) -> bool:
    """Whether a number is written like ``017``: 15 to YAML 1.1, 17 to 1.2."""
    return _LEADING_ZERO.fullmatch(text) is not None


def resolve_azure(text: str) -> ScalarValue:
    """The value that Azure's loader reads a plain scalar as; dates, and what it refuses, stay text."""
    return read_azure(text)[0]


def read_azure(text: str) -> tuple[ScalarValue, AzureKind]:
    """The value, and whether Azure's loader has a date there or fails."""
    if text in _AZURE_WORDS:
        return _AZURE_WORDS[text], AzureKind.VALUE
    if text in ("=", "<<"):
        return text, AzureKind.REFUSED
    if text[0] not in _NUMERIC_STARTS or len(text) > _MOST_DIGITS:
        return text, AzureKind.VALUE
    try:
        if _AZURE_FLOAT.fullmatch(text):
            return _azure_float(text), AzureKind.VALUE
        if _AZURE_INT.fullmatch(text):
            return _azure_int(text), AzureKind.VALUE
        match = _AZURE_DATE.fullmatch(text)
        if match is not None and (match["hour"] is not None or _SHORT_DATE.fullmatch(text)):
            _check_date(match)
            return text, AzureKind.DATE
    except ValueError:
        return text, AzureKind.REFUSED
    return text, AzureKind.VALUE


def same(left: ScalarValue, right: ScalarValue) -> bool:
    """Equal in type and value; NaN equals itself."""
    return type(left) is type(right) and (left == right or (left != left and right != right))


def ambiguous(text: str) -> bool:
    """Whether text written plain would be read as something else than that text, by YAML 1.1 or 1.2.

    ``y`` and ``n`` count: they are booleans to the 1.1 specification, though not to PyYAML. Whether the text
    could be written plain at all (``: ``, a leading ``*``) is another question.
    """
    if text[:1] not in DOUBTFUL_STARTS:
        return False
    if text in ("y", "Y", "n", "N") or resolve_core(text) is not text:
        return True
    value, kind = read_azure(text)
    return value is not text or kind is not AzureKind.VALUE


def plain_number(value: int | float) -> str:
    """A number as text that YAML 1.1 and 1.2 both read as that number: ``1.0e-05``, never ``1e-05``."""
    if isinstance(value, int):
        return str(value)
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    mantissa, e, exponent = repr(value).partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}{e}{exponent}"


def _azure_int(text: str) -> int:
    digits = text.replace("_", "")
    sign = -1 if digits[0] == "-" else 1
    digits = digits.lstrip("+-")
    if digits.startswith("0b"):
        return sign * int(digits[2:], 2)
    if digits.startswith("0x"):
        return sign * int(digits[2:], 16)
    if digits.startswith("0"):
        return sign * int(digits, 8)
    return sign * int(_sixties(digits))


def _azure_float(text: str) -> float:
    digits = text.replace("_", "").lower()
    sign = -1.0 if digits[0] == "-" else 1.0
    digits = digits.lstrip("+-")
    if digits in (".inf", ".nan"):
        return sign * float(digits[1:])
    return sign * (_sixties(digits) if ":" in digits else float(digits))


def _sixties(digits: str) -> int | float:
    """``1:30`` is 90: YAML 1.1 reads colons as base 60. Summed from the right, as PyYAML does: floats round."""
    total: int | float = 0
    base = 1
    for part in reversed(digits.split(":")):
        total += (float(part) if "." in part else int(part)) * base
        base *= 60
    return total


def _check_date(match: re.Match[str]) -> None:
    """Raise ValueError for a date that does not exist, as Azure's loader does."""
    year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    if match["hour"] is None:
        date(year, month, day)
        return
    zone = UTC
    if match["zone"]:
        zone = timezone(timedelta(hours=int(match["zone_hour"]), minutes=int(match["zone_minute"] or 0)))
    datetime(year, month, day, int(match["hour"]), int(match["minute"]), int(match["second"]), tzinfo=zone)
