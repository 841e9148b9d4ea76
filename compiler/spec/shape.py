"""Does a spec have the shape that the JSON Schema says? A fast yes; a no goes to ``explain``.

``schemas/pipeline.schema.json`` is the one description of the language's shape, for editors and for us. A spec
is nearly always right, so this module only accepts: it turns the schema into closures over the located tree,
each part when it is first met, and answers yes or no. Only after a no is jsonschema imported, to say why. Both
give the same verdict on every tree; a test holds them together over thousands of mutated specs.

The schema keeps to these keywords, with their standard meaning:

    type properties patternProperties additionalProperties required minProperties propertyNames
    items minItems enum const pattern minimum maximum exclusiveMinimum allOf anyOf if then else $ref

and to these habits, which keep both the closures and the messages simple (``tests/spec/test_schema.py`` checks):

    enum, const            texts only
    propertyNames          ``enum`` or ``pattern`` only
    anyOf                  ``[{"enum": …}, {"$ref": "#/$defs/expression"}]``: one of these words, or an expression
    type [T, "string"]     with ``pattern`` ``\\{\\{``: a T, or an expression that will give one
    $ref                   ``#/$defs/NAME``; beside it only annotations
    x-expected             on ``pattern``: the pattern in words
    x-names                on ``propertyNames`` + ``pattern``: what is named; ``x-code`` the code, else P0206
    x-with                 on ``propertyNames`` + ``enum``: the key that rules the others out
    x-one-of               on ``required``: the keys of which one is needed
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from compiler.diagnostics.model import Bag
from compiler.source.tree import Mapping, Node, Scalar, Sequence, plain_value

Schema: TypeAlias = "dict[str, Any]"
Check: TypeAlias = Callable[[Node], bool]

_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def schema_path() -> str:
    """The schema's file. It stands beside the package, in the repository as in an installed distribution."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return os.path.join(os.path.dirname(package), "schemas", "pipeline.schema.json")


def schema_text() -> str:
    """The schema as it stands in its file."""
    with open(schema_path(), encoding="utf-8") as file:
        return file.read()


def check(tree: Mapping, bag: Bag) -> set[tuple[str, ...]]:
    """Report every fault of a spec's shape, located, and return what is poisoned.

    The paths returned are those of entries that later passes must stay silent about: ``("inputs", "x")``, a step
    ``("steps", "train")`` or a key of one ``("steps", "train", "sweep")``, or a top-level key ``("settings",)``.
    ``("*",)`` means that the whole file is no pipeline. Expressions stand for any value, so a tree is checked before
    and after they are evaluated.
    """
    shape = _pipeline()
    if shape.accepts(tree):
        return set()
    from compiler.spec.explain import explain

    return explain(shape.document, tree, _suspects(shape, tree), bag)


@cache
def _pipeline() -> Shape:
    return Shape(json.loads(schema_text()))


def _suspects(shape: Shape, tree: Mapping) -> dict[str, object]:
    """The tree as plain values, less the steps that are right: with a thousand steps one fault is soon explained."""
    values: dict[str, object] = {}
    for entry in tree:
        node = entry.value
        if entry.key == "steps" and isinstance(node, Mapping) and node.entries:
            accepts = shape.part(shape.document["properties"]["steps"])
            alone = {step.key: Mapping(node.source, node.start, node.end, {step.key: step}) for step in node}
            wrong = {key: step for key, step in alone.items() if not accepts(step)} or dict([next(iter(alone.items()))])
            values["steps"] = {key: plain_value(step.entries[key].value) for key, step in wrong.items()}
        else:
            values[entry.key] = plain_value(node)
    return values


class Shape:
    """A JSON Schema as closures. Parts under ``$defs`` are compiled when a tree first reaches them."""

    def __init__(self, document: Schema) -> None:
        self.document = document
        self._parts: dict[str, Check] = {}
        self.accepts = self.part(document)

    def part(self, schema: Schema) -> Check:
        """The closure for one part of the schema: whether a node fits it."""
        kinds = _kinds(schema)
        scalar = _scalar_check(schema)
        inside = self._mapping_check(schema)
        items = self._sequence_check(schema)
        further = self._applicators(schema)
        leaf = "enum" in schema or "const" in schema
        maps = not leaf and (kinds is None or "object" in kinds)
        lists = not leaf and (kinds is None or "array" in kinds)
        plain = None if kinds is None else frozenset(t for kind in kinds for t in _SCALARS.get(kind, ()))
        whole = kinds is not None and "integer" in kinds and "number" not in kinds

        def fits(node: Node) -> bool:
            if node.__class__ is Scalar:
                value = node.value
                if plain is not None and value.__class__ not in plain and not (whole and _is_whole(value)):
                    return False
                if scalar is not None and not scalar(value):
                    return False
            elif node.__class__ is Mapping:
                if not maps or (inside is not None and not inside(node)):
                    return False
            elif not lists or (items is not None and isinstance(node, Sequence) and not items(node)):
                return False
            # A generator here would cost a third of the whole time.
            for test in further:  # noqa: SIM110
                if not test(node):
                    return False
            return True

        return fits

    def _mapping_check(self, schema: Schema) -> Callable[[Mapping], bool] | None:
        required: list[str] = schema.get("required", [])
        least: int = schema.get("minProperties", 0)
        name = _name_check(schema.get("propertyNames"))
        known = {key: self.part(part) for key, part in schema.get("properties", {}).items()}
        patterns = [(re.compile(key), self.part(part)) for key, part in schema.get("patternProperties", {}).items()]
        rest = schema.get("additionalProperties", True)
        other = self.part(rest) if isinstance(rest, dict) else None
        if not (required or least or name or known or patterns or rest is not True):
            return None

        def fits(node: Mapping) -> bool:
            entries = node.entries
            if len(entries) < least:
                return False
            for key in required:
                if key not in entries:
                    return False
            for key, entry in entries.items():
                if name is not None and not name(key):
                    return False
                test = known.get(key)
                if test is not None:
                    if not test(entry.value):
                        return False
                    if not patterns:
                        continue
                matched = test is not None
                for pattern, part in patterns:
                    if pattern.search(key):
                        matched = True
                        if not part(entry.value):
                            return False
                if not matched and (rest is False or (other is not None and not other(entry.value))):
                    return False
            return True

        return fits

    def _sequence_check(self, schema: Schema) -> Callable[[Sequence], bool] | None:
        least: int = schema.get("minItems", 0)
        each = self.part(schema["items"]) if "items" in schema else None
        if not least and each is None:
            return None
        return lambda node: len(node.items) >= least and (each is None or all(map(each, node.items)))

    def _applicators(self, schema: Schema) -> list[Check]:
        """What applies to a node of any kind: references, branches and unions."""
        checks: list[Check] = []
        if "$ref" in schema:
            checks.append(self._reference(schema["$ref"]))
        checks += [self.part(part) for part in schema.get("allOf", ())]
        if "anyOf" in schema:
            options = [self.part(part) for part in schema["anyOf"]]
            checks.append(lambda node: any(test(node) for test in options))
        if "if" in schema:
            condition = self.part(schema["if"])
            yes, no = self.part(schema.get("then", {})), self.part(schema.get("else", {}))
            checks.append(lambda node: yes(node) if condition(node) else no(node))
        return checks

    def _reference(self, reference: str) -> Check:
        name = reference.removeprefix("#/$defs/")
        parts = self._parts

        def fits(node: Node) -> bool:
            test = parts.get(name)
            if test is None:
                test = parts[name] = self.part(self.document["$defs"][name])
            return test(node)

        return fits


def _kinds(schema: Schema) -> list[str] | None:
    kinds = schema.get("type")
    return [kinds] if isinstance(kinds, str) else kinds


def _is_whole(value: object) -> bool:
    """JSON Schema takes 2.0 for an integer."""
    return isinstance(value, float) and value.is_integer()


def _scalar_check(schema: Schema) -> Callable[[object], bool] | None:
    """What the schema says about the value of a leaf, beyond its type."""
    tests: list[Callable[[object], bool]] = []
    words = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if words:
        tests.append(lambda value: value.__class__ is str and value in words)
    if "pattern" in schema:
        search = _search(schema["pattern"])
        tests.append(lambda value: value.__class__ is not str or search(str(value)))
    low, high, above = schema.get("minimum"), schema.get("maximum"), schema.get("exclusiveMinimum")
    if low is not None or high is not None or above is not None:

        def in_range(value: object) -> bool:
            # Written as jsonschema decides it: a NaN is below and above nothing.
            if not isinstance(value, (int, float)) or value.__class__ is bool:
                return True
            below = low is not None and value < low
            return not (below or (high is not None and value > high) or (above is not None and value <= above))

        tests.append(in_range)
    if len(tests) < 2:
        return tests[0] if tests else None
    return lambda value: all(test(value) for test in tests)


def _name_check(schema: Schema | None) -> Callable[[str], bool] | None:
    if schema is None:
        return None
    if "enum" in schema:
        return frozenset(schema["enum"]).__contains__
    return _search(schema["pattern"])


def _search(pattern: str) -> Callable[[str], bool]:
    if pattern == r"\{\{":
        return lambda text: "{{" in text
    compiled: list[re.Pattern[str]] = []

    def found(text: str) -> bool:
        if not compiled:  # compiled when first needed: most patterns of the schema are met by few specs
            compiled.append(re.compile(pattern))
        return compiled[0].search(text) is not None

    return found
