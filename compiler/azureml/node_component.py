"""What a node of a pipeline runs: of which type it is, and the component that it names or holds.

    {type: sweep, trial: ./train.yml}       ->      sweep, the component in train.yml
    {component: azureml:train@latest}       ->      command, a reference

Here also stands what azure-ai-ml reads and forgets: each such key is reported, since its author meant something.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from compiler.azureml import automl
from compiler.azureml.components import component_from_file, component_from_node
from compiler.azureml.fields import DROPPED, IGNORED, IN_PLACE, NODES, OVERRIDDEN, UNSUPPORTED
from compiler.azureml.scope import Scope, is_address, local_part, no_binding
from compiler.azureml.shapes import Record, meant_key, read, unknown_key, word, wrong_type
from compiler.diagnostics.model import Label
from compiler.diagnostics.span import Span
from compiler.ir.model import INVALID, Component, ComponentReference, InputPort, Invalid, Step
from compiler.source.tree import Entry, Mapping, Node, Scalar

_TABLES: Final = (*NODES.values(), *IN_PLACE.values(), *automl.TASKS.records.values())
_KEYS: Final = frozenset(key for table in _TABLES for key in table.fields)
_KIND: Final = word(*NODES, "automl", *UNSUPPORTED)


def kind_of(node: Mapping, scope: Scope, at: Span) -> str | None:
    """The type of a node, which Azure ML infers for some; None when that was reported."""
    written = node.entries.get("type")
    if written is None:
        for found in node:
            if found.key not in _KEYS and meant_key(found.key, ["type"]) is not None:
                unknown_key(found, ["type"], scope, "the step")  # what else it may say hangs on this
                return None
        for key, implied in (("trial", "sweep"), ("entry", "spark")):
            if key in node.entries:
                return implied
        return _component_kind(node.get("component"), scope) or "command"
    kind = read(written.value, _KIND, replace(scope, binding=no_binding), "type", at)
    if kind in UNSUPPORTED:
        scope.bag.add("P0802", f"`{kind}` nodes cannot be compiled yet", written.value.span)
        return None
    return kind if isinstance(kind, str) else None


def _component_kind(node: Node | None, scope: Scope) -> str | None:
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or _is_reference(node.value):
        return None
    found = component_from_file(scope.path(local_part(node.value)).path, scope, node.span, node.value)
    return None if found is None else found.kind


def _is_reference(text: str) -> bool:
    return is_address(text)


def without_lost_keys(node: Mapping, kind: str, table: Record, scope: Scope) -> tuple[Mapping, bool]:
    """The node without the keys that azure-ai-ml forgets, each of which is reported."""
    lost = DROPPED.get(kind, {})
    overridden = OVERRIDDEN if "component" in node.entries or "trial" in node.entries else ()
    kept: dict[str, Entry] = {}
    whole = True
    for key, found in node.entries.items():
        if key in lost:
            scope.bag.add("P0801", f"Azure ML drops `{key}` from a {kind} step", found.key_span, help=lost[key])
            whole = False
        elif key in overridden and key not in table.fields:
            scope.bag.add(
                "P0801",
                f"Azure ML drops `{key}` from a step that has a component",
                found.key_span,
                help="put it into the component",
            )
            whole = False
        elif key in IGNORED and key not in table.fields:
            scope.bag.add("P0806", f"Azure ML ignores `{key}` of a step", found.key_span)
        else:
            kept[key] = found
    return Mapping(node.source, node.start, node.end, kept), whole


def named_component(found: Entry, kind: str, scope: Scope) -> Component | ComponentReference | Invalid:
    """The component that a node names, or holds."""
    wanted = "command" if kind == "sweep" else kind
    node = found.value
    if isinstance(node, Mapping):
        inside = replace(scope, binding=no_binding)
        return component_from_node(node, inside, found.key_span, wanted) or INVALID
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        wrong_type(node, scope, found.key, "a component")
        return INVALID
    text = node.value
    if _is_reference(text):
        if kind == "sweep" and text.startswith("azureml://registries/"):
            scope.bag.add("P0409", "a trial cannot come from a registry", node.span, help="copy it into the workspace")
            return INVALID
        return ComponentReference(text, wanted, node.span)
    component = component_from_file(scope.path(local_part(text)).path, scope, node.span, local_part(text))
    if component is not None and component.kind != wanted:
        scope.bag.add(
            "P0409",
            f"`{text}` is a {component.kind} component, the step is of type {kind}",
            node.span,
            secondary=[] if component.at is None else [Label(component.at, "the component")],
        )
        return INVALID
    return component or INVALID


def with_flow_inputs(component: Component, step: Step) -> Component:
    """A flow with a port for each of its columns that the node maps."""
    more = {name: InputPort("string", optional=True) for name in step.inputs if name not in component.inputs}
    return replace(component, inputs={**component.inputs, **more})
