"""An Azure ML v2 pipeline job as a pipeline of the IR.

    type: pipeline                                    ->  Pipeline("nyc_taxi", …)
    settings: {default_compute: azureml:cpu}              settings.default_compute = "cpu"
    inputs: {rate: 0.1}                                   inputs["rate"] = PipelineInput("number", 0.1)
    jobs:
      train: {component: ./train.yml, inputs: …}          steps["train"] = Step(…)

The file is taken as azure-ai-ml would take it: YAML 1.1, no templates, and held to its schema, where azure-ai-ml
itself lets much pass.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from dataclasses import replace
from typing import Any, Final

from compiler.azureml.components import component_from_file
from compiler.azureml.fields import IDENTITY, OURS, SERVICES, TEXTS
from compiler.azureml.nodes import compute_from_node, steps_from_node
from compiler.azureml.scope import Files, Scope, is_address, local_part
from compiler.azureml.shapes import (
    ANYTHING,
    BOOLEAN,
    TEXT,
    Record,
    meant_key,
    missing_key,
    read_fields,
    unknown_key,
    word,
    wrong_type,
)
from compiler.azureml.values import output_setting_from_node, pipeline_input_from_node
from compiler.diagnostics.model import Bag, Label
from compiler.diagnostics.span import Span
from compiler.ir.model import (
    ANY,
    Component,
    Extra,
    InputRef,
    OutputSetting,
    Pipeline,
    PipelineInput,
    PipelineOutput,
    Settings,
    Step,
)
from compiler.source.tree import Entry, Mapping, Scalar

_JOB: Final = Record(
    {
        "$schema": ANYTHING,
        "type": word("pipeline"),
        "name": TEXT,
        "display_name": TEXT,
        "description": TEXT,
        "experiment_name": TEXT,
        "tags": TEXTS,
        "properties": TEXTS,
        "compute": OURS,
        "identity": IDENTITY,
        "services": SERVICES,
        "settings": OURS,
        "inputs": OURS,
        "outputs": OURS,
        "jobs": OURS,
        "component": OURS,
    }
)
_SETTINGS: Final = Record(
    {
        "default_compute": TEXT,
        "default_datastore": TEXT,
        "force_rerun": BOOLEAN,
        "continue_on_step_failure": BOOLEAN,
        "on_init": TEXT,
        "on_finalize": TEXT,
    }
)
_TYPED: Final = ("display_name", "description", "experiment_name", "tags", "properties", "identity")


def read_pipeline(path: str, bag: Bag, files: Files | None = None, name: str | None = None) -> Pipeline | None:
    """The pipeline in an Azure ML v2 pipeline job file; None when it is none, which has been reported.

    ``name`` is how a person wrote the path. A pipeline with faults in it is still returned, for the checks.
    """
    files = files or Files(bag)
    path = os.path.abspath(path)
    document = files.document(path, name=name or path)
    if document is None:
        return None
    scope = Scope(bag, files, os.path.dirname(path))
    if not is_pipeline(document):
        bag.add("P0208", "not an Azure ML pipeline job", _start(document), help="such a file has `jobs`")
        return None
    return pipeline_from_node(document, scope, path)


def is_pipeline(document: Mapping) -> bool:
    """Whether a mapping is meant as a pipeline job of Azure ML rather than as a spec or something else."""
    kind, schema = document.get("type"), document.get("$schema")
    if "jobs" in document.entries or (isinstance(kind, Scalar) and kind.value == "pipeline"):
        return True
    return isinstance(schema, Scalar) and "pipelineJob" in str(schema.value)


def pipeline_from_node(document: Mapping, scope: Scope, path: str) -> Pipeline | None:
    """The pipeline that a job's mapping describes; ``path`` is its file."""
    skip = [key for key, shape in _JOB.fields.items() if shape is OURS]
    fields, wrong = read_fields(document, _JOB, scope, "the pipeline", _start(document), skip)
    meant = {meant_key(key, _JOB.fields) for key in wrong.difference(_JOB.fields)}
    inputs, outputs = _inputs(document, scope), _outputs(document, scope)
    typed: dict[str, Any] = {key: fields[key] for key in _TYPED if key in fields}
    compute = compute_from_node(document.get("compute"), scope)
    pipeline = Pipeline(
        name=_name(fields.get("name") or typed.get("display_name"), path),
        steps={},
        inputs=inputs or {},
        outputs=outputs or {},
        compute=None if isinstance(compute, InputRef) else compute,
        settings=_settings(document.entries.get("settings"), scope),
        extras={key: fields[key] for key in ("services",) if key in fields},
        path=path,
        at=_start(document),
        **typed,
    )
    if "component" in document.entries:
        return _of_component(pipeline, document, scope)
    if "jobs" in document.entries:
        unknown = {key for key, found in (("inputs", inputs), ("outputs", outputs)) if found is None}
        return _with_steps(pipeline, document.entries["jobs"], scope, unknown | {key for key in meant if key})
    if "jobs" not in meant and "component" not in meant:
        missing_key("jobs", scope, "the pipeline", _start(document))
    return None


def _with_steps(pipeline: Pipeline, jobs: Entry, scope: Scope, unknown: set[str]) -> Pipeline | None:
    """The pipeline with its steps. Of ``unknown`` sections nothing is known, and so nothing in them is missing."""
    if not isinstance(jobs.value, Mapping):
        wrong_type(jobs.value, scope, "jobs", "a mapping of names to nodes")
        return None
    if not jobs.value.entries:
        scope.bag.add("P0606", "a pipeline without steps", jobs.key_span)
    steps, outputs = steps_from_node(jobs.value, scope, pipeline.inputs, pipeline.outputs, "outputs" in unknown)
    inputs = dict(pipeline.inputs)
    if "inputs" in unknown:
        for name in _read_inputs(steps):
            inputs.setdefault(name, PipelineInput(ANY, at=jobs.key_span))
    return replace(pipeline, steps=steps, inputs=inputs, outputs=outputs)


def _read_inputs(steps: MappingType[str, Step]) -> Iterator[str]:
    """The inputs of the pipeline that its steps read."""
    for step in steps.values():
        settings = (step.compute, step.resources, step.limits, step.extras)
        pending: list[object] = [*settings, *(argument.value for argument in step.inputs.values())]
        while pending:
            value = pending.pop()
            if isinstance(value, InputRef):
                yield value.input
            elif isinstance(value, MappingType):
                pending += value.values()


def _of_component(pipeline: Pipeline, document: Mapping, scope: Scope) -> Pipeline | None:
    """A job that runs a pipeline component: the component's steps under the job's inputs and settings."""
    found = document.entries["component"]
    if "jobs" in document.entries:
        scope.bag.add("P0207", "`jobs` and `component` exclude each other", found.key_span)
        return None
    text = found.value.value if isinstance(found.value, Scalar) else None
    if not isinstance(text, str):
        wrong_type(found.value, scope, "component", "a pipeline component")
        return None
    if is_address(text):
        scope.bag.add("P0802", "a job of a registered pipeline component cannot be compiled yet", found.value.span)
        return None
    component = component_from_file(scope.path(local_part(text)).path, scope, found.value.span, local_part(text))
    if component is None:
        return None
    if component.pipeline is None:
        scope.bag.add("P0409", f"`{text}` is no pipeline component", found.value.span)
        return None
    return _joined(pipeline, component, document, scope)


def _joined(pipeline: Pipeline, component: Component, document: Mapping, scope: Scope) -> Pipeline:
    inner = component.pipeline
    assert inner is not None
    known: tuple[tuple[str, set[str]], ...] = (("inputs", set(inner.inputs)), ("outputs", set(inner.outputs)))
    for key, names in known:
        section = document.get(key)
        for found in section if isinstance(section, Mapping) else ():
            if found.key not in names:
                unknown_key(found, names, scope, f"the {key} of the component")
    inputs = dict(inner.inputs)
    for name, port in inner.inputs.items():
        if name not in pipeline.inputs and port.value is None and not port.optional:
            label = [] if port.at is None else [Label(port.at, "declared here")]
            at = document.entries["component"].value.span
            scope.bag.add("P0501", f"the required input `{name}` has no value", at, secondary=label)
        if name in pipeline.inputs:
            own = pipeline.inputs[name]
            inputs[name] = replace(port, value=own.value, mode=own.mode or port.mode, extras=own.extras, at=own.at)
    outputs = dict(inner.outputs)
    for name, output in inner.outputs.items():
        if name in pipeline.outputs:
            outputs[name] = replace(output, setting=pipeline.outputs[name].setting, at=pipeline.outputs[name].at)
    return replace(
        pipeline,
        steps=inner.steps,
        inputs=inputs,
        outputs=outputs,
        display_name=pipeline.display_name or component.display_name,
        description=pipeline.description or component.description,
    )


def _inputs(document: Mapping, scope: Scope) -> dict[str, PipelineInput] | None:
    inputs = document.get("inputs")
    if inputs is not None and not isinstance(inputs, Mapping):
        wrong_type(inputs, scope, "inputs", "a mapping")
        return None
    result: dict[str, PipelineInput] = {}
    for found in inputs or ():
        value = pipeline_input_from_node(found.value, scope, found.key, found.key_span)
        # a name that is declared stays known, or each use of it would be a second error
        result[found.key] = value or PipelineInput(ANY, at=found.key_span)
    return result


def _outputs(document: Mapping, scope: Scope) -> dict[str, PipelineOutput] | None:
    outputs = document.get("outputs")
    if outputs is not None and not isinstance(outputs, Mapping):
        wrong_type(outputs, scope, "outputs", "a mapping")
        return None
    result: dict[str, PipelineOutput] = {}
    for found in outputs or ():
        setting = output_setting_from_node(found.value, scope, found.key, found.key_span)
        at = found.key_span
        result[found.key] = PipelineOutput(None, setting or OutputSetting(ANY), at=at)
    return result


def _settings(found: Entry | None, scope: Scope) -> Settings:
    if found is None:
        return Settings()
    if not isinstance(found.value, Mapping):
        wrong_type(found.value, scope, "settings", "a mapping")
        return Settings()
    fields, _ = read_fields(found.value, _SETTINGS, scope, "`settings`", found.key_span)
    for key, kind in (("default_compute", "compute"), ("default_datastore", "datastore")):
        if isinstance(fields.get(key), str) and key in fields:
            fields[key] = _unprefixed(found.value.entries[key], kind, scope)
    extras: dict[str, Extra] = {key: fields.pop(key) for key in ("on_init", "on_finalize") if key in fields}
    known: dict[str, Any] = {key: value for key, value in fields.items() if not isinstance(value, InputRef)}
    return Settings(**known, extras=extras, at=found.key_span)


def _unprefixed(found: Entry, kind: str, scope: Scope) -> str | None:
    """The name behind ``azureml:``, without which Azure ML refuses a setting."""
    text = str(found.value.value) if isinstance(found.value, Scalar) else ""
    if text.startswith("azureml:") or text == "serverless":
        return text.removeprefix("azureml:")
    scope.bag.add("P0206", f"`{found.key}` names no {kind}", found.value.span, help=f"write `azureml:{text}`")
    return None


def _name(written: object, path: str) -> str:
    """A name of our own form: from the author's, else the file, else the folder of a plain ``pipeline.yml``."""
    stem = os.path.splitext(os.path.basename(path))[0]
    if stem in ("pipeline", "job"):
        stem = os.path.basename(os.path.dirname(path))
    text = written if isinstance(written, str) else stem
    words = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return words if words and words[0].isalpha() else f"pipeline_{words}".rstrip("_")


def _start(document: Mapping) -> Span:
    for key in ("type", "$schema", "jobs"):
        if key in document.entries:
            return document.entries[key].key_span
    return Span(document.source, document.start, document.start)
