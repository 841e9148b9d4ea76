"""What each input of a step is given: literals, data, bindings, and the instances that a binding stands for.

    ${{steps.prep.outputs.o}}          →  OutputRef(prep, o)
    ${{steps.prep[key].outputs.o}}     →  OutputRef(prep__a, o) in the instance a
    ${{steps.prep[*].outputs.o}}       →  one OutputRef for each instance (see passes/fanin.py)

The ports of a step written in place take their types from what they are given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from compiler.diagnostics.model import Label
from compiler.diagnostics.span import Span
from compiler.diagnostics.suggest import did_you_mean
from compiler.ir.model import (
    ANY,
    LITERAL_TYPES,
    Argument,
    Component,
    ComponentReference,
    InputPort,
    InputRef,
    Invalid,
    OutputRef,
)
from compiler.passes.sections import Sections, literal_type, named_data
from compiler.passes.unit import Draft, Unit
from compiler.passes.wording import within
from compiler.source.tree import Entry, Mapping, Scalar
from compiler.spec import build
from compiler.spec.bindings import StepOutput, has_binding, read_binding

Shell: TypeAlias = "Component | ComponentReference | Invalid"


@dataclass(slots=True)
class Inputs:
    """The inputs of one step while they are read. ``fans`` are those given by several instances.

    ``of_unknown``: what the step runs is not known, and so not which of its inputs may be left out.
    """

    arguments: dict[str, Argument] = field(default_factory=dict)
    ports: dict[str, InputPort] = field(default_factory=dict)
    fans: dict[str, list[tuple[str, Argument]]] = field(default_factory=dict)
    failed: bool = False
    of_unknown: bool = False


@dataclass(slots=True)
class Wiring:
    """All steps by name, with what their outputs are, for those who read them."""

    unit: Unit
    found: Sections
    shells: dict[str, Shell]

    def output_type(self, ref: OutputRef) -> str:
        shell = self.shells.get(ref.step)
        if isinstance(shell, Component) and ref.output in shell.outputs:
            return shell.outputs[ref.output].type
        return ANY if not isinstance(shell, ComponentReference) else "uri_folder"


def read_inputs(wiring: Wiring, draft: Draft, mapping: Mapping | None, shell: Shell) -> Inputs:
    """Every entry of a step's ``inputs``."""
    inputs = Inputs(of_unknown=isinstance(shell, Invalid))
    for entry in mapping or ():
        _input(wiring, draft, entry, shell, inputs)
    return inputs


def _input(wiring: Wiring, draft: Draft, entry: Entry, shell: Shell, inputs: Inputs) -> None:
    value, name = entry.value, entry.key
    declared = shell.inputs.get(name) if isinstance(shell, Component) else None
    if isinstance(value, Mapping):
        _mapping(wiring, draft, entry, value, declared, inputs)
    elif isinstance(value, Scalar) and has_binding(value):
        _binding(wiring, draft, entry, value, None, None, declared, inputs)
    elif isinstance(value, Scalar) and value.value is not None:
        literal = value.value
        inputs.arguments[name] = Argument(literal, key_at=entry.key_span, at=value.span)
        # Azure ML gives the port of an inline command its value as default; instances share one component and do not
        default = literal if draft.key is None else None
        inputs.ports[name] = InputPort(literal_type(literal), default=default, at=entry.key_span)


def _mapping(
    wiring: Wiring, draft: Draft, entry: Entry, value: Mapping, declared: InputPort | None, inputs: Inputs
) -> None:
    name = entry.key
    kind, mode = build.text(value, "type"), build.text(value, "mode")
    path = value.get("path")
    if "data" in value.entries:
        argument = named_data(wiring.unit, wiring.found, value)
        if argument is None:
            inputs.failed = True
            return
    elif isinstance(path, Scalar) and has_binding(path):
        _binding(wiring, draft, entry, path, kind, mode, declared, inputs)
        return
    elif isinstance(path, Scalar) and path.value is not None:
        wanted = kind or (
            declared.type if declared is not None and declared.type not in LITERAL_TYPES else "uri_folder"
        )
        rest = {e.key: build.extra(e.value) for e in value if e.key not in ("type", "path", "mode", "description")}
        argument = Argument(build.data_path(path), wanted, mode, rest, at=path.span)
    else:
        _declaration(wiring, entry, value, declared, inputs)
        return
    inputs.arguments[name] = Argument(
        argument.value, argument.type, argument.mode, argument.extras, entry.key_span, argument.at
    )
    inputs.ports[name] = InputPort(argument.type or "uri_folder", mode=argument.mode, at=entry.key_span)


def _declaration(wiring: Wiring, entry: Entry, value: Mapping, declared: InputPort | None, inputs: Inputs) -> None:
    """``{type, default, …}``: a port of a step in place; a component file declares its own."""
    if declared is not None:
        wiring.unit.bag.add(
            "P0209",
            f"`{entry.key}` is declared here and given nothing",
            value.span,
            secondary=[Label(declared.at, "its component declares it")] if declared.at else [],
            help="give a literal, a binding, or data with a `path`",
        )
        inputs.failed = True
        return
    default = build.literal(value.get("default"))
    enum = [build.literal(item) for item in getattr(value.get("enum"), "items", [])]
    inputs.ports[entry.key] = InputPort(
        build.text(value, "type") or literal_type(default),
        build.boolean(value, "optional") or False,
        default,
        build.number(value, "min"),
        build.number(value, "max"),
        tuple(item for item in enum if item is not None),
        build.text(value, "mode"),
        build.text(value, "description"),
        at=entry.key_span,
    )


# ---------------------------------------------------------------------------------------------------------- bindings


def _binding(
    wiring: Wiring,
    draft: Draft,
    entry: Entry,
    scalar: Scalar,
    kind: str | None,
    mode: str | None,
    declared: InputPort | None,
    inputs: Inputs,
) -> None:
    source = read_binding(scalar, wiring.unit.bag)
    name = entry.key
    if source is None:
        inputs.failed = True
        return

    def argument(value: InputRef | OutputRef) -> Argument:
        return Argument(value, kind, mode, key_at=entry.key_span, at=scalar.span)

    if isinstance(source, InputRef):
        outer = wiring.found.inputs.get(source.input)
        port_type = kind or (outer.type if outer is not None else ANY)
        optional = outer is not None and outer.optional
        inputs.arguments[name] = argument(source)
        inputs.ports[name] = InputPort(port_type, optional, mode=mode, at=entry.key_span)
        return
    if source.index == "*":
        refs = every_instance(wiring.unit, source, scalar.span)
        if refs is None:
            inputs.failed = True
            return
        inputs.fans[name] = [(key, argument(ref)) for key, ref in refs]
        port_type = kind or (wiring.output_type(refs[0][1]) if refs else ANY)
        inputs.ports[name] = InputPort(port_type, mode=mode, at=entry.key_span)
        return
    optional = inputs.of_unknown or (declared is not None and declared.optional)
    ref = instance(wiring.unit, draft, source, scalar.span, optional)
    if ref is None:
        inputs.failed = inputs.failed or not optional
        return
    inputs.arguments[name] = argument(ref)
    inputs.ports[name] = InputPort(kind or wiring.output_type(ref), mode=mode, at=entry.key_span)


def instance(unit: Unit, draft: Draft | None, source: StepOutput, at: Span, optional: bool = False) -> OutputRef | None:
    """The one step that a binding means. None when it means none: reported, unless ``optional`` and turned off."""
    if source.index is None and source.step not in unit.instances:
        if source.step in unit.dropped:
            _dropped(unit, source.step, source, at, optional)
            return None
        return OutputRef(source.step, source.output)
    instances = _instances(unit, source, at)
    if instances is None:
        return None
    key = source.index
    if key is None:
        mine = f", `{source.step}[key]` for mine" if draft is not None and draft.key is not None else ""
        unit.bag.add(
            "P0423",
            f"step `{source.step}` has {len(instances)} instances, and this names none",
            within(at, source.step),
            help=f"write `{source.step}[*]` for all{mine}",
        )
        return None
    if key == "key":
        if draft is not None and draft.broken:
            return None
        if draft is None or draft.key is None:
            message = "`[key]` means the instance of a step with `foreach`, and this has none"
            unit.bag.add("P0423", message, within(at, "[key]"))
            return None
        key = draft.key
    if key not in instances:
        unit.bag.add(
            "P0423",
            f"step `{source.step}` has no instance `{key}`",
            within(at, source.index or key, last=True),
            help=did_you_mean(key, instances, "instances"),
        )
        return None
    if instances[key] in unit.dropped:
        _dropped(unit, instances[key], source, at, optional)
        return None
    return OutputRef(instances[key], source.output)


def _dropped(unit: Unit, name: str, source: StepOutput, at: Span, optional: bool) -> None:
    if not optional:
        unit.bag.add(
            "P0410",
            f"step `{name}` is left out, and this needs it",
            within(at, source.step),
            secondary=[Label(unit.dropped[name], "left out by this")],
            help="leave this out by the same `when`, or make the input optional",
        )


def every_instance(unit: Unit, source: StepOutput, at: Span) -> list[tuple[str, OutputRef]] | None:
    """All instances that are there, by key in order; None when that was reported."""
    instances = _instances(unit, source, at)
    if instances is None:
        return None
    there = [(key, name) for key, name in sorted(instances.items()) if name not in unit.dropped]
    if not there:
        unit.bag.add("P0604", f"no instance of `{source.step}` is left to collect", within(at, source.step))
        return None
    return [(key, OutputRef(name, source.output)) for key, name in there]


def _instances(unit: Unit, source: StepOutput, at: Span) -> dict[str, str] | None:
    """The instances of a step by key; None when it has none, which is reported unless its own fault was."""
    instances = unit.instances.get(source.step)
    if instances is not None:
        return instances
    draft = unit.names.get(source.step)
    if draft is None and source.step not in unit.dropped:
        known = sorted({draft.base for draft in unit.drafts})
        message, hint = f"there is no step `{source.step}`", did_you_mean(source.step, known, "steps")
        unit.bag.add("P0401", message, within(at, source.step), help=hint)
    elif draft is None or (draft.node is not None and not draft.broken):
        message = f"step `{source.step}` has no `foreach`, and so no instances"
        unit.bag.add("P0423", message, within(at, source.step))
    return None
