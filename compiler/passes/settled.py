"""The schema once more, over what the expressions and profiles made of the spec.

The raw text was checked with every expression taken on trust; `max_total_trials: "{{ params.n }}"` is known to be a
number only now. A spec without expressions and profiles was checked already.
"""

from __future__ import annotations

from compiler.passes.unit import Unit
from compiler.source.tree import Entry, Mapping, Scalar
from compiler.spec import shape


def settled(unit: Unit) -> None:
    """Poison what the schema refuses in the settled tree."""
    if not unit.templated:
        return
    unit.poisoned |= shape.check(sound(unit), unit.bag)
    broken = unit.broken_keys()
    for draft in unit.drafts:
        if ("steps", draft.name) in unit.poisoned:
            draft.node = None
        elif draft.name in broken and not draft.broken:
            draft.without(broken[draft.name])


def sound(unit: Unit) -> Mapping:
    """The tree without what is broken, with stand-ins for what has to be there: nothing is reported twice."""
    entries: dict[str, Entry] = {}
    for key, entry in unit.tree.entries.items():
        if unit.unknown(key) or key == "profiles":
            continue
        inner = entry.value
        if isinstance(inner, Mapping):
            left = {name: item for name, item in inner.entries.items() if (key, name) not in unit.poisoned}
            if len(left) != len(inner.entries):
                inner = Mapping(inner.source, inner.start, inner.end, left)
                entry = Entry(entry.source, key, entry.key_start, entry.key_end, inner)
        entries[key] = entry
    source, at = unit.tree.source, unit.tree.start
    name, command = (Scalar(source, at, at, text, text) for text in ("name", "true"))
    if "name" not in entries:
        entries["name"] = Entry(source, "name", at, at, name)
    steps = entries.get("steps")
    if steps is None or (isinstance(steps.value, Mapping) and not steps.value.entries):
        step = Mapping(source, at, at, {"command": Entry(source, "command", at, at, command)})
        section = Mapping(source, at, at, {"step": Entry(source, "step", at, at, step)})
        entries["steps"] = Entry(source, "steps", at, at, section)
    return Mapping(unit.tree.source, unit.tree.start, unit.tree.end, entries)
