"""The JSON Schema itself: valid, within the keywords that the compiler knows, and a teacher in every property."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from compiler.spec.shape import schema_path, schema_text

CASES = Path(__file__).parent / "shape_cases"
SCHEMA: dict[str, Any] = json.loads(schema_text())

KEYWORDS = {
    *("type", "properties", "patternProperties", "additionalProperties", "required", "minProperties", "propertyNames"),
    *("items", "minItems", "enum", "const", "pattern", "minimum", "maximum", "exclusiveMinimum"),
    *("allOf", "anyOf", "if", "then", "else", "$ref"),
}
ANNOTATIONS = {"title", "description", "default", "examples", "x-expected", "x-names", "x-code", "x-with", "x-one-of"}


def _parts(schema: Any, route: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every subschema with the way to it."""
    yield route, schema
    for key in ("properties", "patternProperties", "$defs"):
        for name, part in schema.get(key, {}).items():
            yield from _parts(part, (*route, key, name))
    for key in ("additionalProperties", "propertyNames", "items", "if", "then", "else"):
        if isinstance(schema.get(key), dict):
            yield from _parts(schema[key], (*route, key))
    for key in ("allOf", "anyOf"):
        for index, part in enumerate(schema.get(key, ())):
            yield from _parts(part, (*route, key, str(index)))


def test_the_schema_is_valid_against_its_metaschema() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_keeps_to_its_keywords_and_habits() -> None:
    for route, part in _parts(SCHEMA):
        where = "/".join(route)
        assert set(part) <= KEYWORDS | ANNOTATIONS | {"$schema", "$defs"}, where
        words = part.get("enum", [part["const"]] if "const" in part else [])
        assert all(isinstance(word, str) for word in words), where
        if "propertyNames" in part:
            names = part["propertyNames"]
            assert set(names) & KEYWORDS in ({"enum"}, {"pattern"}), where
            assert "pattern" not in names or {"x-names", "x-expected"} <= set(names), where
            assert "enum" not in names or "x-with" in names or "if" in route, where
        elif "pattern" in part:
            assert part["pattern"] == r"\{\{" or "x-expected" in part, where
        if "anyOf" in part:
            first, second = part["anyOf"]
            assert set(first) == {"enum"} and second == {"$ref": "#/$defs/expression"}, where
        if "$ref" in part:
            assert part["$ref"].removeprefix("#/$defs/") in SCHEMA["$defs"], where
            assert set(part) <= ANNOTATIONS | {"$ref"}, where
        if "x-one-of" in part:
            assert len(part["required"]) == 1 and part["required"][0] in part["x-one-of"], where


def test_every_property_says_what_it_means() -> None:
    for route, part in _parts(SCHEMA):
        if "if" in route or len(route) < 2 or route[-2] not in ("properties", "patternProperties", "$defs"):
            continue
        target = SCHEMA["$defs"][part["$ref"].removeprefix("#/$defs/")] if "$ref" in part else {}
        text = part.get("description") or target.get("description", "")
        assert len(text) > 5 and text.endswith("."), "/".join(route)


def test_examples_in_the_schema_are_themselves_right() -> None:
    for route, part in _parts(SCHEMA):
        for example in part.get("examples", ()):
            whole = {"$defs": SCHEMA["$defs"], **part}
            assert Draft202012Validator(whole).is_valid(example), ("/".join(route), example)


def test_the_good_specs_use_every_key_of_the_language() -> None:
    text = "".join(path.read_text() for path in (CASES / "ok").glob("*.yml"))
    used = set(re.findall(r"([A-Za-z_]+):(?=\s)", text))
    assert {key for _, part in _parts(SCHEMA) for key in part.get("properties", ())} - used == set()


def test_the_schema_stands_where_editors_are_told_to_look() -> None:
    root = Path(__file__).resolve().parents[2]
    assert Path(schema_path()) == root / "schemas" / "pipeline.schema.json"
