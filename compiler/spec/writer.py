"""A pipeline of the IR as a spec, for ``amlc import``: Azure ML's words in the spec's shape.

    jobs:                                              steps:
      train:                                             train:
        component: ./train.yml                             component: ../jobs/train.yml
        inputs:                                            inputs:
          rows: ${{parent.jobs.prep.outputs.rows}}           rows: ${{steps.prep.outputs.rows}}
        outputs:                                   ->
          model: ${{parent.outputs.model}}             outputs:
    outputs:                                             model:
      model: {mode: upload}                                value: ${{steps.train.outputs.model}}
                                                           mode: upload

Components stay in their files. What the spec's language would add to silence is said: a sweep over a component that
is deterministic keeps being one, and an output of the pipeline without a type keeps Azure ML's default.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

from compiler.azureml.documents import relative_local
from compiler.azureml.in_place import UNSAID
from compiler.azureml.writer import sweep_document
from compiler.azureml.yamlwriter import to_yaml
from compiler.ir.model import (
    ANY,
    LITERAL_TYPES,
    Argument,
    Component,
    ComponentReference,
    Data,
    Environment,
    Extra,
    InputPort,
    InputRef,
    LocalPath,
    OutputRef,
    OutputSetting,
    Pipeline,
    PipelineInput,
    PipelineOutput,
    Step,
    Sweep,
)

Document = dict[str, Any]

# Steps that a spec writes in Azure ML's own shape, under a key of their type.
_AZURE_SHAPES: Final = ("parallel", "spark", "automl", "data_transfer")
_BRACES: Final = re.compile(r"(?<!\$)\{\{")
_PARENT: Final = re.compile(r"\$\{\{\s*parent\.(inputs\.[\w.\-]+)\s*\}\}")


def to_spec(pipeline: Pipeline, directory: str) -> str:
    """The text of a spec that means the pipeline; ``directory`` is the folder that it will lie in."""
    return _Writer(pipeline, os.path.abspath(directory)).text()


class _Writer:
    """One pipeline on its way to text. ``environments`` fills while the steps are written."""

    def __init__(self, pipeline: Pipeline, directory: str) -> None:
        self.pipeline = pipeline
        self.directory = directory
        self.environments: dict[str, Document] = {}
        self.bound = {
            (output.source.step, output.source.output): name
            for name, output in pipeline.outputs.items()
            if output.source is not None
        }

    def text(self) -> str:
        pipeline = self.pipeline
        spec: Document = {"name": pipeline.name}
        for key in ("display_name", "description", "experiment_name"):
            if getattr(pipeline, key) is not None:
                spec[key] = getattr(pipeline, key)
        for key in ("tags", "properties"):
            if getattr(pipeline, key):
                spec[key] = dict(getattr(pipeline, key))
        steps = {name: self._step(step) for name, step in pipeline.steps.items()}
        sections = {
            "environments": self.environments,
            "inputs": {name: self._input(given) for name, given in pipeline.inputs.items()},
            "settings": self._settings(),
            "defaults": {} if pipeline.compute is None else {"compute": _compute(pipeline.compute)},
            "identity": dict(pipeline.identity or {}),
            "steps": steps,
            "outputs": {name: self._output(output) for name, output in pipeline.outputs.items()},
        }
        spec.update({key: section for key, section in sections.items() if section})
        return to_yaml(_escaped(spec))

    # ------------------------------------------------------------------------------------------ inputs and outputs

    def _settings(self) -> Document:
        settings = self.pipeline.settings
        found: Document = {}
        if settings.default_compute is not None:
            found["default_compute"] = _compute(settings.default_compute)
        if settings.default_datastore is not None:
            found["default_datastore"] = f"azureml:{settings.default_datastore.removeprefix('azureml:')}"
        for key in ("force_rerun", "continue_on_step_failure"):
            if getattr(settings, key) is not None:
                found[key] = getattr(settings, key)
        return found

    def _input(self, given: PipelineInput) -> Any:
        limits = {"optional": given.optional or None, "min": given.min, "max": given.max}
        said = _said({**limits, "enum": list(given.enum) or None, "description": given.description})
        if isinstance(given.value, Data):
            return {**self._data(given.value, given.type, given.mode, given.extras), **said}
        if given.value is not None and not said:
            return given.value
        return {"type": given.type, **_said({"mode": given.mode, "default": given.value}), **said}

    def _data(self, value: Data, type_: str | None, mode: str | None, extras: Mapping[str, Extra]) -> Document:
        path = self._path(value.path) if isinstance(value.path, LocalPath) else value.path
        found = _said({"type": type_, "path": path, "mode": mode})
        return found | {key: self._extra(item) for key, item in extras.items()}

    def _path(self, path: LocalPath) -> str:
        return relative_local(path.path, self.directory)

    def _output(self, output: PipelineOutput) -> Any:
        said = _setting(output.setting)
        if output.description is not None:
            said["description"] = output.description
        if output.source is None:
            return said
        if "type" not in said and self._source_type(output.source) not in (UNSAID, ANY, None):
            said = {"type": UNSAID, **said}  # or the source's type would stand for it
        value = f"${{{{steps.{output.source.step}.outputs.{output.source.output}}}}}"
        return {"value": value, **said} if said else value

    def _source_type(self, source: OutputRef) -> str | None:
        step = self.pipeline.steps.get(source.step)
        component = step.component if step is not None else None
        port = component.outputs.get(source.output) if isinstance(component, Component) else None
        return None if port is None else port.type

    # ---------------------------------------------------------------------------------------------------------- steps

    def _step(self, step: Step) -> Document:
        component = step.component
        kind = component.kind if isinstance(component, (Component, ComponentReference)) else "command"
        found: Document
        if kind in _AZURE_SHAPES:
            found = {kind: self._azure_shape(step, kind)}
        elif isinstance(component, Component) and component.path is None:
            found = self._in_place(step, component)
        else:
            found = {"component": self._named(step)}
        for key in ("display_name", "description"):
            if getattr(step, key) is not None:
                found[key] = getattr(step, key)
        if step.sweep is not None and isinstance(component, Component) and component.is_deterministic is not False:
            found["is_deterministic"] = True
        if kind != "automl" and (inputs := self._inputs(step)):
            found["inputs"] = inputs
        if outputs := self._outputs(step):
            found["outputs"] = outputs
        if step.compute is not None:
            found["compute"] = _compute(step.compute)
        if step.sweep is not None:
            found["sweep"] = _sweep(step.sweep)
        if kind not in _AZURE_SHAPES:
            found.update(self._settings_of(step))
        for key in ("tags", "properties"):
            if getattr(step, key):
                found[key] = dict(getattr(step, key))
        return found

    def _settings_of(self, step: Step) -> Document:
        found: Document = {}
        for key in ("limits", "resources", "distribution", "identity"):
            if getattr(step, key) is not None:
                found[key] = self._extra(getattr(step, key))
        if step.environment_variables:
            variables = step.environment_variables
            found["environment_variables"] = {name: _bindings(value) for name, value in variables.items()}
        return found | {key: self._extra(value) for key, value in step.extras.items()}

    def _named(self, step: Step) -> str:
        component = step.component
        if isinstance(component, ComponentReference):
            return component.reference
        path = component.path if isinstance(component, Component) else None
        return relative_local(path or "", self.directory)

    def _in_place(self, step: Step, component: Component) -> Document:
        found: Document = {}
        if component.code is not None:
            found["code"] = self._path(component.code) if isinstance(component.code, LocalPath) else component.code
        if component.additional_includes:
            found["additional_includes"] = [self._path(include) for include in component.additional_includes]
        found["command"] = component.command
        if component.environment is not None:
            found["environment"] = self._environment(component.environment, step.name)
        if component.is_deterministic is not None and step.sweep is None:
            found["is_deterministic"] = component.is_deterministic
        return found

    def _azure_shape(self, step: Step, kind: str) -> Document:
        """The body of a step in Azure ML's own shape, with all that such a step says of itself."""
        component = step.component
        body: Document = {}
        if not isinstance(component, Component) or component.path is not None:
            body["component"] = self._named(step)
        else:
            if component.code is not None:
                body["code"] = self._path(component.code) if isinstance(component.code, LocalPath) else component.code
            if component.environment is not None:
                body["environment"] = self._extra(component.environment)
            body.update({key: self._extra(value) for key, value in component.extras.items()})
        if kind == "automl":
            body.update(self._inputs(step))
        return body | self._settings_of(step)

    def _inputs(self, step: Step) -> Document:
        found = {name: self._argument(argument) for name, argument in step.inputs.items()}
        component = step.component
        if isinstance(component, Component) and component.path is None and component.kind == "command":
            declared = {name: _port(port) for name, port in component.inputs.items() if name not in found}
            found = {name: found[name] if name in found else declared[name] for name in {**component.inputs, **found}}
        return found

    def _argument(self, argument: Argument) -> Any:
        value = argument.value
        if isinstance(value, Data):
            return self._data(value, argument.type, argument.mode, argument.extras)
        if isinstance(value, InputRef):
            text = _input_binding(value)
        elif isinstance(value, OutputRef):
            text = f"${{{{steps.{value.step}.outputs.{value.output}}}}}"
        else:
            return value
        said = _said({"type": argument.type, "mode": argument.mode})
        return {"path": text, **said} if said else text

    def _outputs(self, step: Step) -> Document:
        """What is said of a step's outputs; of one that is an output of the pipeline often nothing."""
        component = step.component
        in_place = isinstance(component, Component) and component.path is None
        found: Document = {}
        for name, setting in step.outputs.items():
            said = _setting(setting)
            if said or in_place or (step.name, name) not in self.bound:
                found[name] = said or None
        if in_place and isinstance(component, Component) and component.kind == "command":
            for name, port in component.outputs.items():
                said = _said({"type": port.type if port.type != UNSAID else None, "mode": port.mode})
                found.setdefault(name, said or None)
        return found

    # ---------------------------------------------------------------------------------------------- names and extras

    def _environment(self, environment: Environment, name: str) -> str:
        """An environment by name, declared once; a reference as it is."""
        if environment.reference is not None:
            return environment.reference
        definition = self._extra(environment)
        for known, other in self.environments.items():
            if other == definition:
                return known
        wanted = re.sub(r"\W+", "_", environment.name or name)
        chosen, number = wanted, 1
        while chosen in self.environments:
            number += 1
            chosen = f"{wanted}_{number}"
        self.environments[chosen] = definition
        return chosen

    def _extra(self, value: Extra) -> Any:
        if isinstance(value, InputRef):
            return _input_binding(value)
        if isinstance(value, LocalPath):
            return self._path(value)
        if isinstance(value, Environment):
            return value.reference or self._definition(value)
        if isinstance(value, Mapping):
            return {key: self._extra(item) for key, item in value.items()}
        if isinstance(value, tuple):
            return [self._extra(item) for item in value]
        return _bindings(value)

    def _definition(self, environment: Environment) -> Document:
        found: Document = {}
        if environment.image is not None:
            found["image"] = environment.image
        if environment.conda is not None:
            found["conda_file"] = self._extra(environment.conda)
        if environment.build is not None:
            found["build"] = _said({"path": self._path(environment.build), "dockerfile_path": environment.dockerfile})
        return found | {key: self._extra(value) for key, value in environment.fields.items()}


def _said(fields: Document) -> Document:
    return {key: value for key, value in fields.items() if value is not None}


def _compute(compute: str | InputRef) -> str:
    if isinstance(compute, InputRef):
        return _input_binding(compute)
    return compute if compute.startswith("azureml:") else f"azureml:{compute}"


def _input_binding(ref: InputRef) -> str:
    return f"${{{{inputs.{ref.input}}}}}"


def _bindings(value: Any) -> Any:
    """Text with Azure ML's bindings of the pipeline's inputs in it, in the spec's way."""
    return _PARENT.sub(r"${{\1}}", value) if isinstance(value, str) else value


def _setting(setting: OutputSetting) -> Document:
    fields = {key: getattr(setting, key) for key in ("type", "mode", "path", "name", "version")}
    return _said(fields) | dict(setting.extras)


def _port(port: InputPort) -> Document:
    """A port that nothing is given: declared."""
    said: Document = {"type": port.type if port.type in LITERAL_TYPES or port.type != ANY else UNSAID}
    said.update(_said({"mode": port.mode, "optional": port.optional or None, "default": port.default}))
    said.update(_said({"min": port.min, "max": port.max, "description": port.description}))
    return said | ({"enum": list(port.enum)} if port.enum else {})


def _sweep(sweep: Sweep) -> Document:
    found: Document = {}
    if sweep.sampling is not None:
        drawn = {key: getattr(sweep.sampling, key) for key in ("type", "rule", "seed", "logbase")}
        found["sampling_algorithm"] = _said(drawn) if sweep.sampling.as_map else sweep.sampling.type
    return found | sweep_document(sweep, lambda value: value)


def _escaped(value: Any) -> Any:
    """The same data with the two braces of an expression written so that they stay two braces."""
    if isinstance(value, str):
        return _BRACES.sub("{{ '{{' }}", value)
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value
