"""What a spec says, from its IR."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compiler.ir.model import (
    Argument,
    Component,
    ComponentReference,
    Data,
    Distribution,
    Environment,
    InputRef,
    LocalPath,
    OutputRef,
    OutputSetting,
    Pipeline,
    PipelineInput,
    Step,
)
from tests.facts import Facts, as_number, as_text, files_below


def of_pipeline(pipeline: Pipeline, top: bool = False) -> Facts:
    """The facts of a pipeline of the IR; only one that is a job has inputs with values, and settings."""
    unset = {name for name, given in pipeline.inputs.items() if given.value is None} if top else set[str]()
    bound = {
        (output.source.step, output.source.output): f"${{{{parent.outputs.{name}}}}}"
        for name, output in pipeline.outputs.items()
        if output.source is not None
    }
    facts: Facts = {"steps": {name: _of_step(step, unset, bound) for name, step in pipeline.steps.items()}}
    if top:
        settings = pipeline.settings
        facts |= {
            "display_name": pipeline.display_name,
            "experiment_name": pipeline.experiment_name,
            "description": pipeline.description,
            "tags": dict(pipeline.tags),
            "properties": dict(pipeline.properties),
            "compute": pipeline.compute,
            "default_compute": settings.default_compute,
            "default_datastore": settings.default_datastore,
            "force_rerun": settings.force_rerun,
            "continue_on_step_failure": settings.continue_on_step_failure,
            "identity": {key: value for key, value in (pipeline.identity or {}).items() if key != "type"},
            "inputs": {name: _given(given) for name, given in pipeline.inputs.items() if name not in unset},
            "outputs": {name: _kept(output.setting) for name, output in pipeline.outputs.items()},
        }
    return facts


def _of_step(step: Step, unset: set[str], bound: Mapping[tuple[str, str], str]) -> Facts:
    facts: Facts = {
        "type": step.kind,
        "inputs": {
            name: _argument(argument)
            for name, argument in step.inputs.items()
            if not (isinstance(argument.value, InputRef) and argument.value.input in unset) and step.kind != "automl"
        },
        "bound outputs": {port: path for (name, port), path in bound.items() if name == step.name},
        "compute": _target(step.compute),
    }
    if step.kind not in ("command", "sweep", "pipeline"):
        return facts  # Azure ML's own shapes, which are carried as they are
    facts |= {
        "display_name": step.display_name,
        "tags": dict(step.tags),
        "limits": _plain_setting(step.limits),
        "resources": _plain_setting(step.resources),
        "distribution": _plain_setting(step.distribution),
        "environment_variables": {}
        if step.sweep is not None
        else {k: str(v) for k, v in step.environment_variables.items()},
        "component": _of_component(step),
    }
    if step.sweep is not None:
        sweep, sampling = step.sweep, step.sweep.sampling
        facts["sweep"] = {
            "sampling": sampling.type if sampling is not None else None,
            "space": {name: _dimension(found) for name, found in sweep.search_space.items()},
            "objective": [sweep.objective.goal, sweep.objective.primary_metric] if sweep.objective else None,
            "early termination": _of_policy(_fields(sweep.early_termination)),
            "limits": _fields(sweep.limits),
        }
        facts["limits"] = {}
    return facts


def _of_policy(policy: Facts) -> Facts:
    """azure-ai-ml sends zeros where nothing is said, of which the author is warned."""
    zeros = {"delay_evaluation": 0, "evaluation_interval": 0} if policy else {}
    return zeros | {key: value for key, value in policy.items() if value is not None}


def _of_component(step: Step) -> Any:
    component = step.component
    if isinstance(component, ComponentReference):
        return component.reference if "://" in component.reference else component.reference.removeprefix("azureml:")
    assert isinstance(component, Component)
    ports: Facts = {
        "inputs": {
            name: {
                "type": port.type,
                "optional": port.optional or None,
                "default": as_number(port.default, port.type),
                "min": as_number(port.min, port.type),
                "max": as_number(port.max, port.type),
                "enum": [as_text(item) for item in port.enum] or None,
            }
            for name, port in component.inputs.items()
        },
        "outputs": {name: port.type for name, port in component.outputs.items()},
        "description": component.description,
    }
    if component.pipeline is not None:
        return ports | of_pipeline(component.pipeline)
    variables = step.environment_variables if step.sweep is not None else {}
    return ports | {
        "command": component.command,
        "exported": {name: str(value) for name, value in variables.items()},
        "code": _code(component),
        "environment": _of_environment(component.environment),
        "is_deterministic": component.is_deterministic is not False,
    }


def _code(component: Component) -> Any:
    if isinstance(component.code, str):
        return component.code
    files = files_below(Path(component.code.path)) if component.code is not None else {}
    for include in component.additional_includes:
        found = files_below(Path(include.path))
        whole = Path(include.path).is_file()
        files |= found if whole else {f"{Path(include.path).name}/{name}": data for name, data in found.items()}
    return files


def _of_environment(environment: Environment | None) -> Any:
    if environment is None or environment.reference is not None:
        return environment.reference if environment is not None else None
    return {
        "image": environment.image,
        "conda": _plain_setting(environment.conda),
        "build": files_below(Path(environment.build.path)) if environment.build is not None else None,
        "dockerfile": environment.dockerfile,
    }


def _given(given: PipelineInput) -> Any:
    if isinstance(given.value, Data):
        return [given.type, _where(given.value), given.mode]
    return as_text(given.value)


def _argument(argument: Argument) -> Any:
    value = argument.value
    if isinstance(value, Data):
        return [argument.type or "uri_folder", _where(value), argument.mode]
    if isinstance(value, InputRef):
        value = f"${{{{parent.inputs.{value.input}}}}}"
    elif isinstance(value, OutputRef):
        value = f"${{{{parent.jobs.{value.step}.outputs.{value.output}}}}}"
    return as_text(value)


def _where(data: Data) -> str:
    """A local path, an address, or an asset's name and version, which azure-ai-ml sends without `azureml:`."""
    if isinstance(data.path, LocalPath):
        return data.path.path
    return data.path if "://" in data.path else data.path.removeprefix("azureml:")


def _kept(setting: OutputSetting) -> Facts:
    return {"type": setting.type or "uri_folder", "mode": setting.mode, "path": setting.path, "name": setting.name,
            "version": setting.version}  # fmt: skip


def _dimension(found: Distribution) -> Facts:
    return {key: value for key, value in _fields(found).items() if key not in ("key_at",)}


def _fields(value: Any) -> Facts:
    names = value.__slots__ if value is not None else ()
    return {name: _json(getattr(value, name)) for name in names if name not in ("at", "key_at")}


def _json(value: Any) -> Any:
    """A value of the IR as JSON; booleans among the choices as the text that a command sees."""
    if isinstance(value, Distribution):
        return _dimension(value)
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [str(item) if isinstance(item, bool) else _json(item) for item in value]
    return value


def _target(compute: str | InputRef | None) -> str | None:
    return f"${{{{parent.inputs.{compute.input}}}}}" if isinstance(compute, InputRef) else compute


def _plain_setting(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain_setting(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain_setting(item) for item in value]
    return _target(value) if isinstance(value, InputRef) else value
