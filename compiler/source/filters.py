"""The filters of the expression language: Jinja2's names, without its silent guesses.

{{ "3x" | int }}      Jinja2: 0          here: an error, unless a default is given: int(0)
{{ true | string }}   Jinja2: "True"     here: "true", as everywhere in text
{{ "<" | tojson }}    Jinja2: "\\u003c"   here: "<", since nothing here is HTML
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable

from compiler.diagnostics.suggest import did_you_mean

MOST_ITEMS = 10_000
MOST_TEXT = 1_000_000
MOST_INT = 10**18


class Refused(Exception):
    """An operation that has no value; the message names the fault, ``help`` the remedy."""

    def __init__(self, message: str, help: str | None = None, code: str = "P0303") -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.code = code


def describe(value: object) -> str:
    """How a message names a value: ``a list``, ``the number 3``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean `{'true' if value else 'false'}`"
    if isinstance(value, (int, float)):
        return f"the number `{value if not isinstance(value, int) or abs(value) < 10**40 else 'too long to show'}`"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "a map"


def to_text(value: object) -> str:
    """A value inside text: booleans as ``true`` and ``false``, numbers in their shortest form."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    raise Refused(f"{describe(value)} inside text", "only texts, numbers and booleans join", code="P0308")


def joined(pieces: list[str]) -> str:
    """The pieces as one text, if it is not absurdly long."""
    if sum(map(len, pieces)) > MOST_TEXT:
        raise Refused(f"a text of more than {MOST_TEXT:,} characters")
    return "".join(pieces)


def is_number(value: object) -> bool:
    """Whether a value is a number; booleans are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _join(value: object, d: object = "") -> object:
    if not isinstance(value, list):
        raise Refused(f"`join` of {describe(value)}", "it joins the items of a list")
    between = to_text(d)
    pieces = [text for item in value for text in (between, to_text(item))]
    return joined(pieces[1:])


def _length(value: object) -> object:
    if not isinstance(value, (str, list, dict)):
        raise Refused(f"`length` of {describe(value)}", "texts, lists and maps have a length")
    return len(value)


def _lower(value: object) -> object:
    return to_text(value).lower()


def _upper(value: object) -> object:
    return to_text(value).upper()


def _replace(value: object, old: object, new: object, count: object = None) -> object:
    text, old, new = to_text(value), to_text(old), to_text(new)
    most = -1 if count is None else _whole("replace", count)
    if len(text) + (text.count(old) if most < 0 else min(most, text.count(old))) * len(new) > MOST_TEXT:
        raise Refused(f"a text of more than {MOST_TEXT:,} characters")
    return text.replace(old, new, most)


def _round(value: object, precision: object = 0, method: object = "common") -> object:
    if not is_number(value):
        raise Refused(f"`round` of {describe(value)}", "it rounds numbers")
    if method not in ("common", "ceil", "floor"):
        raise Refused(f"`round` has no method {describe(method)}", "it has `common`, `ceil` and `floor`")
    digits = _whole("round", precision)
    assert isinstance(value, (int, float))
    if abs(digits) > 300 or not math.isfinite(value):
        raise Refused(f"`round` of {describe(value)} to {digits} digits")
    if method == "common":
        return round(value, digits)
    scaled = value * 10**digits
    return (math.ceil(scaled) if method == "ceil" else math.floor(scaled)) / 10**digits


def _int(value: object, default: object = None, base: object = 10) -> object:
    try:
        if isinstance(value, str):
            try:
                return _limited(int(value, _whole("int", base)))
            except ValueError:
                return _limited(int(float(value)))
        if isinstance(value, (bool, int, float)):
            return _limited(int(value))
    except (ValueError, OverflowError):
        pass
    if default is None:
        raise Refused(f"{describe(value)} is no whole number", "give a default: `int(0)`")
    return default


def _float(value: object, default: object = None) -> object:
    try:
        if isinstance(value, (str, bool, int, float)):
            return float(value)
    except (ValueError, OverflowError):
        pass
    if default is None:
        raise Refused(f"{describe(value)} is no number", "give a default: `float(0.0)`")
    return default


def _string(value: object) -> object:
    return to_text(value)


def _tojson(value: object, indent: object = None) -> object:
    try:
        return joined([json.dumps(value, indent=_indent(indent), ensure_ascii=False, allow_nan=False)])
    except (ValueError, RecursionError):
        raise Refused("JSON has neither NaN nor infinity") from None


def _keys(value: object) -> object:
    if not isinstance(value, dict):
        raise Refused(f"`keys` of {describe(value)}", "maps have keys")
    return list(value)


def _values(value: object) -> object:
    if not isinstance(value, dict):
        raise Refused(f"`values` of {describe(value)}", "maps have values")
    return list(value.values())


def _range(value: object, stop: object = None, step: object = 1) -> object:
    first, last = (0, value) if stop is None else (value, stop)
    start, end, by = (_whole("range", number) for number in (first, last, step))
    if by == 0:
        raise Refused("`range` with a step of 0")
    numbers = range(start, end, by)
    if len(numbers) > MOST_ITEMS:
        raise Refused(f"`range` of more than {MOST_ITEMS:,} numbers")
    return list(numbers)


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MOST_INT:
        raise Refused(f"`{name}` takes a whole number, not {describe(value)}")
    return value


def _indent(value: object) -> int | None:
    return None if value is None else min(max(_whole("tojson", value), 0), 8)


def _limited(value: int) -> int:
    if abs(value) > MOST_INT:
        raise OverflowError
    return value


# Each filter with the names of its parameters, for `round(method="ceil")`. `default` is the interpreter's own:
# it alone may look at something that does not exist.
FILTERS: dict[str, tuple[Callable[..., object], tuple[str, ...]]] = {
    "float": (_float, ("default",)),
    "int": (_int, ("default", "base")),
    "join": (_join, ("d",)),
    "keys": (_keys, ()),
    "length": (_length, ()),
    "lower": (_lower, ()),
    "range": (_range, ("stop", "step")),
    "replace": (_replace, ("old", "new", "count")),
    "round": (_round, ("precision", "method")),
    "string": (_string, ()),
    "tojson": (_tojson, ("indent",)),
    "upper": (_upper, ()),
    "values": (_values, ()),
}
NAMES = frozenset([*FILTERS, "default"])
_REQUIRED = {"replace": 2}


def apply(name: str, value: object, args: list[object], kwargs: dict[str, object]) -> object:
    """The value of ``value | name(args)``. Raises Refused."""
    function, parameters = FILTERS[name]
    extra = [key for key in kwargs if key not in parameters[len(args) :]]
    if len(args) > len(parameters) or extra:
        most = f"at most {len(parameters)} arguments" if parameters else "no arguments"
        raise Refused(f"`{name}` has no argument `{extra[0]}`" if extra else f"`{name}` takes {most}")
    if len(args) + len(kwargs) < _REQUIRED.get(name, 0):
        raise Refused(f"`{name}` takes at least {_REQUIRED[name]} arguments")
    return function(value, *args, **kwargs)


def default_arguments(args: list[object], kwargs: dict[str, object]) -> tuple[object, object]:
    """What ``default(value, boolean)`` was given. Raises Refused."""
    names = ("default_value", "boolean")
    given = dict(zip(names, args, strict=False)) | kwargs
    if len(args) > len(names) or set(given) - set(names):
        raise Refused("`default` takes a value, and `true` where empty ones count too")
    return given.get("default_value", ""), given.get("boolean", False)


def suggest(name: str) -> str | None:
    """The help for a filter that does not exist."""
    return did_you_mean(name, NAMES, "filters")
