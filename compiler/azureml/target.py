"""What holds in the language and on this machine, and that Azure ML would drop or refuse: told to whoever compiles.

Azure ML takes the bare word for the sampling of a sweep inside a pipeline. The map with a seed or a rule is
reported to fail there ("Algorithm is not supported by Sweep Component", azure-sdk-for-python#33703). Of a cron
expression it ignores days and months (how-to-schedule-pipeline-job); of a start time the SDK drops the UTC offset.
"""

from __future__ import annotations

import re
from dataclasses import replace

from compiler.diagnostics.model import Bag
from compiler.ir.model import Component, InputRef, Invalid, Pipeline, Sampling, Schedule

# Kinds of steps that need a compute target; Spark's own check has more to say.
_COMPUTING = ("command", "sweep", "parallel", "automl")
_OFFSET = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$", re.IGNORECASE)


def target(pipeline: Pipeline, bag: Bag, default: str | None = None) -> None:
    """Check a pipeline, and those nested in it, against what the service keeps.

    ``default`` is the compute target that a nested pipeline's steps get from round it.
    """
    default = pipeline.compute or pipeline.settings.default_compute or default
    if default is None:
        _compute(pipeline, bag)
    for schedule in pipeline.schedules.values():
        _schedule(schedule, bag)
    for step in pipeline.steps.values():
        component = step.component
        if isinstance(component, Component) and component.pipeline is not None:
            target(component.pipeline, bag, default)
        if isinstance(component, Component) and component.path is not None and step.description is not None:
            bag.add(
                "P0806", f"Azure ML ignores the description of `{step.name}`", step.at, help="its component has one"
            )
        if step.sweep is not None and step.sweep.sampling is not None:
            _sampling(step.sweep.sampling, bag)


def without_unset_inputs(pipeline: Pipeline) -> Pipeline:
    """The pipeline without its optional inputs that have no value, and without the bindings to them."""
    unset = {name for name, declared in pipeline.inputs.items() if declared.optional and declared.value is None}
    if not unset:
        return pipeline
    steps = {}
    for name, step in pipeline.steps.items():
        given = {
            port: argument
            for port, argument in step.inputs.items()
            if not (isinstance(argument.value, InputRef) and argument.value.input in unset)
        }
        steps[name] = step if len(given) == len(step.inputs) else replace(step, inputs=given)
    inputs = {name: declared for name, declared in pipeline.inputs.items() if name not in unset}
    return replace(pipeline, inputs=inputs, steps=steps)


def open_inputs(pipeline: Pipeline, bag: Bag) -> None:
    """Required inputs without a value: a job cannot leave them open, though a nested pipeline can."""
    for name, declared in pipeline.inputs.items():
        if declared.value is None and not declared.optional:
            help = f"give `{name}` a path or a default, or make it `optional: true`"
            bag.add("P0501", f"the pipeline needs its input `{name}` ({declared.type})", declared.at, help=help)


def _compute(pipeline: Pipeline, bag: Bag) -> None:
    """Steps that would run nowhere, told once."""
    nowhere = [
        step
        for step in pipeline.steps.values()
        if step.compute is None and step.kind in _COMPUTING and not isinstance(step.component, Invalid)
    ]
    if nowhere:
        more = f", and {len(nowhere) - 1} more like it" if len(nowhere) > 1 else ""
        help = "set `compute` under `defaults` or on the step; `serverless` needs no cluster"
        bag.add("P0513", f"step `{nowhere[0].name}` has no compute target{more}", nowhere[0].at, help=help)


def _sampling(sampling: Sampling, bag: Bag) -> None:
    if sampling.rule == "sobol":
        bag.add(
            "P0714",
            "Azure ML refuses the Sobol rule inside a pipeline",
            sampling.at,
            help="keep it for the profile `local`, and write `random` for the others",
        )
        return
    for name, value in (("seed", sampling.seed), ("logbase", sampling.logbase)):
        if value is not None:
            message = f"the {name} holds here; inside a pipeline Azure ML takes the bare word `{sampling.type}`"
            bag.add("P0708", message, sampling.at)


def _schedule(schedule: Schedule, bag: Bag) -> None:
    trigger, at = schedule.trigger, schedule.at
    if trigger.get("type") == "data_arrival":
        help = "Azure ML has cron and recurrence triggers"
        bag.add("P0802", "a `data_arrival` trigger cannot be compiled yet", at, help=help)
    expression = trigger.get("expression")
    fields = expression.split() if isinstance(expression, str) else []
    if len(fields) == 5 and (fields[2] != "*" or fields[3] != "*"):
        message = f"Azure ML ignores the days and months of `{expression}`"
        bag.add("P0803", message, at, help="write `*` for both, or use a recurrence trigger with `month_days`")
    for key in ("start_time", "end_time"):
        time = trigger.get(key)
        if isinstance(time, str) and _OFFSET.search(time):
            message = f"Azure ML loses the UTC offset of `{key}`"
            bag.add("P0803", message, at, help="write the local time without an offset, and `time_zone` beside it")
