"""Profiles and includes: one located tree laid over another.

    steps: {train: {compute: gpu, sweep: {limits: {max_total_trials: 20}}}}      the spec
    steps: {train: {sweep: {limits: {max_total_trials: 4}}}}                     the profile
    steps: {train: {compute: gpu, sweep: {limits: {max_total_trials: 4}}}}       what comes out

Maps merge key by key, lists and scalars replace, null deletes. Where a key that decides what its mapping is
(``type``, ``component``, ``command``, ``sampling_algorithm``) changes, the mapping is replaced as a whole: the
fields of a random sampler mean nothing to a grid. Every value keeps the place it was written at.
"""

from __future__ import annotations

from compiler.diagnostics.model import Bag
from compiler.source.tree import Entry, Mapping, Node, Scalar

_DECIDING = ("type", "component", "command", "sampling_algorithm")


def overlay(base: Mapping, over: Mapping, bag: Bag) -> Mapping:
    """``over`` laid over ``base``; a null that deletes nothing is reported."""
    entries = dict(base.entries)
    for key, entry in over.entries.items():
        below = entries.get(key)
        value = entry.value
        if isinstance(value, Scalar) and value.value is None and value.text in ("", "~", "null", "Null", "NULL"):
            if below is None:
                bag.add("P0314", f"the profile takes away `{key}`, which is not there", entry.key_span)
            entries.pop(key, None)
        elif below is None:
            entries[key] = entry
        elif isinstance(value, Mapping) and isinstance(below.value, Mapping) and not _changes_kind(below.value, value):
            merged = overlay(below.value, value, bag)
            entries[key] = Entry(entry.source, key, entry.key_start, entry.key_end, merged)
        else:
            entries[key] = entry
    return Mapping(base.source, base.start, base.end, entries)


def _changes_kind(base: Mapping, over: Mapping) -> bool:
    for key in _DECIDING:
        new = over.get(key)
        if new is not None and (old := base.get(key)) is not None and _word(new) != _word(old):
            return True
    # a step is its component file or its command, whichever the profile names
    return ("command" in over.entries and "component" in base.entries) or (
        "component" in over.entries and "command" in base.entries
    )


def _word(node: Node) -> object:
    """What decides: ``random`` and ``{type: random, seed: 1}`` are the same sampler."""
    if isinstance(node, Mapping):
        kind = node.get("type")
        return kind.value if isinstance(kind, Scalar) else None
    return node.value if isinstance(node, Scalar) else None


def beneath(spec: Mapping, common: Mapping) -> Mapping:
    """``include``: the sections of ``common`` slid beneath the spec's own. Maps merge; whatever the spec says wins."""
    entries = dict(spec.entries)
    for key, entry in common.entries.items():
        mine = entries.get(key)
        if mine is None:
            entries[key] = entry
        elif isinstance(mine.value, Mapping) and isinstance(entry.value, Mapping):
            merged = beneath(mine.value, entry.value)
            entries[key] = Entry(mine.source, key, mine.key_start, mine.key_end, merged)
    return Mapping(spec.source, spec.start, spec.end, entries)
