"""The rules of a sweep that the service documents and its SDK does not check.

Bounds of the log forms are exponents of e. Sources: the sweep pages of the Azure ML v2 documentation
("Hyperparameter tuning a model (v2)", "CLI (v2) sweep job YAML schema") and, for early termination with Bayesian
sampling, the reference of HyperDrive's BayesianParameterSampling.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from compiler.diagnostics.model import Bag, Label
from compiler.diagnostics.span import Span
from compiler.diagnostics.suggest import did_you_mean
from compiler.ir.model import Component, Distribution, EarlyTermination, Pipeline, Step, Sweep, SweepLimits
from compiler.passes.wording import called, count

BAYESIAN = ("choice", "uniform", "quniform")
MOST_TRIALS = 1000  # documented range of max_total_trials and max_concurrent_trials: 1 to 1000
TRIALS_PER_DIMENSION = 20  # documented recommendation for Bayesian sampling
SHORTEST_TIMEOUT = 60  # seconds; the SDK raises anything shorter


def search(pipeline: Pipeline, bag: Bag) -> None:
    """Check every sweep of one pipeline; its nested pipelines are checked on their own."""
    for step in pipeline.steps.values():
        if step.sweep is not None:
            _sweep(step, step.sweep, bag)


def _sweep(step: Step, sweep: Sweep, bag: Bag) -> None:
    component = step.component
    if isinstance(component, Component):
        if component.kind != "command":
            message = f"`{called(step)}` sweeps over a {component.kind}: a trial must be a command"
            bag.add("P0707", message, sweep.at or step.at)
            return
        _inputs(step, sweep, component, bag)
    if not sweep.search_space:
        bag.add("P0209", f"the search space of `{called(step)}` is empty", sweep.at or step.at)
    for name, distribution in sweep.search_space.items():
        for inner_name, inner in _dimensions(name, distribution):
            _bounds(inner_name, inner, bag)
    _sampling(step, sweep, bag)
    if sweep.early_termination is not None:
        _policy(sweep.early_termination, bag)
    if sweep.limits is not None:
        _limits(step, sweep, sweep.limits, bag)


def _inputs(step: Step, sweep: Sweep, component: Component, bag: Bag) -> None:
    for name, distribution in sweep.search_space.items():
        if name not in component.inputs:
            bag.add(
                "P0702",
                f"`{name}` is swept over and is no input of the trial",
                distribution.key_at,
                secondary=[Label(component.at, "the trial")] if component.at else [],
                help=did_you_mean(name, component.inputs, "inputs of the trial"),
            )
        elif name in step.inputs:
            bag.add(
                "P0710",
                f"`{name}` is swept over and has a fixed value too",
                distribution.key_at,
                secondary=[Label(at, "fixed here")] if (at := step.inputs[name].key_at or step.inputs[name].at) else [],
            )


def _dimensions(name: str, distribution: Distribution) -> Iterator[tuple[str, Distribution]]:
    """The distribution and those nested in its choices."""
    yield name, distribution
    for value in distribution.values:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                if isinstance(inner, Distribution):
                    yield from _dimensions(key, inner)


def _bounds(name: str, d: Distribution, bag: Bag) -> None:
    at = d.key_at or d.at
    if d.min_value is not None and d.max_value is not None and d.min_value >= d.max_value:
        bag.add("P0703", f"`{name}` has min_value {d.min_value}, not below max_value {d.max_value}", at)
    if d.sigma is not None and d.sigma <= 0:
        bag.add("P0704", f"`{name}` has sigma {d.sigma}, which must be above 0", at)
    if d.q is not None and d.q <= 0:
        bag.add("P0704", f"`{name}` has q {d.q}, which must be above 0", at)
    if d.upper is not None and d.upper < 1:
        bag.add("P0704", f"`{name}` has upper {d.upper}, which must be at least 1", at)
    if d.type == "choice" and not d.values:
        bag.add("P0712", f"`{name}` is a choice without values", at)
    if d.type == "loguniform" and d.max_value is not None and d.max_value > 700:
        bag.add("P0704", f"`{name}` goes up to e^{d.max_value}: the bounds of loguniform are exponents", at)


def _sampling(step: Step, sweep: Sweep, bag: Bag) -> None:
    sampling = sweep.sampling
    if sampling is None:
        return
    allowed = {"grid": ("choice",), "bayesian": BAYESIAN}.get(sampling.type)
    for name, distribution in sweep.search_space.items():
        for inner_name, inner in _dimensions(name, distribution):
            if allowed is not None and inner.type not in allowed:
                bag.add(
                    "P0701",
                    f"{sampling.type} sampling cannot draw `{inner_name}` from {inner.type}",
                    inner.at,
                    secondary=[Label(sampling.at, "sampling chosen here")] if sampling.at else [],
                    help=f"{sampling.type} sampling takes {', '.join(allowed)}",
                )
    if sampling.type == "bayesian":
        if sweep.early_termination is not None:
            bag.add(
                "P0713",
                "Bayesian sampling does not support early termination",
                sweep.early_termination.at,
                secondary=[Label(sampling.at, "sampling chosen here")] if sampling.at else [],
            )
        total = sweep.limits.max_total_trials if sweep.limits else None
        wanted = TRIALS_PER_DIMENSION * len(sweep.search_space)
        if total is not None and total < wanted:
            bag.add(
                "P0711",
                f"`{called(step)}` has {count(total, 'trial')} for {count(len(sweep.search_space), 'hyperparameter')}",
                sweep.limits.at if sweep.limits else sweep.at,
                help=f"Bayesian sampling is documented to want at least {wanted}",
            )


def _policy(policy: EarlyTermination, bag: Bag) -> None:
    at = policy.at
    if policy.type == "bandit":
        if policy.slack_factor is None and policy.slack_amount is None:
            bag.add("P0705", "a bandit policy needs `slack_factor` or `slack_amount`", at)
        elif policy.slack_factor is not None and policy.slack_amount is not None:
            bag.add("P0705", "a bandit policy has both `slack_factor` and `slack_amount`", at, help="keep one of them")
        for name, value in (("slack_factor", policy.slack_factor), ("slack_amount", policy.slack_amount)):
            if value is not None and value < 0:
                bag.add("P0704", f"`{name}` is {value}, which must not be negative", at)
    percentage = policy.truncation_percentage
    if percentage is not None and not 1 <= percentage <= 99:
        bag.add("P0704", f"`truncation_percentage` is {percentage}, outside 1 to 99", at)
    if policy.evaluation_interval is not None and policy.evaluation_interval < 1:
        bag.add("P0704", f"`evaluation_interval` is {policy.evaluation_interval}, which must be at least 1", at)
    if policy.delay_evaluation is not None and policy.delay_evaluation < 0:
        bag.add("P0704", f"`delay_evaluation` is {policy.delay_evaluation}, which must not be negative", at)
    if policy.evaluation_interval is None:
        bag.add(
            "P0709",
            f"the {policy.type} policy has no `evaluation_interval`",
            at,
            notes=["the reference says the default is 1, the SDK and the how-to page say 0"],
        )


def _limits(step: Step, sweep: Sweep, limits: SweepLimits, bag: Bag) -> None:
    at = limits.at
    for name, trials in (
        ("max_total_trials", limits.max_total_trials),
        ("max_concurrent_trials", limits.max_concurrent_trials),
    ):
        if trials is not None and not 1 <= trials <= MOST_TRIALS:
            bag.add("P0704", f"`{name}` is {trials}, outside 1 to {MOST_TRIALS}", at)
    _timeouts(limits, at, bag)
    if limits.max_concurrent_trials is None:
        bag.add(
            "P0709",
            f"the sweep of `{called(step)}` has no `max_concurrent_trials`",
            at,
            notes=["on Azure ML it is then `max_total_trials`; here it is the number of workers"],
        )


def _timeouts(limits: SweepLimits, at: Span | None, bag: Bag) -> None:
    for name, seconds in (("timeout", limits.timeout), ("trial_timeout", limits.trial_timeout)):
        if seconds is not None and seconds < SHORTEST_TIMEOUT:
            bag.add("P0804", f"`{name}` is {seconds} s, which Azure ML raises to {SHORTEST_TIMEOUT} s", at)
