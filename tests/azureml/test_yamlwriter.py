"""What the YAML writer writes is read back as it was, by YAML 1.1 and by YAML 1.2."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.azureml.yamlwriter import to_yaml
from compiler.diagnostics.codes import Severity
from compiler.diagnostics.model import Bag
from compiler.diagnostics.span import SourceFile
from compiler.source.reader import Dialect, read
from compiler.source.tree import plain_value

AWKWARD = [
    "no",
    "1e3",
    "0o17",
    "017",
    "1:30",
    "2024-01-01",
    "=",
    "<<",
    "---",
    "...",
    "a:",
    "a: b",
    "x #y",
    "# x",
    "- a",
    "-",
    "? x",
    "!x",
    "&a",
    "*a",
    "%a",
    "@a",
    "`",
    ",",
    "{a}",
    "[a]",
    "{{ x }}",
    "\n${{parent.inputs.x}}",
    "null",
    "~",
    "True",
    "y",
    "0x1F",
    "1_000",
    ".5",
    "+1",
    ".inf",
    "key ",
    "  two",
    "'",
    '"',
    "\\",
    "\t",
    "a\tb",
    "é",
    "😀",
    "\x85",
    "\ufeff",
    "\u2028",
    "\x00",
    "\x7f",
]
LINES = [
    "a\nb",
    "a\nb\n",
    "a\nb\n\n",
    "\na",
    " a\nb",
    "a\n\n b\n",
    "a\n\tb",
    "\ta\nb",
    "a \nb",
    "\n",
    "\n\n",
    "a\r\nb",
    "a\n#b",
    "a\n \nb\n",
]
TEXT = st.one_of(st.text(max_size=20), st.sampled_from(AWKWARD + LINES))
LEAF = st.one_of(TEXT, st.integers(-(10**20), 10**20), st.floats(allow_nan=False), st.booleans(), st.none())
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=12
)


def same(left: Any, right: Any) -> bool:
    """Equal in types and in the order of keys too."""
    if isinstance(left, dict):
        return isinstance(right, dict) and list(left) == list(right) and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(TEXT, VALUE, max_size=3))
def test_both_readings_give_the_value_back(value: dict[str, Any]) -> None:
    text = to_yaml(value, "made by\na test")
    assert same(value, yaml.safe_load(text))
    bag = Bag()
    node = read(SourceFile("/x.yml", text), bag, Dialect.CORE)
    assert node is not None and not any(found.severity is not Severity.NOTE for found in bag)
    assert same(value, plain_value(node))


def test_layout() -> None:
    value = {
        "lr": 1e-05,
        "big": 1e20,
        "one": 1.0,
        "tag": "1e3",
        "no": "no",
        "command": "python train.py --data ${{inputs.data}} --out '${{outputs.model}}'",
        "script": "a\n\nb\n",
        "list": [1, {"a": 1, "b": [2]}, [], {}, ["x"]],
        "empty": {},
        "nothing": None,
        "quotes": 'say "hi"',
    }
    expected = """# Made by a test.
lr: 1.0e-05
big: 1.0e+20
one: 1.0
tag: "1e3"
"no": "no"
command: python train.py --data ${{inputs.data}} --out '${{outputs.model}}'
script: |
  a

  b
list:
  - 1
  - a: 1
    b:
      - 2
  - []
  - {}
  - - x
empty: {}
nothing: null
quotes: say "hi"
"""
    assert to_yaml(value, "Made by a test.") == expected


def test_equal_objects_are_written_out() -> None:
    shared = {"a": 1}
    assert to_yaml({"b": shared, "c": shared}) == "b:\n  a: 1\nc:\n  a: 1\n"


@pytest.mark.parametrize("length", [200, 5000])
def test_long_text_is_not_folded(length: int) -> None:
    assert len(to_yaml({"a": "word " * length + "end"}).splitlines()) == 1
