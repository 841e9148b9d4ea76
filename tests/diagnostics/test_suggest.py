"""Did-you-mean: what is guessed, and where silence is better."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.diagnostics.suggest import closest, did_you_mean, edit_distance

KEYS = ["instance_count", "compute", "environment", "inputs", "outputs", "code", "command", "limits", "after", "sweep"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("count_instance", "instance_count"),
        ("imputs", "inputs"),
        ("Compute", "compute"),
        ("comand", "command"),
        ("enviroment", "environment"),
        ("ouptuts", "outputs"),
        ("depends_on", "after"),
        ("gpu", "compute"),
        ("nodes", None),
        ("frobnicate", None),
        ("", None),
    ],
)
def test_the_guess(word: str, expected: str | None) -> None:
    assert closest(word, KEYS) == expected


def slow_distance(left: str, right: str) -> int:
    """Optimal string alignment as its definition says it."""
    if not left or not right:
        return len(left) + len(right)
    options = [
        slow_distance(left[1:], right) + 1,
        slow_distance(left, right[1:]) + 1,
        slow_distance(left[1:], right[1:]) + (left[0] != right[0]),
    ]
    if len(left) > 1 and len(right) > 1 and left[0] == right[1] and left[1] == right[0]:
        options.append(slow_distance(left[2:], right[2:]) + 1)
    return min(options)


@given(st.text("abc", max_size=5), st.text("abc", max_size=5), st.integers(1, 6))
def test_edit_distance(left: str, right: str, limit: int) -> None:
    assert edit_distance(left, right, limit) == min(slow_distance(left, right), limit)


def test_without_a_guess_the_names_are_listed() -> None:
    assert did_you_mean("zzz", ["b", "a"], "steps") == "steps: `a`, `b`"
    assert did_you_mean("zzz", [], "steps") == "there are no steps"
    assert did_you_mean("zzz", [f"n{i:02}" for i in range(39)], "steps").endswith("and 3 more")  # type: ignore[union-attr]
