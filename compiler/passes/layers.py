"""One tree of several: the files that `include` names beneath the spec, the profiles above it."""

from __future__ import annotations

import os

from compiler.diagnostics.model import Bag, Label
from compiler.diagnostics.suggest import did_you_mean
from compiler.passes.settled import sound
from compiler.passes.unit import Unit
from compiler.source.reader import Dialect, load, read
from compiler.source.tree import Mapping, Node, Scalar, Sequence, describe
from compiler.spec import shape
from compiler.spec.build import as_text
from compiler.spec.overlay import beneath, overlay


def layers(unit: Unit) -> None:
    """Merge includes, check the spec's own text against the schema, lay the profiles over it."""
    _include(unit)
    if unit.fresh and not unit.hopeless:
        unit.poisoned |= shape.check(unit.tree, unit.bag)
    if unit.profiles and not unit.hopeless:
        _profiles(unit)


def _include(unit: Unit) -> None:
    node = unit.tree.get("include")
    for item in node.items if isinstance(node, Sequence) else [node]:
        if not isinstance(item, Scalar) or item.value is None:
            continue
        tree = _sections(unit, item)
        if tree is None:
            unit.poisoned.add(("include",))
        else:
            unit.tree = beneath(unit.tree, tree)


def _sections(unit: Unit, item: Scalar) -> Mapping | None:
    """The sections of an included file; None when it cannot be merged, which is reported."""
    bag, written = unit.bag, as_text(item)
    if "{{" in written:
        help = "files are included before params have values"
        bag.add("P0318", f"an expression in `{written}`", item.span, help=help)
        return None
    path = os.path.normpath(os.path.join(os.path.dirname(item.source.path), written))
    shown = os.path.normpath(os.path.join(os.path.dirname(item.source.name), written))
    source = load(path, bag, item.span, shown)
    tree = read(source, bag, Dialect.CORE) if source is not None else None
    if tree is not None and not isinstance(tree, Mapping):
        bag.add("P0319", f"`{written}` holds {describe(tree)}, not sections", item.span)
    if not isinstance(tree, Mapping):
        return None
    for entry in tree:
        mine = unit.tree.get(entry.key)
        if entry.key in ("steps", "include"):
            bag.add("P0319", f"`{written}` has `{entry.key}`, which cannot be included", entry.key_span)
            return None
        if isinstance(mine, Mapping) and not isinstance(entry.value, Mapping) and not _empty(entry.value):
            message = f"`{entry.key}` is {describe(entry.value)}, and a mapping in the spec that includes this"
            bag.add("P0319", message, entry.value.span, secondary=[Label(mine.span, "this one")])
            return None
    return tree


def _empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _profiles(unit: Unit) -> None:
    section = unit.section("profiles")
    declared = section.entries if section is not None else {}
    # laid over what is broken, a profile meets less than its author meant
    bag = unit.quiet if unit.poisoned else unit.bag
    for name in unit.profiles:
        entry = declared.get(name)
        if entry is None:
            hint = did_you_mean(name, declared, "profiles") or "the spec has no `profiles`"
            unit.bag.add("P0313", f"there is no profile `{name}`", None, help=hint)
        elif isinstance(entry.value, Mapping):
            unit.tree = overlay(unit.tree, entry.value, bag)
    again, told = Bag(), {item.primary for item in unit.bag}
    unit.poisoned |= shape.check(sound(unit), again)
    unit.bag.extend(item for item in again if item.primary not in told)
