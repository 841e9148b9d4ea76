"""Faults of shape and of syntax: keys, values of the wrong kind, quotes, brackets, tabs, what is required."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.faults.making import Maker, Mutant, Subject, changed, misspelt
from tests.faults.names import ports_of
from tests.faults.tables import (
    ENUMS,
    KNOWN,
    LITERAL,
    MAPPINGS,
    NUMBERS,
    REQUIRED,
    REQUIRED_AZURE,
    SCALARS,
    is_words,
    pattern,
)
from tests.faults.text import Node, Spot, column, cut, every, line_of, parses, spots, tree


def _keys(subject: Subject, root: Node, spot: Spot, random: Random) -> Iterator[Mutant]:
    """A word of the language misspelt, or said twice, or without its colon."""
    if not is_words(subject.spec, spot.path):
        return
    key, text = spot.key, subject.text
    known = {name.value for name, _ in spot.inside.pairs if name is not None}
    for how, word in zip(("swap", "drop", "double"), misspelt(key.value, random), strict=False):
        if not key.style and word not in known and word not in KNOWN and not word.startswith("x-"):
            yield changed(subject, f"key.{how}", key.start, key.end, word)
    one_line = "\n" not in text[key.start : spot.value.end] and not spot.inside.flow
    if one_line and spot.value.kind == "scalar" and spot.value.value:
        end = spot.value.end
        line = "\n" + " " * column(text, key.start) + text[key.start : end]
        mutant = changed(subject, "key.twice", end, end, line)
        second = line_of(mutant.text, end + 1)
        yield Mutant(mutant.kind, mutant.text, frozenset([second]), f"{key.value} twice")
    colon = text.find(":", key.end)
    without = text[:colon] + text[colon + 1 :]
    if not parses(without):
        yield changed(subject, "colon", colon, colon + 1, "")


def _shapes(subject: Subject, root: Node, spot: Spot, random: Random) -> Iterator[Mutant]:
    """A scalar or a list where a mapping belongs, a mapping or a list where a scalar does, a word for a number."""
    if not is_words(subject.spec, spot.path):
        return
    key, value = spot.key.value, spot.value

    def put(kind: str, new: str) -> Mutant:
        start = spot.key.end
        gap = ": " if spot.key.end == subject.text.find(":", spot.key.end) else " : "
        return changed(subject, kind, start, value.end, gap + new, start)

    if key in MAPPINGS and value.kind == "map" and "sampling" not in spot.path:
        yield put("shape.scalar_for_map", "oops")
        yield put("shape.list_for_map", "[oops]")
    if key in SCALARS and value.kind == "scalar" and value.value:
        if subject.spec or key not in ("component", "trial"):  # a component may stand in place
            yield put("shape.map_for_scalar", "{oops: 1}")
        yield put("shape.list_for_scalar", "[1, 2]")
    if key in NUMBERS and value.kind == "scalar" and value.value:
        yield put("number", "two")
    if key in ENUMS and value.kind == "scalar" and "{{" not in value.value and _closed(subject, root, spot):
        for word in misspelt(value.value, random):
            at = subject.text.find(value.value, value.start, value.end)
            if at >= 0 and word != value.value:
                yield changed(subject, "enum", at, at + len(value.value), word)
                return


def _closed(subject: Subject, root: Node, spot: Spot) -> bool:
    """Whether ``type`` and ``mode`` take one of a few words here."""
    if spot.key.value != "mode" and not (spot.key.value == "type" and spot.path == ""):
        return True
    return "$schema" not in spot.value.value and spot.path.split("/")[-2:-1] != ["params"]


def _numbers(subject: Subject, root: Node, spot: Spot, random: Random) -> Iterator[Mutant]:
    """A word where the step's component, or the param's declaration, wants a number."""
    parts = spot.path.split("/")
    wanted = None
    if subject.spec and parts[0] == "params" and len(parts) == 2 and spot.key.value == "default":
        declared = spot.inside.get("type")
        wanted = declared.value if declared is not None else None
    elif parts[-1] == "inputs" and len(parts) == 3 and parts[0] in ("steps", "jobs"):
        port = ports_of(subject, root, parts[1], "inputs").get(spot.key.value) or {}
        wanted = port.get("type")
    if wanted in LITERAL and subject.whole and spot.value.kind == "scalar" and "{{" not in spot.value.value:
        yield changed(subject, "number", spot.value.start, spot.value.end, "two")


def _syntax(subject: Subject, root: Node, spot: Spot, random: Random) -> Iterator[Mutant]:
    """A quote or a bracket taken away."""
    text = subject.text
    for node in (spot.key, spot.value):
        if node.style in ("'", '"') and "\n" not in text[node.start : node.end]:
            for kind, at in (("quote.close", node.end - 1), ("quote.open", node.start)):
                if not parses(text[:at] + text[at + 1 :]):
                    yield changed(subject, kind, at, at + 1, "", node.start)
        if node.flow and "\n" not in text[node.start : node.end]:
            for kind, at in (("bracket.close", node.end - 1), ("bracket.open", node.start)):
                if not parses(text[:at] + text[at + 1 :]):
                    yield changed(subject, kind, at, at + 1, "", node.start)


def _missing(subject: Subject, root: Node, spot: Spot, random: Random) -> Iterator[Mutant]:
    """A required key taken out."""
    parts, key = spot.path.split("/"), spot.key.value
    if parts[0] == "profiles" or len(spot.inside.pairs) < 2:
        return
    table = REQUIRED if subject.spec else REQUIRED_AZURE
    required = key in table.get(pattern(subject.spec, spot.path) or "none", ())
    if not subject.spec:
        required = required and not (parts[0] in ("inputs", "outputs") and subject.main)
        if spot.path == "" and not subject.main:
            required = key in ("command", "jobs") and spot.inside.get("type") is not None
        if len(parts) == 2 and parts[0] == "jobs":
            required = required or (key in ("component", "trial") and spot.inside.get("type") is not None)
    elif not subject.main and spot.path == "":
        required = False
    kind = "required"
    if len(parts) == 3 and parts[2] == "inputs" and parts[0] in ("steps", "jobs"):
        port = ports_of(subject, root, parts[1], "inputs").get(key)
        required = port is not None and not port.get("optional") and port.get("default") is None
        kind = "required.input"
    taken = cut(subject.text, spot) if required else None
    if taken is None:
        return
    start, end = taken
    text = subject.text[:start] + subject.text[end:]
    again = tree(text)
    if again is None:
        return
    lines = set() if spot.above is None else {line_of(text, spot.above.start)}
    lines |= {
        line_of(text, other.key.start) for other in spots(again) if other.path == spot.path and kind == "required"
    }
    if kind == "required.input":
        step = root.get(parts[0])
        lines |= {
            line_of(text, name.start) for name, _ in (step.pairs if step else ()) if name and name.value == parts[1]
        }
    first = sorted(lines)[:2] if spot.above is not None else sorted(lines)[:1]
    if spot.path == "" and (name := again.get("name")) is not None:
        first.append(line_of(text, name.start))
    yield Mutant(kind, text, frozenset(first), f"{spot.path}/{key} is gone")


def tabs(subject: Subject, root: Node) -> Iterator[Mutant]:
    """A tab for the indentation of a line, where indentation means something."""
    text, offset = subject.text, 0
    inside = [(n.start, n.end) for n in every(root) if n.flow or (n.kind == "scalar" and "\n" in text[n.start : n.end])]
    for line in text.split("\n"):
        words = line.lstrip(" ")
        indent = len(line) - len(words)
        at = offset + indent
        if indent and words and words[0] not in "#\r" and not any(start < at < end for start, end in inside):
            mutant = changed(subject, "tab", offset, at, "\t")
            if not parses(mutant.text):
                yield mutant
        offset += len(line) + 1


MAKERS: tuple[Maker, ...] = (_keys, _shapes, _numbers, _syntax, _missing)
