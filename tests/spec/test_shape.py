"""The shape of a spec: the acceptor agrees with jsonschema, every fault is told once and in its place.

``shape_cases/ok`` holds good specs that use every key of the language. Each other file there holds faulty specs,
separated by ``---``; a line with a fault names the code it must raise in a comment, and ``.out`` has what is said.
"""

from __future__ import annotations

import copy
import json
import random
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from compiler.diagnostics.model import Bag
from compiler.diagnostics.span import SourceFile
from compiler.report.concise import line as concise
from compiler.source.reader import Dialect, read
from compiler.source.tree import Entry, Mapping, Node, Scalar, Sequence, plain_value
from compiler.spec.shape import Shape, _suspects, check, schema_text

CASES = Path(__file__).parent / "shape_cases"
SCHEMA: dict[str, Any] = json.loads(schema_text())
SHAPE = Shape(SCHEMA)
REFERENCE = Draft202012Validator(SCHEMA)

Path_ = tuple[str | int, ...]


def parse(text: str, name: str = "spec.yml") -> Mapping:
    bag = Bag()
    tree = read(SourceFile(f"/{name}", text, name), bag, Dialect.CORE)
    assert isinstance(tree, Mapping) and not bag.has_errors, list(bag)
    return tree


def good() -> list[Path]:
    return sorted((CASES / "ok").glob("*.yml"))


# -------------------------------------------------------------------------------------------------------- good specs


@pytest.mark.parametrize("path", good(), ids=lambda path: path.stem)
def test_a_good_spec_is_accepted_in_silence(path: Path) -> None:
    tree, bag = parse(path.read_text()), Bag()
    assert check(tree, bag) == set()
    assert list(bag) == []
    assert REFERENCE.is_valid(plain_value(tree))


def _keys(value: Any, path: Path_ = ()) -> Iterator[tuple[str, Path_]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, path
            yield from _keys(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _keys(inner, (*path, index))


KEYWORD_CASES: list[tuple[Any, list[Any]]] = [
    ({"type": "integer"}, [1, 1.0, 1.5, True, "1", None, [], {}, float("nan"), float("inf")]),
    ({"type": ["number", "null"]}, [1, 1.5, False, None, "1", [], {}]),
    ({"type": "boolean"}, [True, 0, 1, "true"]),
    ({"minimum": 1, "maximum": 3}, [0, 1, 3, 4, 0.5, True, "0", [], float("nan")]),
    ({"exclusiveMinimum": 0}, [0, 0.1, -1, False, "x"]),
    ({"enum": ["a", "b"]}, ["a", "c", 1, None, [], {}, ["a"]]),
    ({"const": "a"}, ["a", "b", {}, []]),
    ({"pattern": "^a"}, ["ab", "ba", 1, {}]),
    ({"pattern": r"\{\{"}, ["{{ x }}", "x", "${{ x }}"]),
    ({"minItems": 1, "items": {"type": "string"}}, [[], ["a"], ["a", 1], {}, "a"]),
    ({"minProperties": 1, "required": ["a"]}, [{}, {"a": None}, {"b": 1}, [], "a"]),
    (
        {
            "properties": {"a": {"type": "string"}},
            "patternProperties": {"^x-": {"type": "number"}},
            "additionalProperties": False,
        },
        [{}, {"a": "b"}, {"a": 1}, {"x-a": 1}, {"x-a": "b"}, {"b": 1}],
    ),
    ({"properties": {"a": {}}, "additionalProperties": {"type": "number"}}, [{"a": "b"}, {"b": 1}, {"b": "c"}]),
    ({"propertyNames": {"enum": ["a"]}}, [{"a": 1}, {"b": 1}, {}]),
    ({"propertyNames": {"pattern": "^a"}}, [{"ab": 1}, {"b": 1}]),
    ({"allOf": [{"type": "string"}, {"pattern": "a"}]}, ["a", "b", 1]),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, ["a", None, 1]),
    ({"if": {"type": "string"}, "then": {"pattern": "a"}, "else": {"type": "null"}}, ["a", "b", None, 1]),
    ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, [{}, {"a": 1}, {"a": 1, "b": 2}, "a", []]),
    ({"$ref": "#/$defs/text", "$defs": {"text": {"type": "string"}}}, ["a", 1]),
]


@pytest.mark.parametrize(
    ("schema", "values"), KEYWORD_CASES, ids=lambda case: "+".join(case) if isinstance(case, dict) else ""
)
def test_each_keyword_is_decided_as_jsonschema_decides_it(schema: Any, values: list[Any]) -> None:
    shape, reference = Shape(schema), Draft202012Validator(schema)
    for value in values:
        node, _ = _located(value, SourceFile("/value.json", json.dumps(value)), 0)
        assert shape.accepts(node) == reference.is_valid(value), (schema, value)


# ------------------------------------------------------------------------------------------------------ faulty specs


def documents(path: Path) -> Iterator[Mapping]:
    """The specs of a file, each padded so that its lines keep their numbers."""
    above = 0
    for text in re.split(r"^---\n", path.read_text(), flags=re.MULTILINE):
        yield parse("\n" * above + text, path.name)
        above += text.count("\n") + 1


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yml")), ids=lambda path: path.stem)
def test_each_fault_is_told_once_on_its_line(path: Path, update: bool) -> None:
    said, told = [], []
    for tree in documents(path):
        bag = Bag()
        poisoned = check(tree, bag)
        for diagnostic in bag:
            assert diagnostic.primary is not None
            told.append((diagnostic.primary.line, diagnostic.code))
            said.append(concise(diagnostic))
            said += [f"    {label.span.line}:{label.span.column} {label.text}" for label in diagnostic.secondary]
            said += [f"    help: {diagnostic.help}"] if diagnostic.help else []
        said += ["poisoned: " + " ".join(sorted(".".join(item) for item in poisoned)), ""]
    lines = enumerate(path.read_text().splitlines(), 1)
    wanted = [(number, code) for number, text in lines for code in re.findall(r"# .*\b(P\d{4})\b", text)]
    assert told == wanted
    out, text = path.with_suffix(".out"), "\n".join(said)
    if update:
        out.write_text(text)
    assert text == out.read_text()


def test_a_value_that_an_expression_gave_names_its_origin() -> None:
    tree = parse("name: a\nparams: {n: two}\nsteps: {s: {command: a, resources: {instance_count: 1}}}\n")
    definition = tree.entries["params"].value
    resources = tree.entries["steps"].value.entries["s"].value.entries["resources"].value  # type: ignore[union-attr]
    count = resources.entries["instance_count"]  # type: ignore[union-attr]
    old = count.value
    count.value = Scalar(old.source, old.start, old.end, "two", "two", defined=definition.span)
    bag = Bag()
    check(tree, bag)
    (diagnostic,) = bag
    assert diagnostic.code == "P0203" and diagnostic.secondary[0].span == definition.span


def test_a_secret_that_is_written_out_is_not_shown() -> None:
    text = """
name: a
secrets: {key: hunter2}
data:
  store: {kind: datastore, type: azure_blob, account_name: a, container_name: b, credentials: {account_key: h+/2==}}
steps: {s: {command: a}}
"""
    bag, tree = Bag(), parse(text)
    check(tree, bag)
    assert [diagnostic.code for diagnostic in bag] == ["P0203", "P0206"]
    assert not any("hunter2" in str(diagnostic) or "h+/2" in str(diagnostic) for diagnostic in bag)
    assert "hunter2" not in tree.source.line(3)


def test_a_fault_in_a_large_spec_is_explained_without_the_other_steps() -> None:
    steps = "".join(f"  s{n}: {{command: a}}\n" for n in range(500))
    tree, bag = parse(f"name: a\nsteps:\n{steps}  wrong: {{comand: a}}\n  Bad: {{command: a}}\n"), Bag()
    assert check(tree, bag) == {("steps", "wrong", "comand"), ("steps", "Bad")}
    assert [diagnostic.code for diagnostic in bag] == ["P0201", "P0416"]
    suspects: Any = _suspects(SHAPE, tree)
    assert list(suspects["steps"]) == ["wrong", "Bad"]


def test_a_long_text_does_not_flood_the_message() -> None:
    bag = Bag()
    check(parse(f"name: a\nsteps: {{s: {{command: a, queue_settings: {{job_tier: {'x ' * 500}}}}}}}\n"), bag)
    assert all(len(diagnostic.message) < 160 for diagnostic in bag) and bag.has_errors


# ------------------------------------------------------------------------------- mutations of the good specs, by hand


def slices() -> list[Any]:
    """The good specs cut small: one step, or one entry of a section, each."""
    cut: list[Any] = []
    for path in good():
        spec: Any = plain_value(parse(path.read_text()))
        base = {"name": "a", "steps": {"s": {"command": "a"}}}
        for key, value in spec.items():
            if isinstance(value, dict) and "propertyNames" in SCHEMA["properties"].get(key, {}):
                cut += [{**base, key: {name: inner}} for name, inner in value.items()]
            else:
                cut.append({**base, key: value})
    return cut


SLICES = slices()


def faults(value: Any, locate: Any) -> None:
    """Fail unless a fault at a place is told at most once, and there."""
    tree = locate_tree(value)
    accepted, bag = SHAPE.accepts(tree), Bag()
    poisoned = check(tree, bag)
    said = [(diagnostic.code, diagnostic.message) for diagnostic in bag]
    assert bool(said) != accepted and bool(poisoned) != accepted, (value, said)
    assert len(said) <= 1, (value, said)
    for diagnostic in bag:
        assert diagnostic.primary is not None
        entry = locate(tree)
        assert entry.key_start <= diagnostic.primary.start <= entry.value.end, (value, said, diagnostic.primary.text)


def test_a_misspelt_key_is_told_once_and_there() -> None:
    for spec in SLICES:
        for key, path in list(_keys(spec)):
            if path[:1] == ("profiles",):
                continue
            wrong = copy.deepcopy(spec)
            at = _at(wrong, path)
            renamed = {(f"{k[:1]}q{k[1:]}" if k == key else k): v for k, v in at.items()}
            at.clear()
            at.update(renamed)
            misspelt = f"{key[:1]}q{key[1:]}"
            faults(wrong, lambda tree, path=path, misspelt=misspelt: _entry(tree, (*path, misspelt)))


def test_a_missing_key_is_told_once_at_its_mapping() -> None:
    for spec in SLICES:
        for key, path in list(_keys(spec)):
            wrong = copy.deepcopy(spec)
            del _at(wrong, path)[key]
            faults(wrong, lambda tree, path=path: _entry(tree, path) if path else _whole(tree))


@pytest.mark.parametrize("value", ["two", 1.5, None, [["a"]]], ids=str)
def test_a_value_of_another_shape_is_told_once_and_there(value: object) -> None:
    for spec in SLICES:
        for key, path in list(_keys(spec)):
            wrong = copy.deepcopy(spec)
            _at(wrong, path)[key] = value
            faults(wrong, lambda tree, path=path, key=key: _nearby(tree, path, key))


def _nearby(tree: Mapping, path: Path_, key: str) -> Entry:
    """The changed value; where it decides what else is there (a type, a kind), the mapping that it stands in."""
    return _entry(tree, path) if key in ("type", "kind", "data", "path") and path else _entry(tree, (*path, key))


def _at(value: Any, path: Path_) -> Any:
    for step in path:
        value = value[step]
    return value


def _entry(tree: Mapping, path: Path_) -> Entry:
    node: Node = tree
    entry: Entry | None = None
    for step in path:
        if isinstance(node, Mapping):
            entry = node.entries[str(step)]
            node = entry.value
        elif isinstance(node, Sequence):
            node = node.items[int(step)]
            entry = Entry(node.source, "", node.start, node.start, node)
    assert entry is not None
    return entry


def _whole(tree: Mapping) -> Entry:
    return Entry(tree.source, "", tree.start, tree.start, tree)


# ----------------------------------------------------------------------------------- mutations of the good specs, wild


def locate_tree(value: object) -> Mapping:
    """Plain values as a tree whose spans lie in the values' own JSON text."""
    source = SourceFile("/mutant.json", json.dumps(value))
    tree, _ = _located(value, source, 0)
    assert isinstance(tree, Mapping)
    return tree


def _located(value: object, source: SourceFile, start: int) -> tuple[Node, int]:
    at = start + 1
    if isinstance(value, dict):
        entries: dict[str, Entry] = {}
        for key, inner in value.items():
            key_end = at + len(json.dumps(key))
            node, end = _located(inner, source, key_end + 2)
            entries[key] = Entry(source, key, at, key_end, node)
            at = end + 2
        end = at - 1 if value else at + 1
        return Mapping(source, start, end, entries), end
    if isinstance(value, list):
        items = []
        for inner in value:
            node, end = _located(inner, source, at)
            items.append(node)
            at = end + 2
        end = at - 1 if value else at + 1
        return Sequence(source, start, end, items), end
    assert value is None or isinstance(value, (str, int, float, bool))
    end = start + len(json.dumps(value))
    return Scalar(source, start, end, value, value if isinstance(value, str) else json.dumps(value), False), end


def mutate(value: Any, dice: random.Random) -> None:
    """One to three random changes of a spec, in place."""
    for _ in range(dice.randint(1, 3)):
        places = list(_keys(value))
        if not places:
            return
        key, path = dice.choice(places)
        at = _at(value, path)
        other_key, other_path = dice.choice(places)
        other = copy.deepcopy(_at(value, other_path)[other_key])
        change = dice.randrange(7)
        if change == 0:
            del at[key]
        elif change == 1:
            at[dice.choice([other_key, key + "s", f"x-{key}", key.upper(), f"{key}-{key}"])] = at.pop(key)
        elif change == 2:
            at[other_key] = other
        elif change == 3:
            at[key] = other
        elif change == 4:
            at[key] = dice.choice(
                [None, True, "", 0, -1, 1.0, 2.5, 300, float("nan"), [], {}, "{{ params.x }}", "${{inputs.x}}"]
            )
        elif change == 5:
            at[key] = [at[key]]
        else:
            at[key] = "".join(dice.choices(string.printable, k=4))


def agree(count: int, seed: int) -> int:
    dice, refused = random.Random(seed), 0
    for _ in range(count):
        spec = copy.deepcopy(dice.choice(SLICES))
        mutate(spec, dice)
        tree, bag = locate_tree(spec), Bag()
        accepted = SHAPE.accepts(tree)
        assert accepted == REFERENCE.is_valid(spec), spec
        poisoned = check(tree, bag)
        assert bool(bag) != accepted and bool(poisoned) != accepted, spec
        for diagnostic in bag:
            at = diagnostic.primary
            assert at is not None and 0 <= at.start <= at.end <= len(at.source.text), spec
            assert "\n" not in diagnostic.message
        refused += not accepted
    return refused


def test_the_acceptor_and_jsonschema_agree_on_mutated_specs() -> None:
    assert agree(1500, seed=1) > 500


@pytest.mark.slow
def test_the_acceptor_and_jsonschema_agree_on_very_many_mutated_specs() -> None:
    assert agree(40_000, seed=2) > 10_000
