"""Evaluate every expression; make one step of each instance of a `foreach`; leave out what `when` turns off.

train: {foreach: [0.1, 0.01], inputs: {lr: "{{ item }}"}, …}
→  train__0_1: {inputs: {lr: 0.1}, …}   train__0_01: {inputs: {lr: 0.01}, …}
"""

from __future__ import annotations

import re

from compiler.diagnostics.model import Label
from compiler.diagnostics.span import Span
from compiler.passes.params import settle
from compiler.passes.unit import Draft, Unit, without
from compiler.source.expressions import INVALID, Known
from compiler.source.tree import Entry, Mapping, Node, Scalar, Sequence, describe, plain_value
from compiler.spec.findings import origin

_SETTLED_ELSEWHERE = ("params", "profiles", "include", "steps")
_ITEMISED = (
    "inputs",
    "outputs",
    "environments",
    "compute",
    "data",
    "secrets",
)  # a fault in one item leaves the others standing


def expand(unit: Unit) -> None:
    """Fill ``unit.drafts`` and replace ``unit.tree`` by one without expressions."""
    entries: dict[str, Entry] = {}
    for key, entry in unit.tree.entries.items():
        if key in _SETTLED_ELSEWHERE or key.startswith("x-") or unit.unknown(key):
            continue
        value = _section(unit, key, entry.value)
        if value is None:
            unit.poisoned.add((key,))
        else:
            entries[key] = _with_value(entry, value)
    steps, broken = unit.section("steps"), unit.broken_keys()
    for entry in steps or ():
        step = entry.value
        if not isinstance(step, Mapping) or ("steps", entry.key) in unit.poisoned:
            unit.drafts.append(Draft(entry.key, entry.key, None, entry, None))
            continue
        before = len(unit.drafts)
        step = without(step, broken[entry.key]) if entry.key in broken else step
        if "foreach" in broken.get(entry.key, ()):
            unit.drafts.append(Draft(entry.key, entry.key, None, entry, None))
        elif "foreach" in step.entries:
            _foreach(unit, entry, step)
        else:
            outer = unit.scope
            if entry.key in broken:  # it may be its `foreach` that is misspelt
                unit.scope = outer.child({"item": Known(INVALID), "key": Known(INVALID)})
            _step(unit, entry.key, entry.key, None, entry, step)
            unit.scope = outer
        for draft in unit.drafts[before:]:
            draft.broken |= entry.key in broken
    _collisions(unit)
    if unit.dropped and not unit.drafts:
        labels = [Label(at, "left out by this") for at in dict.fromkeys(unit.dropped.values())]
        unit.bag.add("P0606", "no step is left", unit.tree.entries["steps"].key_span, secondary=labels)
    if steps is not None:
        settled = {
            draft.name: _with_value(draft.entry, draft.node, draft.name)
            for draft in unit.drafts
            if draft.node and not draft.broken
        }
        section = Mapping(steps.source, steps.start, steps.end, settled)
        entries["steps"] = _with_value(unit.tree.entries["steps"], section)
    unit.tree = Mapping(unit.tree.source, unit.tree.start, unit.tree.end, entries)


def _section(unit: Unit, key: str, node: Node) -> Node | None:
    if key not in _ITEMISED or not isinstance(node, Mapping):
        return settle(node, unit)
    kept: dict[str, Entry] = {}
    for name, entry in node.entries.items():
        value = settle(entry.value, unit)
        if value is None:
            unit.poisoned.add((key, name))
            kept[name] = entry
        else:
            kept[name] = _with_value(entry, value)
    return Mapping(node.source, node.start, node.end, kept)


def _with_value(entry: Entry, value: Node, key: str | None = None) -> Entry:
    if value is entry.value and key in (None, entry.key):
        return entry
    return Entry(entry.source, key or entry.key, entry.key_start, entry.key_end, value)


# ----------------------------------------------------------------------------------------------------------- foreach


def _foreach(unit: Unit, entry: Entry, step: Mapping) -> None:
    source = settle(step.entries["foreach"].value, unit)
    if source is None:
        unit.drafts.append(Draft(entry.key, entry.key, None, entry, None))
        return
    pairs: list[tuple[str, Node]]
    if isinstance(source, Mapping):
        pairs = [(item.key, item.value) for item in source]
    elif isinstance(source, Sequence):
        pairs = [(_key_of(item, index), item) for index, item in enumerate(source.items)]
    else:
        message = f"`foreach` wants a list or a map, not {describe(source)}"
        unit.bag.add("P0315", message, source.span, secondary=origin(source))
        unit.drafts.append(Draft(entry.key, entry.key, None, entry, None))
        return
    body = Mapping(step.source, step.start, step.end, {k: v for k, v in step.entries.items() if k != "foreach"})
    seen: dict[str, Span] = {}
    instances = unit.instances.setdefault(entry.key, {})
    outer = unit.scope
    for raw, item in pairs:
        key = re.sub(r"[^a-z0-9_]", "_", raw.lower())
        if key == "key":
            help = f"`{entry.key}[key]` means the instance with my own key"
            unit.bag.add("P0416", f"`key` cannot be the key of an instance of `{entry.key}`", item.span, help=help)
            continue
        if key in seen:
            unit.bag.add(
                "P0316",
                f"two instances of `{entry.key}` are called `{entry.key}__{key}`",
                item.span,
                secondary=[Label(seen[key], "the first")] if seen[key] != item.span else [],
                help="give each item a `name` of its own, or write a map",
            )
            continue
        seen[key] = item.span
        unit.scope = outer.child({"item": Known(plain_value(item), item.span), "key": Known(key, item.span)})
        name = f"{entry.key}__{key}"
        instances[key] = name
        _step(unit, name, entry.key, key, entry, body)
    unit.scope = outer


def _key_of(item: Node, index: int) -> str:
    if isinstance(item, Scalar) and item.value is not None:
        return item.text
    if isinstance(item, Mapping) and isinstance(name := item.get("name"), Scalar) and name.value is not None:
        return name.text
    return str(index)


# -------------------------------------------------------------------------------------------------------------- when


def _step(unit: Unit, name: str, base: str, key: str | None, entry: Entry, step: Mapping) -> None:
    condition = step.entries.get("when")
    if condition is not None:
        value = settle(condition.value, unit)
        if isinstance(value, Scalar) and isinstance(value.value, bool):
            if not value.value:
                unit.dropped[name] = condition.value.span
                return
        elif value is not None:
            unit.bag.add(
                "P0317",
                f"`when` wants true or false, not {describe(value)}",
                condition.value.span,
                secondary=origin(value),
                help="compare it with `==`, `!=` or `in`",
            )
        if not (isinstance(value, Scalar) and isinstance(value.value, bool)):
            unit.drafts.append(Draft(name, base, key, entry, None))
            return
        step = Mapping(step.source, step.start, step.end, {k: v for k, v in step.entries.items() if k != "when"})
    settled = settle(step, unit)
    if isinstance(settled, Mapping):
        unit.drafts.append(Draft(name, base, key, entry, settled))
    else:
        unit.drafts.append(Draft(name, base, key, entry, _healthy(unit, step), broken=True))


def _healthy(unit: Unit, step: Mapping) -> Mapping:
    """The step without the entries, and the inputs, in which an expression failed."""
    kept: dict[str, Entry] = {}
    for key, entry in step.entries.items():
        value = settle(entry.value, unit)
        if value is None and key == "inputs" and isinstance(entry.value, Mapping):
            value = _healthy(unit, entry.value)
        if value is not None:
            kept[key] = _with_value(entry, value)
    return Mapping(step.source, step.start, step.end, kept)


def _collisions(unit: Unit) -> None:
    """An instance may not take the name of a step that is written out."""
    for draft in unit.drafts:
        first = unit.names.setdefault(draft.name, draft)
        if first is not draft and first.base != draft.base:
            unit.bag.add(
                "P0316",
                f"two steps are called `{draft.name}`",
                draft.entry.key_span,
                secondary=[Label(first.entry.key_span, "the first")],
            )
    unit.drafts = list(unit.names.values())
