"""Environments and components as documents: what stands in each file of a build, once for each distinct content.

A ``Library`` collects them while the writer walks the steps. A document goes by the name of the first step that
needs it, its version is the hash of its content, and the same content is the same file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from compiler.azureml.snapshot import Snapshot, Snapshots
from compiler.ir.model import (
    ANY,
    Component,
    Environment,
    Extra,
    InputPort,
    InputRef,
    LocalPath,
    OutputPort,
    Step,
)

SCHEMAS: Final = "https://azuremlschemas.azureedge.net/latest"
VERSION_LENGTH: Final = 12

Document = dict[str, Any]

_SCHEMA_NAMES: Final = {
    "command": "commandComponent",
    "pipeline": "pipelineComponent",
    "parallel": "parallelComponent",
    "spark": "sparkComponent",
    "data_transfer": "dataTransferComponent",
}
_RUN_SCHEMA: Final = "https://azuremlschemas.azureedge.net/promptflow/latest/Run.schema.json"


@dataclass(slots=True)
class Library:
    """The files of a build but the job: documents by path, snapshots by folder. ``root`` is the build's folder."""

    root: str
    snapshots: Snapshots
    documents: dict[str, Document] = field(default_factory=dict)
    code: dict[str, Snapshot] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)
    _versions: dict[str, str] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _objects: dict[int, tuple[object, str]] = field(default_factory=dict)

    def file(self, folder: str, name: str, head: Document, body: Document, also: str = "") -> str:
        """The path of the file with this content, a new one under ``name`` unless it is there already.

        ``also`` is content that the document only points to.
        """
        version = hashlib.sha256((_canonical(body) + also).encode()).hexdigest()[:VERSION_LENGTH]
        key = f"{folder}/{version}"
        if key not in self._known:
            path = self._free(folder, name)
            stem = os.path.basename(path).removesuffix(".yml")
            self.documents[path] = {**head, "name": stem, "version": version, **body}
            self._known[key] = path
            self._versions[path] = version
        return self._known[key]

    def version(self, path: str) -> str:
        """The content hash of a file of the library."""
        return self._versions.get(path, path)

    def _free(self, folder: str, name: str) -> str:
        stem = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or "unnamed"
        stem = stem if not stem[0].isdigit() else f"_{stem}"
        path = f"{folder}/{stem}.yml"
        while path in self.documents:
            self._numbers[f"{folder}/{stem}"] = number = self._numbers.get(f"{folder}/{stem}", 1) + 1
            path = f"{folder}/{stem}_{number}.yml"
        return path

    def remembered(self, thing: object) -> str | None:
        """The path of an object that was written before; steps from one file share one."""
        found = self._objects.get(id(thing))
        return None if found is None else found[1]

    def remember(self, thing: object, path: str) -> str:
        """Keep where an object was written; the path again."""
        self._objects[id(thing)] = (thing, path)
        return path

    # ------------------------------------------------------------------------------------------------- code and data

    def folder(self, code: LocalPath | None, includes: tuple[LocalPath, ...], start: str) -> str:
        """The path, from the folder ``start`` of the build, of a copy of some code."""
        snapshot = self.snapshots.take(code, includes)
        path = f"code/{snapshot.name}"
        self.code[path] = snapshot
        if code is not None and not includes and os.path.isfile(code.path):
            path = f"{path}/{os.path.basename(code.path)}"
        return relative(path, start)

    def place(self, path: str, start: str) -> str:
        """A path of this machine as seen from the folder ``start`` of the build."""
        return relative_local(path, os.path.join(self.root, start))

    # -------------------------------------------------------------------------------------------------- environments

    def environment(self, environment: Environment, name: str, start: str) -> str:
        """A reference to an environment: the author's, or a file of the build."""
        if environment.reference is not None:
            return environment.reference
        path = self.remembered(environment) or self.remember(environment, self._environment_file(environment, name))
        return f"file:{relative(path, start)}"

    def _environment_file(self, environment: Environment, name: str) -> str:
        fields = {key: plain(value) for key, value in environment.fields.items()}
        body: Document = {key: fields.pop(key) for key in ("description", "tags") if key in fields}
        if environment.image is not None:
            body["image"] = environment.image
        if environment.conda is not None:
            body["conda_file"] = plain(environment.conda)
        if environment.build is not None:
            body["build"] = {"path": self.folder(environment.build, (), "environments")}
            if environment.dockerfile is not None:
                body["build"]["dockerfile_path"] = environment.dockerfile
        body.update(fields)
        head = {"$schema": f"{SCHEMAS}/environment.schema.json"}
        return self.file("environments", environment.name or name, head, body)

    # ----------------------------------------------------------------------------------------------------- components

    def leaf(self, component: Component, name: str) -> str:
        """The file of a component that is no pipeline."""
        path = self.remembered(component)
        if path is None:
            body = self._flow(component) if "flow_file" in component.extras else self._body(component, name)
            if isinstance(body, str):
                return self.remember(component, body)
            head = {"$schema": schema(component), "type": component.kind}
            if "flow" in body:
                head = {"$schema": _RUN_SCHEMA}
            path = self.remember(component, self.file("components", name, head, body))
        return path

    def _body(self, component: Component, name: str) -> Document:
        return described(component) | self.content(component, name, "components")

    def content(self, component: Component, name: str, start: str) -> Document:
        """What a component runs, as seen from a folder of the build."""
        body: Document = {}
        if isinstance(component.code, LocalPath) or component.additional_includes:
            local = component.code if isinstance(component.code, LocalPath) else None
            body["code"] = self.folder(local, component.additional_includes, start)
        elif component.code is not None:
            body["code"] = component.code
        if component.command is not None:
            body["command"] = component.command
        if component.environment is not None:
            body["environment"] = self.environment(component.environment, name, start)
        for key in ("distribution", "resources"):
            if getattr(component, key) is not None:
                body[key] = plain(getattr(component, key))
        body.update({key: self.extra(value, key, name, start) for key, value in component.extras.items()})
        return body

    def _flow(self, component: Component) -> Document | str:
        """A promptflow flow: its own file in the snapshot, or a run of it where there is more to say."""
        flow = f"{self.folder(component.code if isinstance(component.code, LocalPath) else None, (), 'components')}/"
        flow += str(component.extras["flow_file"])
        more = {key: plain(value) for key, value in component.extras.items() if key != "flow_file"}
        if not more:
            return os.path.normpath(os.path.join("components", flow))
        return {"flow": flow, **more}

    def extra(self, value: Extra, key: str, name: str, start: str) -> Any:
        """An opaque value as it is written: code copied, other paths seen from the file, environments named."""
        if isinstance(value, LocalPath):
            return self.folder(value, (), start) if key == "code" else self.place(value.path, start)
        if isinstance(value, Environment):
            return self.environment(value, name, start)
        if isinstance(value, Mapping):
            return {inner: self.extra(item, inner, name, start) for inner, item in value.items()}
        if isinstance(value, tuple):
            return [self.extra(item, key, name, start) for item in value]
        return plain(value)


def schema(component: Component) -> str:
    """The address of the schema that a component's file follows, for editors."""
    return f"{SCHEMAS}/{_SCHEMA_NAMES[component.kind]}.schema.json"


def relative(path: str, start: str) -> str:
    """One path of the build from the build itself or from a folder of it."""
    if not start:
        return f"./{path}"
    return f"./{path.removeprefix(start + '/')}" if path.startswith(f"{start}/") else f"../{path}"


def relative_local(path: str, start: str) -> str:
    """A path of this machine from a folder of it, with slashes."""
    try:
        found = os.path.relpath(path, start).replace(os.sep, "/")
    except ValueError:  # another drive
        return path
    return found if found.startswith("../") else f"./{found}"


def _canonical(body: Document) -> str:
    return json.dumps(body, sort_keys=True, ensure_ascii=True)


def described(component: Component) -> Document:
    """What components of every kind say: how they are called, and their ports."""
    body: Document = {}
    if component.display_name is not None:
        body["display_name"] = component.display_name
    if component.description is not None:
        body["description"] = component.description
    if component.tags:
        body["tags"] = dict(component.tags)
    if component.is_deterministic is not None:
        body["is_deterministic"] = component.is_deterministic
    if component.inputs:
        body["inputs"] = {name: input_port(port) for name, port in component.inputs.items()}
    if component.outputs:
        body["outputs"] = {name: output_port(port) for name, port in component.outputs.items()}
    return body


def input_port(port: InputPort) -> Document:
    """A declared input."""
    found: Document = {"type": known_type(port.type)}
    if port.mode is not None:
        found["mode"] = port.mode
    if port.optional:
        found["optional"] = True
    for key in ("default", "min", "max"):
        if getattr(port, key) is not None:
            found[key] = getattr(port, key)
    if port.enum:
        found["enum"] = [item if isinstance(item, str) else str(item) for item in port.enum]
    if port.description is not None:
        found["description"] = port.description
    return found


def known_type(type_: str) -> str:
    """A port type as Azure ML has it: what is taken on trust is a folder, its own default."""
    return "uri_folder" if type_ == ANY else type_


def output_port(port: OutputPort) -> Document:
    """A declared output."""
    fields = {"type": known_type(port.type), "mode": port.mode, "description": port.description}
    return {key: value for key, value in fields.items() if value is not None}


def plain(value: Extra) -> Any:
    """An opaque value without paths and environments, as plain data."""
    if isinstance(value, InputRef):
        return f"${{{{parent.inputs.{value.input}}}}}"
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def trial(step: Step, component: Component) -> Component:
    """The component of a sweep's trials: the step's environment variables stand in its command.

    Azure ML drops them from a sweep.
    """
    if step.sweep is None or not step.environment_variables or component.command is None:
        return component
    variables = " ".join(f"{name}={shlex.quote(str(value))}" for name, value in step.environment_variables.items())
    return replace(component, command=f"export {variables}; {component.command}")
