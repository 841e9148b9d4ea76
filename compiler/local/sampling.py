"""Which trials a sweep consists of: the points of its search space, in order, before the first one starts.

Every distribution is a map from [0, 1) through its inverse distribution function, so that whatever fills the unit
cube (a seeded generator, a Sobol sequence) samples all ten of them, and a trial's values depend on nothing but the
seed and its number. The meaning of each bound is Azure ML's: those of the log forms are exponents, and the q forms
are ``round(value / q) * q``.

    {lr: loguniform(-6, -1), depth: choice(2, 3)}, seed 7  ->  [{"lr": 0.0129, "depth": 2}, …]
"""

from __future__ import annotations

import itertools
import math
import random
import warnings
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from statistics import NormalDist
from typing import TypeAlias

from compiler.ir.model import Distribution, Extra, Sampling, Sweep

Point: TypeAlias = Mapping[str, Extra]

DEFAULT_TRIALS = 1000
"""What the documentation gives `max_total_trials` when it is left out."""


class CannotSample(Exception):
    """The message says what stands against it; ``remedy`` what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def trials(sweep: Sweep, seed: int) -> list[Point]:
    """The values of every trial, by input, in the order in which they start. Raises CannotSample."""
    sampling = sweep.sampling or Sampling("random")
    most = (sweep.limits and sweep.limits.max_total_trials) or DEFAULT_TRIALS
    if sampling.type == "grid":
        return list(itertools.islice(_grid(sweep.search_space), most))
    if sampling.type != "random":
        raise CannotSample(f"`{sampling.type}` sampling does not run here yet", "use `random` in the profile `local`")
    base = math.e if sampling.logbase in (None, "e") else float(sampling.logbase or math.e)
    size = sum(_dimensions(distribution) for distribution in sweep.search_space.values())
    cube = _sobol(size, most, seed) if sampling.rule == "sobol" else _uniform(size, most, seed)
    found: list[Point] = []
    for row in cube:
        numbers = iter(row)
        found.append({name: _draw(distribution, numbers, base) for name, distribution in sweep.search_space.items()})
    return found


# --------------------------------------------------------------------------------------------------- the unit cube


def _uniform(size: int, count: int, seed: int) -> Iterator[Sequence[float]]:
    generator = random.Random(seed)
    return ([generator.random() for _ in range(size)] for _ in range(count))


def _sobol(size: int, count: int, seed: int) -> Iterator[Sequence[float]]:
    try:
        from scipy.stats import qmc
    except ImportError:
        raise CannotSample("the Sobol rule needs scipy, which is not installed", "pip install scipy") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its balance wants a power of two of points; the sweep's limit decides
        try:
            points = qmc.Sobol(size, scramble=True, rng=seed).random(count)
        except ValueError as error:
            raise CannotSample(f"the Sobol rule cannot fill this space: {error}", "use the rule `random`") from None
    return (row.tolist() for row in points)


# --------------------------------------------------------------------------------------------------- distributions


def _nested(value: object) -> list[Distribution]:
    """The distributions inside one value of a choice."""
    if not isinstance(value, Mapping):
        return []
    return [inner for inner in value.values() if isinstance(inner, Distribution)]


def _dimensions(distribution: Distribution) -> int:
    """How many numbers of the cube it takes: the same ones whichever value of a nested choice is taken."""
    inner = (nested for value in distribution.values for nested in _nested(value))
    return 1 + sum(_dimensions(nested) for nested in inner)


def _draw(distribution: Distribution, numbers: Iterator[float], base: float) -> Extra:
    at = next(numbers)
    if distribution.type != "choice":
        return value_at(distribution, at, base)
    chosen: Extra = None
    taken = min(int(at * len(distribution.values)), len(distribution.values) - 1)
    for index, value in enumerate(distribution.values):
        drawn: Extra = value  # type: ignore[assignment]  # without distributions inside, it is an Extra
        if _nested(value) and isinstance(value, Mapping):
            drawn = {
                name: _draw(inner, numbers, base) if isinstance(inner, Distribution) else inner
                for name, inner in value.items()
            }
        if index == taken:
            chosen = drawn
    return chosen


def value_at(distribution: Distribution, at: float, base: float = math.e) -> int | float:
    """The quantile at ``at`` (in [0, 1)) of any distribution but a choice."""
    kind = distribution.type
    if kind == "randint":
        upper = distribution.upper or 1
        return min(int(at * upper), upper - 1)
    low, high = distribution.min_value or 0, distribution.max_value or 0
    if kind.endswith("uniform"):
        value = low + at * (high - low)
    else:
        # 0 has no quantile under a normal distribution; less than the generator's smallest step stands for it
        value = (distribution.mu or 0) + (distribution.sigma or 0) * NormalDist().inv_cdf(max(at, 2.0**-54))
    if "log" in kind:
        value = _power(base, value)
    return _rounded(value, distribution.q) if kind.startswith("q") else value


def _power(base: float, exponent: float) -> float:
    try:
        return math.exp(exponent) if base == math.e else math.pow(base, exponent)
    except OverflowError:
        return math.inf


def _rounded(value: float, q: float | int | None) -> int | float:
    """``round(value / q) * q``, the product in decimals: 3 times 0.1 is 0.3."""
    step = q or 1
    if math.isinf(value):
        return value
    count = round(value / step)
    return count * step if isinstance(step, int) else float(Decimal(repr(step)) * count)


# ------------------------------------------------------------------------------------------------------------- grid


def _grid(space: Mapping[str, Distribution]) -> Iterator[Point]:
    """Every combination, the last name varying fastest."""
    columns = [_alternatives(name, distribution) for name, distribution in space.items()]
    return (dict(zip(space, row, strict=True)) for row in itertools.product(*columns))


def _alternatives(name: str, distribution: Distribution) -> list[Extra]:
    if distribution.type != "choice":
        raise CannotSample(f"`grid` sampling takes choices only, and `{name}` is none", "use `random` sampling")
    found: list[Extra] = []
    for value in distribution.values:
        if not (_nested(value) and isinstance(value, Mapping)):
            found.append(value)  # type: ignore[arg-type]  # without distributions inside, it is an Extra
            continue
        columns = [
            _alternatives(key, inner) if isinstance(inner, Distribution) else [inner] for key, inner in value.items()
        ]
        found += [dict(zip(value, row, strict=True)) for row in itertools.product(*columns)]
    return found
