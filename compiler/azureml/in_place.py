"""The component of a step written in place: its settings, and its ports from what the step is given.

    inputs:                                             ->  ports
      lr: 0.1                                               lr: number, default 0.1
      rows: ${{parent.jobs.prep.outputs.rows}}              rows: the type of prep's output
      data: ${{parent.inputs.data}}                         data: type and mode of the pipeline's input
      seed: {type: uri_file, path: ./s.csv, mode: download} seed: uri_file, mode download

These are azure-ai-ml's own rules, so that the step with its component in a file of its own is, to the service,
the step as it was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from compiler.azureml.fields import BATCH, SPARK
from compiler.azureml.values import literal_type
from compiler.ir.model import (
    Argument,
    Data,
    Extra,
    InputPort,
    InputRef,
    OutputPort,
    OutputRef,
    OutputSetting,
    PipelineInput,
    PipelineOutput,
    Step,
)

# The type of an output of another step, as far as it is known.
OutputType = Callable[[OutputRef], str]

UNSAID = "uri_folder"


def input_ports(
    arguments: Mapping[str, Argument], inputs: Mapping[str, PipelineInput], output_type: OutputType
) -> dict[str, InputPort]:
    """One port for each argument of a step in place; ``inputs`` are those of the pipeline round it."""
    return {name: input_port(argument, inputs, output_type) for name, argument in arguments.items()}


def input_port(argument: Argument, inputs: Mapping[str, PipelineInput], output_type: OutputType) -> InputPort:
    """The port that fits an argument."""
    value, at, mode = argument.value, argument.at, argument.mode
    if argument.type is not None:
        return InputPort(argument.type, mode=mode, at=at)
    if isinstance(value, InputRef):
        source = inputs.get(value.input)
        return (
            InputPort(source.type, mode=mode or source.mode, at=at) if source else InputPort(UNSAID, mode=mode, at=at)
        )
    if isinstance(value, OutputRef):
        return InputPort(output_type(value), mode=mode, at=at)
    if isinstance(value, Data):
        return InputPort(UNSAID, mode=mode, at=at)
    return InputPort(literal_type(value), default=value, at=at)


def output_ports(settings: Mapping[str, OutputSetting], bound: Mapping[str, PipelineOutput]) -> dict[str, OutputPort]:
    """One port for each output of a step in place; ``bound`` has the pipeline's outputs that some of them are."""
    return {name: output_port(setting, bound.get(name)) for name, setting in settings.items()}


def output_port(setting: OutputSetting, bound: PipelineOutput | None) -> OutputPort:
    """The port that fits an output: as its own setting says, else as the pipeline's output says, else a folder."""
    if bound is not None and setting.type is None and setting.mode is None:
        return OutputPort(bound.setting.type or UNSAID, bound.setting.mode, at=setting.at)
    return OutputPort(setting.type or UNSAID, setting.mode, at=setting.at)


# ---------------------------------------------------------------------------------------------------------- settings

# Of the keys of a step in place, those that its component has, and of these the ones that stay with the step too.
_COMPONENT_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "parallel": tuple(BATCH),
    "spark": tuple(SPARK),
    "data_transfer": ("task", "data_copy_mode", "source", "sink"),
}
_BOTH: Final = frozenset({*BATCH, "source", "sink"} - {"task", "input_data"})


def component_settings(step: Step, kind: str) -> dict[str, Any]:
    """The fields of the component of a step in place: resources, distribution and extras.

    A component cannot know the inputs of the pipeline round it, so what is bound to one is the step's alone.
    """
    extras = {
        key: value
        for key, value in step.extras.items()
        if key in _COMPONENT_KEYS.get(kind, ()) and (kind == "spark" or not has_binding(value))
    }
    found: dict[str, Any] = {}
    if kind == "command":
        for key in ("resources", "distribution"):
            value = getattr(step, key)
            if value is not None and not has_binding(value):
                found[key] = value
    elif kind == "parallel" and step.resources is not None and not has_binding(step.resources):
        extras["resources"] = step.resources
    elif kind == "spark" and isinstance(conf := extras.get("conf"), Mapping):
        extras["conf"] = _spark_conf(conf)
    return {**found, "extras": extras}


def node_settings(step: Step, kind: str) -> Step:
    """A step in place without the keys that its component has taken over."""
    gone = {key for key in _COMPONENT_KEYS.get(kind, ()) if key not in _BOTH}
    if kind == "data_transfer":
        gone = {"data_copy_mode"}
    return replace(step, extras={key: value for key, value in step.extras.items() if key not in gone})


def has_binding(value: Extra) -> bool:
    """Whether a setting is bound to an input of the pipeline, or holds one that is."""
    if isinstance(value, Mapping):
        return any(has_binding(item) for item in value.values())
    if isinstance(value, tuple):
        return any(has_binding(item) for item in value)
    return isinstance(value, InputRef)


def _spark_conf(conf: Mapping[str, Extra]) -> Mapping[str, Extra]:
    """Spark's settings; with dynamic allocation a job in place starts with the least number of executors."""
    least = conf.get("spark.dynamicAllocation.minExecutors")
    dynamic = str(conf.get("spark.dynamicAllocation.enabled")).lower() == "true"
    if dynamic and least is not None and "spark.executor.instances" not in conf:
        return {**conf, "spark.executor.instances": least}
    return conf
