"""The ten distributions mean what the documentation says, and a seed decides every trial."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from typing import Any

import pytest

from compiler.ir.model import Distribution, Objective, Sampling, Sweep, SweepLimits
from compiler.local.sampling import CannotSample, trials

from .harness import choice

COUNT = 20_000


def sample(distribution: Distribution, count: int = COUNT, **sampling: Any) -> list[Any]:
    sweep = Sweep({"x": distribution}, None, Sampling("random", **sampling), limits=SweepLimits(count))
    return [point["x"] for point in trials(sweep, 1)]


def shares(values: list[Any]) -> dict[Any, float]:
    return {value: count / len(values) for value, count in sorted(Counter(values).items(), key=str)}


def test_choice_takes_each_value_equally_often() -> None:
    found = shares(sample(choice("a", 2, True)))
    assert set(found) == {"a", 2, True} and all(abs(share - 1 / 3) < 0.02 for share in found.values())


def test_randint_goes_from_zero_up_to_but_not_with_upper() -> None:
    found = shares(sample(Distribution("randint", upper=5)))
    assert list(found) == [0, 1, 2, 3, 4] and all(abs(share - 0.2) < 0.02 for share in found.values())


def test_uniform_covers_its_bounds() -> None:
    values = sample(Distribution("uniform", min_value=-2, max_value=6))
    assert min(values) >= -2 and max(values) <= 6
    assert statistics.mean(values) == pytest.approx(2, abs=0.1)
    assert statistics.pstdev(values) == pytest.approx(8 / math.sqrt(12), rel=0.02)


def test_quniform_has_half_the_mass_at_its_ends() -> None:
    found = shares(sample(Distribution("quniform", min_value=1, max_value=5, q=1)))
    assert list(found) == [1, 2, 3, 4, 5]
    assert list(found.values()) == pytest.approx([0.125, 0.25, 0.25, 0.25, 0.125], abs=0.015)
    assert all(isinstance(value, int) for value in found)


def test_a_fractional_q_gives_numbers_as_they_are_written() -> None:
    assert set(sample(Distribution("quniform", min_value=0, max_value=0.4, q=0.1))) == {0.0, 0.1, 0.2, 0.3, 0.4}


def test_loguniform_bounds_are_exponents() -> None:
    values = sample(Distribution("loguniform", min_value=-6, max_value=-1))
    assert math.exp(-6) <= min(values) < math.exp(-5.99) and math.exp(-1.01) < max(values) <= math.exp(-1)
    assert statistics.median(values) == pytest.approx(math.exp(-3.5), rel=0.05)


def test_qloguniform_rounds_after_the_exponential() -> None:
    values = sample(Distribution("qloguniform", min_value=0, max_value=3, q=2))
    assert set(values) == set(range(2, 22, 2)) and min(values) == 2 and max(values) == 20


@pytest.mark.parametrize(("kind", "center"), [("normal", 10.0), ("qnormal", 10.0)])
def test_normal(kind: str, center: float) -> None:
    values = sample(Distribution(kind, mu=10, sigma=3, q=1 if kind[0] == "q" else None))
    assert statistics.mean(values) == pytest.approx(center, abs=0.1)
    assert statistics.pstdev(values) == pytest.approx(3, rel=0.03)


@pytest.mark.parametrize("kind", ["lognormal", "qlognormal"])
def test_lognormal_is_the_exponential_of_a_normal(kind: str) -> None:
    values = sample(Distribution(kind, mu=2, sigma=0.5, q=1 if kind[0] == "q" else None))
    assert statistics.median(values) == pytest.approx(math.exp(2), rel=0.1)
    assert statistics.mean(values) == pytest.approx(math.exp(2 + 0.125), rel=0.03)


def test_logbase_replaces_e() -> None:
    values = sample(Distribution("loguniform", min_value=-3, max_value=0), logbase=10)
    assert 1e-3 <= min(values) < 1.01e-3 and statistics.median(values) == pytest.approx(10**-1.5, rel=0.05)
    e = sample(Distribution("loguniform", min_value=-3, max_value=0), logbase="e")
    assert e == sample(Distribution("loguniform", min_value=-3, max_value=0))


def test_a_number_too_large_for_a_float_is_infinite() -> None:
    assert sample(Distribution("loguniform", min_value=1000, max_value=1001), count=1) == [math.inf]
    assert sample(Distribution("qloguniform", min_value=1000, max_value=1001, q=1), count=1) == [math.inf]


NESTED = choice({"kind": "svm", "c": Distribution("uniform", min_value=0, max_value=1)}, {"kind": "tree"}, "none")


def test_nested_choices_hold_distributions() -> None:
    values = sample(NESTED, 300)
    svms = [value["c"] for value in values if isinstance(value, dict) and value["kind"] == "svm"]
    assert len(set(svms)) == len(svms) > 60 and all(0 <= c <= 1 for c in svms)
    assert {"kind": "tree"} in values and "none" in values


def test_which_value_of_a_nested_choice_is_taken_moves_no_other_input() -> None:
    unit = Distribution("uniform", min_value=0, max_value=1)
    limits = SweepLimits(50)
    nested = trials(Sweep({"m": NESTED, "lr": unit}, None, Sampling("random"), limits=limits), 5)
    flat = trials(Sweep({"a": unit, "b": unit, "lr": unit}, None, Sampling("random"), limits=limits), 5)
    assert [point["lr"] for point in nested] == [point["lr"] for point in flat]


def space(**limits: Any) -> Sweep:
    dims = {
        "model": NESTED,
        "lr": Distribution("loguniform", min_value=-6, max_value=-1),
        "n": Distribution("randint", upper=9),
    }
    return Sweep(dims, Objective("minimize", "loss"), Sampling("random"), limits=SweepLimits(**limits))


def test_a_seed_decides_the_trials_whatever_the_limits() -> None:
    many = trials(space(max_total_trials=40, max_concurrent_trials=7), 11)
    assert trials(space(max_total_trials=15), 11) == many[:15]
    assert trials(space(max_total_trials=15), 12) != many[:15]


def test_the_documented_default_is_a_thousand_trials() -> None:
    assert len(trials(space(), 1)) == 1000


def test_sobol_is_seeded_and_fills_more_evenly_than_chance() -> None:
    unit = Distribution("uniform", min_value=0, max_value=1)
    values = sample(unit, 64, rule="sobol")
    assert values == sample(unit, 64, rule="sobol")
    assert all(count == 8 for count in Counter(int(value * 8) for value in values).values())


def test_sobol_without_scipy_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "scipy.stats", None)
    with pytest.raises(CannotSample, match="scipy") as caught:
        sample(Distribution("randint", upper=3), 2, rule="sobol")
    assert "pip install" in caught.value.remedy


def test_grid_is_every_combination_in_the_order_written() -> None:
    sweep = Sweep({"a": choice(1, 2), "b": choice("x", "y", "z")}, None, Sampling("grid"))
    assert [tuple(point.values()) for point in trials(sweep, 0)] == [(a, b) for a in (1, 2) for b in "xyz"]


def test_grid_opens_nested_choices_and_keeps_to_the_limit() -> None:
    nested = choice({"kind": "svm", "c": choice(1, 2)}, {"kind": "tree"})
    sweep = Sweep({"m": nested, "n": choice(0, 1)}, None, Sampling("grid"), limits=SweepLimits(5))
    assert [(point["m"], point["n"]) for point in trials(sweep, 0)] == [
        ({"kind": "svm", "c": 1}, 0),
        ({"kind": "svm", "c": 1}, 1),
        ({"kind": "svm", "c": 2}, 0),
        ({"kind": "svm", "c": 2}, 1),
        ({"kind": "tree"}, 0),
    ]


@pytest.mark.parametrize(
    "sweep",
    [
        Sweep({"a": Distribution("uniform", min_value=0, max_value=1)}, None, Sampling("grid")),
        Sweep({"a": choice(1)}, None, Sampling("bayesian")),
    ],
)
def test_what_cannot_be_sampled_is_refused(sweep: Sweep) -> None:
    with pytest.raises(CannotSample):
        trials(sweep, 0)
