"""The invariants of the IR, checked after the passes in tests and before anything is emitted.

A broken invariant is a bug in amlc, never in the user's file: hence an exception, not a diagnostic.
"""

from __future__ import annotations

from compiler.ir import graph
from compiler.ir.model import (
    LITERAL_TYPES,
    Argument,
    Component,
    Data,
    InputRef,
    Invalid,
    OutputRef,
    Pipeline,
    Step,
)


class InvariantError(Exception):
    """The IR says something that no front end may let it say."""


def verify(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline unchanged, or raise InvariantError naming the step and the broken rule."""
    for name, step in pipeline.steps.items():
        where = f"{pipeline.name}.{name}"
        _require(step.name == name, where, f"is filed under {name} and calls itself {step.name}")
        _require(not isinstance(step.component, Invalid), where, "is invalid although nothing was reported")
        for port, argument in step.inputs.items():
            _argument(pipeline, argument, f"{where}.inputs.{port}")
        if isinstance(step.component, Component):
            _component(pipeline, step, step.component, where)
    for name, output in pipeline.outputs.items():
        if output.source is not None:
            _output_ref(pipeline, output.source, f"{pipeline.name}.outputs.{name}")
    needs = graph.dependencies(pipeline)
    _require(len(graph.order(needs)) == len(needs), pipeline.name, "has a cycle")
    return pipeline


def _argument(pipeline: Pipeline, argument: Argument, where: str) -> None:
    value = argument.value
    if isinstance(value, InputRef):
        _require(value.input in pipeline.inputs, where, f"reads the unknown input {value.input}")
    elif isinstance(value, OutputRef):
        _output_ref(pipeline, value, where)
    elif isinstance(value, Data):
        _require(argument.type is not None and argument.type not in LITERAL_TYPES, where, "is data without a data type")


def _output_ref(pipeline: Pipeline, ref: OutputRef, where: str) -> None:
    _require(ref.step in pipeline.steps, where, f"reads the unknown step {ref.step}")
    component = pipeline.steps[ref.step].component
    if isinstance(component, Component) and component.kind != "automl":
        _require(ref.output in component.outputs, where, f"reads the unknown output {ref.step}.{ref.output}")


def _component(pipeline: Pipeline, step: Step, component: Component, where: str) -> None:
    _require((component.kind == "pipeline") == (component.pipeline is not None), where, "is a pipeline without one")
    _require((component.kind == "command") == (component.command is not None), where, "is a command without one")
    if step.sweep is not None:
        _require(component.kind == "command", where, "sweeps over something that is no command")
        for name in step.sweep.search_space:
            _require(name not in step.inputs, where, f"sweeps over {name} and fixes it too")
    if component.pipeline is not None:
        verify(component.pipeline)


def _require(holds: bool, where: str, what: str) -> None:
    if not holds:
        raise InvariantError(f"{where} {what}")
