"""The record and its renderers: places, carets, caps, secrets."""

from __future__ import annotations

import json

from compiler.diagnostics.codes import CODES, Severity
from compiler.diagnostics.model import MOST_PER_CODE, Bag, Edit, Fix, Label
from compiler.diagnostics.span import SourceFile, Span
from compiler.report import concise, text
from compiler.report import json as report_json

SOURCE = SourceFile("/p/spec.yml", "name: a\r\nsteps:\n  日本: {x: 1}\rlast: é́ end\n", "spec.yml")


def span(word: str) -> Span:
    start = SOURCE.text.index(word)
    return Span(SOURCE, start, start + len(word))


def test_lines_end_where_editors_end_them() -> None:
    assert [span(word).line for word in ("name", "steps", "日本", "last")] == [1, 2, 3, 4]
    assert [span(word).column for word in ("name", "日本", "end")] == [1, 3, 10]
    unusual = SourceFile("/p", "a\x85b\u2028c\nd")
    assert unusual.position(unusual.text.index("d")) == (2, 1)
    assert unusual.line(1) == "a\x85b\u2028c"


def test_carets_stand_under_wide_characters() -> None:
    bag = Bag()
    bag.add("P0401", "there is no step `x`", span("{x: 1}"), secondary=[Label(span("name"), "named here")], help="h")
    assert text.render(bag.sorted()) == (
        "error[P0401]: there is no step `x`\n"
        " --> spec.yml:3:7\n"
        "  |\n"
        "3 |   日本: {x: 1}\n"
        "  |         ^^^^^^\n"
        "  |\n"
        "1 | name: a\n"
        "  | ---- named here\n"
        "  = help: h\n"
    )


def test_the_same_fault_is_kept_once_and_sorted_by_place() -> None:
    bag = Bag()
    for word in ("last", "name", "last"):
        bag.add("P0201", f"unknown key `{word}`", span(word))
    assert concise.render(bag.sorted()) == (
        "spec.yml:1:1: error[P0201] unknown key `name`\nspec.yml:4:1: error[P0201] unknown key `last`\n"
    )
    assert bag.error_count == 2


def test_a_flood_of_one_code_is_counted() -> None:
    bag = Bag()
    for number in range(MOST_PER_CODE + 7):
        bag.add("P0201", f"unknown key {number}", span("name"))
    shown = text.render(bag.sorted())
    assert shown.count("error[P0201]") == MOST_PER_CODE
    assert "7 more like P0201 in spec.yml" in shown


def test_a_secret_is_in_no_format() -> None:
    source = SourceFile("/p/s.yml", "key: hunter2hunter2\nother: 1\n", "s.yml")
    bag = Bag()
    at = Span(source, 5, 19)
    bag.add(
        "P0203", "found `hunter2hunter2`", at, help="not hunter2hunter2", fix=Fix("f", (Edit(at, "hunter2hunter2"),))
    )
    source.mask(5, 19)
    bag.redact("hunter2hunter2")
    found = bag.sorted()
    for shown in (text.render(found), concise.render(found), report_json.render(found)):
        assert "hunter2" not in shown
    assert "key: **************" in text.render(found)


def test_json_has_every_field_at_one_based_places() -> None:
    bag = Bag()
    bag.add("P0401", "m", span("steps"), help="h", notes=["n"], fix=Fix("t", (Edit(span("name"), "x"),), safe=True))
    bag.add("P0312", "no place", None)
    document = json.loads(report_json.render(bag.sorted()))
    assert document["format_version"] == 1 and document["error_count"] == 2
    nowhere, first = document["diagnostics"]
    assert nowhere["file"] is None and nowhere["line"] is None
    place = {key: first[key] for key in ("file", "line", "column", "end_line", "end_column")}
    assert place == {"file": "spec.yml", "line": 2, "column": 1, "end_line": 2, "end_column": 6}
    assert first["fix"]["safe"] is True and first["fix"]["edits"][0]["text"] == "x" and first["notes"] == ["n"]


def test_the_table_of_codes_is_in_order_and_complete() -> None:
    codes = list(CODES)
    assert codes == sorted(codes)
    assert all(code.title and not code.title.endswith(".") for code in CODES.values())
    assert {code.severity for code in CODES.values()} == set(Severity)
