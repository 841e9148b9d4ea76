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
    unit.poisoned |= shape.check(_whole(unit), unit.bag)
    broken = unit.broken_keys()
    for draft in unit.drafts:
        if ("steps", draft.name) in unit.poisoned:
            draft.node = None
        elif draft.name in broken and not draft.broken:
            draft.without(broken[draft.name])


def _whole(unit: Unit) -> Mapping:
    """The tree without what is broken already, so that nothing is reported twice."""
    entries: dict[str, Entry] = {}
    for key, entry in unit.tree.entries.items():
        if (key,) in unit.poisoned:
            continue
        inner = entry.value
        if key == "steps" and isinstance(inner, Mapping) and not inner.entries:
            entry = _stand_in(entry)  # no step is left, which was reported
        elif isinstance(inner, Mapping):
            left = {name: item for name, item in inner.entries.items() if (key, name) not in unit.poisoned}
            if len(left) != len(inner.entries):
                inner = Mapping(inner.source, inner.start, inner.end, left)
                entry = Entry(entry.source, key, entry.key_start, entry.key_end, inner)
        entries[key] = entry
    return Mapping(unit.tree.source, unit.tree.start, unit.tree.end, entries)


def _stand_in(entry: Entry) -> Entry:
    """The section with a step that is right, so that the schema has nothing to say about it."""
    source, at, end = entry.source, entry.key_start, entry.key_end
    command = Entry(source, "command", at, end, Scalar(source, at, end, "true", "true"))
    step = Entry(source, "step", at, end, Mapping(source, at, end, {"command": command}))
    return Entry(source, entry.key, at, end, Mapping(source, at, end, {"step": step}))
