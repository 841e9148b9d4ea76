"""Commands: their bindings, optional parts and quotes."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.ir import command as commands


def quotes(text: str) -> list[tuple[str, str]]:
    return [(use.name, use.quote) for use, _ in commands.uses(commands.parse(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a ${{inputs.x}} b", [("x", "")]),
        ("a '${{inputs.x}}' \"${{ inputs.y }}\" ${{inputs.z}}", [("x", "'"), ("y", '"'), ("z", "")]),
        ('echo "it\'s ${{inputs.x}}"', [("x", '"')]),
        ("echo 'say \"${{inputs.x}}\"'", [("x", "'")]),
        ("echo \\'${{inputs.x}}", [("x", "")]),
        ("echo 'a\\' ${{inputs.x}}", [("x", "")]),
        ('echo "a\\" ${{inputs.x}}"', [("x", '"')]),
        ("$[[--lr ${{inputs.lr}}]] ${{inputs.x}}", [("lr", ""), ("x", "")]),
        ("${{inputs.group.member}}", [("group.member", "")]),
        ('echo "$(cat \'${{inputs.x}}\')" "${{inputs.y}}"', [("x", "'"), ("y", '"')]),
        ("echo `cat '${{inputs.x}}'` ${{inputs.y}}", [("x", "'"), ("y", "")]),
        ("# it's a comment\necho ${{inputs.x}}", [("x", "")]),
        ('echo "$( (cd a); cat ${{inputs.x}})" "${{inputs.y}}"', [("x", ""), ("y", '"')]),
        ("${{ }} ${{x}} ${{inputs.}}", [("", ""), ("", ""), ("", "")]),
        ("${{inputs.x", []),
    ],
)
def test_uses_and_the_quotes_they_stand_in(text: str, expected: list[tuple[str, str]]) -> None:
    assert quotes(text) == expected


def test_optional_parts_hold_their_uses() -> None:
    parts = commands.parse("run $[[--a ${{inputs.a}}]] $[[--b ${{inputs.b}}")
    optional = [part for part in parts if isinstance(part, commands.Optional)]
    assert [part.closed for part in optional] == [True, False]
    inside = [(use.name, part is not None) for use, part in commands.uses(parts)]
    assert inside == [("a", True), ("b", True)]


@given(st.text(alphabet="ab '\"\\$[]{}.", max_size=40))
def test_the_parts_cover_the_command_and_parsing_never_fails(text: str) -> None:
    parts = commands.parse(text)
    rebuilt = "".join(part.text if isinstance(part, commands.Text) else text[part.start : part.end] for part in parts)
    assert rebuilt == text


@given(st.lists(st.sampled_from(["a b", "'a'", '"b c"', "\\ ", "x"]), max_size=6))
def test_quotes_are_the_shells(words: list[str]) -> None:
    """A binding after a whole number of shell words stands outside quotes, one after an opening quote inside."""
    text = " ".join(words)
    shlex.split(text)
    assert quotes(f"{text} ${{{{inputs.x}}}}")[-1] == ("x", "")
    assert quotes(f"{text} '${{{{inputs.x}}}}'")[-1] == ("x", "'")
