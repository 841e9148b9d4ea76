"""Environments, in each of the forms that Azure ML reads.

    azureml://registries/azureml/environments/sklearn-1.5/labels/latest     a reference
    file:./environment.yml                                                  a file of its own
    {image: …, conda_file: ./conda.yml}                                     in place, the conda list by file or inline
    {build: {path: ./context}}                                              a Docker context

A conda file is read into the IR, so two environments with the same packages are equal wherever their lists stand.
"""

from __future__ import annotations

import os
from collections.abc import Mapping as MappingType
from typing import Final

from compiler.azureml.scope import UNUSABLE, Scope, Unusable, is_address, local_part
from compiler.azureml.shapes import (
    ANYTHING,
    INTEGER,
    PATH,
    TEXT,
    VERSION,
    MapOf,
    Special,
    anything,
    missing_key,
    read_record,
    record,
    word,
    wrong_type,
)
from compiler.diagnostics.span import Span
from compiler.ir.model import Environment, Extra, LocalPath
from compiler.source.tree import Mapping, Node, Scalar

_ROUTE = record(port=INTEGER, path=TEXT, required=("port", "path"))
_DEPLOYED = record(
    liveness_route=_ROUTE,
    scoring_route=_ROUTE,
    readiness_route=_ROUTE,
    required=("liveness_route", "scoring_route", "readiness_route"),
)


def _conda(node: Node, scope: Scope, at: Span) -> Extra | Unusable:
    """A conda list, in place or by the path of its file."""
    if isinstance(node, Mapping):
        return anything(node, scope)
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return wrong_type(node, scope, "conda_file", "a path or a mapping")
    written = local_part(node.value)
    path = scope.path(written).path
    document = scope.files.document(path, node.span, name=written)
    return UNUSABLE if document is None else anything(document, scope)


FIELDS: Final = record(
    name=TEXT,
    version=VERSION,
    description=TEXT,
    tags=MapOf(ANYTHING),
    image=TEXT,
    conda_file=Special(_conda),
    build=record(path=PATH, dockerfile_path=TEXT, required=("path",)),
    inference_config=_DEPLOYED,
    os_type=word("linux", "windows"),
    datastore=TEXT,
)


def environment_from_node(node: Node, scope: Scope, at: Span | None = None) -> Environment | None:
    """An environment; None when something was wrong with it, which has been reported.

    A bare name becomes a reference of that name where the session looks names up (``Files.local_environments``),
    and is an error elsewhere.
    """
    found = read_environment(node, scope, at or node.span)
    return found if isinstance(found, Environment) else None


def read_environment(node: Node, scope: Scope, at: Span) -> Environment | Unusable:
    """``environment_from_node`` in the form that shapes want."""
    if isinstance(node, Mapping):
        return _in_place(node, scope, at)
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return wrong_type(node, scope, "environment", "a reference or a mapping")
    text = node.value
    if text.startswith("file:"):
        return _from_file(node, text, scope)
    if is_address(text) or scope.files.local_environments:
        return Environment(reference=text, at=node.span)
    there = os.path.isfile(scope.path(text).path)
    scope.bag.add(
        "P0406",
        f"`{text}` is no environment",
        node.span,
        help=f"write `file:{text}`" if there else f"one of the workspace is `azureml:{text}@latest`",
    )
    return UNUSABLE


ENVIRONMENT: Final = Special(read_environment)


def _from_file(node: Scalar, text: str, scope: Scope) -> Environment | Unusable:
    written = local_part(text)
    path = scope.path(written).path
    document = scope.files.document(path, node.span, name=written)
    return UNUSABLE if document is None else _in_place(document, scope.within(path), node.span)


def _in_place(node: Mapping, scope: Scope, at: Span) -> Environment | Unusable:
    node = _without_schema(node)
    for key in ("channels", "dependencies"):
        if key in node.entries:
            at = node.entries[key].key_span
            scope.bag.add("P0201", f"unknown key `{key}` in the environment", at, help="put it under `conda_file`")
            return UNUSABLE
    fields = read_record(node, FIELDS, scope, "the environment", at)
    if isinstance(fields, Unusable):
        return UNUSABLE
    if not _possible(node, fields, scope, at) or not _context_there(node, fields, scope):
        return UNUSABLE
    build = fields.pop("build", None)
    conda = fields.pop("conda_file", None)
    context = build.get("path") if isinstance(build, MappingType) else None
    dockerfile = build.get("dockerfile_path") if isinstance(build, MappingType) else None
    return Environment(
        name=_text(fields.pop("name", None)),
        version=_text(fields.pop("version", None)),
        image=_text(fields.pop("image", None)),
        conda=conda if isinstance(conda, MappingType) else None,
        build=context if isinstance(context, LocalPath) else None,
        dockerfile=_text(dockerfile),
        fields=fields if not isinstance(context, str) else {**fields, "build": {"path": context}},
        at=node.span,
    )


def _possible(node: Mapping, fields: dict[str, Extra], scope: Scope, at: Span) -> bool:
    """Azure ML wants exactly one of image and build, and packages only on top of an image."""
    if "image" in fields and "build" in fields:
        scope.bag.add("P0207", "`image` and `build` exclude each other", node.entries["build"].key_span)
    elif "image" not in fields and "build" not in fields:
        missing_key("image", scope, "the environment", at)
    elif "conda_file" in fields and "build" in fields:
        scope.bag.add("P0207", "`conda_file` and `build` exclude each other", node.entries["conda_file"].key_span)
    else:
        return True
    return False


def _context_there(node: Mapping, fields: dict[str, Extra], scope: Scope) -> bool:
    build = fields.get("build")
    context = build.get("path") if isinstance(build, MappingType) else None
    if not isinstance(context, LocalPath) or os.path.isdir(context.path):
        return True
    scope.bag.add("P0130", f"`{context.written}` is no folder", node.entries["build"].value.span)
    return False


def _text(value: Extra) -> str | None:
    return value if isinstance(value, str) else None


def _without_schema(node: Mapping) -> Mapping:
    if "$schema" not in node.entries:
        return node
    kept = {key: found for key, found in node.entries.items() if key != "$schema"}
    return Mapping(node.source, node.start, node.end, kept)
