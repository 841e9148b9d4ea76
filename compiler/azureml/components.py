"""Components: what a step runs, from a file or in place.

    train.yml                                         ->  Component("command", name="train", …)
      type: command
      inputs: {lr: {type: number, default: 1}}            inputs["lr"] = InputPort("number", default=1.0)
      command: python train.py --lr ${{inputs.lr}}
      environment: {image: …, conda_file: ./conda.yml}    environment = Environment(image=…, conda={…})

A file is read once per session, so steps that share a file share the object.
"""

from __future__ import annotations

import os
from collections.abc import Mapping as MappingType
from typing import Any, Final

from compiler.azureml.environments import environment_from_node
from compiler.azureml.fields import COMPONENTS, FLOW_SCHEMAS, OURS, RUN, TEXTS
from compiler.azureml.scope import DEEPEST, Scope, Unusable
from compiler.azureml.shapes import BOOLEAN, CODE, TEXT, VERSION, ListOf, Record, Shape, entry, read, read_fields, word
from compiler.azureml.values import input_ports_from_node, output_ports_from_node
from compiler.diagnostics.model import Label
from compiler.diagnostics.span import Span
from compiler.ir.model import Component, Extra, InputPort, LocalPath, OutputPort
from compiler.source.tree import Mapping, Node, Scalar

_KIND: Final = word(*COMPONENTS)
_PLAIN: Final[MappingType[str, Shape]] = {
    "name": TEXT,
    "version": VERSION,
    "display_name": TEXT,
    "description": TEXT,
    "tags": TEXTS,
    "is_deterministic": BOOLEAN,
}


def component_from_file(path: str, scope: Scope, at: Span | None, written: str | None = None) -> Component | None:
    """The component in a file, by absolute path; ``at`` is where it is named. None when that was reported.

    A file that contains itself, however far round, is reported once, at the name that closes the circle.
    """
    files = scope.files
    path = os.path.realpath(path)
    if path in files.components:
        return files.components[path]
    if path in files.opened:
        chain = [*list(files.opened)[list(files.opened).index(path) :], path]
        _contains_itself(chain, scope, at)
        return None
    if len(files.opened) >= DEEPEST:
        files.bag.add("P0104", f"components are nested more than {DEEPEST} deep", at)
        return None
    document = files.document(path, at, "P0408", written)
    if document is None:
        return None
    files.opened[path] = at
    try:
        found = component_from_node(document, scope.within(path), at or document.span, path=path)
    finally:
        del files.opened[path]
    files.components[path] = found
    return found


def _contains_itself(chain: list[str], scope: Scope, at: Span | None) -> None:
    names = [os.path.basename(path) for path in chain]
    first = scope.files.opened.get(chain[0])
    scope.bag.add(
        "P0417",
        f"`{names[0]}` contains itself",
        at,
        secondary=[] if first is None or first == at else [Label(first, "first named here")],
        notes=[" contains ".join(f"`{name}`" for name in names)] if len(names) > 2 else [],
    )


def component_from_node(
    node: Mapping, scope: Scope, at: Span, kind: str | None = None, path: str | None = None
) -> Component | None:
    """A component from its mapping; None when it is wrong.

    ``kind`` is the type that the surrounding node gives it, for a component that stands inside one;
    ``path`` is the file that the mapping is all of.
    """
    flow = node.get("$schema")
    if isinstance(flow, Scalar) and flow.value in FLOW_SCHEMAS and path is not None:
        return _flow(node, scope, path, FLOW_SCHEMAS[str(flow.value)])
    written = node.get("type")
    if written is not None:
        found = read(written, _KIND, scope, "type", at)
        if not isinstance(found, str):
            return None
        kind = found
    kind = kind or _implied(node)
    where = f"the {kind.replace('_', ' ')} component"
    shape = _shape(kind, scope)
    skip = [key for key, field in shape.fields.items() if field is OURS]
    fields, faults = read_fields(node, shape, scope, where, _start(node, at, path), skip)
    plain = {key: entry(node.entries[key], field, scope) for key, field in _PLAIN.items() if key in node.entries}
    inputs = input_ports_from_node(node.get("inputs"), scope)
    outputs = output_ports_from_node(node.get("outputs"), scope)
    reader = _READERS.get(kind)
    own = {} if reader is None else reader(node, scope)
    wrong = faults or any(isinstance(value, Unusable) for value in plain.values())
    if wrong or own is None or inputs is None or outputs is None:
        return None
    for key in ("$schema", "id"):
        fields.pop(key, None)
    more: dict[str, Any] = {**plain, **own}
    if kind == "command":
        more.update({key: fields.pop(key) for key in ("resources", "distribution") if key in fields})
    component = Component(kind, inputs=inputs, outputs=outputs, extras=fields, path=path, at=_name_span(node), **more)
    if kind != "pipeline":
        return component
    from compiler.azureml.nodes import nested_pipeline  # a pipeline component holds nodes, which hold components

    return nested_pipeline(component, node, scope)


def _implied(node: Mapping) -> str:
    """The kind of a component that names none."""
    for key, kind in (("jobs", "pipeline"), ("entry", "spark")):
        if key in node.entries:
            return kind
    return "command"


def _shape(kind: str, scope: Scope) -> Record:
    """The fields of a kind; where a spec supplies environments, its component files may leave theirs out."""
    shape = COMPONENTS[kind]
    if kind == "command" and scope.files.local_environments:
        return Record(shape.fields, ("command",))
    return shape


def _start(node: Mapping, at: Span, path: str | None) -> Span:
    """Where a missing key shows: the name of a component file, or the key that a component stands under."""
    return at if path is None else _name_span(node)


def _name_span(node: Mapping) -> Span:
    for key in ("name", "$schema", "type"):
        if key in node.entries:
            return node.entries[key].key_span
    return Span(node.source, node.start, node.start)


# ------------------------------------------------------------------------------------------------ what each kind adds


def _command(node: Mapping, scope: Scope) -> dict[str, object] | None:
    own = _code_and_environment(node, scope)
    command = node.entries.get("command")
    if command is None or own is None:
        return None
    text = entry(command, TEXT, scope)
    return {**own, "command": text, "command_at": command.value.span} if isinstance(text, str) else None


def _code_and_environment(node: Mapping, scope: Scope) -> dict[str, object] | None:
    own: dict[str, object] = {}
    if "code" in node.entries:
        own["code"] = code_from_node(node.entries["code"].value, scope)
    if "environment" in node.entries:
        found = node.entries["environment"]
        own["environment"] = environment_from_node(found.value, scope, found.key_span)
    if "additional_includes" in node.entries:
        own["additional_includes"] = _includes(node.entries["additional_includes"].value, scope)
    return None if any(value is None for value in own.values()) else own


def _spark(node: Mapping, scope: Scope) -> dict[str, object] | None:
    own = _code_and_environment(node, scope)
    return None if own is None else {"code": LocalPath(scope.folder, "."), **own}  # Azure ML's own default


_READERS: Final = {"command": _command, "spark": _spark}


def code_from_node(node: Node, scope: Scope) -> LocalPath | str | None:
    """The code of a component: a folder or file that is there, or an address."""
    found = read(node, CODE, scope, "code", node.span)
    return found if isinstance(found, (LocalPath, str)) else None


def _includes(node: Node, scope: Scope) -> tuple[LocalPath, ...] | None:
    found = read(node, ListOf(CODE), scope, "additional_includes", node.span)
    if not isinstance(found, tuple):
        return None
    return tuple(path for path in found if isinstance(path, LocalPath))


# ------------------------------------------------------------------------------------------------------------- flows


def _flow(node: Mapping, scope: Scope, path: str, form: str) -> Component | None:
    """A promptflow flow, or a run of one, as the parallel component that Azure ML makes of it.

    Its inputs beside ``data`` are the columns that a node maps, so they are added node by node.
    """
    folder, file_name = os.path.split(path)
    plain: dict[str, Any] = {}
    extras: dict[str, Extra] = {}
    if form == "run":
        fields, faults = read_fields(node, RUN, scope, "the run", _name_span(node))
        if faults:
            return None
        flow = fields["flow"]
        folder, file_name = _flow_folder(flow.path if isinstance(flow, LocalPath) else str(flow))
        if not os.path.isfile(os.path.join(folder, file_name)):
            scope.bag.add("P0409", "the flow is not there", node.entries["flow"].value.span)
            return None
        plain = {key: fields[key] for key in _PLAIN if key in fields}
        extras = {key: value for key, value in fields.items() if key in RUN.fields and key not in (*_PLAIN, "flow")}
    return Component(
        kind="parallel",
        inputs={"data": InputPort("uri_folder"), "flow_outputs": InputPort("uri_folder", optional=True)},
        outputs={"flow_outputs": OutputPort(), "debug_info": OutputPort()},
        code=LocalPath(folder),
        extras={"flow_file": file_name, **extras},
        path=path,
        at=_name_span(node),
        **plain,
    )


def _flow_folder(path: str) -> tuple[str, str]:
    return (path, "flow.dag.yaml") if os.path.isdir(path) else os.path.split(path)
