"""Why a spec does not have the shape that the schema says: jsonschema's findings as located diagnostics.

jsonschema finds every fault, but words it for programmers and places it at the mapping that holds the key, once
per branch. Here each fault becomes one diagnostic at its own key or value, and what only follows from it is dropped:

    sweep: {objectiv: {…}, …}    'objective' is a required property            unknown key `objectiv` in `sweep`
                                 Additional properties are not allowed …       help: did you mean `objective`?

Imported only when a spec is wrong.
"""

from __future__ import annotations

from typing import Any

from compiler.diagnostics.model import Bag
from compiler.diagnostics.suggest import did_you_mean
from compiler.source.tree import Mapping, Node, Scalar
from compiler.spec.explain_keys import explain_keys
from compiler.spec.findings import (
    Findings,
    Path,
    Schema,
    about_names,
    expected,
    found,
    kinds,
    origin,
    owner,
    quoted,
    words,
)

_OF_A_VALUE = frozenset(
    ["type", "anyOf", "enum", "pattern", "minimum", "exclusiveMinimum", "maximum", "minProperties", "minItems"],
)
_LIMITS = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than"}

_YAML_1_1 = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def explain(document: Schema, tree: Mapping, values: object, bag: Bag) -> set[tuple[str, ...]]:
    """Report why ``values``, the plain form of ``tree`` or of the wrong parts of it, fails the schema.

    Returns the paths that are poisoned, as ``shape.check`` says.
    """
    from jsonschema import Draft202012Validator

    findings = Findings(document, tree, Draft202012Validator(document).iter_errors(values), bag)
    for path in sorted(findings.errors, key=len):
        if findings.is_settled(path):
            continue
        node, faults = findings.node(path), findings.errors[path]
        of_value = [error for error in faults if error.validator in _OF_A_VALUE and not about_names(error)]
        if of_value:
            findings.poison(path)
            _value(findings, path, node, of_value[0])
        elif isinstance(node, Mapping):
            explain_keys(findings, path, node, faults)
    return findings.poisoned


def _value(findings: Findings, path: Path, node: Node, error: Any) -> None:
    """One fault of one value."""
    schema, kind, place, bag = error.schema, error.validator, findings.place(path), findings.bag
    shown, remedy = found(node), _remedy(kinds(schema), node)
    if isinstance(node, Scalar) and node.text and _may_be_secret(path):
        node.source.mask(node.start, node.end)
        shown, remedy = "something else", None
    if isinstance(node, Scalar) and node.value is None:
        bag.add("P0209", f"{owner(path)} has no value", place, help=f"expected {expected(schema)}")
    elif kind in ("minProperties", "minItems"):
        bag.add("P0209", f"{owner(path)} is empty", place)
    elif kind in ("anyOf", "enum") and isinstance(node, Scalar):
        word = quoted(node.text) if isinstance(node.value, str) and node.text else shown
        message = f"{word} is not a value of {owner(path)}"
        bag.add("P0204", message, place, secondary=origin(node), help=did_you_mean(node.text, words(schema)))
    elif kind in _LIMITS and isinstance(node, Scalar):
        message = f"{owner(path)} is {node.text} where {_LIMITS[kind]} {error.validator_value} is needed"
        bag.add("P0205", message, place, secondary=origin(node))
    elif kind == "pattern" and "x-expected" in schema:
        message = f"expected {schema['x-expected']}, found {shown}"
        bag.add("P0206", message, place, secondary=origin(node))
    else:
        message = f"expected {expected(schema)}, found {shown}"
        bag.add("P0203", message, place, secondary=origin(node), help=remedy)


def _may_be_secret(path: Path) -> bool:
    """Whether people write a secret here where its name, or its declaration, should stand."""
    return path[:1] == ("secrets",) or "credentials" in path or path[-1] == "admin_password"


def _remedy(wanted: list[str], node: Node) -> str | None:
    """What to write where a value has the wrong type and the right one is plain to see."""
    if not isinstance(node, Scalar):
        return None
    if "string" in wanted and not isinstance(node.value, str):
        return f'put it in quotes: `"{node.text}"`'
    if "boolean" in wanted and node.text.lower() in _YAML_1_1:
        return f"write `{_YAML_1_1[node.text.lower()]}`"
    if not node.plain and "boolean" in wanted and node.text in ("true", "false"):
        return "without quotes it is a boolean"
    if not node.plain and {"integer", "number"} & set(wanted) and node.text.replace(".", "", 1).isdigit():
        return "without quotes it is a number"
    if "array" in wanted and len(node.text) <= 40 and "\n" not in node.text:
        return f"a list is written `[{node.text}]`"
    return None
