"""Words and places that messages share.

a("integer")          an integer
outside(1, None)      less than 1
within(at, "trian")   the characters `trian` of the binding at a place
called(step)          train, for each of its instances train__a and train__b: one fault of theirs is told once
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from compiler.diagnostics.span import Span
from compiler.ir.model import Step


def a(noun: str) -> str:
    """The noun with its article."""
    return f"an {noun}" if noun[:1] in "aeio" else f"a {noun}"


def count(number: int, noun: str) -> str:
    """How many of something: ``1 trial``, ``2 trials``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: Sequence[str]) -> str:
    """Names in a row: ``a``, ``b`` and ``c``, each in backticks."""
    quoted = [f"`{name}`" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def outside(low: float | None, high: float | None) -> str:
    """What is wrong with a number beyond these bounds."""
    if low is None:
        return f"more than {numeral(high or 0)}"
    return f"less than {numeral(low)}" if high is None else f"outside {numeral(low)} to {numeral(high)}"


def numeral(value: float) -> str:
    """A number as people write it: a float that is whole without its zero."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)


def within(at: Span, word: str, last: bool = False) -> Span:
    """The word inside the text at a place, so that the caret stands under what is wrong; else the whole place."""
    text = at.text
    offset = text.rfind(word) if last else text.find(word)
    if not last and text.count(word) > 1:  # ${{steps.steps.outputs.x}}
        match = re.search(rf"\.\s*({re.escape(word)})\b", text)
        offset = match.start(1) if match else offset
    return at if offset < 0 else Span(at.source, at.start + offset, at.start + offset + len(word))


def called(step: Step) -> str:
    """The name of a step as written: that of the step with the `foreach`, for what was made of it."""
    written = step.at.text if step.at is not None else ""
    return written if written and step.name.startswith(f"{written}__") else step.name
