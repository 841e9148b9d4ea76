"""azure-ai-ml takes what is compiled, and understands it as the spec says.

Every build is loaded, validated and serialised by azure-ai-ml itself. Of the REST body that it would send and of the
IR, two small readers below make the same plain facts, each in its own way; neither knows how the writer works.

    {"train": {"inputs": {"lr": "0.1", "data": "${{parent.jobs.prep.outputs.out}}"}, "compute": "gpu", …}}
"""

from __future__ import annotations

import logging
import os
import re
import shlex
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from compiler import api
from compiler.diagnostics.model import Bag
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
from tests.conftest import ROOT
from tests.test_cases import options_of

SHIPPED = [Path(path).relative_to(ROOT) for path in api.find_specs(str(ROOT / "specs"))]
CASES = sorted(path.parent.name for path in (ROOT / "tests/cases/ok").glob("*/spec.yml"))
Facts = dict[str, Any]


@pytest.fixture(scope="module")
def ml() -> Any:
    """azure-ai-ml, without its chatter."""
    warnings.filterwarnings("ignore")
    found = pytest.importorskip("azure.ai.ml")
    logging.disable(logging.CRITICAL)
    yield found
    logging.disable(logging.NOTSET)


def profiles_of(spec: Path) -> list[str | None]:
    bag = Bag()
    return [None, *api.load(str(ROOT / spec), api.Options(), bag).declared_profiles]


@pytest.mark.parametrize(
    ("spec", "profile"), [(spec, profile) for spec in SHIPPED for profile in profiles_of(spec)], ids=str
)
def test_a_shipped_spec(spec: Path, profile: str | None, ml: Any, tmp_path: Path) -> None:
    # below the project, so that local data is where it is
    _hold(ROOT / spec, api.Options((profile,) if profile else ()), ml, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_case(name: str, ml: Any, tmp_path: Path) -> None:
    spec = ROOT / "tests/cases/ok" / name / "spec.yml"
    _hold(spec, options_of(spec), ml, tmp_path)


def _hold(spec: Path, options: api.Options, ml: Any, folder: Path) -> None:
    bag = Bag()
    done = api.compile_pipeline(str(spec), options, str(folder), bag)
    assert done.directory is not None and done.loaded.pipeline is not None, [item.message for item in bag]
    build = Path(done.directory)
    job = ml.load_job(build / "job.yml")
    result = job._validate()
    assert result.passed, result.error_messages
    body = plain(job._to_rest_object())["properties"]
    assert differences(of_body(body, build), of_pipeline(done.loaded.pipeline, top=True)) == []
    _beside(build, done.loaded.pipeline, ml)


def _beside(build: Path, pipeline: Pipeline, ml: Any) -> None:
    """Each other file of the build, by azure-ai-ml's own loader of its kind."""
    for path in sorted(build.glob("components/*.yml")):
        result = ml.load_component(path)._validate()
        assert result.passed, (path, result.error_messages)
    for path in sorted(build.glob("environments/*.yml")):
        assert ml.load_environment(path)._to_rest_object() is not None
    for path in sorted(build.glob("compute/*.yml")):
        found = ml.load_compute(path)
        assert found.name == pipeline.computes[path.stem].name
        assert found._to_rest_object() is not None
    for path in sorted(build.glob("schedules/*.yml")):
        from azure.ai.ml.entities._load_functions import load_schedule

        schedule = load_schedule(path)
        assert schedule.name == pipeline.schedules[path.stem].name
        assert schedule._validate().passed
        trigger = plain(schedule.trigger._to_rest_object())
        declared = pipeline.schedules[path.stem].trigger
        assert trigger["triggerType"].lower() == declared["type"]
        for key in ("expression", "interval"):
            assert trigger.get(key) == declared.get(key)
        assert str(trigger.get("frequency", "")).lower() == str(declared.get("frequency", ""))


# -------------------------------------------------------------------------------------------------- what the spec says


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
                "default": _number(port.default, port.type),
                "min": _number(port.min, port.type),
                "max": _number(port.max, port.type),
                "enum": [_text(item) for item in port.enum] or None,
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
    files = _files(Path(component.code.path)) if component.code is not None else {}
    for include in component.additional_includes:
        found = _files(Path(include.path))
        whole = Path(include.path).is_file()
        files |= found if whole else {f"{Path(include.path).name}/{name}": data for name, data in found.items()}
    return files


def _of_environment(environment: Environment | None) -> Any:
    if environment is None or environment.reference is not None:
        return environment.reference if environment is not None else None
    return {
        "image": environment.image,
        "conda": _plain_setting(environment.conda),
        "build": _files(Path(environment.build.path)) if environment.build is not None else None,
        "dockerfile": environment.dockerfile,
    }


def _given(given: PipelineInput) -> Any:
    if isinstance(given.value, Data):
        return [given.type, _where(given.value), given.mode]
    return _text(given.value)


def _argument(argument: Argument) -> Any:
    value = argument.value
    if isinstance(value, Data):
        return [argument.type or "uri_folder", _where(value), argument.mode]
    if isinstance(value, InputRef):
        value = f"${{{{parent.inputs.{value.input}}}}}"
    elif isinstance(value, OutputRef):
        value = f"${{{{parent.jobs.{value.step}.outputs.{value.output}}}}}"
    return _text(value)


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


def _number(value: Any, kind: str) -> str | None:
    """A default or bound as text; numbers in one form, whichever way they were written."""
    return str(float(value)) if kind in ("integer", "number") and value is not None else _text(value)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _files(folder: Path) -> dict[str, bytes]:
    if folder.is_file():
        return {folder.name: folder.read_bytes()}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


# ------------------------------------------------------------------------------------------------- what azure-ai-ml says


def plain(value: Any) -> Any:
    """A REST object as JSON, the components in it included."""
    if type(value).__name__.endswith("Component") and hasattr(value, "_to_rest_object"):
        return plain(value._to_rest_object())
    if hasattr(value, "as_dict"):
        return plain(value.as_dict())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def of_body(body: Facts, build: Path) -> Facts:
    """The facts of a pipeline job's REST body."""
    settings = body.get("settings", {})
    return {
        "steps": {name: _of_node(node, build) for name, node in body["jobs"].items()},
        "display_name": body.get("displayName"),
        "experiment_name": body.get("experimentName"),
        "description": body.get("description"),
        "tags": body.get("tags"),
        "properties": body.get("properties"),
        "compute": body.get("computeId"),
        "default_compute": _bare(settings.get("default_compute")),
        "default_datastore": _bare(settings.get("default_datastore")),
        "force_rerun": settings.get("force_rerun"),
        "continue_on_step_failure": settings.get("continue_on_step_failure"),
        "identity": {
            "client_id": body.get("identity", {}).get("clientId"),
            "object_id": body.get("identity", {}).get("objectId"),
        },
        "inputs": {name: _input(given, build) for name, given in body.get("inputs", {}).items()},
        "outputs": {
            name: {
                "type": given.get("jobOutputType"),
                "mode": _mode(given.get("mode")),
                "path": given.get("uri"),
                "name": given.get("assetName"),
                "version": given.get("assetVersion"),
            }
            for name, given in body.get("outputs", {}).items()
        },
    }


_RENAMED = {"dockerArgsList": "docker_args", "docker_args_list": "docker_args"}


def _of_node(node: Facts, build: Path) -> Facts:
    facts: Facts = {
        "type": node["type"],
        "inputs": {name: _input(given, build) for name, given in node.get("inputs", {}).items()},
        "bound outputs": {
            name: given["value"]
            for name, given in node.get("outputs", {}).items()
            if str(given.get("value", "")).startswith("${{parent.outputs.")
        },
        "compute": _bare(node.get("computeId")),
    }
    if node["type"] not in ("command", "sweep", "pipeline"):
        return facts
    component = node.get("trial") or node.get("componentId")
    spec = component if isinstance(component, str) else component["properties"]["componentSpec"]
    resources = node.get("resources") or {}
    facts |= {
        "display_name": node.get("display_name"),
        "tags": node.get("tags"),
        "limits": {"timeout": _seconds((node.get("limits") or {}).get("timeout"))} if node["type"] != "sweep" else {},
        "resources": {_RENAMED.get(key, key): value for key, value in resources.items()},
        "distribution": {
            key.removeprefix("distribution_"): value.lower() if key == "distribution_type" else value
            for key, value in (node.get("distribution") or {}).items()
        },
        "environment_variables": node.get("environment_variables"),
        "component": spec if isinstance(spec, str) else _of_spec(spec, build),
    }
    if node["type"] == "sweep":
        policy = node.get("early_termination") or {}
        sampling = node.get("sampling_algorithm")
        facts["sweep"] = {
            "sampling": sampling.get("type") if isinstance(sampling, dict) else sampling,
            "space": node["search_space"],
            "objective": [node["objective"]["goal"], node["objective"]["primary_metric"]],
            "early termination": {key: value for key, value in policy.items() if key != "policy_type"}
            | ({"type": _snake(policy["policy_type"])} if policy else {}),
            "limits": {key: _seconds(value) for key, value in (node.get("limits") or {}).items()},
        }
    return facts


_EXPORTS = re.compile(r"((?:export \w+=[^;]*; ?)*)(.*)\Z", re.DOTALL)


def _of_spec(spec: Facts, build: Path) -> Facts:
    ports: Facts = {
        "inputs": {
            name: {
                "type": port["type"],
                "optional": True if str(port.get("optional")).lower() == "true" else None,
                **{key: _number(port.get(key), port["type"]) for key in ("default", "min", "max")},
                "enum": [_text(item) for item in port.get("enum") or ()] or None,
            }
            for name, port in spec.get("inputs", {}).items()
        },
        "outputs": {name: port["type"] for name, port in spec.get("outputs", {}).items()},
        "description": spec.get("description"),
    }
    if spec["type"] == "pipeline":
        return ports | {"steps": {name: _of_node(node, build) for name, node in spec["jobs"].items()}}
    code, environment = spec.get("code"), spec.get("environment")
    exports, command = _EXPORTS.match(spec["command"]).groups()  # type: ignore[union-attr]
    return ports | {
        "command": command,
        "exported": dict(word.split("=", 1) for word in shlex.split(exports.replace("export ", "").replace(";", " "))),
        "code": _files(Path(code)) if code is not None and os.path.isabs(code) else code,
        "environment": _of_rest_environment(environment),
        "is_deterministic": spec.get("is_deterministic") is not False,
    }


def _of_rest_environment(environment: Any) -> Any:
    if not isinstance(environment, dict):
        return environment
    built = environment.get("build") or {}
    return {
        "image": environment.get("image"),
        "conda": environment.get("conda_file"),
        "build": _files(Path(built["path"])) if built else None,
        "dockerfile": built.get("dockerfile_path"),
    }


def _input(given: Facts, build: Path) -> Any:
    kind = given.get("jobInputType") or given.get("job_input_type")
    if kind == "literal":
        return _text(given["value"])
    uri = given.get("uri", "")
    local = re.match(r"[\w.\-]+[:@]|\$\{\{", uri) is None
    return [kind, os.path.normpath(build / uri) if local else uri, _mode(given.get("mode"))]


_MODES = {"readonlymount": "ro_mount", "readwritemount": "rw_mount", "evalmount": "eval_mount",
          "evaldownload": "eval_download"}  # fmt: skip


def _mode(mode: str | None) -> str | None:
    return _MODES.get(mode.lower(), mode.lower()) if mode is not None else None


def _bare(text: str | None) -> str | None:
    return text.removeprefix("azureml:") if text is not None else None


def _seconds(value: Any) -> Any:
    """ISO 8601, as far as azure-ai-ml writes it: PT90S, PT1H30M."""
    if not isinstance(value, str) or not value.startswith("PT"):
        return value
    total, number = 0, ""
    for char in value[2:]:
        if char.isdigit():
            number += char
        else:
            total, number = total + int(number) * {"H": 3600, "M": 60, "S": 1}[char], ""
    return total


def _snake(word: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in word).lstrip("_")


def _said(value: Any) -> Any:
    """Without what is empty: a thing that nobody said is the same as a thing left out."""
    if isinstance(value, dict):
        kept = {key: _said(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item is not None and item != {} and item != []}
    return [_said(item) for item in value] if isinstance(value, list) else value


def differences(body: Any, spec: Any) -> list[str]:
    """Where two sets of facts differ."""
    ours, theirs = (dict(_leaves(_said(facts))) for facts in (spec, body))
    return [
        f"{path}: the spec says {ours.get(path)!r}, the body {theirs.get(path)!r}"
        for path in sorted({*ours, *theirs})
        if ours.get(path) != theirs.get(path)
    ]


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}/{key}")
    else:
        yield path, value


def test_the_facts_are_not_empty(ml: Any, tmp_path: Path) -> None:
    """What the comparison rests on: both readers find the whole of the shipped spec, and see a difference."""
    spec = ROOT / SHIPPED[0]
    bag = Bag()
    done = api.compile_pipeline(str(spec), api.Options(), str(tmp_path), bag)
    assert done.loaded.pipeline is not None and done.directory is not None
    facts = of_pipeline(done.loaded.pipeline, top=True)
    assert len(list(_leaves(_said(facts)))) > 150
    job = Path(done.directory, "job.yml")
    text = job.read_text("utf-8")
    for old, new in (
        ("timeout: 21600", "timeout: 21601"),
        ("jobs.data_prep", "jobs.video_decoding"),
        ('"0, 1"', '"0, 2"'),
    ):
        if old not in text:
            continue
        job.write_text(text.replace(old, new), "utf-8")
        body = plain(ml.load_job(job)._to_rest_object())["properties"]
        assert differences(of_body(body, job.parent), facts), old
