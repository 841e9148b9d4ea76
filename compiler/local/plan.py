"""What there is to run: the pipeline as one flat table of nodes, or the reasons why it cannot run here.

A nested pipeline disappears: its steps become nodes with dotted names, and its inputs and outputs are followed
through to what they stand for.

    steps:                                 prep          feeds {}
      prep: {…}                     ->     fit.train     feeds {data: output `out` of prep}
      fit: {component: fit.yml}            fit.score     feeds {model: output `model` of fit.train}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from compiler.diagnostics.span import Span
from compiler.ir.model import (
    Component,
    Compute,
    Data,
    InputPort,
    InputRef,
    Literal,
    LocalPath,
    OutputRef,
    Pipeline,
    Step,
)


@dataclass(frozen=True, slots=True)
class Address:
    """Data by address. ``input`` names what a person would set to change it, an input of the pipeline if ``given``."""

    path: LocalPath | str
    input: str
    given: bool
    at: Span | None


@dataclass(frozen=True, slots=True)
class Produced:
    """An output of another node."""

    node: str
    output: str


@dataclass(frozen=True, slots=True)
class Missing:
    """An input of the pipeline that needs a value and has none."""

    input: str
    at: Span | None


Source: TypeAlias = "Literal | Address | Produced | Missing"


@dataclass(frozen=True, slots=True)
class Feed:
    """What one input of a node gets. ``source`` None: it has no value, and needs none."""

    port: InputPort
    source: Source | None
    mode: str


@dataclass(frozen=True, slots=True)
class Node:
    """One step that runs, alone or as a sweep. ``feeds`` covers every input but those the sweep samples.

    ``instances``: how many processes its compute target takes at once, None for any number.
    """

    name: str
    step: Step
    component: Component
    feeds: Mapping[str, Feed]
    compute: str | None = None
    instances: int | None = None

    def sources(self) -> Iterator[tuple[str, Feed, Produced]]:
        """The inputs that other nodes produce."""
        for name, feed in self.feeds.items():
            if isinstance(feed.source, Produced):
                yield name, feed, feed.source


@dataclass(frozen=True, slots=True)
class Plan:
    """``refused`` are the steps that are no command, and so no node."""

    pipeline: Pipeline
    nodes: Mapping[str, Node]
    outputs: Mapping[str, Produced]
    refused: tuple[tuple[str, Step], ...] = ()


@dataclass(frozen=True, slots=True)
class _Scope:
    """A pipeline while its steps are walked, with what stands for its inputs and what it inherits."""

    prefix: str
    pipeline: Pipeline
    inputs: Mapping[str, tuple[Source | None, str | None]]
    compute: str | None
    computes: Mapping[str, Compute]


def make_plan(pipeline: Pipeline, given: Mapping[str, Literal | Data]) -> Plan:
    """Flatten the pipeline, its inputs replaced by those ``given``. Expects one that the passes found sound."""
    inputs: dict[str, tuple[Source | None, str | None]] = {}
    for name, port in pipeline.inputs.items():
        source = _written(given.get(name, port.value), name, True, port.at)
        inputs[name] = (Missing(name, port.at) if source is None and not port.optional else source, port.mode)
    root = _Scope("", pipeline, inputs, _default_compute(pipeline), pipeline.computes)
    nodes: dict[str, Node] = {}
    refused: list[tuple[str, Step]] = []
    _walk(root, nodes, refused)
    outputs: dict[str, Produced] = {}
    for name, output in pipeline.outputs.items():
        if output.source is not None and (made := _producer("", pipeline, output.source)) is not None:
            outputs[name] = made
    return Plan(pipeline, nodes, outputs, tuple(refused))


def _walk(scope: _Scope, nodes: dict[str, Node], refused: list[tuple[str, Step]]) -> None:
    for name, step in scope.pipeline.steps.items():
        component, dotted = step.component, scope.prefix + name
        if isinstance(component, Component) and component.pipeline is not None:
            _walk(_inner(scope, dotted, step, component, component.pipeline), nodes, refused)
        elif isinstance(component, Component) and component.kind == "command":
            nodes[dotted] = _node(scope, dotted, step, component)
        else:
            refused.append((dotted, step))


def _inner(scope: _Scope, dotted: str, step: Step, component: Component, pipeline: Pipeline) -> _Scope:
    """The scope of a nested pipeline: its inputs are what the step gives, else what they have by themselves."""
    inputs: dict[str, tuple[Source | None, str | None]] = {}
    for name, port in pipeline.inputs.items():
        source, mode = _argument(scope, dotted, name, step)
        if source is None and (declared := component.inputs.get(name)) is not None:
            source = _default(declared)
        if source is None:
            source = _written(port.value, f"{dotted}.{name}", False, port.at)
        inputs[name] = (source, mode or port.mode)
    compute = _default_compute(pipeline) or scope.compute
    return _Scope(f"{dotted}.", pipeline, inputs, compute, {**scope.computes, **pipeline.computes})


def _node(scope: _Scope, dotted: str, step: Step, component: Component) -> Node:
    sampled = step.sweep.search_space if step.sweep else {}
    feeds: dict[str, Feed] = {}
    for name, port in component.inputs.items():
        if name in sampled:
            continue
        source, mode = _argument(scope, dotted, name, step)
        if source is None or (isinstance(source, Missing) and (port.optional or port.default is not None)):
            source = _default(port)
        feeds[name] = Feed(port, source, mode or port.mode or "ro_mount")
    compute = _compute(scope, step)
    return Node(dotted, step, component, feeds, compute, _instances(scope.computes.get(compute or "")))


def _argument(scope: _Scope, dotted: str, name: str, step: Step) -> tuple[Source | None, str | None]:
    """What a step gives an input, followed to where it comes from, and how it is to be delivered."""
    argument = step.inputs.get(name)
    if argument is None:
        return None, None
    value = argument.value
    if isinstance(value, InputRef):
        source, mode = scope.inputs.get(value.input, (None, None))
        return source, argument.mode or mode
    if isinstance(value, OutputRef):
        return _producer(scope.prefix, scope.pipeline, value), argument.mode
    return _written(value, f"{dotted}.{name}", False, argument.at or argument.key_at), argument.mode


def _written(value: Literal | Data | None, name: str, given: bool, at: Span | None) -> Source | None:
    return Address(value.path, name, given, at) if isinstance(value, Data) else value


def _default(port: InputPort) -> Literal | None:
    # the service reads a number's default as one with a decimal point: 1 arrives as 1.0
    default = port.default
    return float(default) if port.type == "number" and type(default) is int else default


def _producer(prefix: str, pipeline: Pipeline, ref: OutputRef) -> Produced | None:
    """The node that an output comes from: through the outputs of nested pipelines to a step of the innermost."""
    while True:
        step = pipeline.steps.get(ref.step)
        if step is None:
            return None
        inner = step.component.pipeline if isinstance(step.component, Component) else None
        if inner is None:
            return Produced(prefix + ref.step, ref.output)
        output = inner.outputs.get(ref.output)
        if output is None or output.source is None:
            return None
        prefix, pipeline, ref = f"{prefix}{ref.step}.", inner, output.source


def _default_compute(pipeline: Pipeline) -> str | None:
    return pipeline.compute or pipeline.settings.default_compute


def _compute(scope: _Scope, step: Step) -> str | None:
    name: object = step.compute
    if isinstance(name, InputRef):
        name, _ = scope.inputs.get(name.input, (None, None))
    name = name if isinstance(name, str) else scope.compute
    return name.removeprefix("azureml:") if name else None


def _instances(compute: Compute | None) -> int | None:
    most = compute.fields.get("max_instances") if compute else None
    return max(1, most) if isinstance(most, int) else None
