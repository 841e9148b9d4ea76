"""Splitting scalars, bindings, and the places of what stands inside."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.diagnostics.model import Bag
from compiler.source.templates import (
    Binding,
    Later,
    Now,
    Text,
    check_binding,
    exact_span,
    parse_binding,
    span_in,
    split,
)
from compiler.source.tree import Mapping, Scalar

from .harness import read_text

SPLITS: dict[str, list[str]] = {
    "": [],
    "plain": ["text plain"],
    "{{ a.b }}": ["now  a.b "],
    "x{{a}}y{{ b }}": ["text x", "now a", "text y", "now  b "],
    "${{inputs.x}}": ["later inputs.x"],
    "a ${{ x }} {{ y }}": ["text a ", "later  x ", "text  ", "now  y "],
    "{{ a }}${{ b }}": ["now  a ", "later  b "],
    "$[[--x ${{inputs.x}}]]": ["text $[[--x ", "later inputs.x", "text ]]"],
    "{{ {'a':{'b':1}}.a.b }}!": ["now  {'a':{'b':1}}.a.b ", "text !"],
    "{{ '}}' ~ x }}": ["now  '}}' ~ x "],
    "{{ '{{' }}": ["now  '{{' "],
    '{{ "a\\"}}" }}z': ['now  "a\\"}}" ', "text z"],
    "{{ [1,\r\n 2] }}z": ["now  [1,\r\n 2] ", "text z"],
    "{{ a -}} b": ["now  a -", "text  b"],
    "{{ a ? b }}z": ["now  a ? b ", "text z"],
    "{{ (a }}z": ["now  (a ", "text z"],
    "{{ a": ["open now  a"],
    "x ${{ a": ["text x ", "open later  a"],
    "{{}}": ["now "],
    "$ {{ a }}": ["text $ ", "now  a "],
    "{{ " + "x + " * 200 + "'}}' }}z": ["now  " + "x + " * 200 + "'}}' ", "text z"],
}


@pytest.mark.parametrize("text", SPLITS, ids=range(len(SPLITS)))
def test_split(text: str) -> None:
    shown = []
    for part in split(text):
        if isinstance(part, Text):
            shown.append(f"text {text[part.start : part.end]}")
        else:
            word = "now" if isinstance(part, Now) else "later"
            shown.append(f"{'' if part.closed else 'open '}{word} {part.inner}")
    assert shown == SPLITS[text]


_PIECES = st.sampled_from(
    ["{{", "}}", "${{", "$", "{", "}", "'", '"', "a", ".", " ", "\n", "\r", "|", "(", "[", "]]", "$[[", "é", "\\", "-"]
)


@given(st.lists(_PIECES, max_size=30).map("".join))
@settings(max_examples=500, deadline=None)
def test_parts_cover_the_text(text: str) -> None:
    at = 0
    for part in split(text):
        assert part.start == at and part.end > at
        at = part.end
        if not isinstance(part, Text):
            opener = "{{" if isinstance(part, Now) else "${{"
            closer = "}}" if part.closed else ""
            assert text[part.start : part.end] == f"{opener}{part.inner}{closer}"
    assert at == len(text)


def test_many_expressions_in_a_long_text_take_no_time() -> None:
    begin = time.perf_counter()
    assert len(split("{{ 'a' }}" * 5_000)) == 5_000
    assert time.perf_counter() - begin < 5


BINDINGS: dict[str, tuple[tuple[str, ...], str | None] | None] = {
    "inputs.x": (("inputs", "x"), None),
    " steps.s.outputs.o ": (("steps", "s", "outputs", "o"), None),
    "steps.s[key].outputs.o": (("steps", "s", "outputs", "o"), "key"),
    "steps.s[*].outputs.o": (("steps", "s", "outputs", "o"), "*"),
    "steps.s[ a b ].outputs.o": (("steps", "s", "outputs", "o"), "a b"),
    "outputs.o": (("outputs", "o"), None),
    "parent.inputs.x": (("parent", "inputs", "x"), None),
    "parent.jobs.s-1.outputs.o_2": (("parent", "jobs", "s-1", "outputs", "o_2"), None),
    "search_space.x": (("search_space", "x"), None),
    "name": (("name",), None),
    "inputs.group.x": (("inputs", "group", "x"), None),
    "": None,
    "inputs.": None,
    ".x": None,
    "inputs x": None,
    "inputs.x + 1": None,
    "inputs. x": None,
    "steps.s[].outputs.o": None,
    "steps.s[a.outputs.o": None,
    "steps.s[a][b].outputs.o": None,
    "steps.s.outputs.o[a]": None,
    "inputs.1x": None,
    "inputs['x']": (("inputs",), "'x'"),
}


@pytest.mark.parametrize("inner", BINDINGS)
def test_parse_binding(inner: str) -> None:
    binding = parse_binding(inner)
    expected = BINDINGS[inner]
    assert binding == (None if expected is None else Binding(*expected, inner.strip()))


@pytest.mark.parametrize(("text", "message", "shown"), [
    ("x ${{ a b }}", "`a b` is no binding", "${{ a b }}"),
    ("x ${{ a", "a `${{` that is never closed", "${{"),
])  # fmt: skip
def test_check_binding(text: str, message: str, shown: str) -> None:
    node, _ = read_text(f"v: {text}\n")
    assert isinstance(node, Mapping)
    scalar = node.entries["v"].value
    assert isinstance(scalar, Scalar)
    bag = Bag()
    (part,) = (part for part in split(scalar.text) if isinstance(part, Later))
    assert check_binding(scalar, part, bag) is None
    (found,) = bag
    assert found.primary is not None
    assert (found.code, found.message, found.primary.text) == ("P0306", message, shown)


def _scalar(text: str) -> Scalar:
    node, _ = read_text(text)
    assert isinstance(node, Mapping)
    scalar = next(iter(node)).value
    assert isinstance(scalar, Scalar)
    return scalar


PLACES = {
    "plain": "v: one {{ two }} three  # c\n",
    "plain lines": "v: one\n  {{ two }}\n\n  three\n",
    "single": "v: 'one {{ two }} it''s three'\n",
    "single, doubled before": "v: 'it''s one {{ two }} three'\n",
    "single lines": "v: 'one\n\n   {{ two }}\n  three'\n",
    "double": 'v: "one {{ two }} three"\n',
    "double lines": 'v: "one\n  {{ two }} three"\n',
    "literal": "v: |\n  one\n    {{ two }}\n  three\n",
    "literal, keep": "v: |+ # c\n  one {{ two }}\n  three\n\n",
    "literal, indented": "v: |2\n    one {{ two }}\n  three\n",
    "folded": "v: >-\n  one\n  {{ two }}\n\n  three\n",
    "folded, more indented": "v: >\n  one\n    {{ two }}\n  three\n",
    "carriage returns": "v: >-\r\n  one\r\n  {{ two }}\r\n  three\r\n",
    "wide characters": "v: '😀é\n  one {{ two }} three'\n",
    "in brackets": "v: one {{ two }}\n",
}


@pytest.mark.parametrize("name", PLACES)
def test_places(name: str) -> None:
    scalar = _scalar(PLACES[name])
    for word in ("{{ two }}", "two", "one"):
        start = scalar.text.index(word)
        span = exact_span(scalar, start, start + len(word))
        assert span is not None and span.text == word
    start = scalar.text.index("two")
    assert span_in(scalar, start, start).start == span_in(scalar, start, start + 3).start


def test_places_that_are_hidden() -> None:
    escaped = _scalar('v: "one\\t{{ two }}"\n')
    assert exact_span(escaped, 0, 3) is None
    assert span_in(escaped, 0, 3) == escaped.span
    node, _ = read_text("a: &a one {{ two }}\nb: *a\n")
    assert isinstance(node, Mapping)
    alias = node.entries["b"].value
    assert isinstance(alias, Scalar)
    assert span_in(alias, 4, 13) == alias.span


@given(st.text("ab '{\n😀#:-", max_size=30), st.sampled_from(["'", '"', "|", ">", ""]), st.data())
@settings(max_examples=400, deadline=None)
def test_places_are_right_or_unknown(value: str, style: str, data: st.DataObject) -> None:
    import yaml

    text = yaml.dump({"v": value}, default_style=style or None, allow_unicode=True, width=20)  # type: ignore[call-overload]
    node, bag = read_text(text)
    if node is None or not isinstance(node, Mapping) or bag.has_errors:
        return
    scalar = node.entries["v"].value
    if not isinstance(scalar, Scalar) or not isinstance(scalar.value, str):
        return
    visible = [offset for offset, char in enumerate(scalar.text) if not char.isspace()]
    if visible:
        at = data.draw(st.sampled_from(visible))
        span = exact_span(scalar, at, at + 1)
        assert span is None or span.text == scalar.text[at]
