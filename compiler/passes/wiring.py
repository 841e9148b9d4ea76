"""The shape of the graph: no cycles, one source for every output, nothing written where arrival is watched."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from itertools import pairwise

from compiler.diagnostics.model import Bag, Label
from compiler.diagnostics.span import Span
from compiler.ir import graph
from compiler.ir.model import Data, InputRef, LocalPath, OutputRef, Pipeline, Step
from compiler.passes.wording import called


def wiring(pipeline: Pipeline, bag: Bag) -> None:
    """Check one pipeline; its nested pipelines are checked on their own."""
    for path in graph.cycles(graph.dependencies(pipeline)):
        _cycle(pipeline, path, bag)
    _one_source(pipeline, bag)
    _watched(pipeline, bag)
    for step in pipeline.steps.values():
        _same_asset(pipeline, step, bag)


def _cycle(pipeline: Pipeline, path: list[str], bag: Bag) -> None:
    edges = list(pairwise(path))
    names = {name: called(pipeline.steps[name]) for name in path}
    secondary = [
        Label(at, f"`{names[reader]}` reads `{names[source]}` here")
        for source, reader in edges
        if (at := _edge(pipeline, source, reader)) is not None
    ]
    first = secondary[0].span if secondary else None
    bag.add(
        "P0601",
        f"steps wait for each other: {' → '.join(names[name] for name in path)}"
        if len(edges) > 1
        else f"step `{names[path[0]]}` waits for itself",
        first,
        secondary=secondary[1:],
    )


def _edge(pipeline: Pipeline, source: str, reader: str) -> Span | None:
    for argument in pipeline.steps[reader].inputs.values():
        if isinstance(argument.value, OutputRef) and argument.value.step == source:
            return argument.at
    return None


def _one_source(pipeline: Pipeline, bag: Bag) -> None:
    seen: dict[OutputRef, tuple[str, Span | None]] = {}
    for name, output in pipeline.outputs.items():
        if output.source is None:
            continue
        if output.source in seen:
            first, at = seen[output.source]
            bag.add(
                "P0602",
                f"`{name}` and `{first}` are the same output `{output.source.output}` of `{output.source.step}`",
                output.at,
                secondary=[Label(at, "first here")] if at else [],
                help="an output of a step can be one output of the pipeline",
            )
        else:
            seen[output.source] = (name, output.at)


def _watched(pipeline: Pipeline, bag: Bag) -> None:
    """A watched path that contains a path the pipeline writes to would start the pipeline by its own results."""
    for schedule in pipeline.schedules.values():
        if schedule.trigger.get("type") != "data_arrival":
            continue
        watched = _watched_path(pipeline, schedule.trigger)
        if watched is None:
            continue
        for name, path, at in _written(pipeline):
            if _below(path, watched):
                bag.add(
                    "P0603",
                    f"output `{name}` is written below the path that starts this pipeline",
                    at,
                    secondary=[Label(schedule.at, "watched here")] if schedule.at else [],
                    help="every run would start the next one: write it elsewhere",
                )


def _watched_path(pipeline: Pipeline, trigger: object) -> str | None:
    assert hasattr(trigger, "get")
    path = trigger.get("path")
    if path is None and isinstance(name := trigger.get("input"), str) and name in pipeline.inputs:
        value = pipeline.inputs[name].value
        path = value.path if isinstance(value, Data) else None
    return path.path if isinstance(path, LocalPath) else path if isinstance(path, str) else None


def _written(pipeline: Pipeline) -> Iterator[tuple[str, str, Span | None]]:
    for step in pipeline.steps.values():
        for name, setting in step.outputs.items():
            if setting.path is not None:
                yield f"{step.name}.{name}", setting.path, setting.at
    for name, output in pipeline.outputs.items():
        if output.setting.path is not None:
            yield name, output.setting.path, output.setting.at or output.at


def _below(path: str, root: str) -> bool:
    path, root = posixpath.normpath(path.rstrip("/")), posixpath.normpath(root.rstrip("/"))
    return path == root or path.startswith(root + "/")


def _same_asset(pipeline: Pipeline, step: Step, bag: Bag) -> None:
    """`train` and `test` that are the same data: accepted everywhere, and hardly ever meant."""
    seen: dict[object, str] = {}
    for name, argument in step.inputs.items():
        value = argument.value
        if isinstance(value, InputRef) and value.input in pipeline.inputs:
            declared = pipeline.inputs[value.input].value
            value = declared if isinstance(declared, Data) else value
        asset = value if isinstance(value, (Data, OutputRef)) else None
        if asset is None:
            continue
        if asset in seen:
            first = step.inputs[seen[asset]]
            bag.add(
                "P0903",
                f"inputs `{seen[asset]}` and `{name}` of `{called(step)}` are the same data",
                argument.at,
                secondary=[Label(first.at, f"`{seen[asset]}`")] if first.at and first.at != argument.at else [],
            )
        else:
            seen[asset] = name
