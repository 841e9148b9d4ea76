"""One tree of several: the files that `include` names beneath the spec, the profiles above it."""

from __future__ import annotations

import os

from compiler.diagnostics.suggest import did_you_mean
from compiler.passes.unit import Unit
from compiler.source.reader import Dialect, load, read
from compiler.source.tree import Entry, Mapping, Scalar, Sequence, describe
from compiler.spec import shape
from compiler.spec.build import as_text
from compiler.spec.overlay import beneath, overlay


def layers(unit: Unit) -> None:
    """Merge includes, check the spec's own text against the schema, lay the profiles over it."""
    _include(unit)
    unit.poisoned |= shape.check(unit.tree, unit.bag)
    if unit.profiles:
        _profiles(unit)


def _include(unit: Unit) -> None:
    node = unit.tree.get("include")
    for item in node.items if isinstance(node, Sequence) else [node]:
        if not isinstance(item, Scalar) or item.value is None:
            continue
        written = as_text(item)
        if "{{" in written:
            help = "files are included before params have values"
            unit.bag.add("P0318", f"an expression in `{written}`", item.span, help=help)
            continue
        path = os.path.normpath(os.path.join(os.path.dirname(item.source.path), written))
        shown = os.path.normpath(os.path.join(os.path.dirname(item.source.name), written))
        source = load(path, unit.bag, item.span, shown)
        tree = read(source, unit.bag, Dialect.CORE) if source is not None else None
        if tree is None:
            continue
        if not isinstance(tree, Mapping):
            unit.bag.add("P0319", f"`{written}` holds {describe(tree)}, not sections", item.span)
        elif (key := next((key for key in ("steps", "include") if key in tree.entries), None)) is not None:
            unit.bag.add("P0319", f"`{written}` has `{key}`, which cannot be included", tree.entries[key].key_span)
        else:
            unit.tree = beneath(unit.tree, tree)


def _profiles(unit: Unit) -> None:
    section = unit.section("profiles")
    declared = section.entries if section is not None else {}
    before = len(unit.bag)
    for name in unit.profiles:
        entry = declared.get(name)
        if entry is None:
            hint = did_you_mean(name, declared, "profiles") or "the spec has no `profiles`"
            unit.bag.add("P0313", f"there is no profile `{name}`", None, help=hint)
        elif isinstance(entry.value, Mapping):
            unit.tree = overlay(unit.tree, entry.value, unit.bag)
    if len(unit.bag) == before:
        unit.poisoned |= shape.check(_without_profiles(unit.tree), unit.bag)


def _without_profiles(tree: Mapping) -> Mapping:
    entries: dict[str, Entry] = {key: entry for key, entry in tree.entries.items() if key != "profiles"}
    return Mapping(tree.source, tree.start, tree.end, entries)
