"""The pipeline's own sections, spec → IR: inputs, environments, compute targets, data, settings, schedule."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace

from compiler.azureml.environments import environment_from_node
from compiler.azureml.scope import Scope
from compiler.diagnostics.model import Label
from compiler.diagnostics.span import Span
from compiler.diagnostics.suggest import did_you_mean
from compiler.ir.model import (
    ANY,
    LITERAL_TYPES,
    Argument,
    Compute,
    Data,
    Environment,
    Extra,
    InputRef,
    PipelineInput,
    Schedule,
    Settings,
)
from compiler.passes.unit import Unit
from compiler.passes.wording import within
from compiler.source.tree import Entry, Mapping, Node, Scalar
from compiler.spec import build
from compiler.spec.bindings import has_binding, read_binding

# The image under the short form `pip: [...]`: Azure ML's plain Python base.
BASE_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"

_OUTPUT_OF_A_STEP = re.compile(r"\s*\$\{\{\s*steps\.(\w+)\.outputs\.(\w+)\s*\}\}\s*")


@dataclass(slots=True)
class Sections:
    """What steps refer to by name. A value of None is a thing whose own fault was reported."""

    inputs: dict[str, PipelineInput] = field(default_factory=dict)
    environments: dict[str, Environment | None] = field(default_factory=dict)
    computes: dict[str, Compute] = field(default_factory=dict)
    data: dict[str, Mapping | None] = field(default_factory=dict)
    used_data: set[str] = field(default_factory=set)
    defaults: Mapping | None = None
    default_environment: Environment | None = None
    compute: str | None = None
    settings: Settings = Settings()
    schedules: dict[str, Schedule] = field(default_factory=dict)
    bound_outputs: dict[tuple[str, str], Mapping] = field(default_factory=dict)


def sections(unit: Unit) -> Sections:
    """Read every section."""
    found = Sections()
    for entry in unit.section("environments") or ():
        poisoned = ("environments", entry.key) in unit.poisoned
        found.environments[entry.key] = None if poisoned else declared_environment(unit, entry)
    for entry in unit.section("compute") or ():
        found.computes[entry.key] = _compute(entry)
    for entry in unit.section("data") or ():
        ok = ("data", entry.key) not in unit.poisoned and isinstance(entry.value, Mapping)
        found.data[entry.key] = entry.value if ok and isinstance(entry.value, Mapping) else None
    for entry in unit.section("inputs") or ():
        poisoned = ("inputs", entry.key) in unit.poisoned
        found.inputs[entry.key] = PipelineInput(ANY, at=entry.key_span) if poisoned else _input(unit, found, entry)
    found.defaults = unit.section("defaults")
    found.settings = _settings(unit, found)
    _schedule(unit, found)
    for entry in unit.section("outputs") or ():
        value = entry.value.get("value") if isinstance(entry.value, Mapping) else None
        match = _OUTPUT_OF_A_STEP.fullmatch(value.text) if isinstance(value, Scalar) else None
        if match is not None and isinstance(entry.value, Mapping):
            found.bound_outputs[match[1], match[2]] = entry.value
    return found


# ----------------------------------------------------------------------------------------------------- environments


def declared_environment(unit: Unit, entry: Entry) -> Environment | None:
    environment = environment_of(unit, entry.value, entry.key_span)
    if environment is None:
        return None
    return replace(environment, name=environment.name or entry.key, at=entry.key_span)


def environment_of(unit: Unit, node: Node, at: Span | None) -> Environment | None:
    """An environment from its definition: a reference, or a mapping in Azure ML's words with `pip` as a short form."""
    if isinstance(node, Mapping) and "pip" in node.entries:
        packages = build.extra(node.entries["pip"].value)
        dependencies: tuple[Extra, ...] = ("python=3.11", "pip", {"pip": packages})
        conda: dict[str, Extra] = {"channels": ("conda-forge",), "dependencies": dependencies}
        return Environment(
            name=build.text(node, "name"),
            version=build.text(node, "version"),
            image=build.text(node, "image") or BASE_IMAGE,
            conda=conda,
            fields=_rest(node, "pip", "image", "name", "version"),
            at=at,
        )
    folder = os.path.dirname(_source_path(node))
    found = environment_from_node(node, Scope(unit.bag, unit.files, folder))
    return found if isinstance(found, Environment) else None


def _source_path(node: Node) -> str:
    """The file that the text of a node stands in: a profile's path is relative to the profile's file."""
    if isinstance(node, Mapping):
        for entry in node:
            if entry.key in ("conda_file", "build", "path"):
                return entry.value.source.path
    return node.source.path


# ---------------------------------------------------------------------------------------------------------- compute


def _compute(entry: Entry) -> Compute:
    if isinstance(entry.value, Mapping):
        fields = dict(build.extras(entry.value))
        name = fields.pop("name", None)
        return Compute(str(name or entry.key), fields if "type" in fields else {}, entry.key_span)
    named = (
        build.as_text(entry.value) if isinstance(entry.value, Scalar) and entry.value.value is not None else entry.key
    )
    return Compute(named, {}, entry.key_span)


def compute_reference(unit: Unit, found: Sections, node: Node | None) -> str | InputRef | None:
    """A compute target's name in the workspace, from its local name or Azure ML's reference; or a pipeline input."""
    if not isinstance(node, Scalar) or node.value is None:
        return None
    if has_binding(node):
        bound = read_binding(node, unit.bag)
        if isinstance(bound, InputRef):
            return bound if is_input(unit, found, bound, node.span) else None
        if bound is not None:
            unit.bag.add("P0414", "a compute target cannot be an output of a step", node.span)
        return None
    name = build.as_text(node)
    if name in found.computes:
        return found.computes[name].name
    if name == "serverless" or build.is_address(name) or name.startswith("/subscriptions/"):
        return name.removeprefix("azureml:")
    if unit.unknown("compute"):
        return None
    unit.bag.add(
        "P0407",
        f"there is no compute target `{name}`",
        node.span,
        help=did_you_mean(name, [*found.computes, "serverless"], "compute targets")
        if found.computes
        else f"declare it under `compute`, or write `azureml:{name}` for one that exists",
    )
    return None


def is_input(unit: Unit, found: Sections, bound: InputRef, at: Span) -> bool:
    """Whether the pipeline has the input that a setting of a step is bound to; reported if not."""
    if bound.input not in found.inputs and not unit.unknown("inputs"):
        hint = did_you_mean(bound.input, found.inputs, "inputs of the pipeline")
        unit.bag.add("P0403", f"the pipeline has no input `{bound.input}`", within(at, bound.input), help=hint)
    return bound.input in found.inputs


# ----------------------------------------------------------------------------------------------------------- inputs


def _input(unit: Unit, found: Sections, entry: Entry) -> PipelineInput:
    value, at = entry.value, entry.key_span
    if isinstance(value, Scalar):
        if has_binding(value):
            unit.bag.add("P0414", f"input `{entry.key}` of the pipeline cannot be bound to anything", value.span)
            return PipelineInput(ANY, at=at)
        given = build.literal(value)
        return PipelineInput(literal_type(given), given, at=value.span if given is not None else at, key_at=at)
    if not isinstance(value, Mapping):
        return PipelineInput(ANY, at=at)
    kind = build.text(value, "type")
    if "data" in value.entries:
        argument = named_data(unit, found, value)
        if argument is None or not isinstance(argument.value, Data):
            return PipelineInput(ANY, at=at)
        return PipelineInput(argument.type or "uri_folder", argument.value, argument.mode, at=at, key_at=at)
    if "path" in value.entries or (kind is not None and kind not in LITERAL_TYPES):
        path = value.get("path")
        data = build.data_path(path) if isinstance(path, Scalar) and path.value is not None else None
        optional = build.boolean(value, "optional") or False
        place = path.span if isinstance(path, Scalar) else at
        return PipelineInput(
            kind or "uri_folder",
            data,
            build.text(value, "mode"),
            optional,
            description=build.text(value, "description"),
            extras=_rest(value, "type", "path", "mode", "optional", "description"),
            at=place,
            key_at=at,
        )
    default = value.get("default")
    given = build.literal(default)
    enum = value.get("enum")
    allowed = [build.literal(item) for item in getattr(enum, "items", [])]
    return PipelineInput(
        kind or literal_type(given),
        given,
        None,
        build.boolean(value, "optional") or False,
        build.number(value, "min"),
        build.number(value, "max"),
        tuple(item for item in allowed if item is not None),
        build.text(value, "description"),
        at=default.span if default is not None and given is not None else at,
        key_at=at,
    )


def _rest(mapping: Mapping, *known: str) -> dict[str, Extra]:
    return {entry.key: build.extra(entry.value) for entry in mapping if entry.key not in known}


def literal_type(value: object) -> str:
    """The port type of a literal, as Azure ML derives it."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "string"


def named_data(unit: Unit, found: Sections, mapping: Mapping) -> Argument | None:
    """``{data: NAME}``: the data declared under that name."""
    node = mapping.entries["data"].value
    name = build.as_text(node) if isinstance(node, Scalar) else ""
    if name not in found.data:
        if not unit.unknown("data"):
            hint = did_you_mean(name, found.data, "data")
            unit.bag.add("P0411", f"there is no data `{name}`", node.span, help=hint)
        return None
    found.used_data.add(name)
    declared = found.data[name]
    if declared is None:
        return None
    kind = build.text(mapping, "type") or build.text(declared, "type") or "uri_folder"
    mode = build.text(mapping, "mode")
    path = declared.get("path")
    if isinstance(path, Scalar) and path.value is not None:
        return Argument(build.data_path(path), kind, mode, at=node.span)
    version = build.text(declared, "version")
    reference = f"azureml:{build.text(declared, 'name') or name}" + (f":{version}" if version else "@latest")
    return Argument(Data(reference), kind, mode, at=node.span)


# ------------------------------------------------------------------------------------------------ settings, schedule


def _settings(unit: Unit, found: Sections) -> Settings:
    mapping = unit.section("settings")
    own = _default_compute(unit, found, mapping, "default_compute")
    found.compute = _default_compute(unit, found, found.defaults, "compute")
    if mapping is None:
        return Settings()
    if own is not None and found.compute is not None and own != found.compute and found.defaults is not None:
        unit.bag.add(
            "P0207",
            "`defaults.compute` and `settings.default_compute` say different things",
            found.defaults.entries["compute"].value.span,
            secondary=[Label(mapping.entries["default_compute"].value.span, "the other")],
            help="keep one of them",
        )
    known = ("default_compute", "default_datastore", "force_rerun", "continue_on_step_failure")
    return Settings(
        default_compute=own,
        default_datastore=build.text(mapping, "default_datastore"),
        force_rerun=build.boolean(mapping, "force_rerun"),
        continue_on_step_failure=build.boolean(mapping, "continue_on_step_failure"),
        extras=_rest(mapping, *known),
        at=mapping.span,
    )


def _default_compute(unit: Unit, found: Sections, mapping: Mapping | None, key: str) -> str | None:
    node = mapping.get(key) if mapping is not None else None
    chosen = compute_reference(unit, found, node)
    if isinstance(chosen, InputRef) and node is not None:
        unit.bag.add("P0414", "the default compute target cannot be bound to an input", node.span)
        return None
    return chosen if isinstance(chosen, str) else None


def _schedule(unit: Unit, found: Sections) -> None:
    mapping = unit.section("schedule")
    trigger = build.section(mapping, "trigger")
    if mapping is None or trigger is None:
        return
    fields = dict(build.extras(trigger))
    if fields.get("type") == "data_arrival":
        watched = trigger.get("input")
        if isinstance(watched, Scalar) and not is_input(unit, found, InputRef(build.as_text(watched)), watched.span):
            return
        if isinstance(path := trigger.get("path"), Scalar):
            fields["path"] = build.data_path(path).path
    name = build.text(mapping, "name") or f"{build.text(unit.tree, 'name')}_schedule"
    rest = _rest(mapping, "trigger", "name")
    found.schedules[name] = Schedule(name, fields, rest, unit.tree.entries["schedule"].key_span)
