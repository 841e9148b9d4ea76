"""Plain scalars: the core schema as a table, Azure's loader against PyYAML itself, and what needs quotes."""

from __future__ import annotations

import datetime
import math
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from compiler.source.scalars import (
    AzureKind,
    ambiguous,
    has_leading_zero,
    plain_number,
    read_azure,
    resolve_azure,
    resolve_core,
    same,
)

CORE: dict[str, object] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None, "nULL": "nULL",
    "true": True, "True": True, "TRUE": True, "false": False, "tRUE": "tRUE", "y": "y", "yes": "yes", "off": "off",
    "0": 0, "-0": 0, "+12": 12, "12": 12, "1_000": "1_000", "0o17": 15, "0o8": "0o8", "-0o7": "-0o7", "0x1f": 31,
    "0xG": "0xG", "0b1": "0b1", "017": 17, "08": 8,
    "1.5": 1.5, "1.": 1.0, ".5": 0.5, "-.5": -0.5, ".": ".", "-": "-", "+": "+", "1e3": 1000.0, "1e-3": 0.001,
    "1E+5": 100000.0, "1e": "1e", "e1": "e1", "1.5.2": "1.5.2", "1e999": math.inf,
    ".inf": math.inf, "-.INF": -math.inf, "+.Inf": math.inf, ".nan": math.nan, "-.nan": "-.nan", "inf": "inf",
    "1:30": "1:30", "2024-01-01": "2024-01-01", "=": "=", "<<": "<<", "１２": "１２", "1 2": "1 2", "12\n": "12\n",
    "9" * 301: "9" * 301,
}  # fmt: skip


@pytest.mark.parametrize("text", CORE)
def test_core(text: str) -> None:
    assert same(resolve_core(text), CORE[text])  # type: ignore[arg-type]


@given(st.text("0123456789+-.eExXobB_:~ntfaurl", max_size=8))
def test_core_numbers_are_what_the_specification_says(text: str) -> None:
    """YAML 1.2.2, section 10.3.2, spelled out once more without regular expressions."""
    value = resolve_core(text)
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    if isinstance(value, bool) or value is None:
        assert text in CORE or text.lower() in ("true", "false", "null")
    elif isinstance(value, int):
        assert unsigned.isdecimal() or text[:2] in ("0o", "0x")
    elif isinstance(value, float):
        assert unsigned.lower() in (".inf", ".nan") or value == float(text)
        assert "_" not in text
    else:
        assert value == text
        assert not unsigned.isdecimal()


# One form of everything that PyYAML's resolver looks for.
_FORMS = st.one_of(
    st.text("0123456789+-.eE_:xXob", min_size=1, max_size=9),
    st.text("0123456789-T: Z+.", min_size=1, max_size=25),
    st.sampled_from([
        "yes", "No", "ON", "off", "true", "False", "null", "~", "=", "<<", "y", "n", ".inf", "-.INF", ".nan", "tRUE",
    ]),
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?( ?(Z|[-+][0-9]{1,2}))?)?",
        fullmatch=True,
    ),
    st.from_regex(r"[-+]?[0-9][0-9_]{0,3}(:[0-5]?[0-9]){1,3}(\.[0-9_]{0,3})?", fullmatch=True),
    st.from_regex(r"[-+]?(0b[01_]{1,5}|0x[0-9a-f_]{1,5}|0[0-7_]{1,5})", fullmatch=True),
    st.text("ab1-", min_size=1, max_size=5),
)  # fmt: skip


def _pyyaml(text: str) -> Any:
    """What the safe loader makes of a plain scalar; ValueError where it fails."""
    loader = yaml.SafeLoader("")
    node = yaml.ScalarNode(loader.resolve(yaml.ScalarNode, text, (True, False)), text)
    try:
        return loader.construct_object(node)
    except yaml.YAMLError:
        raise ValueError(text) from None


@given(_FORMS)
@settings(max_examples=2_000, deadline=None)
@example("0b_")
@example("-0x_")
@example("0_")
@example("2001-12-14t21:59:43.10-05:00")
@example("2024-02-30")
@example("2024-01-01 1:00:00 +99")
@example("190:20:30.15")
@example("1_000.5")
def test_azure_reads_as_pyyaml_does(text: str) -> None:
    value, kind = read_azure(text)
    try:
        expected = _pyyaml(text)
    except (ValueError, OverflowError):
        assert kind is AzureKind.REFUSED
        return
    if isinstance(expected, (datetime.date, datetime.datetime)):
        assert (kind, value) == (AzureKind.DATE, text)
    else:
        assert kind is AzureKind.VALUE
        assert same(value, expected)
    assert same(resolve_azure(text), value)


def test_leading_zeros() -> None:
    assert [text for text in ("017", "-08", "00", "+01") if not has_leading_zero(text)] == []
    assert [text for text in ("0", "0.5", "10", "0o17", "0x0", "-0", "00.5", "0e1") if has_leading_zero(text)] == []


@pytest.mark.parametrize("text", [
    "", "~", "null", "true", "yes", "Off", "y", "N", "1", "1.5", "1e-3", "08", "017", "0o17", "1_000", "1:30", "+.5",
    "123e4", "2024-01-01", "=", "<<", ".nan", "0b1", "0x1F", "2024-13-01",
])  # fmt: skip
def test_ambiguous(text: str) -> None:
    assert ambiguous(text)


@pytest.mark.parametrize(
    "text", ["a", "yesterday", "nope", "1.2.3", "v1", "1,000", "-", "--x", "path/1", "n1", "=x", "1e", ".x"]
)
def test_unambiguous(text: str) -> None:
    assert not ambiguous(text)


@given(_FORMS)
@settings(max_examples=500, deadline=None)
def test_what_is_unambiguous_is_text_to_pyyaml(text: str) -> None:
    if not ambiguous(text):
        assert _pyyaml(text) == text
        assert resolve_core(text) == text


@given(st.one_of(st.integers(-(10**20), 10**20), st.floats()))
@example(1e-5)
@example(1e22)
@example(-1.5e-300)
@example(math.inf)
@example(math.nan)
def test_numbers_are_written_so_that_both_read_them(value: float) -> None:
    text = plain_number(value)
    assert same(resolve_core(text), value)
    assert same(resolve_azure(text), value)
