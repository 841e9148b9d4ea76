"""A pipeline of the IR as the files of an Azure ML v2 pipeline job.

    steps["train"] = Step("train", Component(…))    ->    job.yml  jobs: {train: {component: ./components/train.yml}}
                                                          components/train.yml, environments/train.yml, code/3f6a…/

Nothing is written that nobody said, so that a pipeline that came from Azure ML means the same to it on return.
What Azure ML would drop is put where it is not dropped: a step is never given what its component has to say, and
the environment variables of a sweep stand in its trial's command.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from compiler.azureml.build import Build, check, write
from compiler.azureml.documents import (
    SCHEMAS,
    Document,
    Library,
    described,
    plain,
    relative,
    schema,
    trial,
)
from compiler.azureml.fields import SPARK_SIZES
from compiler.azureml.in_place import has_binding
from compiler.azureml.snapshot import Snapshot, Snapshots
from compiler.azureml.yamlwriter import to_yaml
from compiler.diagnostics.model import Bag
from compiler.ir.model import (
    Argument,
    Component,
    ComponentReference,
    Data,
    Distribution,
    InputRef,
    LocalPath,
    OutputRef,
    OutputSetting,
    Pipeline,
    PipelineInput,
    Step,
    Sweep,
)

__all__ = ["Build", "check", "emit", "write"]

_KINDS: Final = {
    "components": "component",
    "environments": "environment",
    "compute": "compute",
    "schedules": "schedule",
}
# Nodes that Azure ML has no component files for.
_BUILT_IN: Final = ("import_data", "export_data")


def emit(pipeline: Pipeline, bag: Bag, *, spec_name: str, directory: str, profile: str | None = None) -> Build | None:
    """The build of a valid pipeline; None when code of it cannot be read, which is reported.

    ``spec_name`` is how comments and the manifest call the source, ``directory`` the absolute path that the build
    will have: local data is referred to from there. Nothing is written.
    """
    library = Library(directory, Snapshots(directory))
    try:
        documents = {"job.yml": _job(pipeline, library)}
    except OSError as error:
        bag.add("P0421", f"`{error.filename or 'code'}` cannot be read: {error.strerror}", pipeline.at)
        return None
    documents |= library.documents
    documents |= {f"compute/{name}.yml": found for name, found in _computes(pipeline, library)}
    documents |= {f"schedules/{name}.yml": found for name, found in _schedules(pipeline, library)}
    comment = f"Made by amlc from {spec_name}. Change that file, not this one."
    files = {path: to_yaml(document, comment) for path, document in sorted(documents.items())}
    files["manifest.json"] = _manifest(files, library.code, spec_name, profile)
    copies = {
        f"{folder}/{name}": source
        for folder, snapshot in sorted(library.code.items())
        for name, source in snapshot.files.items()
    }
    return Build(files, copies)


def _manifest(files: Mapping[str, str], code: Mapping[str, Snapshot], spec: str, profile: str | None) -> str:
    artifacts = [
        {
            "kind": _KINDS.get(path.partition("/")[0], "job"),
            "path": path,
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
        }
        for path, text in files.items()
    ]
    artifacts += [{"kind": "code", "path": path, "sha256": snapshot.sha256} for path, snapshot in code.items()]
    content = {
        "format_version": 1,
        "job": "job.yml",
        "spec": spec,
        "profile": profile,
        "artifacts": sorted(artifacts, key=lambda artifact: artifact["path"]),
    }
    return json.dumps(content, indent=2) + "\n"


# ----------------------------------------------------------------------------------------------------------- the job


def _job(pipeline: Pipeline, library: Library) -> Document:
    job: Document = {"$schema": f"{SCHEMAS}/pipelineJob.schema.json", "type": "pipeline"}
    for key in ("display_name", "experiment_name", "description"):
        if getattr(pipeline, key) is not None:
            job[key] = getattr(pipeline, key)
    for key in ("tags", "properties"):
        if getattr(pipeline, key):
            job[key] = dict(getattr(pipeline, key))
    if pipeline.compute is not None:
        job["compute"] = _compute(pipeline.compute)
    if settings := _settings(pipeline):
        job["settings"] = settings
    if pipeline.identity is not None:
        job["identity"] = plain(pipeline.identity)
    job.update({key: plain(value) for key, value in pipeline.extras.items()})
    inputs = {
        name: _pipeline_input(given, library) for name, given in pipeline.inputs.items() if given.value is not None
    }
    if inputs:
        job["inputs"] = inputs
    if pipeline.outputs:
        job["outputs"] = {name: _setting(output.setting) for name, output in pipeline.outputs.items()}
    job["jobs"] = _jobs(pipeline, library, "")
    return job


def _settings(pipeline: Pipeline) -> Document:
    settings, found = pipeline.settings, Document()
    if settings.default_compute is not None:
        found["default_compute"] = _compute(settings.default_compute)
    if settings.default_datastore is not None:
        found["default_datastore"] = f"azureml:{settings.default_datastore.removeprefix('azureml:')}"
    for key in ("force_rerun", "continue_on_step_failure"):
        if getattr(settings, key) is not None:
            found[key] = getattr(settings, key)
    return {**found, **{key: plain(value) for key, value in settings.extras.items()}}


def _compute(compute: str | InputRef) -> str:
    if isinstance(compute, InputRef):
        return _input(compute)
    return compute if compute == "local" or compute.startswith("azureml:") else f"azureml:{compute}"


def _pipeline_input(given: PipelineInput, library: Library) -> Any:
    if not isinstance(given.value, Data):
        return given.value
    return _data(given.value, given.type, given.mode, given.extras, library, "")


def _data(
    value: Data, type_: str | None, mode: str | None, extras: Mapping[str, Any], library: Library, at: str
) -> Document:
    path = library.place(value.path.path, at) if isinstance(value.path, LocalPath) else value.path
    return _said({"type": type_, "path": path, "mode": mode}) | {key: plain(item) for key, item in extras.items()}


def _said(fields: Document) -> Document:
    return {key: value for key, value in fields.items() if value is not None}


def _setting(setting: OutputSetting) -> Document | None:
    """How an output is kept; None where nothing is said about it."""
    fields = {key: getattr(setting, key) for key in ("type", "mode", "path", "name", "version")}
    return _said(fields) | {key: plain(value) for key, value in setting.extras.items()} or None


def _input(ref: InputRef) -> str:
    return f"${{{{parent.inputs.{ref.input}}}}}"


# ------------------------------------------------------------------------------------------------------------- nodes


def _jobs(pipeline: Pipeline, library: Library, start: str) -> Document:
    """The nodes of a pipeline whose file lies in the folder ``start`` of the build."""
    targets = {
        (output.source.step, output.source.output): name
        for name, output in pipeline.outputs.items()
        if output.source is not None
    }
    bound: dict[str, dict[str, str]] = {}
    for (step, port), name in targets.items():
        bound.setdefault(step, {})[port] = name
    return {name: _node(step, bound.get(name, {}), library, start) for name, step in pipeline.steps.items()}


def _node(step: Step, bound: Mapping[str, str], library: Library, start: str) -> Document:
    node: Document = {"type": step.kind}
    if isinstance(step.component, Component) and not _stands_alone(step, step.component):
        arguments = _arguments(step, library, start)
        if step.component.kind != "automl" and arguments:
            arguments = {"inputs": arguments}
        node.update(library.content(step.component, step.name, start) | arguments)
        if step.description is not None:
            node["description"] = step.description
    else:
        node["trial" if step.sweep is not None else "component"] = _component(step, library, start)
        if arguments := _arguments(step, library, start):
            node["inputs"] = arguments
    if outputs := _outputs(step, bound):
        node["outputs"] = outputs
    if step.compute is not None:
        node["compute"] = _compute(step.compute)
    if step.sweep is not None:
        node.update(_sweep(step.sweep))
    node.update(_run_settings(step, library, start))
    return node


def _stands_alone(step: Step, component: Component) -> bool:
    """Whether a component is written to a file of its own.

    AutoML and the built-in data transfers have none. A Spark step with one may use few sizes of machine, spelt
    Azure ML's way, and in place may use any, and bind its settings to inputs of the pipeline.
    """
    if component.kind == "spark" and component.path is None:
        size = (step.resources or {}).get("instance_type")
        return (size is None or size in SPARK_SIZES) and not any(map(has_binding, component.extras.values()))
    return component.kind != "automl" and component.extras.get("task") not in _BUILT_IN


def _run_settings(step: Step, library: Library, start: str) -> Document:
    found: Document = {}
    for key in ("limits", "resources", "distribution", "identity"):
        if getattr(step, key) is not None:
            found[key] = plain(getattr(step, key))
    if step.environment_variables and step.sweep is None:
        found["environment_variables"] = dict(step.environment_variables)
    if step.display_name is not None:
        found["display_name"] = step.display_name
    for key in ("tags", "properties"):
        if getattr(step, key):
            found[key] = dict(getattr(step, key))
    return found | {key: library.extra(value, key, step.name, start) for key, value in step.extras.items()}


def _arguments(step: Step, library: Library, start: str) -> Document:
    return {name: _argument(argument, library, start) for name, argument in step.inputs.items()}


def _argument(argument: Argument, library: Library, start: str) -> Any:
    value = argument.value
    if isinstance(value, Data):
        return _data(value, argument.type, argument.mode, argument.extras, library, start)
    if isinstance(value, InputRef):
        text = _input(value)
    elif isinstance(value, OutputRef):
        text = f"${{{{parent.jobs.{value.step}.outputs.{value.output}}}}}"
    else:
        return value
    if argument.type is None and argument.mode is None:
        return text
    return _said({"type": argument.type, "path": text, "mode": argument.mode})


def _outputs(step: Step, bound: Mapping[str, str]) -> Document:
    """The outputs that the author spoke of, and those that are outputs of the pipeline.

    A sweep with an empty one fails on the service, and leaving it out says the same.
    """
    found: Document = {}
    for name in [*step.outputs, *(name for name in bound if name not in step.outputs)]:
        setting = _setting(step.outputs[name]) if name in step.outputs else None
        if name in bound:
            path = f"${{{{parent.outputs.{bound[name]}}}}}"
            found[name] = path if setting is None else {**setting, "path": path}
        elif setting is not None or step.sweep is None:
            found[name] = setting
    return found


def _component(step: Step, library: Library, start: str) -> str:
    component = step.component
    if isinstance(component, ComponentReference):
        return component.reference
    assert isinstance(component, Component), f"{step.name} is invalid"
    if component.pipeline is not None:
        path = library.remembered(component) or _pipeline_component(component, component.pipeline, step.name, library)
    else:
        path = library.leaf(trial(step, component), step.name)
    return relative(path, start)


def _pipeline_component(component: Component, pipeline: Pipeline, name: str, library: Library) -> str:
    jobs = _jobs(pipeline, library, "components")
    named = [node.get("component") or node.get("trial") or "" for node in jobs.values()]
    also = " ".join(library.version(f"components/{path.removeprefix('./')}") for path in named)
    body = described(component) | {"jobs": jobs}
    body.update({key: library.extra(value, key, name, "components") for key, value in component.extras.items()})
    head = {"$schema": schema(component), "type": "pipeline"}
    return library.remember(component, library.file("components", name, head, body, also))


# ------------------------------------------------------------------------------------------------------------ sweeps


def _sweep(sweep: Sweep) -> Document:
    node: Document = {}
    if sweep.sampling is not None:
        # inside a pipeline the service takes the word only
        node["sampling_algorithm"] = sweep.sampling.type
    node |= sweep_document(sweep, lambda value: str(value) if isinstance(value, bool) else value)
    return node | {key: plain(value) for key, value in sweep.extras.items()}


def sweep_document(sweep: Sweep, chosen: Callable[[Any], Any]) -> Document:
    """A sweep in Azure ML's words, which are a spec's too, but for its sampling.

    ``chosen`` says how a value of a choice is written: Azure ML takes booleans only as the text that a command sees.
    """
    parts = {"objective": sweep.objective, "early_termination": sweep.early_termination, "limits": sweep.limits}
    said = {
        key: _said({name: getattr(part, name) for name in part.__slots__ if name != "at"})
        for key, part in parts.items()
        if part is not None
    }
    return {"search_space": {name: _distribution(one, chosen) for name, one in sweep.search_space.items()}, **said}


def _distribution(found: Distribution, chosen: Callable[[Any], Any]) -> Document:
    if found.type == "choice":
        return {"type": "choice", "values": [_choice(value, chosen) for value in found.values]}
    numbers = ("min_value", "max_value", "mu", "sigma", "q", "upper")
    return _said({"type": found.type, **{name: getattr(found, name) for name in numbers}})


def _choice(value: Any, chosen: Callable[[Any], Any]) -> Any:
    if isinstance(value, Distribution):
        return _distribution(value, chosen)
    if isinstance(value, Mapping):
        return {key: _choice(item, chosen) for key, item in value.items()}
    return chosen(value)


# ------------------------------------------------------------------------------------------------ beside the pipeline


def _computes(pipeline: Pipeline, library: Library) -> list[tuple[str, Document]]:
    return [
        (
            name,
            {
                "name": found.name,
                **{key: library.extra(value, key, name, "compute") for key, value in found.fields.items()},
            },
        )
        for name, found in pipeline.computes.items()
        if found.fields
    ]


def _schedules(pipeline: Pipeline, library: Library) -> list[tuple[str, Document]]:
    head = {"$schema": f"{SCHEMAS}/schedule.schema.json"}
    return [
        (
            name,
            {
                **head,
                "name": found.name,
                **{key: plain(value) for key, value in found.fields.items()},
                "trigger": plain(found.trigger),
                "create_job": "../job.yml",
            },
        )
        for name, found in pipeline.schedules.items()
    ]
