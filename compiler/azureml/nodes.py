"""The nodes of a pipeline: ``jobs`` -> steps.

A node either names its component or says in place what it runs; the two look alike in the IR, a node in place
having a component without a name. Ports of a node in place depend on what it is bound to, so nodes are read
first and their ports settled when all are known.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field, replace
from typing import Any, Final

from compiler.azureml import automl, in_place
from compiler.azureml.bindings import azure_binding
from compiler.azureml.components import code_from_node
from compiler.azureml.environments import environment_from_node
from compiler.azureml.fields import (
    IN_PLACE,
    NODES,
    OURS,
    TEXTS,
)
from compiler.azureml.node_component import kind_of, named_component, with_flow_inputs, without_lost_keys
from compiler.azureml.scope import Scope, Unusable, no_binding
from compiler.azureml.shapes import (
    PLAIN,
    TEXT,
    MapOf,
    Record,
    Shape,
    entry,
    meant_key,
    read,
    read_fields,
    unknown_key,
    wrong_type,
)
from compiler.azureml.spark import check_spark
from compiler.azureml.sweeps import sweep_from_node
from compiler.azureml.values import argument_from_node, node_output_from_node
from compiler.diagnostics.model import Label
from compiler.diagnostics.span import Span
from compiler.ir.model import (
    ANY,
    INVALID,
    Argument,
    Component,
    Extra,
    InputPort,
    InputRef,
    LocalPath,
    OutputPort,
    OutputRef,
    OutputSetting,
    Pipeline,
    PipelineInput,
    PipelineOutput,
    Step,
)
from compiler.source.tree import Entry, Mapping, Node

_TYPED: Final = ("resources", "distribution", "limits", "identity")


@dataclass(slots=True)
class Draft:
    """A node that has been read, before the ports of a component in place are settled.

    ``bound`` are its outputs that are outputs of the pipeline; it is ``whole`` when no key of it was wrong.
    """

    step: Step
    bound: dict[str, str] = field(default_factory=dict)
    in_place: bool = False
    whole: bool = True


def steps_from_node(
    jobs: Mapping,
    scope: Scope,
    inputs: MappingType[str, PipelineInput],
    outputs: MappingType[str, PipelineOutput],
    open_outputs: bool = False,
) -> tuple[dict[str, Step], dict[str, PipelineOutput]]:
    """The steps under ``jobs``, and the pipeline's outputs with the steps that write them.

    A node with something wrong in it is still a step, so that others may refer to it. With ``open_outputs`` the
    pipeline's outputs could not be read, and any name may be one.
    """
    scope = replace(scope, binding=azure_binding)
    drafts = {found.key: _draft(found, scope) for found in jobs}
    outputs = _sources(drafts, outputs, scope, open_outputs)
    for draft in drafts.values():
        if draft.whole:
            check_spark(draft.step, draft.bound, scope)

    def output_type(ref: OutputRef) -> str:
        return _output_type(ref, drafts, outputs)

    return {name: _with_ports(draft, inputs, outputs, output_type) for name, draft in drafts.items()}, dict(outputs)


def step_from_node(
    found: Entry, scope: Scope, inputs: MappingType[str, PipelineInput], output_type: in_place.OutputType
) -> Step:
    """One step in Azure ML's own shape, for another language that contains such steps.

    ``scope.binding`` reads the bindings of that language; ``output_type`` tells the type of another step's output.
    """
    draft = _draft(found, scope)
    return _with_ports(draft, inputs, {}, output_type)


def nested_pipeline(component: Component, node: Mapping, scope: Scope) -> Component | None:
    """A pipeline component with the pipeline that it is."""
    inputs = {name: _pipeline_input(port) for name, port in component.inputs.items()}
    outputs = {
        name: PipelineOutput(None, OutputSetting(port.type, port.mode), port.description, port.at)
        for name, port in component.outputs.items()
    }
    jobs = node.get("jobs")
    if not isinstance(jobs, Mapping):
        wrong_type(jobs, scope, "jobs", "a mapping of names to nodes") if jobs is not None else None
        return None
    steps, outputs = steps_from_node(jobs, scope, inputs, outputs)
    pipeline = Pipeline(component.name or "", steps, inputs, outputs, path=component.path, at=component.at)
    return replace(component, pipeline=pipeline)


def _pipeline_input(port: InputPort) -> PipelineInput:
    limits = (port.optional, port.min, port.max, port.enum)
    return PipelineInput(port.type, port.default, port.mode, *limits, description=port.description, at=port.at)


# ------------------------------------------------------------------------------------------------------ reading a node


def _draft(found: Entry, scope: Scope) -> Draft:
    node, name, at = found.value, found.key, found.key_span
    if not isinstance(node, Mapping):
        wrong_type(node, scope, name, "a mapping")
        return Draft(Step(name, INVALID, at=at))
    kind = kind_of(node, scope, at)
    if kind is None:
        return Draft(Step(name, INVALID, at=at))
    if kind == "automl":
        return _automl(node, name, scope, at)
    target = "trial" if kind == "sweep" else "component"
    table = NODES[kind] if target in node.entries or kind not in IN_PLACE else IN_PLACE[kind]
    if target not in node.entries and not any(key in node.entries for key in table.required):
        return _runs_nothing(node, name, target, table, scope, at)
    node, whole = without_lost_keys(node, kind, table, scope)
    where = f"the step `{name}`"
    skip = [key for key, shape in table.fields.items() if shape is OURS]
    # in place, Azure ML takes no bindings for what a command's component could say
    settings = replace(scope, binding=no_binding) if table is IN_PLACE["command"] else scope
    fields, wrong = read_fields(node, table, settings, where, at, skip)
    draft = _common(node, name, scope, at)
    meant = {meant_key(key, table.fields) for key in wrong.difference(table.fields)}
    sound = draft.whole and not wrong.intersection(table.required) and not meant.intersection(("inputs", "outputs"))
    draft.whole = draft.whole and not wrong
    typed: dict[str, Any] = {key: fields.pop(key) for key in _TYPED if key in fields}
    step = replace(draft.step, extras=fields, **typed)
    if kind == "sweep":
        sweep = sweep_from_node(node, scope, at) if "search_space" in node.entries else None
        step = replace(step, sweep=sweep)
        whole = whole and sweep is not None
    if target in node.entries:
        named = named_component(node.entries[target], kind, scope)
        if kind == "parallel" and isinstance(named, Component) and "flow_file" in named.extras:
            named = with_flow_inputs(named, step)
        draft.step = replace(step, component=named if whole and sound else INVALID)
    else:
        component = _in_place(node, kind, step, scope) if all(key in node.entries for key in table.required) else None
        component = component if sound else None
        step = replace(in_place.node_settings(step, kind), inputs=_typed_bindings(node, step.inputs))
        draft.step = replace(step, component=component or INVALID)
        draft.in_place = component is not None
    return draft


def _runs_nothing(node: Mapping, name: str, target: str, table: Record, scope: Scope, at: Span) -> Draft:
    """A node without a word of what it runs; its misspelling, if that is what it is, is the one thing reported."""
    for found in node:
        if found.key not in table.fields and meant_key(found.key, [target, *table.required]) is not None:
            unknown_key(found, [target, *table.required], scope, f"the step `{name}`")
            return Draft(Step(name, INVALID, at=at))
    needs = " and ".join(f"`{key}`" for key in table.required)
    help = f"give it a `{target}`" + (f", or {needs}" if target not in table.required else "")
    scope.bag.add("P0209", f"the step `{name}` runs nothing", at, help=help)
    return Draft(Step(name, INVALID, at=at))


def _typed_bindings(node: Mapping, arguments: MappingType[str, Argument]) -> MappingType[str, Argument]:
    """A binding written ``{path: ${{…}}}`` says a type even where it does not name one: Azure ML takes a folder."""
    inputs = node.get("inputs")
    if not isinstance(inputs, Mapping):
        return arguments
    return {
        name: replace(argument, type=argument.type or in_place.UNSAID)
        if isinstance(argument.value, (InputRef, OutputRef)) and isinstance(inputs.get(name), Mapping)
        else argument
        for name, argument in arguments.items()
    }


def _common(node: Mapping, name: str, scope: Scope, at: Span) -> Draft:
    """What every node may say: its inputs, outputs and compute, how it is called, its environment variables."""
    inputs, right = _inputs(node, scope)
    outputs, bound, said = _outputs(node, scope)
    own = replace(scope, binding=no_binding)
    shapes: dict[str, Shape] = {
        "display_name": TEXT,
        "description": TEXT,
        "tags": TEXTS,
        "properties": TEXTS,
        "environment_variables": MapOf(PLAIN),
    }
    plain: dict[str, Any] = {}
    for key, shape in shapes.items():
        value = entry(node.entries[key], shape, own) if key in node.entries else None
        if value is not None and not isinstance(value, Unusable):
            plain[key] = value
    compute = compute_from_node(node.get("compute"), scope)
    step = Step(name, INVALID, inputs, outputs, compute, at=at, **plain)
    return Draft(step, bound, whole=right and said)


def compute_from_node(node: Node | None, scope: Scope) -> str | InputRef | None:
    """A compute target by name, without Azure ML's ``azureml:``, or the pipeline input that names it."""
    if node is None:
        return None
    value = read(node, TEXT, scope, "compute", node.span)
    if isinstance(value, InputRef):
        return value
    return value.removeprefix("azureml:") if isinstance(value, str) else None


def _inputs(node: Mapping, scope: Scope, keys: tuple[str, ...] = ()) -> tuple[dict[str, Argument], bool]:
    """What a node's inputs are given, and whether all of it is right."""
    inputs = node.get("inputs")
    found: list[Entry] = [node.entries[key] for key in keys if key in node.entries]
    if isinstance(inputs, Mapping):
        found += inputs
    elif inputs is not None:
        wrong_type(inputs, scope, "inputs", "a mapping")
        return {}, False
    arguments = {item.key: argument_from_node(item.value, scope, item.key, item.key_span) for item in found}
    good = {name: argument for name, argument in arguments.items() if argument is not None}
    return good, len(good) == len(arguments)


def _outputs(node: Mapping, scope: Scope) -> tuple[dict[str, OutputSetting], dict[str, str], bool]:
    """The settings of a node's outputs, which of them are outputs of the pipeline, and whether all are right."""
    outputs = node.get("outputs")
    settings: dict[str, OutputSetting] = {}
    bound: dict[str, str] = {}
    if outputs is not None and not isinstance(outputs, Mapping):
        wrong_type(outputs, scope, "outputs", "a mapping")
        return {}, {}, False
    whole = True
    for item in outputs if isinstance(outputs, Mapping) else ():
        found = node_output_from_node(item.value, scope, item.key, item.key_span)
        if found is None:
            whole = False
            continue
        settings[item.key], target = found
        if target is not None:
            bound[item.key] = target
    return settings, bound, whole


# -------------------------------------------------------------------------------------------------- what a node runs


def _in_place(node: Mapping, kind: str, step: Step, scope: Scope) -> Component | None:
    """The component of a node that says itself what it runs; its ports come later."""
    own = replace(scope, binding=no_binding)
    more: dict[str, Any] = {}
    if "environment" in node.entries and kind != "parallel":
        found = node.entries["environment"]
        more["environment"] = environment_from_node(found.value, own, found.key_span)
    if "code" in node.entries:
        more["code"] = code_from_node(node.entries["code"].value, own)
    elif kind == "spark":
        more["code"] = LocalPath(scope.folder, ".")
    if kind == "command":
        text = entry(node.entries["command"], TEXT, own)
        more["command"] = text if isinstance(text, str) else None
        more["command_at"] = node.entries["command"].value.span
    if any(value is None for value in more.values()):
        return None
    if kind != "parallel":
        more.update(description=step.description, tags=step.tags)
    return Component(kind, at=step.at, **in_place.component_settings(step, kind), **more)


def _automl(node: Mapping, name: str, scope: Scope, at: Span) -> Draft:
    """An AutoML node: its data are its inputs, the rest of it is opaque."""
    draft = _common(_without(node, "inputs"), name, scope, at)
    inputs, right = _inputs(_without(node, "inputs"), scope, automl.DATA)
    body = read(_without(node, *automl.DATA, *automl.STEP), automl.TASKS, scope, name, at)
    draft.step = replace(draft.step, inputs=inputs)
    if isinstance(body, MappingType) and right and draft.whole:
        extras: dict[str, Extra] = {key: value for key, value in body.items() if key != "type"}
        typed: dict[str, Any] = {key: extras.pop(key) for key in ("identity", "resources") if key in extras}
        draft.step = replace(draft.step, component=Component("automl", extras=extras, at=at), **typed)
        draft.in_place = True
    return draft


def _without(node: Mapping, *keys: str) -> Mapping:
    kept = {key: found for key, found in node.entries.items() if key not in keys}
    return Mapping(node.source, node.start, node.end, kept)


# ------------------------------------------------------------------------------------------- when all nodes are known


def _sources(
    drafts: MappingType[str, Draft], outputs: MappingType[str, PipelineOutput], scope: Scope, open_outputs: bool
) -> dict[str, PipelineOutput]:
    """The pipeline's outputs with their sources; each has at most one."""
    result = dict(outputs)
    for name, draft in drafts.items():
        for port, target in draft.bound.items():
            at = draft.step.outputs[port].at
            output = result.get(target)
            if output is None and open_outputs:
                result[target] = PipelineOutput(OutputRef(name, port), OutputSetting(ANY), at=at)
            elif output is None:
                scope.bag.add("P0422", f"the pipeline has no output `{target}`", at)
            elif output.source is not None:
                first = drafts[output.source.step].step.outputs[output.source.output].at
                label = [] if first is None else [Label(first, "the first")]
                scope.bag.add("P0602", f"two sources for the output `{target}`", at, secondary=label)
            else:
                result[target] = replace(output, source=OutputRef(name, port))
    return result


def _with_ports(
    draft: Draft,
    inputs: MappingType[str, PipelineInput],
    outputs: MappingType[str, PipelineOutput],
    output_type: in_place.OutputType,
) -> Step:
    """The step with the ports that its component in place has."""
    step = draft.step
    if not draft.in_place or not isinstance(step.component, Component):
        return step
    ports = in_place.input_ports(step.inputs, inputs, output_type)
    return replace(step, component=replace(step.component, inputs=ports, outputs=_output_ports(draft, outputs)))


def _output_ports(draft: Draft, outputs: MappingType[str, PipelineOutput]) -> dict[str, OutputPort]:
    bound = {port: outputs[target] for port, target in draft.bound.items() if target in outputs}
    return in_place.output_ports(draft.step.outputs, bound)


def _output_type(ref: OutputRef, drafts: MappingType[str, Draft], outputs: MappingType[str, PipelineOutput]) -> str:
    """The type of what another step puts out, as azure-ai-ml tells it."""
    source = drafts.get(ref.step)
    if source is None:
        return in_place.UNSAID
    component = source.step.component
    if isinstance(component, Component):
        if component.kind == "automl":
            return "mltable"
        if not source.in_place:
            port = component.outputs.get(ref.output)
            return in_place.UNSAID if port is None else port.type
    setting = source.step.outputs.get(ref.output)
    if setting is None:
        return in_place.UNSAID
    return in_place.output_port(setting, outputs.get(source.bound.get(ref.output, ""))).type
