"""What stands inside scalars: ``{{ … }}`` is settled now, ``${{ … }}`` later, everything else is text.

    --data ${{inputs.data}} --name {{ params.name }}

is text, a Later ``inputs.data``, text, and a Now `` params.name ``. The two are split before Jinja sees anything: it
would swallow the inside of ``${{ … }}``. ``$[[ … ]]`` is text here; ``ir/command.py`` reads it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from compiler.diagnostics.model import Bag
from compiler.diagnostics.span import Span
from compiler.source.tree import Scalar


class Text(NamedTuple):
    """Characters ``start`` to ``end`` of the scalar's text, as they are."""

    start: int
    end: int


class Now(NamedTuple):
    """``{{ inner }}``. ``inner`` begins at ``start + 2``; without its ``}}`` it runs to the end of the text."""

    start: int
    end: int
    inner: str
    closed: bool = True


class Later(NamedTuple):
    """``${{ inner }}``. ``inner`` begins at ``start + 3``; without its ``}}`` it runs to the end of the text."""

    start: int
    end: int
    inner: str
    closed: bool = True


Part: TypeAlias = "Text | Now | Later"


@dataclass(frozen=True, slots=True)
class Binding:
    """A run-time reference. ``steps.prep[key].outputs.data`` has the root ``("steps", "prep", "outputs", "data")``
    and the index ``key``; ``inner`` is the whole as written, without blanks around it."""

    root: tuple[str, ...]
    index: str | None
    inner: str


# Most expressions are dotted names, some in other case; for these nothing needs Jinja, which takes 40 ms to import.
PATH = re.compile(r"\{\{\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\s*\|\s*(lower|upper|string|length))?\s*\}\}", re.ASCII)

_NAME = r"[A-Za-z_][\w-]*"
_BINDING = re.compile(rf"({_NAME}(?:\.{_NAME})?)(?:\[\s*([^\[\]]*?)\s*\])?((?:\.{_NAME})*)", re.ASCII)
_BLANKS = frozenset(" \t\r\n\x85\u2028\u2029")


def split(text: str) -> tuple[Part, ...]:
    """The parts of a scalar's text, in order; together they cover it. Never fails."""
    parts: list[Part] = []
    at = 0
    while (mark := text.find("{{", at)) >= 0:
        later = mark > at and text[mark - 1] == "$"
        start = mark - later
        if start > at:
            parts.append(Text(at, start))
        end = text.find("}}", mark + 2) + 2 if later else _now_end(text, mark)
        closed = end > 1
        at = end if closed else len(text)
        inner = text[mark + 2 : at - 2 if closed else at]
        parts.append(Later(start, at, inner, closed) if later else Now(start, at, inner, closed))
    if at < len(text):
        parts.append(Text(at, len(text)))
    return tuple(parts)


def _now_end(text: str, start: int) -> int:
    match = PATH.match(text, start)
    if match is not None:
        return match.end()
    from compiler.source.grammar import expression_end

    end = expression_end(text, start)
    # What Jinja cannot read ends at the next braces, so that the message can show it.
    return end if end >= 0 else text.find("}}", start + 2) + 2


def parse_binding(inner: str) -> Binding | None:
    """The reference inside ``${{ … }}``, or None if it is none. Which names there are is not judged here."""
    inner = inner.strip()
    match = _BINDING.fullmatch(inner)
    if match is None or match[2] == "":
        return None
    return Binding((*match[1].split("."), *match[3].split(".")[1:]), match[2], inner)


def check_binding(scalar: Scalar, part: Later, bag: Bag) -> Binding | None:
    """The reference of a part of ``scalar``; None, and P0306, if it is none."""
    if not part.closed or "${{" in part.inner:
        span = span_in(scalar, part.start, part.start + 3)
        bag.add("P0306", "a `${{` that is never closed", span, help="close it with `}}`")
        return None
    binding = parse_binding(part.inner)
    if binding is None:
        span = span_in(scalar, part.start, part.end)
        help = "a binding is a dotted name: `${{inputs.x}}`, `${{steps.s.outputs.o}}`"
        message = f"`{_short(part.inner)}` is no binding" if part.inner.strip() else "an empty binding"
        bag.add("P0306", message, span, help=help)
    return binding


def _short(inner: str) -> str:
    shown = " ".join(inner.split())
    return shown if len(shown) <= 40 else shown[:37] + "..."


def span_in(scalar: Scalar, start: int, end: int) -> Span:
    """Where characters ``start`` to ``end`` of a scalar's text stand in the file; the whole scalar if unknown."""
    return exact_span(scalar, start, end) or scalar.span


def exact_span(scalar: Scalar, start: int, end: int) -> Span | None:
    """As ``span_in``, but None where escapes, an alias or an expression hide the place."""
    source, text = scalar.source, scalar.text
    raw = source.text[scalar.start : scalar.end]
    at = scalar.start
    if not scalar.plain and raw[:1] in ("'", '"'):
        raw, at = raw[1:-1], at + 1
        if source.text[scalar.start] == '"' and "\\" in raw:
            return None
        if source.text[scalar.start] == "'":
            raw = raw.replace("''", "' ")
    elif not scalar.plain:
        header = len(raw) - len(raw.lstrip("|>+-0123456789"))
        if header == 0 or raw.find("\n") < 0:
            return None
        at, raw = at + raw.find("\n") + 1, raw[raw.find("\n") + 1 :]
    if raw == text:
        return Span(source, at + start, at + end)
    return _aligned(scalar, raw, at, start, end)


def _aligned(scalar: Scalar, raw: str, at: int, start: int, end: int) -> Span | None:
    """Folding and indentation change blanks only: the n-th visible character is the n-th in both."""
    here = [offset for offset, char in enumerate(scalar.text) if char not in _BLANKS]
    there = [offset for offset, char in enumerate(raw) if char not in _BLANKS]
    if [scalar.text[offset] for offset in here] != [raw[offset] for offset in there]:
        return None
    first = bisect_left(here, start)
    last = bisect_left(here, end)
    if first < len(here) and here[first] == start:
        begin = there[first]
    else:
        begin = there[first - 1] + 1 if first else 0
    stop = there[last - 1] + 1 if last > first else begin
    return Span(scalar.source, at + begin, at + stop)
