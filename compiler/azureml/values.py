"""Ports and what they are given: the inputs and outputs of components, nodes and pipelines.

    inputs:                                        ->  Argument
      lr: 0.1                                          Argument(0.1)
      rows: ${{parent.jobs.prep.outputs.rows}}         Argument(OutputRef("prep", "rows"))
      seed: {type: uri_file, path: ./seed.csv}         Argument(Data(LocalPath(...)), type="uri_file")

A component's default is read as azure-ai-ml reads it: ``{type: number, default: 1}`` is 1.0, and a number that
stands as the default of a string becomes the text of a float.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingType
from typing import Final

from compiler.azureml.fields import (
    DATA_TYPES,
    INPUT_MODES,
    LITERAL_TYPES,
    OUTPUT_MODES,
    PORT_MODES,
    PORT_TYPES,
    TABLE_MODES,
)
from compiler.azureml.numbers import as_number
from compiler.azureml.scope import ParentOutput, Scope, Unusable, is_address
from compiler.azureml.shapes import (
    ANYTHING,
    BOOLEAN,
    PLAIN,
    TEXT,
    VERSION,
    ListOf,
    Record,
    Shape,
    Word,
    read_fields,
    read_record,
    record,
    word,
    wrong_type,
)
from compiler.diagnostics.span import Span
from compiler.ir.model import (
    Argument,
    Data,
    Extra,
    InputPort,
    InputRef,
    Literal,
    LocalPath,
    OutputPort,
    OutputRef,
    OutputSetting,
    PipelineInput,
)
from compiler.source.tree import Mapping, Node, Scalar

_TYPE: Final = word(*LITERAL_TYPES, *PORT_TYPES, exact=True)
_MODE: Final = word(*PORT_MODES, exact=True)
_LITERAL_PORT: Final = record(
    type=_TYPE, optional=BOOLEAN, default=PLAIN, description=TEXT, max=PLAIN, min=PLAIN, enum=ListOf(TEXT),
    required=("type",),
)  # fmt: skip
_DATA_PORT: Final = record(type=_TYPE, optional=BOOLEAN, default=TEXT, description=TEXT, mode=_MODE, required=("type",))
_UNTYPED_PORT: Final = Record(
    dict.fromkeys(_LITERAL_PORT.fields, ANYTHING) | {"mode": ANYTHING, "type": _TYPE}, ("type",)
)
_OUTPUT_PORT: Final = record(type=_TYPE, description=TEXT, mode=_MODE, required=("type",))

_NODE_OUTPUT: Final = record(
    type=word(*DATA_TYPES), mode=word(*OUTPUT_MODES), path=TEXT, name=TEXT, version=VERSION
)  # fmt: skip
_DATA_INPUT: Final[MappingType[str, Shape]] = {
    "type": word(*DATA_TYPES),
    "path": TEXT,
    "path_on_compute": TEXT,
    "datastore": TEXT,
}
# What a path may hold beside the service's own macros, such as ${{name}}.
_BOUND: Final = re.compile(r"\$\{\{\s*(?:parent|inputs|outputs|steps|jobs)\b")


# ------------------------------------------------------------------------------------------------------------- ports


def input_ports_from_node(node: Node | None, scope: Scope) -> dict[str, InputPort] | None:
    """The ``inputs`` that a component declares; None when one of them is wrong. No node means none."""
    found = _pairs(node, scope, "inputs")
    if found is None:
        return None
    ports = {key: input_port_from_node(value, scope, key, at) for key, value, at in found}
    good = {key: port for key, port in ports.items() if port is not None}
    return good if len(good) == len(ports) else None


def input_port_from_node(node: Node, scope: Scope, name: str, at: Span) -> InputPort | None:
    """One declared input. ``at`` is its key."""
    if not isinstance(node, Mapping):
        wrong_type(node, scope, name, "a mapping with a `type`")
        return None
    written = node.get("type")
    literal = isinstance(written, Scalar) and written.value in LITERAL_TYPES
    known = isinstance(written, Scalar) and written.value in PORT_TYPES
    shape = _LITERAL_PORT if literal else _DATA_PORT if known else _UNTYPED_PORT
    if literal and "mode" in node.entries:
        scope.bag.add("P0510", f"an input of type `{written.value}` has no mode", node.entries["mode"].key_span)  # type: ignore[union-attr]
        return None
    fields = read_record(node, shape, scope, f"the input `{name}`", at)
    if isinstance(fields, Unusable):
        return None
    type_ = str(fields["type"])
    enum = fields.get("enum")
    return InputPort(
        type=type_,
        optional=fields.get("optional") is True,
        default=declared_literal(fields.get("default"), type_),
        min=as_number(fields.get("min")),
        max=as_number(fields.get("max")),
        enum=tuple(_enumerated(item, type_) for item in enum) if isinstance(enum, tuple) else (),
        mode=_text(fields.get("mode")),
        description=_text(fields.get("description")),
        at=at,
    )


def declared_literal(value: Extra, type_: str) -> Literal | None:
    """A default as azure-ai-ml makes it fit its port; one that does not fit stays as it is, for the checks."""
    if value is None or not isinstance(value, (str, int, float, bool)):
        return None
    if type_ == "string":
        if isinstance(value, bool):
            return str(value)
        return value if isinstance(value, str) else str(float(value))
    if type_ == "boolean" and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if type_ in ("integer", "number"):
        number = as_number(value, whole=type_ == "integer")
        if number is not None:
            return float(number) if type_ == "number" else number
    return value


def _enumerated(value: Extra, type_: str) -> Literal:
    """An allowed value in its port's type, where its text survives that: Azure ML keeps these as strings."""
    if isinstance(value, str) and type_ in ("integer", "number"):
        number = as_number(value, whole=type_ == "integer")
        return number if number is not None and str(number) == value else value
    return value if isinstance(value, (str, int, float, bool)) else ""


def output_ports_from_node(node: Node | None, scope: Scope) -> dict[str, OutputPort] | None:
    """The ``outputs`` that a component declares; None when one of them is wrong."""
    found = _pairs(node, scope, "outputs")
    if found is None:
        return None
    ports: dict[str, OutputPort] = {}
    for key, value, at in found:
        if not isinstance(value, Mapping):
            wrong_type(value, scope, key, "a mapping with a `type`")
            continue
        fields = read_record(value, _OUTPUT_PORT, scope, f"the output `{key}`", at)
        if not isinstance(fields, Unusable):
            mode, description = _text(fields.get("mode")), _text(fields.get("description"))
            ports[key] = OutputPort(str(fields["type"]), mode, description, at)
    return ports if len(ports) == len(found) else None


def _pairs(node: Node | None, scope: Scope, what: str) -> list[tuple[str, Node, Span]] | None:
    if node is None:
        return []
    if not isinstance(node, Mapping):
        wrong_type(node, scope, what, "a mapping")
        return None
    return [(found.key, found.value, found.key_span) for found in node]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


# --------------------------------------------------------------------------------------------------------- arguments


def argument_from_node(node: Node, scope: Scope, name: str, at: Span | None = None) -> Argument | None:
    """What an input of a step is given: a literal, a binding, or data. ``at`` is its key."""
    if isinstance(node, Mapping):
        return _argument_from_mapping(node, scope, name, at)
    if not isinstance(node, Scalar) or node.value is None:
        wrong_type(node, scope, name, "a value, a binding or data")
        return None
    bound = scope.binding(node, scope.bag)
    if bound is None:
        return Argument(node.value, key_at=at, at=node.span)
    value = _source(bound, node, scope)
    return None if value is None else Argument(value, key_at=at, at=node.span)


def _source(bound: object, node: Scalar, scope: Scope) -> InputRef | OutputRef | None:
    if isinstance(bound, (InputRef, OutputRef)):
        return bound
    if isinstance(bound, ParentOutput):
        scope.bag.add("P0414", "an output of the pipeline is no value for an input", node.span)
    return None


def _argument_from_mapping(node: Mapping, scope: Scope, name: str, at: Span | None) -> Argument | None:
    if set(node.entries) == {"value"}:
        return argument_from_node(node.entries["value"].value, scope, name, at)
    fields = _data_fields(node, scope, name, at or node.span)
    if fields is None:
        return None
    type_, mode = _text(fields.pop("type", None)), _text(fields.pop("mode", None))
    path = fields.pop("path")
    value = path if isinstance(path, (InputRef, OutputRef)) else _data(path)
    if isinstance(value, Data):
        type_ = type_ or "uri_folder"
    return Argument(value, type_, mode, _known(fields), at, node.span)


def _data_fields(node: Mapping, scope: Scope, name: str, at: Span) -> dict[str, Extra | OutputRef] | None:
    """The fields of a data input, ``path`` among them as a path, an address or a binding."""
    written = node.get("type")
    if isinstance(written, Scalar) and written.value in LITERAL_TYPES:
        what = f"the input `{name}` is declared here, not given a value"
        scope.bag.add("P0203", what, written.span, help=f"write its bare value, `{name}: VALUE`")
        return None
    modes = (
        TABLE_MODES if written is None or (isinstance(written, Scalar) and written.value == "mltable") else INPUT_MODES
    )
    shape = Record({**_DATA_INPUT, "mode": Word(modes)}, required=("path",))
    fields, wrong = read_fields(node, shape, scope, f"the input `{name}`", at, skip=("path",))
    path = _path(node.entries["path"].value, scope) if "path" in node.entries else None
    return None if wrong or path is None else {**fields, "path": path}


def _path(found: Node, scope: Scope) -> LocalPath | str | InputRef | OutputRef | None:
    if not isinstance(found, Scalar) or not isinstance(found.value, str):
        wrong_type(found, scope, "path", "a path, an address or a binding")
        return None
    bound = scope.binding(found, scope.bag) if _BOUND.search(found.value) else None
    return data_path(found.value, scope) if bound is None else _source(bound, found, scope)


def data_path(text: str, scope: Scope) -> LocalPath | str:
    """Where data lies: a local path made absolute, or an address or a path with a macro as it is."""
    if "${{" in text or is_address(text):
        return text
    local = text.removeprefix("file://").removeprefix("file:") if text.startswith("file:") else text
    return LocalPath(scope.path(local).path, text)


def _data(path: Extra | OutputRef) -> Data:
    return Data(path if isinstance(path, (str, LocalPath)) else "")


def _known(fields: MappingType[str, Extra | OutputRef]) -> dict[str, Extra]:
    return {key: value for key, value in fields.items() if not isinstance(value, OutputRef)}


# ----------------------------------------------------------------------------------------------------------- outputs


def output_setting_from_node(node: Node, scope: Scope, name: str, at: Span | None = None) -> OutputSetting | None:
    """How an output of a step or a pipeline is kept. Nothing at all (``model:``) is an empty setting."""
    if isinstance(node, Scalar) and node.value is None:
        return OutputSetting(at=node.span)
    if not isinstance(node, Mapping):
        wrong_type(node, scope, name, "a mapping or nothing")
        return None
    if not node.entries:
        return OutputSetting(type="uri_folder", at=node.span)
    fields = read_record(node, _NODE_OUTPUT, scope, f"the output `{name}`", at or node.span)
    if isinstance(fields, Unusable):
        return None
    type_, mode, path, asset, version = (_text(fields.get(key)) for key in ("type", "mode", "path", "name", "version"))
    return OutputSetting(type_, mode, path, asset, version, at=node.span)


def node_output_from_node(
    node: Node, scope: Scope, name: str, at: Span | None = None
) -> tuple[OutputSetting, str | None] | None:
    """An output of a node: its setting, and the output of the pipeline that it is bound to, if any.

    ``model: ${{parent.outputs.m}}`` and ``model: {path: ${{parent.outputs.m}}, mode: upload}`` are both bound.
    """
    target = _target(node, scope) if isinstance(node, Scalar) else None
    if isinstance(target, Unusable):
        return None
    if target is not None:
        return OutputSetting(at=node.span), target
    path = node.get("path") if isinstance(node, Mapping) else None
    if isinstance(node, Mapping) and isinstance(path, Scalar):
        target = _target(path, scope)
        if isinstance(target, Unusable):
            return None
        if target is not None:
            rest = {key: found for key, found in node.entries.items() if key != "path"}
            node = Mapping(node.source, node.start, node.end, rest)
            if not rest:
                return OutputSetting(type="uri_folder", at=node.span), target
    setting = output_setting_from_node(node, scope, name, at)
    return None if setting is None else (setting, target)


def _target(node: Scalar, scope: Scope) -> str | Unusable | None:
    bound = scope.binding(node, scope.bag) if isinstance(node.value, str) and _BOUND.search(node.value) else None
    if isinstance(bound, ParentOutput):
        return bound.output
    if isinstance(bound, (InputRef, OutputRef)):
        scope.bag.add(
            "P0414",
            "an output is bound to a source",
            node.span,
            help="an output is bound to an output of the pipeline, `${{parent.outputs.NAME}}`",
        )
        return Unusable()
    return bound if isinstance(bound, Unusable) else None


# --------------------------------------------------------------------------------------------------- pipeline inputs


def pipeline_input_from_node(node: Node, scope: Scope, name: str, at: Span | None = None) -> PipelineInput | None:
    """An input of a pipeline job: a literal or data. Its ``${{…}}`` are macros of the service, and text."""
    if isinstance(node, Mapping) and set(node.entries) != {"value"}:
        fields = _data_fields(node, Scope(scope.bag, scope.files, scope.folder), name, at or node.span)
        if fields is None:
            return None
        type_, mode = _text(fields.pop("type", None)) or "uri_folder", _text(fields.pop("mode", None))
        return PipelineInput(type_, _data(fields.pop("path")), mode, extras=_known(fields), at=at)
    if isinstance(node, Mapping):
        node = node.entries["value"].value
    if not isinstance(node, Scalar) or node.value is None:
        wrong_type(node, scope, name, "a value or data")
        return None
    return PipelineInput(literal_type(node.value), node.value, at=at)


def literal_type(value: Literal) -> str:
    """The port type that a literal has by itself."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "string"
