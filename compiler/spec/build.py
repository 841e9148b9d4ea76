"""Leaves of the IR from nodes of a spec that the schema has accepted and that hold no expression any more.

Nothing here reports: what the schema guarantees is relied upon. Nodes that could still mean several things
(bindings, component files, names) are read in ``passes/``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping as MappingABC

from compiler.diagnostics.span import Span
from compiler.ir.model import (
    Data,
    Distribution,
    EarlyTermination,
    Extra,
    Literal,
    LocalPath,
    Objective,
    OutputSetting,
    Sampling,
    Sweep,
    SweepLimits,
)
from compiler.source.tree import Mapping, Node, Scalar, Sequence

# What people coming from HyperDrive call the policies.
HYPERDRIVE = {
    "BanditPolicy": "bandit",
    "MedianStoppingPolicy": "median_stopping",
    "TruncationSelectionPolicy": "truncation_selection",
}


def text(mapping: Mapping | None, key: str) -> str | None:
    """The scalar under the key as text (a number as written); None when absent or null."""
    node = mapping.get(key) if mapping is not None else None
    return None if not isinstance(node, Scalar) or node.value is None else as_text(node)


def as_text(node: Scalar) -> str:
    if isinstance(node.value, str):
        return node.value
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    return node.text


def integer(mapping: Mapping, key: str) -> int | None:
    """A whole number; JSON Schema counts 2.0 among them."""
    value = number(mapping, key)
    return int(value) if value is not None and value == int(value) else None


def number(mapping: Mapping, key: str) -> int | float | None:
    node = mapping.get(key)
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def boolean(mapping: Mapping, key: str) -> bool | None:
    node = mapping.get(key)
    return node.value if isinstance(node, Scalar) and isinstance(node.value, bool) else None


def section(mapping: Mapping | None, key: str) -> Mapping | None:
    node = mapping.get(key) if mapping is not None else None
    return node if isinstance(node, Mapping) else None


def literal(node: Node | None) -> Literal | None:
    return node.value if isinstance(node, Scalar) and node.value is not None else None


def strings(mapping: Mapping | None) -> dict[str, str]:
    """A map of texts: tags, properties, environment variables."""
    if mapping is None:
        return {}
    return {e.key: as_text(e.value) for e in mapping if isinstance(e.value, Scalar) and e.value.value is not None}


def extra(node: Node) -> Extra:
    """Any node as plain frozen data."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Mapping):
        return {entry.key: extra(entry.value) for entry in node}
    return tuple(extra(item) for item in node.items)


def extras(mapping: Mapping | None) -> MappingABC[str, Extra]:
    return {entry.key: extra(entry.value) for entry in mapping} if mapping is not None else {}


def is_address(path: str) -> bool:
    """Whether a path is a URI or an asset reference rather than a place on this machine."""
    return "://" in path or path.startswith("azureml:")


def data_path(node: Scalar) -> Data:
    """The data that a ``path:`` names; a relative one is relative to the file in which it stands."""
    written = as_text(node)
    if is_address(written):
        return Data(written)
    base = os.path.dirname(node.source.path)
    return Data(LocalPath(os.path.normpath(os.path.join(base, written)), written, node.span))


def output_setting(mapping: Mapping, at: Span | None) -> OutputSetting:
    known = {"type", "mode", "path", "name", "version", "value", "description"}
    rest = {entry.key: extra(entry.value) for entry in mapping if entry.key not in known}
    return OutputSetting(
        type=text(mapping, "type"),
        mode=text(mapping, "mode"),
        path=text(mapping, "path"),
        name=text(mapping, "name"),
        version=text(mapping, "version"),
        extras=rest,
        at=at,
    )


# ------------------------------------------------------------------------------------------------------------ sweeps


def sweep(mapping: Mapping, at: Span | None) -> Sweep:
    objective = section(mapping, "objective")
    policy = section(mapping, "early_termination")
    limits = section(mapping, "limits")
    space = section(mapping, "search_space")
    sampling = mapping.get("sampling_algorithm")
    return Sweep(
        search_space={e.key: _distribution(e.value, e.key_span) for e in space or () if isinstance(e.value, Mapping)},
        objective=Objective(text(objective, "goal") or "", text(objective, "primary_metric") or "", objective.span)
        if objective is not None
        else None,
        sampling=_sampling(sampling) if sampling is not None else None,
        early_termination=_policy(policy, key_at(mapping, "early_termination")) if policy is not None else None,
        limits=SweepLimits(
            integer(limits, "max_total_trials"),
            integer(limits, "max_concurrent_trials"),
            integer(limits, "timeout"),
            integer(limits, "trial_timeout"),
            key_at(mapping, "limits"),
        )
        if limits is not None
        else None,
        at=at,
    )


def key_at(mapping: Mapping, key: str) -> Span | None:
    entry = mapping.entries.get(key)
    return entry.key_span if entry is not None else None


def _distribution(mapping: Mapping, at: Span) -> Distribution:
    values = mapping.get("values")
    kind = mapping.get("type")
    return Distribution(
        type=text(mapping, "type") or "",
        values=tuple(_choice(item) for item in values.items) if isinstance(values, Sequence) else (),
        min_value=number(mapping, "min_value"),
        max_value=number(mapping, "max_value"),
        q=number(mapping, "q"),
        mu=number(mapping, "mu"),
        sigma=number(mapping, "sigma"),
        upper=integer(mapping, "upper"),
        key_at=at,
        at=kind.span if kind is not None else at,
    )


def _choice(node: Node) -> Extra | MappingABC[str, Extra | Distribution]:
    """A value of a choice; a map in it may hold further distributions."""
    if not isinstance(node, Mapping):
        return extra(node)
    inner: dict[str, Extra | Distribution] = {}
    for entry in node:
        nested = isinstance(entry.value, Mapping) and "type" in entry.value.entries
        inner[entry.key] = (
            _distribution(entry.value, entry.key_span)
            if nested and isinstance(entry.value, Mapping)
            else extra(entry.value)
        )
    return inner


def _sampling(node: Node) -> Sampling:
    if isinstance(node, Mapping):
        base = literal(node.get("logbase"))
        return Sampling(
            text(node, "type") or "random",
            seed=integer(node, "seed"),
            rule=text(node, "rule"),
            logbase=None if isinstance(base, bool) else base,
            as_map=True,
            at=node.span,
        )
    return Sampling(as_text(node) if isinstance(node, Scalar) else "random", at=node.span)


def _policy(mapping: Mapping, at: Span | None) -> EarlyTermination:
    kind = text(mapping, "type") or ""
    return EarlyTermination(
        type=HYPERDRIVE.get(kind, kind),
        evaluation_interval=integer(mapping, "evaluation_interval"),
        delay_evaluation=integer(mapping, "delay_evaluation"),
        slack_factor=number(mapping, "slack_factor"),
        slack_amount=number(mapping, "slack_amount"),
        truncation_percentage=integer(mapping, "truncation_percentage"),
        at=at,
    )
