"""From drafts to the IR: every name looked up, every step given its component, its inputs and its ports."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise

from compiler.azureml.scope import UNUSABLE, Binding, Bound, Scope
from compiler.azureml.spark import check_spark
from compiler.diagnostics.model import Bag
from compiler.diagnostics.span import Span
from compiler.ir import graph
from compiler.ir.model import (
    ANY,
    INVALID,
    Component,
    Extra,
    InputRef,
    OutputRef,
    OutputSetting,
    Pipeline,
    PipelineInput,
    PipelineOutput,
    Step,
    Sweep,
)
from compiler.passes import fanin
from compiler.passes.arguments import Inputs, Shell, Wiring, every_instance, instance, read_inputs
from compiler.passes.components import AZURE_KINDS, component_of, default_environment
from compiler.passes.dropped import dropped
from compiler.passes.sections import Sections, compute_reference, is_input, sections
from compiler.passes.swept import swept_inputs
from compiler.passes.unit import Draft, Unit
from compiler.source.tree import Entry, Mapping, Scalar
from compiler.spec import build
from compiler.spec.bindings import has_binding, read_binding

# Constructs of the language that this version reads and cannot compile yet, with what to do instead.
NOT_YET = {
    "retry": "let the command itself try again",
    "secrets": "read them from Key Vault in the script",
    "specs": "submit the specs from outside",
}


def resolve(unit: Unit) -> None:
    """Build ``unit.pipeline`` from the drafts."""
    found = sections(unit)
    found.default_environment = default_environment(unit, found)
    shells = {draft.name: component_of(unit, found, draft) for draft in unit.drafts}
    fanin.with_done(unit, shells)
    wiring = Wiring(unit, found, shells)
    steps: dict[str, Step] = {}
    for draft in unit.drafts:
        for step in _steps(wiring, draft):
            steps[step.name] = step
    if unit.unknown("inputs"):
        found.inputs = {name: PipelineInput(ANY) for step in steps.values() for name in _inputs_meant(step)}
    tree = unit.tree
    name = build.text(tree, "name") or ""
    unit.pipeline = Pipeline(
        name=name,
        steps=steps,
        inputs=found.inputs,
        outputs=_outputs(unit, wiring),
        display_name=build.text(tree, "display_name"),
        description=build.text(tree, "description"),
        experiment_name=build.text(tree, "experiment_name"),
        tags=build.strings(unit.section("tags")),
        properties=build.strings(unit.section("properties")),
        compute=found.compute,
        settings=found.settings,
        environments={key: value for key, value in found.environments.items() if value is not None},
        computes=found.computes,
        schedules=found.schedules,
        identity=build.extras(unit.section("identity")) or None,
        path=unit.path,
        at=tree.entries["name"].value.span if "name" in tree.entries else None,
    )
    _leftovers(unit, found)
    _spark(unit, unit.pipeline)


def _spark(unit: Unit, pipeline: Pipeline) -> None:
    """What Azure ML demands of the Spark steps that are written here; its own files are checked where they are read."""
    for draft in unit.drafts:
        if draft.node is not None and "spark" in draft.node.entries:
            sources = [output.source for output in pipeline.outputs.values() if output.source is not None]
            bound = {source.output for source in sources if source.step == draft.name}
            scope = Scope(unit.bag, unit.files, os.path.dirname(draft.node.source.path))
            check_spark(pipeline.steps[draft.name], bound, scope)


def _inputs_meant(step: Step) -> list[str]:
    """The inputs of the pipeline that a step is bound to."""
    return [argument.value.input for argument in step.inputs.values() if isinstance(argument.value, InputRef)]


def _leftovers(unit: Unit, found: Sections) -> None:
    for key in ("secrets", "endpoints", "budget"):
        if unit.section(key) is not None:
            unit.bag.add("P0802", f"`{key}` cannot be compiled yet", unit.tree.entries[key].key_span)
    _step_failure(unit, found)
    for name, at in unit.unused_params.items() if not unit.bag.has_errors else ():
        unit.bag.add("P0901", f"param `{name}` is never used", at)
    data = unit.section("data")
    for entry in data or ():
        declared = found.data[entry.key]
        if declared is not None and build.text(declared, "kind") == "datastore":
            unit.bag.add("P0802", f"the datastore `{entry.key}` cannot be compiled yet", entry.key_span)
        elif declared is not None and entry.key not in found.used_data and not unit.bag.has_errors:
            unit.bag.add("P0901", f"data `{entry.key}` is never used", entry.key_span)


def _step_failure(unit: Unit, found: Sections) -> None:
    """Whether other steps go on when one fails is documented both ways; in a chain it makes no difference."""
    if (
        found.settings.continue_on_step_failure is not None
        or unit.pipeline is None
        or unit.within
        or unit.bag.has_errors
    ):
        return
    needs = graph.dependencies(unit.pipeline)
    order = graph.order(needs)
    if any(before not in needs[after] for before, after in pairwise(order)):
        unit.bag.add(
            "P0805",
            "`settings.continue_on_step_failure` is left open",
            unit.tree.entries["steps"].key_span,
            notes=["one page of Azure ML's documentation says the default is true, another says false"],
            help="set it to say whether the other steps go on when one has failed",
        )


# ------------------------------------------------------------------------------------------------------------- steps


def _steps(wiring: Wiring, draft: Draft) -> list[Step]:
    """The step, and before it the collectors that it needs."""
    unit, node = wiring.unit, draft.node
    at = draft.entry.key_span
    if node is None:
        return [Step(draft.name, INVALID, at=at)]
    if draft.broken:
        given = read_inputs(wiring, draft, build.section(node, "inputs"), INVALID)
        return [
            Step(
                draft.name,
                INVALID,
                given.arguments,
                compute=compute_reference(unit, wiring.found, node.get("compute")),
                at=at,
            )
        ]
    kind = next((kind for kind in AZURE_KINDS if kind in node.entries), None)
    if kind is not None:
        step = _azure_shape(wiring, draft, node, kind)
        arguments = dict(step.inputs)
        component = fanin.wait(unit, draft, step.component, wiring.shells, arguments)
        return [replace(step, component=component, inputs=arguments)]
    for key, instead in NOT_YET.items():
        if key in node.entries:
            unit.bag.add("P0802", f"`{key}` cannot be compiled yet", node.entries[key].key_span, help=instead)
    shell = wiring.shells[draft.name]
    dropped(unit, node, shell)
    inputs = read_inputs(wiring, draft, build.section(node, "inputs"), shell)
    sweep_node = build.section(node, "sweep")
    sweep = build.sweep(sweep_node, node.entries["sweep"].key_span) if sweep_node is not None else None
    if sweep is not None and sweep_node is not None:
        swept_inputs(unit, sweep_node, sweep, shell, inputs)
    before: list[Step] = []
    if isinstance(shell, Component) and shell.path is None and shell.kind == "command":
        shell = fanin.spread(unit, shell, inputs)
        shell = replace(shell, inputs=inputs.ports)
    elif isinstance(shell, Component):
        before = fanin.collect(wiring, draft, shell, inputs)
    shell = fanin.wait(unit, draft, shell, wiring.shells, inputs.arguments)
    if inputs.failed:
        shell = INVALID
    return [*before, _step(wiring, draft, node, shell, inputs, sweep, at)]


def _step(
    wiring: Wiring, draft: Draft, node: Mapping, shell: Shell, inputs: Inputs, sweep: Sweep | None, at: Span
) -> Step:
    unit, found = wiring.unit, wiring.found
    defaults = found.defaults
    command = sweep is not None or (isinstance(shell, Component) and shell.kind == "command")
    variables = build.strings(build.section(node, "environment_variables"))
    if command:
        variables = build.strings(build.section(defaults, "environment_variables")) | variables
    resources = build.section(node, "resources")
    if resources is None and command:
        resources = build.section(defaults, "resources")
    distribution = build.section(node, "distribution")
    if sweep is not None and isinstance(shell, Component) and distribution is not None:
        shell, distribution = replace(shell, distribution=build.extras(distribution)), None  # that of the trials
    limits = build.section(node, "limits")
    kept = ("services", "queue_settings", "comment")
    extras: dict[str, Extra] = {key: build.extra(node.entries[key].value) for key in kept if key in node.entries}
    identity = build.extras(build.section(node, "identity")) or None
    return Step(
        name=draft.name,
        component=shell,
        inputs=inputs.arguments,
        outputs=_output_settings(node),
        compute=compute_reference(unit, found, node.get("compute")),
        sweep=sweep,
        display_name=build.text(node, "display_name"),
        description=build.text(node, "description"),
        tags=build.strings(build.section(node, "tags")),
        properties=build.strings(build.section(node, "properties")),
        environment_variables=variables,
        resources=_bound(unit, found, resources),
        distribution=_bound(unit, found, distribution),
        limits=_bound(unit, found, limits),
        identity=identity,
        extras=extras,
        at=at,
    )


def _bound(unit: Unit, found: Sections, mapping: Mapping | None) -> dict[str, Extra] | None:
    """Resources and limits may be given by an input of the pipeline."""
    if mapping is None:
        return None
    settings: dict[str, Extra] = {}
    for entry in mapping:
        value = entry.value
        if isinstance(value, Scalar) and has_binding(value):
            source = read_binding(value, unit.bag)
            if isinstance(source, InputRef):
                if is_input(unit, found, source, value.span):
                    settings[entry.key] = source
            elif source is not None:
                unit.bag.add("P0414", f"`{entry.key}` cannot be an output of a step", value.span)
        else:
            settings[entry.key] = build.extra(value)
    return settings


def _output_settings(node: Mapping) -> dict[str, OutputSetting]:
    settings: dict[str, OutputSetting] = {}
    for entry in build.section(node, "outputs") or ():
        if isinstance(entry.value, Mapping):
            settings[entry.key] = build.output_setting(entry.value, entry.key_span)
        elif "component" in node.entries:
            settings[entry.key] = OutputSetting(at=entry.key_span)
    return settings


def _azure_shape(wiring: Wiring, draft: Draft, node: Mapping, kind: str) -> Step:
    """A step in Azure ML's own shape, which Azure ML's reader reads; only its bindings are the spec's."""
    from compiler.azureml.nodes import step_from_node

    body, at = node.entries[kind].value, draft.entry.key_span
    if not isinstance(body, Mapping):
        return Step(draft.name, INVALID, at=at)
    own = {entry.key: entry for entry in node if entry.key not in (kind, "after", "compute", "renamed_from")}
    word = Scalar(node.source, *node.entries[kind].key_span[1:], kind, kind)
    kind_entry = Entry(node.source, "type", word.start, word.end, word)
    merged = Mapping(node.source, node.start, node.end, {"type": kind_entry, **body.entries, **own})
    unit = wiring.unit
    scope = Scope(unit.bag, unit.files, os.path.dirname(node.source.path), _reader(wiring, draft))
    entry = Entry(draft.entry.source, draft.name, draft.entry.key_start, draft.entry.key_end, merged)
    step = step_from_node(entry, scope, wiring.found.inputs, wiring.output_type)
    if any(given.key not in step.inputs for given in build.section(node, "inputs") or ()):
        step = replace(step, component=INVALID)  # an input failed
    return replace(step, compute=compute_reference(unit, wiring.found, node.get("compute")))


def _reader(wiring: Wiring, draft: Draft) -> Binding:
    """How a node in Azure ML's shape reads its bindings when it stands in a spec."""

    def read(scalar: Scalar, bag: Bag) -> Bound:
        if not has_binding(scalar):
            return None
        source = read_binding(scalar, bag)
        if source is None or isinstance(source, InputRef):
            return source or UNUSABLE
        return instance(wiring.unit, draft, source, scalar.span) or UNUSABLE

    return read


# ----------------------------------------------------------------------------------------------------------- outputs


def _outputs(unit: Unit, wiring: Wiring) -> dict[str, PipelineOutput]:
    outputs: dict[str, PipelineOutput] = {}
    for entry in unit.section("outputs") or ():
        if ("outputs", entry.key) in unit.poisoned:
            continue
        value = entry.value
        setting = build.output_setting(value, entry.key_span) if isinstance(value, Mapping) else OutputSetting()
        scalar = value.get("value") if isinstance(value, Mapping) else value
        description = build.text(value, "description") if isinstance(value, Mapping) else None
        if not isinstance(scalar, Scalar) or scalar.value is None:
            outputs[entry.key] = PipelineOutput(None, setting, description, entry.key_span)
            continue
        for name, ref in _sources(unit, entry.key, scalar):
            typed = setting
            if setting.type is None:
                kind = wiring.output_type(ref)
                typed = replace(setting, type=kind if kind != ANY else None)
            outputs[name] = PipelineOutput(ref, typed, description, scalar.span)
    return outputs


def _sources(unit: Unit, name: str, scalar: Scalar) -> list[tuple[str, OutputRef]]:
    source = read_binding(scalar, unit.bag)
    if source is None:
        return []
    if isinstance(source, InputRef):
        unit.bag.add("P0414", f"output `{name}` of the pipeline is bound to an input", scalar.span)
        return []
    if source.index == "*":
        return [(f"{name}__{key}", ref) for key, ref in every_instance(unit, source, scalar.span) or ()]
    ref = instance(unit, None, source, scalar.span)
    return [(name, ref)] if ref is not None else []
