"""A sweep: what is varied, how it is drawn, what counts as better, when to give up.

    search_space: {lr: {type: loguniform, min_value: -6, max_value: -1}}
    sampling_algorithm: random                  or {type: random, rule: sobol, seed: 1}
    objective: {goal: minimize, primary_metric: val_loss}
    early_termination: {type: bandit, slack_factor: 0.1, evaluation_interval: 2}
    limits: {max_total_trials: 20, max_concurrent_trials: 4, timeout: 7200}

Which keys and types each part takes is checked here; whether its numbers make sense is for the passes.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from typing import Any, Final

from compiler.azureml.scope import UNUSABLE, Scope, Unusable
from compiler.azureml.shapes import (
    ANYTHING,
    INTEGER,
    NUMBER,
    PLAIN,
    TEXT,
    Either,
    Record,
    Shape,
    Tagged,
    missing_key,
    read,
    record,
    word,
    wrong_type,
)
from compiler.diagnostics.span import Span
from compiler.ir.model import (
    Distribution,
    EarlyTermination,
    Extra,
    InputRef,
    Objective,
    Sampling,
    Sweep,
    SweepLimits,
)
from compiler.source.tree import Entry, Mapping, Node, Scalar, Sequence, describe

KEYS: Final = ("search_space", "sampling_algorithm", "objective", "early_termination", "limits")


def _distribution(*numbers: str) -> Record:
    return Record({"type": ANYTHING, **dict.fromkeys(numbers, NUMBER)}, required=numbers)


DISTRIBUTIONS: Final = Tagged(
    "type",
    {
        "choice": Record({"type": ANYTHING, "values": ANYTHING}, required=("values",)),
        "randint": Record({"type": ANYTHING, "upper": INTEGER}, required=("upper",)),
        "uniform": _distribution("min_value", "max_value"),
        "loguniform": _distribution("min_value", "max_value"),
        "quniform": _distribution("min_value", "max_value", "q"),
        "qloguniform": _distribution("min_value", "max_value", "q"),
        "normal": _distribution("mu", "sigma"),
        "lognormal": _distribution("mu", "sigma"),
        "qnormal": _distribution("mu", "sigma", "q"),
        "qlognormal": _distribution("mu", "sigma", "q"),
    },
)
_SAMPLINGS: Final = Tagged(
    "type",
    {
        "random": record(type=ANYTHING, seed=INTEGER, rule=word("random", "sobol"), logbase=PLAIN),
        "grid": record(type=ANYTHING),
        "bayesian": record(type=ANYTHING),
    },
)
SAMPLING: Final = Either(_SAMPLINGS, word(*_SAMPLINGS.records))
_INTERVALS: Final[MappingType[str, Shape]] = {
    "type": ANYTHING,
    "evaluation_interval": INTEGER,
    "delay_evaluation": INTEGER,
}
EARLY_TERMINATION: Final = Tagged(
    "type",
    {
        "bandit": Record({**_INTERVALS, "slack_factor": NUMBER, "slack_amount": NUMBER}),
        "median_stopping": Record(_INTERVALS),
        "truncation_selection": Record(
            {**_INTERVALS, "truncation_percentage": INTEGER}, required=("truncation_percentage",)
        ),
    },
)
OBJECTIVE: Final = record(goal=word("minimize", "maximize"), primary_metric=TEXT, required=("goal", "primary_metric"))
SWEEP_LIMITS: Final = record(
    max_total_trials=INTEGER,
    max_concurrent_trials=INTEGER,
    timeout=INTEGER,
    trial_timeout=INTEGER,
    required=("max_total_trials",),
)


def sweep_from_node(node: Mapping, scope: Scope, at: Span | None = None) -> Sweep | None:
    """The sweep that the keys ``KEYS`` of ``node`` describe; its other keys are the caller's.

    None when any part is wrong, which has been reported.
    """
    space = _search_space(node, scope, at or node.span)
    shapes: dict[str, Shape] = {
        "objective": OBJECTIVE,
        "sampling_algorithm": SAMPLING,
        "early_termination": EARLY_TERMINATION,
        "limits": SWEEP_LIMITS,
    }
    parts = {key: _part(node.entries[key], shape, scope) for key, shape in shapes.items() if key in node.entries}
    if space is None or any(isinstance(part, Unusable) for part in parts.values()):
        return None

    def made(key: str, make: Any, **more: Any) -> Any:
        return make(**parts[key], **more, at=node.entries[key].key_span) if key in parts else None

    sampling = parts.get("sampling_algorithm")
    if isinstance(sampling, str):
        parts["sampling_algorithm"] = {"type": sampling}
    return Sweep(
        search_space=space,
        objective=made("objective", Objective),
        sampling=made("sampling_algorithm", Sampling, as_map=not isinstance(sampling, str)),
        early_termination=made("early_termination", EarlyTermination),
        limits=made("limits", SweepLimits),
        at=at or node.span,
    )


def _part(found: Entry, shape: Shape, scope: Scope) -> Any:
    """One part of a sweep as plain data; a binding anywhere in it is refused."""
    node = found.value
    if isinstance(node, Scalar) and isinstance(node.value, str) and "${{" in node.value:
        return _no_binding(found, scope)
    value = read(node, shape, scope, found.key, found.key_span)
    if isinstance(value, MappingType) and isinstance(found.value, Mapping):
        for name, inner in value.items():
            if isinstance(inner, InputRef):
                return _no_binding(found.value.entries[name], scope)
    return value


def _no_binding(found: Entry, scope: Scope) -> Unusable:
    scope.bag.add(
        "P0706",
        f"a binding in `{found.key}`",
        found.value.span,
        help="the service reads a sweep before the pipeline runs: write the value out",
    )
    return UNUSABLE


def _search_space(node: Mapping, scope: Scope, at: Span) -> dict[str, Distribution] | None:
    found = node.entries.get("search_space")
    if found is None:
        missing_key("search_space", scope, "the sweep", at)
        return None
    if not isinstance(found.value, Mapping):
        wrong_type(found.value, scope, "search_space", "a mapping of inputs to distributions")
        return None
    space = {inner.key: distribution_from_entry(inner, scope) for inner in found.value}
    good = {name: distribution for name, distribution in space.items() if distribution is not None}
    return good if len(good) == len(space) else None


def distribution_from_entry(found: Entry, scope: Scope) -> Distribution | None:
    """One dimension of a search space, ``NAME: {type: …}``."""
    fields = _part(found, DISTRIBUTIONS, scope)
    if not isinstance(fields, dict) or not isinstance(found.value, Mapping):
        return None
    if "values" in fields:
        fields["values"] = _values(found.value.entries["values"], scope)
        if fields["values"] is None:
            return None
    return Distribution(**fields, key_at=found.key_span, at=found.value.span)


def _values(found: Entry, scope: Scope) -> tuple[Any, ...] | None:
    if not isinstance(found.value, Sequence):
        wrong_type(found.value, scope, "values", "a list")
        return None
    values = [_value(item, scope) for item in found.value.items]
    return None if any(isinstance(value, Unusable) for value in values) else tuple(values)


def _value(item: Node, scope: Scope, nested: bool = False) -> Extra | Unusable | MappingType[str, Any]:
    """One value of a choice. A mapping sets several inputs at once, each to a value or to a further distribution."""
    if isinstance(item, Scalar) and isinstance(item.value, (str, int, float)):
        if not isinstance(item.value, bool) or scope.spec:
            return item.value
        return _no_choice(item, scope, f'Azure ML takes `"{item.value}"`')
    if nested or not isinstance(item, Mapping):
        return _no_choice(item, scope, "a choice is of text and numbers")
    inside: dict[str, Any] = {}
    for found in item:
        if isinstance(found.value, Mapping):
            inside[found.key] = distribution_from_entry(found, scope) or UNUSABLE
        else:
            inside[found.key] = _value(found.value, scope, nested=True)
    return UNUSABLE if any(isinstance(value, Unusable) for value in inside.values()) else inside


def _no_choice(item: Node, scope: Scope, help: str) -> Unusable:
    scope.bag.add("P0203", f"a choice holds {describe(item)}", item.span, help=help)
    return UNUSABLE
