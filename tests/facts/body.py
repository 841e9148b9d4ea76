"""What azure-ai-ml understood, from the REST body of a pipeline job."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.facts import Facts, as_number, as_text, files_below


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
                **{key: as_number(port.get(key), port["type"]) for key in ("default", "min", "max")},
                "enum": [as_text(item) for item in port.get("enum") or ()] or None,
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
        "code": files_below(Path(code)) if code is not None and os.path.isabs(code) else code,
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
        "build": files_below(Path(built["path"])) if built else None,
        "dockerfile": built.get("dockerfile_path"),
    }


def _input(given: Facts, build: Path) -> Any:
    kind = given.get("jobInputType") or given.get("job_input_type")
    if kind == "literal":
        return as_text(given["value"])
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
