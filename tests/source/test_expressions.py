"""Expressions: cases as data, the two paths alike, Jinja2 as the reference for numbers, no traceback ever."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from compiler.diagnostics.model import Bag
from compiler.diagnostics.span import Span
from compiler.source import expressions
from compiler.source.expressions import INVALID, Known, Scope, evaluate, names
from compiler.source.tree import Entry, Mapping, Node, Scalar, Sequence, plain_value

from .harness import Case, cases, outcome, read_text, rewrite, source

FILE = "expressions.txt"
ALL = [pytest.param(case, id=case.name) for case in cases(FILE)]
DEFINED = Span(source("definitions"), 0, 3)
PARAMS: dict[str, object] = {
    "a": "ped1", "n": 3, "f": 0.5, "e": 1e-5, "t": True, "l": [1, 2, "x"], "m": {"k": {"z": 1}, "a": None},
    "none": None, "big": 10**17, "bad": INVALID,
}  # fmt: skip


def _scope() -> Scope:
    scope = Scope()
    scope.define_group("params", {name: Known(value, DEFINED) for name, value in PARAMS.items()})
    scope.define_group("spec", {"name": Known("demo")})
    scope.define("profile", Known("local"))
    return scope.child({"item": Known({"name": "i", "l": [{"q": 5}]}, DEFINED)})


def _evaluate_all(text: str) -> tuple[Node | None, Bag]:
    """Every scalar of a text evaluated; what failed is left out."""
    node, bag = read_text(text)
    scope = _scope()

    def settle(node: Node) -> Node | None:
        if isinstance(node, Scalar):
            return evaluate(node, scope, bag)
        if isinstance(node, Sequence):
            items = [settle(item) for item in node.items]
            return Sequence(node.source, node.start, node.end, [item for item in items if item is not None])
        entries = {}
        for entry in node:
            value = settle(entry.value)
            if value is not None:
                entries[entry.key] = Entry(entry.source, entry.key, entry.key_start, entry.key_end, value)
        return Mapping(node.source, node.start, node.end, entries)

    return (None if node is None else settle(node)), bag


def _one(expression: str) -> tuple[Any, Bag]:
    """The value of one expression; Ellipsis when it has none."""
    bag = Bag()
    text = source(expression)
    node = evaluate(Scalar(text, 0, len(expression), expression, expression), _scope(), bag)
    return (... if node is None else plain_value(node)), bag


def test_update(update: bool) -> None:
    if update:
        rewrite(FILE, _evaluate_all)


@pytest.mark.parametrize("case", ALL)
def test_case(case: Case) -> None:
    assert outcome(*_evaluate_all(case.text)) == case.expected


@pytest.mark.parametrize("case", ALL)
def test_jinja_says_the_same_of_simple_names(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expressions, "_simple", lambda part: None)
    assert outcome(*_evaluate_all(case.text)) == case.expected


@given(
    st.lists(
        st.sampled_from(
            [
                "params",
                "item",
                "spec",
                "name",
                "a",
                "l",
                "m",
                "k",
                "z",
                "bad",
                "inputs",
                "x",
                "key",
                "if",
                "true",
                "not",
                "none",
            ]
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["", " ", "\n"]),
)
@settings(max_examples=300, deadline=None)
def test_both_paths_agree(words: list[str], blank: str) -> None:
    text = f"{{{{{blank}{'.'.join(words)}{blank}}}}}"
    scalar = Scalar(source(text), 0, len(text), text, text)
    fast, slow = Bag(), Bag()
    one, simple = evaluate(scalar, _scope(), fast), expressions._simple
    found = names(text)
    expressions._simple = lambda part: None
    try:
        two = evaluate(scalar, _scope(), slow)
        assert names(text) == found
    finally:
        expressions._simple = simple
    assert outcome(one, fast) == outcome(two, slow)
    if isinstance(one, Scalar) and isinstance(two, Scalar):
        assert (one.defined, one.plain, one.text) == (two.defined, two.plain, two.text)


def test_simple_names_do_not_import_jinja() -> None:
    code = (
        "import sys; from compiler.source.expressions import *; from compiler.source.tree import Scalar;"
        "from compiler.diagnostics.span import SourceFile; from compiler.diagnostics.model import Bag;"
        "s = Scope(); s.define_group('params', {'a': Known(1)}); t = 'x {{ params.a }} ${{inputs.b}}';"
        "assert evaluate(Scalar(SourceFile('/x', t), 0, len(t), t, t), s, Bag()).value == 'x 1 ${{inputs.b}}';"
        "assert names(t) == {'params.a'}; assert 'jinja2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_scalars_without_expressions_come_back_themselves() -> None:
    for text in ("plain", "${{inputs.x}}", "a ${{ steps.s[*].outputs.o }} {b}", "$[[--x ${{inputs.x}}]]", "${HOME}"):
        scalar = Scalar(source(text), 0, len(text), text, text)
        assert evaluate(scalar, _scope(), Bag()) is scalar


def test_definitions_and_places() -> None:
    text = "{{ params.m }}"
    node = evaluate(Scalar(source(text), 0, len(text), text, text), _scope(), Bag())
    assert isinstance(node, Mapping) and node.span.text == text
    inner = node.entries["k"].value
    assert isinstance(inner, Mapping) and node.entries["k"].key_span.text == text
    leaf = inner.entries["z"].value
    assert isinstance(leaf, Scalar)
    assert (leaf.defined, leaf.span.text, leaf.value, leaf.text, leaf.plain) == (DEFINED, text, 1, "1", True)
    text = "x{{ spec.name }}{{ params.n * 2 }}"
    scalar = evaluate(Scalar(source(text), 0, len(text), text, text), _scope(), Bag())
    assert isinstance(scalar, Scalar)
    assert (scalar.value, scalar.defined, scalar.plain) == ("xdemo6", DEFINED, False)


def test_scopes() -> None:
    members = {"a": Known(1)}
    outer = Scope()
    outer.define_group("params", members)
    inner = outer.child({"item": Known(2)})
    members["b"] = Known(3)
    text = "{{ params.b }}"
    scalar = Scalar(source(text), 0, len(text), text, text)
    node = evaluate(scalar, inner, Bag())
    assert isinstance(node, Scalar) and node.value == 3
    assert not outer.knows("item") and inner.knows("item") and inner.knows("params")


@pytest.mark.parametrize(("text", "expected"), [
    ("plain ${{inputs.x}}", set()),
    ("{{ params.dataset }}", {"params.dataset"}),
    ("{{ params.a.b.c }}x{{ item }}", {"params.a", "item"}),
    ("{{ params.a + params['b'] * (item.x | default(params.c)) }}", {"params.a", "params.b", "item.x", "params.c"}),
    ("{{ params.l[params.i].x }}", {"params.l", "params.i"}),
    ("{{ true }} {{ 'params.a' }}", set()),
    ("{{ 1 + }} {{ params.a", set()),
    ("{{ params[key] }}", {"params", "key"}),
])  # fmt: skip
def test_names(text: str, expected: set[str]) -> None:
    assert names(text) == expected


# ------------------------------------------------------------------------------------------------ the reference

_NUMBERS = st.one_of(
    st.integers(0, 30).map(str),
    st.floats(0, 100).map(lambda value: f"{value:.3f}"),
    st.sampled_from(["params.n", "params.f"]),
)
_ARITHMETIC = st.recursive(
    _NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(" ".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"-({text})"),
    ),
    max_leaves=12,
)
_LOGIC = st.recursive(
    st.one_of(
        st.tuples(_ARITHMETIC, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), _ARITHMETIC).map(" ".join),
        st.sampled_from(["params.t", "true", "false", "'a' in params.a", "2 in params.l", "'z' not in params.m"]),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, inner, inner).map(lambda three: f"({three[0]} if {three[1]} else {three[2]})"),
    ),
    max_leaves=6,
)


@given(st.one_of(_ARITHMETIC, _LOGIC))
@settings(max_examples=600, deadline=None)
@example("1 - 2 - 3 * 4 // 5 % 2")
@example("-(2) // 3")
def test_numbers_are_what_jinja_computes(expression: str) -> None:
    from jinja2 import Environment

    value, bag = _one(f"{{{{ {expression} }}}}")
    known = {name: param for name, param in PARAMS.items() if param is not INVALID}
    try:
        expected = Environment().compile_expression(expression)(params=known)
    except ZeroDivisionError:
        assert [found.message for found in bag] == ["a division by zero"]
        return
    if value is ...:
        assert [found.message for found in bag] == ["a number beyond 10 to the 18th"]
    else:
        assert type(value) is type(expected)
        assert value == expected or (math.isnan(value) and math.isnan(expected))


# ----------------------------------------------------------------------------------------------------- anything


@pytest.mark.parametrize("expression", [
    "{{" + "(" * 3_000 + "1" + ")" * 3_000 + "}}",
    "{{" + "[" * 4_000 + "}}",
    "{{ " + " + ".join(["1"] * 2_000) + " }}",
    "{{ " + "not " * 2_000 + "1 }}",
    "{{ params" + ".a" * 4_000 + " }}",
    "{{ " + "9" * 5_000 + " }}",
    "{{ " + "x" * 20_000 + " + 1 }}",
    "{{ 'a' | replace('', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')"
    + " | replace('', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')" * 8 + " }}",
    "{{ " + "{'a':" * 300 + "1" + "}" * 300 + " }}",
    "{{ [" + ",".join(["params.l"] * 3_000) + "] | tojson }}",
])  # fmt: skip
def test_absurd_expressions_end(expression: str) -> None:
    begin = time.perf_counter()
    value, bag = _one(expression)
    assert time.perf_counter() - begin < 5
    assert (value is ...) == bag.has_errors
    assert len(bag) <= 1


@pytest.mark.parametrize("text", ["{{ item ~ item }}", "{{ item }}{{ item }}", "{{ [item, item] | join }}"])
def test_texts_do_not_explode(text: str) -> None:
    scope = Scope()
    scope.define("item", Known("x" * 600_000))
    bag = Bag()
    assert evaluate(Scalar(source(text), 0, len(text), text, text), scope, bag) is None
    assert [found.message for found in bag] == ["a text of more than 1,000,000 characters"]


def test_values_do_not_explode() -> None:
    big = [0] * 1_000
    scope = Scope()
    scope.define("item", Known([big] * 50))
    text = "{{ [item, item, item] }}"
    bag = Bag()
    assert evaluate(Scalar(source(text), 0, len(text), text, text), scope, bag) is None
    assert [found.message for found in bag] == ["a value of more than 100,000 parts"]


_PIECES = st.sampled_from([
    "{{", "}}", "${{", "params", ".", "a", "l", "m", "item", "inputs", "1", "0", "2.5", "'x'", '"', "'", " ", "+", "-",
    "*", "/", "%", "//", "**", "~", "(", ")", "[", "]", "{", "}", ":", ",", "|", "int", "default", "round", "join",
    "range", "<", "==", "in", "not", "and", "if", "else", "is", "true", "none", "\n", "é", "?", "\\", "{%", "%}", "#",
])  # fmt: skip


@given(st.lists(_PIECES, max_size=25).map(lambda pieces: "{{ " + " ".join(pieces)))
@settings(max_examples=800, deadline=None)
def test_random_expressions(text: str) -> None:
    value, bag = _one(text)
    names(text)
    assert (value is ...) == bag.has_errors or "bad" in text
    for found in bag:
        spans = [found.primary] + ([edit.span for edit in found.fix.edits] if found.fix else [])
        for span in spans:
            assert span is not None and 0 <= span.start <= span.end <= len(text)
