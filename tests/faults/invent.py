"""Specs made up from the JSON Schema: nearly all of the right shape, and so wrong in what only later passes look at."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from compiler.spec.shape import schema_text

SCHEMA: dict[str, Any] = json.loads(schema_text())
NAMES = ("x", "y", "train", "prep")
TEXTS = (
    "x", "y", "train", "${{inputs.x}}", "${{inputs.y}}", "${{steps.x.outputs.x}}", "${{steps.train.outputs.y}}",
    "${{steps.x[*].outputs.x}}", "${{steps.y[key].outputs.x}}", "${{outputs.x}}", "{{ params.x }}", "{{ item }}",
    "{{ item.x }}", "{{ key }}", "{{ params.y + 1 }}", "{{ profile }}", "{{ [1, 2] }}", "azureml:x:1", "azureml:cpu",
    "echo '${{inputs.x}}' $[[--y ${{inputs.y}}]] ${{outputs.x}}", "part.yml", ".", "0 3 * * *", "2024-01-01T00:00:00",
    "10m", "x.py", "", "é", "1", "true", "null",
)  # fmt: skip


def invent(random: Random) -> Any:
    """A spec, as YAML's own values."""
    spec = _value(SCHEMA, random, 0)
    spec |= {"name": "x", "steps": {name: _step(random) for name in random.sample(NAMES, random.randint(1, 3))}}
    if random.random() < 0.8:
        spec["defaults"] = {"compute": "azureml:cpu", "environment": "azureml:x:1"}
    for section in ("params", "inputs"):
        if random.random() < 0.7:
            spec[section] = {name: random.choice([1, "x", 0.5, True]) for name in ("x", "y")}
    return {key: spec[key] for key in spec if key in ("name", "steps") or random.random() < 0.4}


def _step(random: Random) -> Any:
    schema = SCHEMA["$defs"]["step"]
    keys = [key for key in schema["properties"] if random.random() < 0.1]
    step = {key: _value(schema["properties"][key], random, 2) for key in keys}
    for other in ("component", "command", "parallel", "spark", "automl", "data_transfer"):
        step.pop(other, None)
    kind = random.choice(("command", "command", "component", "spark", "automl", "parallel"))
    step[kind] = _value(schema["properties"][kind], random, 2)
    return step


def _value(schema: Any, random: Random, depth: int) -> Any:
    """A value that a part of the schema describes, as far as ``if`` and ``then`` are left aside."""
    if "$ref" in schema:
        return _value(SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], random, depth)
    if "anyOf" in schema:
        return _value(random.choice(schema["anyOf"]), random, depth)
    if "enum" in schema or "const" in schema:
        return random.choice(schema.get("enum", [schema.get("const")]))
    kinds = schema.get("type", ["string", "object", "array", "integer"])
    kind = random.choice([kinds] if isinstance(kinds, str) else kinds)
    if kind == "object":
        return _mapping(schema, random, depth)
    if kind == "array":
        size = random.randint(0, 3) if depth < 6 else 0
        return [_value(schema.get("items", {}), random, depth + 1) for _ in range(size)]
    if kind == "string":
        template = schema.get("pattern") == r"\{\{"
        return random.choice([text for text in TEXTS if not template or text.startswith("{{")])
    return {"integer": random.randint(-1, 5), "number": random.choice([0.5, -1.0, 3]), "boolean": True, "null": None}[
        kind
    ]


def _mapping(schema: Any, random: Random, depth: int) -> Any:
    known = schema.get("properties", {})
    keys = [key for key in known if key in schema.get("required", ()) or random.random() < (0.25 if depth < 5 else 0.1)]
    found = {key: _value(known[key], random, depth + 1) for key in keys}
    rest = schema.get("additionalProperties", True)
    if isinstance(rest, dict) or (rest is True and not known):
        for name in random.sample(NAMES, random.randint(0, 2) if depth < 6 else 0):
            found[name] = _value(rest if isinstance(rest, dict) else {"type": "string"}, random, depth + 1)
    return found
