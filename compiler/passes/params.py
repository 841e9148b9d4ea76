"""Settle the params: declarations, `--set`, defaults that use other params, and the name of the spec.

    params: {n: {type: integer, default: 4, max: 8}, half: "{{ params.n // 2 }}"}     --set n=6
    →  n = 6, half = 3

Params may use each other in any order; those that need each other in a circle are reported as such.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from compiler.diagnostics.model import Bag, Label
from compiler.diagnostics.span import Span
from compiler.diagnostics.suggest import did_you_mean
from compiler.ir import graph
from compiler.passes.unit import Unit
from compiler.passes.wording import a, outside
from compiler.source.expressions import INVALID, Known, evaluate, names
from compiler.source.scalars import resolve_core
from compiler.source.secrets import is_secret
from compiler.source.tree import Entry, Mapping, Node, Scalar, Sequence, describe, plain_value

_DECLARATION = {"type", "default", "enum", "min", "max", "description"}


class Param(NamedTuple):
    """One declared param. ``type`` is string, integer, number, boolean, list or map; None for a bare null."""

    name: str
    entry: Entry
    type: str | None
    default: Node | None
    enum: Sequence | None = None
    low: Scalar | None = None
    high: Scalar | None = None


def params(unit: Unit) -> None:
    """Put ``params``, ``profile`` and ``spec.name`` into the unit's scope."""
    unit.scope.define("profile", Known(unit.profiles[-1] if unit.profiles else None))
    if unit.unknown("params"):
        unit.scope.define("params", Known(INVALID))
        _spec_name(unit)
        return
    section = unit.section("params")
    declared = {entry.key: _declaration(entry) for entry in section} if section else {}
    for name, given in unit.sets.items():
        if name not in declared:
            unit.bag.add(
                "P0312",
                f"there is no param `{name}` to set",
                given.key_span if isinstance(given, Entry) else None,
                help=did_you_mean(name, declared, "params of the spec"),
            )
    needs = {name: _needs(param, declared) for name, param in declared.items() if name not in unit.sets}
    needs |= {name: () for name in declared if name in unit.sets}
    _circles(declared, needs, unit.bag)
    order = graph.order(needs)
    broken = set(declared).difference(order) | {name for name in declared if ("params", name) in unit.poisoned}
    values = {name: Known(INVALID, param.entry.key_span) for name, param in declared.items()}
    unit.scope.define_group("params", values)  # each has its value once it is settled
    for name in order:
        if name not in broken:
            values[name] = Known(_value(unit, declared[name]), declared[name].entry.key_span)
    _spec_name(unit)
    _unused(unit, declared)


def _unused(unit: Unit, declared: dict[str, Param]) -> None:
    """Note params that no expression names. With includes the text that could name them is not all here."""
    text = unit.tree.source.text
    if "include" in unit.tree.entries:
        return
    for name, param in declared.items():
        used = rf"\bparams(?:\.{re.escape(name)}\b|\[['\"]{re.escape(name)}['\"]\])"
        if param.entry.source is unit.tree.source and not re.search(used, text):
            unit.unused_params[name] = param.entry.key_span


def _declaration(entry: Entry) -> Param:
    value = entry.value
    if isinstance(value, Mapping) and value.entries and set(value.entries) <= _DECLARATION:
        kind = value.get("type")
        default = value.get("default")
        enum, low, high = value.get("enum"), value.get("min"), value.get("max")
        word = kind.value if isinstance(kind, Scalar) and isinstance(kind.value, str) else None
        return Param(
            entry.key,
            entry,
            word or (_type_of(default) if default is not None else "string"),
            default,
            enum if isinstance(enum, Sequence) else None,
            low if isinstance(low, Scalar) else None,
            high if isinstance(high, Scalar) else None,
        )
    return Param(entry.key, entry, _type_of(value), value)


def _type_of(node: Node) -> str | None:
    if isinstance(node, Mapping):
        return "map"
    if isinstance(node, Sequence):
        return "list"
    if isinstance(node.value, bool):
        return "boolean"
    if isinstance(node.value, int):
        return "integer"
    if isinstance(node.value, float):
        return "number"
    if isinstance(node.value, str):
        return None if "{{" in node.value else "string"
    return None


def _needs(param: Param, declared: dict[str, Param]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    stack: list[Node] = [param.default] if param.default is not None else []
    while stack:
        node = stack.pop()
        if isinstance(node, Scalar):
            if isinstance(node.value, str) and "{{" in node.value:
                for dotted in names(node.value):
                    root, _, rest = dotted.partition(".")
                    if root == "params" and rest.split(".")[0] in declared:
                        found[rest.split(".")[0]] = None
        elif isinstance(node, Mapping):
            stack += [entry.value for entry in node]
        else:
            stack += node.items
    return tuple(found)


def _circles(declared: dict[str, Param], needs: dict[str, tuple[str, ...]], bag: Bag) -> None:
    for path in graph.cycles(needs):
        path = path[::-1]
        bag.add(
            "P0309",
            f"params need each other: {' → '.join(path)}" if len(path) > 2 else f"param `{path[0]}` needs itself",
            declared[path[0]].entry.key_span,
            secondary=[Label(declared[name].entry.key_span, f"`{name}`") for name in path[1:-1]],
        )


def _value(unit: Unit, param: Param) -> object:
    """The param's value as plain data; INVALID when something about it was reported."""
    given = unit.sets.get(param.name)
    if isinstance(given, str):
        return _from_text(unit, param, given)
    node = given.value if given is not None else param.default
    if node is None or (isinstance(node, Scalar) and node.value is None and param.default is None):
        unit.bag.add(
            "P0310",
            f"param `{param.name}` has no value",
            param.entry.key_span,
            help=f"give it a `default`, or a value with `--set {param.name}=…`",
        )
        return INVALID
    settled = settle(node, unit)
    if settled is None:
        return INVALID
    value = plain_value(settled)
    return value if _fits(unit.bag, param, value, settled.span, describe(settled)) else INVALID


def _from_text(unit: Unit, param: Param, text: str) -> object:
    """A value from ``--set``, read as the declared type."""
    if is_secret(text):
        help = "let the script read it from Key Vault"
        unit.bag.add("P0910", f"`--set {param.name}=…` holds a secret", None, help=help)
        return INVALID
    value: object = text
    if param.type in ("integer", "number", "boolean"):
        value = resolve_core(text.strip())
    elif param.type in ("list", "map"):
        value = _flow(text)
    where = f"the text `{text}` of `--set`"
    return value if _fits(unit.bag, param, value, None, where) else INVALID


def _flow(text: str) -> object:
    from compiler.diagnostics.span import SourceFile
    from compiler.source.reader import Dialect, read

    node = read(SourceFile("--set", text), Bag(), Dialect.CORE)
    return plain_value(node) if node is not None else text


def _fits(bag: Bag, param: Param, value: object, at: Span | None, shown: str) -> bool:
    declared = [Label(param.entry.key_span, "declared here")] if at is None or at != param.entry.value.span else []
    if param.type is not None and not _has_type(param.type, value):
        bag.add("P0311", f"param `{param.name}` wants {a(param.type)}, not {shown}", at, secondary=declared)
        return False
    if param.enum is not None:
        allowed = [plain_value(item) for item in param.enum.items]
        if value not in allowed:
            hint = did_you_mean(str(value), [str(item) for item in allowed], "allowed")
            bag.add("P0311", f"param `{param.name}` cannot be `{value}`", at, secondary=declared, help=hint)
            return False
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = (_number(bound) for bound in (param.low, param.high))
        if (low is not None and value < low) or (high is not None and value > high):
            bag.add("P0311", f"param `{param.name}` is {value}, {outside(low, high)}", at, secondary=declared)
            return False
    return True


def _number(bound: Scalar | None) -> float | None:
    value = bound.value if bound is not None else None
    return value if isinstance(value, (int, float)) else None


def _has_type(kind: str, value: object) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "list": list, "map": dict}.get(kind, object))


def _spec_name(unit: Unit) -> None:
    node = unit.tree.get("name")
    value: object = INVALID
    if isinstance(node, Scalar) and ("name",) not in unit.poisoned:
        settled = evaluate(node, unit.scope, unit.bag)
        if isinstance(settled, Scalar) and isinstance(settled.value, str):
            value = settled.value
    unit.scope.define_group("spec", {"name": Known(value, node.span if node is not None else None)})


def settle(node: Node, unit: Unit) -> Node | None:
    """The node with every expression in it evaluated; None when one failed. What has none comes back itself."""
    if isinstance(node, Scalar):
        if not isinstance(node.value, str) or "{{" not in node.value:
            return node
        settled = evaluate(node, unit.scope, unit.bag)
        unit.templated = unit.templated or settled is not node
        return settled
    if isinstance(node, Mapping):
        entries: dict[str, Entry] = {}
        changed = failed = False
        for key, entry in node.entries.items():
            value = settle(entry.value, unit)
            if value is None or ("{{" in key and _dynamic_key(unit.bag, entry)):
                failed = True
            elif value is entry.value:
                entries[key] = entry
            else:
                changed = True
                entries[key] = Entry(entry.source, key, entry.key_start, entry.key_end, value)
        if failed:
            return None
        return Mapping(node.source, node.start, node.end, entries) if changed else node
    items = [settle(item, unit) for item in node.items]
    if any(item is None for item in items):
        return None
    if all(new is old for new, old in zip(items, node.items, strict=True)):
        return node
    return Sequence(node.source, node.start, node.end, [item for item in items if item is not None])


def _dynamic_key(bag: Bag, entry: Entry) -> bool:
    """Report a key that holds an expression or a binding."""
    code, word = ("P0414", "binding") if "${{" in entry.key else ("P0318", "expression")
    bag.add(code, f"{a(word)} in the key `{entry.key}`", entry.key_span, help=f"{word}s stand in values only")
    return True
