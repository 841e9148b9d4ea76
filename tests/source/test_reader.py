"""The reader: cases as data, limits, real offsets, and anything at all without a traceback."""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.diagnostics.model import Bag
from compiler.diagnostics.span import SourceFile, Span
from compiler.source import events
from compiler.source.reader import MOST_BYTES, Dialect, load, read
from compiler.source.tree import Mapping, Node, Scalar, Sequence, plain_value

from .harness import Case, Reader, cases, outcome, read_text, rewrite, source

ROOT = Path(__file__).parents[2]


def _azure(text: str) -> tuple[Node | None, Bag]:
    return read_text(text, Dialect.AZURE)


FILES: dict[str, Reader] = {
    "syntax.txt": read_text,
    "templates.txt": read_text,
    "core.txt": read_text,
    "azure.txt": _azure,
}
ALL = [pytest.param(file, case, id=f"{file}:{case.name}") for file in FILES for case in cases(file)]


def test_update(update: bool) -> None:
    if update:
        for file, reader in FILES.items():
            rewrite(file, reader)


@pytest.mark.parametrize(("file", "case"), ALL)
def test_case(file: str, case: Case) -> None:
    assert outcome(*FILES[file](case.text)) == case.expected


@pytest.mark.parametrize(("file", "case"), ALL)
def test_without_libyaml_the_same(file: str, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml._yaml", None)
    assert events.open_events("a: 1").__qualname__.startswith("Parser.")
    assert outcome(*FILES[file](case.text)) == case.expected


@pytest.mark.parametrize(("file", "case"), ALL)
def test_a_safe_fix_cures(file: str, case: Case) -> None:
    _, bag = FILES[file](case.text)
    for diagnostic in bag:
        if diagnostic.fix is not None and diagnostic.fix.safe:
            text = case.text
            for edit in sorted(diagnostic.fix.edits, key=lambda edit: -edit.span.start):
                text = text[: edit.span.start] + edit.text + text[edit.span.end :]
            after = {(left.code, left.primary and left.primary.start) for left in FILES[file](text)[1]}
            assert (diagnostic.code, diagnostic.primary and diagnostic.primary.start) not in after


# ------------------------------------------------------------------------------------------------------ limits


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 50_000, "P0104"),
        ("[" * 50_000 + "]" * 50_000, "P0104"),
        ("- " * 50_000 + "x", "P0104"),
        ("{a: " * 50_000, "P0104"),
        ("{" * 50_000, "P0112"),
        ("\n".join("  " * i + "a:" for i in range(2_000)), "P0104"),
        ("? " * 50_000, "P0104"),
        ("a: " + "'" * 100_001, "P0101"),
        ("a: &a [" + "&b [" * 100, "P0104"),
    ],
)
def test_depth(text: str, code: str) -> None:
    begin = time.perf_counter()
    node, bag = read_text(text)
    assert time.perf_counter() - begin < 5
    assert node is None
    assert [diagnostic.code for diagnostic in bag] == [code]


def _laughs(levels: int) -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join(lines) + "\n"


def test_billion_laughs() -> None:
    begin = time.perf_counter()
    node, bag = read_text(_laughs(10))
    assert time.perf_counter() - begin < 5
    assert node is None
    (diagnostic,) = bag
    assert diagnostic.code == "P0104"
    assert diagnostic.primary is not None and diagnostic.primary.text.startswith("*a")


def test_laughs_within_the_limit() -> None:
    node, bag = read_text(_laughs(4) + "z: *a3\n")
    assert node is not None and not bag.has_errors


def test_many_aliases_of_one_mapping_are_merged_within_the_limit() -> None:
    base = "b: &b {" + ", ".join(f"k{i}: 1" for i in range(200)) + "}\n"
    node, bag = read_text(base + "".join(f"s{i}: {{<<: *b}}\n" for i in range(1_000)))
    assert node is None
    assert [diagnostic.code for diagnostic in bag] == ["P0104"]


# ---------------------------------------------------------------------------------------------------- the tree


def test_spans_of_everything() -> None:
    text = "é😀: '😀'  # c\r\nb:\r\n  - x\r\n  - {c: 1}\r\n\r\n# d\r\ne: |\r\n  f\r\n\r\n"
    node, bag = read_text(text)
    assert not list(bag)
    assert isinstance(node, Mapping)
    assert [entry.key_span.text for entry in node] == ["é😀", "b", "e"]
    assert [entry.value.span.text for entry in node] == ["'😀'", "- x\r\n  - {c: 1}", "|\r\n  f"]
    items = node.entries["b"].value
    assert isinstance(items, Sequence)
    assert [item.span.text for item in items.items] == ["x", "{c: 1}"]
    assert node.entries["e"].key_span.line == 7
    assert node.span.text == text.rstrip()


def test_pairs_in_a_list_end_with_their_value() -> None:
    node, _ = read_text("[a: b , {c: d} , e: {f: 1} ]")
    assert isinstance(node, Sequence)
    assert [item.span.text for item in node.items] == ["a: b", "{c: d}", "e: {f: 1}"]


def test_an_alias_stands_where_it_is_written() -> None:
    node, _ = read_text("a: &a 1\nb: *a\nc: &c {d: 2}\ne: *c\n")
    assert isinstance(node, Mapping)
    scalar, mapping = node.entries["b"].value, node.entries["e"].value
    assert isinstance(scalar, Scalar) and scalar.span.text == "*a"
    assert scalar.defined is not None and scalar.defined.text == "1"
    assert mapping.span.text == "*c"
    assert isinstance(mapping, Mapping) and mapping.entries["d"].key_span.line == 3


def test_merged_entries_keep_their_places() -> None:
    node, _ = read_text("a: &a {x: 1}\nb:\n  <<: *a\n  y: 2\n")
    assert isinstance(node, Mapping)
    inner = node.entries["b"].value
    assert isinstance(inner, Mapping)
    assert [(entry.key, entry.key_span.line) for entry in inner] == [("x", 1), ("y", 4)]


def test_anchored_and_tagged_nodes_begin_after_their_marks() -> None:
    node, _ = read_text("a: &a !!str  1\nb: &b # c\n  x: *a\nc: [*b]\n")
    assert isinstance(node, Mapping)
    assert [entry.value.span.text for entry in node] == ["1", "x: *a", "[*b]"]


# ------------------------------------------------------------------------------------------------------- load


def test_load_strips_the_mark_and_keeps_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\n")
    bag = Bag()
    loaded = load(str(path), bag, name="a.yml")
    assert loaded is not None and not len(bag)
    assert (loaded.text, loaded.name, loaded.path) == ("a: 1\r\n", "a.yml", str(path))
    node = read(loaded, bag, Dialect.CORE)
    assert node is not None and node.start == 0


def test_a_mark_that_nobody_stripped_shifts_nothing() -> None:
    node, bag = read_text("\ufeffa: 1\nb: [2]\nb: 3\n")
    assert isinstance(node, Mapping)
    assert [entry.key_span.text for entry in node] == ["a", "b"]
    assert [(found.code, found.primary and found.primary.line) for found in bag] == [("P0102", 3)]


def test_what_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"a\0b")
    (tmp_path / "latin").write_bytes("a: 1\nb: é\n".encode("latin-1"))
    (tmp_path / "wide").write_bytes("a: 1".encode("utf-16"))
    (tmp_path / "large").write_bytes(b"#" * (MOST_BYTES + 1))
    at = Span(source("path: x"), 6, 7)
    expected = {
        "missing": ("P0130", "`missing` does not exist"),
        "folder": ("P0130", "`folder` is a folder, not a file"),
        "large": ("P0130", "`large` is larger than 10 MB"),
        "binary": ("P0110", "`binary` is not a text file"),
        "wide": ("P0110", "`wide` is UTF-16"),
        "binary/x": ("P0130", "`binary/x` stands below something that is no folder"),
        "a\0b": ("P0130", "`a\0b` cannot be read"),
        "x" * 5_000: ("P0130", f"`{'x' * 5_000}` cannot be read"),
    }
    for name, (code, message) in expected.items():
        bag = Bag()
        assert load(f"{tmp_path}/{name}", bag, at, name) is None
        assert [(found.code, found.message, found.primary) for found in bag] == [(code, message, at)]
    bag = Bag()
    assert load(str(tmp_path / "latin"), bag, at) is None
    (found,) = bag
    assert found.primary is not None
    assert (found.code, found.primary.line, found.primary.column) == ("P0110", 2, 4)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("a: 1")
    path.chmod(0)
    bag = Bag()
    assert load(str(path), bag) is None
    assert [(found.code, found.primary) for found in bag] == [("P0130", None)]


# ---------------------------------------------------------------------------------------------------- anything


def _sound(text: str, dialect: Dialect) -> None:
    """Reading ends, says why where it fails, and stays inside the text."""
    node, bag = read_text(text, dialect)
    assert node is not None or bag.has_errors
    for diagnostic in bag:
        spans = [diagnostic.primary, *(label.span for label in diagnostic.secondary)]
        spans += [edit.span for edit in diagnostic.fix.edits] if diagnostic.fix else []
        for span in spans:
            assert span is not None and 0 <= span.start <= span.end <= len(text)
    waiting = [(node, 0, len(text))] if node is not None else []
    while waiting:
        node, start, end = waiting.pop()
        assert 0 <= node.start <= node.end <= len(text)
        inside = [entry.value for entry in node] if isinstance(node, Mapping) else []
        inside += node.items if isinstance(node, Sequence) else []
        waiting += [(inner, node.start, node.end) for inner in inside]
        if "*" not in text and "&" not in text:
            assert start <= node.start and node.end <= end


_PIECES = st.sampled_from([
    *"{}[]:,-?&*!|>'\"%@`#~= \n\t\r\\aé😀\u2028\ufeff", "b: ", "- ", "{{", "}}", "${{", "$[[", "<<: ", "\n  ", "\n    ",
    "&a ", "*a", "017", "no", "---\n", "...\n", "!!str ", "{% if x %}",
])  # fmt: skip


@given(st.lists(_PIECES, max_size=40).map("".join), st.sampled_from(Dialect))
@settings(max_examples=600, deadline=None)
def test_random_yaml(text: str, dialect: Dialect) -> None:
    _sound(text, dialect)


@given(st.text(max_size=60), st.sampled_from(Dialect))
@settings(max_examples=200, deadline=None)
def test_random_text(text: str, dialect: Dialect) -> None:
    _sound(text, dialect)


REAL = sorted(path for folder in ("specs", "components") for path in (ROOT / folder).rglob("*.yml"))


def _mutations(text: str, seed: int, count: int) -> list[str]:
    """The slips of hands: a line gone, twice, elsewhere, cut or moved; a character gone, or another."""
    chance = random.Random(seed)
    result = []
    for _ in range(count):
        lines = text.split("\n")
        at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        column = chance.randrange(len(lines[at]) + 1)
        kind = chance.randrange(8)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(other, lines[at])
        elif kind == 2:
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == 3:
            lines[at:] = [lines[at][:column]]
        elif kind == 4:
            lines[at] = " " * chance.randrange(1, 4) + lines[at]
        elif kind == 5:
            lines[at] = lines[at].removeprefix(" ")
        elif kind == 6:
            lines[at] = lines[at][:column] + lines[at][column + 1 :]
        else:
            lines[at] = lines[at][:column] + chance.choice("{}[]:'\"\t&*!#-,%") + lines[at][column:]
        result.append("\n".join(lines))
    return result


@pytest.mark.parametrize("path", REAL, ids=lambda path: str(path.relative_to(ROOT)))
def test_mutated_specs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    _sound(text, Dialect.CORE)
    begin = time.perf_counter()
    for mutation in _mutations(text, len(text), 60):
        _sound(mutation, Dialect.CORE)
        # a mutation may be YAML that means something else, but never one fault told twice
        _, bag = read_text(mutation)
        assert sum(found.code == "P0101" for found in bag) <= 1
    assert time.perf_counter() - begin < 30


# ---------------------------------------------------------------------------------- what PyYAML itself would say


_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.integers(-(10**6), 10**6),
        st.booleans(),
        st.none(),
        st.text("ab: #'\"{}[]\n-é😀", max_size=12),
        st.sampled_from(
            ["no", "1e-3", "017", "1:30", "2024-01-01", "~", "null", "{{ x }}", "<<", "=", "${{inputs.x}}"]
        ),
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(_VALUES, st.booleans())
@settings(max_examples=300, deadline=None)
def test_what_pyyaml_writes_is_read_back(value: Any, flow: bool) -> None:
    text = yaml.dump({"v": value}, default_flow_style=flow, allow_unicode=True)
    if "&id" in text:
        return
    node, bag = _azure(text)
    assert node is not None and not bag.has_errors
    assert plain_value(node) == {"v": value}


def test_same_tree_as_the_pure_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    text = max((path.read_text(encoding="utf-8") for path in REAL), key=len)
    one, _ = read_text(text)
    monkeypatch.setitem(sys.modules, "yaml._yaml", None)
    two, _ = read_text(text)
    assert one is not None and two is not None

    def places(node: Node) -> list[object]:
        if isinstance(node, Mapping):
            return [node.span[1:], [(entry.key, entry.key_span[1:], places(entry.value)) for entry in node]]
        if isinstance(node, Sequence):
            return [node.span[1:], [places(item) for item in node.items]]
        return [node.span[1:], node.value, node.text, node.plain]

    assert places(one) == places(two)


def test_half_a_surrogate_pair() -> None:
    bag = Bag()
    assert read(SourceFile("/x", "a: \ud800"), bag, Dialect.CORE) is None
    assert [found.code for found in bag] == ["P0110"]
