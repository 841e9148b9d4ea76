"""The schema once more, over what the expressions and profiles made of the spec.

The raw text was checked with every expression taken on trust; `max_total_trials: "{{ params.n }}"` is known to be a
number only now. A spec without expressions and profiles was checked already.
"""

from __future__ import annotations

from compiler.passes.unit import Unit
from compiler.source.tree import Entry, Mapping
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
        if isinstance(inner, Mapping):
            left = {name: item for name, item in inner.entries.items() if (key, name) not in unit.poisoned}
            if len(left) != len(inner.entries):
                inner = Mapping(inner.source, inner.start, inner.end, left)
                entry = Entry(entry.source, key, entry.key_start, entry.key_end, inner)
        entries[key] = entry
    return Mapping(unit.tree.source, unit.tree.start, unit.tree.end, entries)
