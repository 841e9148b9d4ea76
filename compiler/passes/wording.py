"""Words that messages share: articles and ranges.

a("integer")        an integer            outside(1, 5)      outside 1 to 5
                                          outside(1, None)   less than 1
"""

from __future__ import annotations


def a(noun: str) -> str:
    """The noun with its article."""
    return f"an {noun}" if noun[:1] in "aeiou" else f"a {noun}"


def outside(low: float | None, high: float | None) -> str:
    """What is wrong with a number beyond these bounds."""
    if low is None:
        return f"more than {high}"
    return f"less than {low}" if high is None else f"outside {low} to {high}"
