"""What trials have logged, read past MLflow: one query on its SQLite file instead of a call per trial and metric.

MLflow's table holds a NaN as 0 with a mark, and an infinity as the largest number there is.
"""

from __future__ import annotations

import math
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

_CHUNK = 500  # SQLite takes some thousands of parameters to a query


class MetricsFile:
    """A second, read-only connection to MLflow's database. Used by one thread."""

    def __init__(self, path: Path) -> None:
        # Read-only as a matter of `query_only`: a connection in mode=ro cannot join a write-ahead log on its own.
        self._connection = sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=20)
        self._connection.execute("PRAGMA query_only = ON")

    def close(self) -> None:
        self._connection.close()

    def of_run(self, run: str) -> dict[str, list[float]]:
        """Every value of every metric of a run, in the order of logging."""
        found: dict[str, list[float]] = {}
        query = "SELECT key, value, is_nan FROM metrics WHERE run_uuid = ? ORDER BY rowid"
        for key, value, is_nan in self._connection.execute(query, (run,)):
            found.setdefault(key, []).append(number(value, bool(is_nan)))
        return found

    def of_runs(self, runs: Sequence[str], metric: str) -> dict[str, list[float]]:
        """Every value of one metric, by run."""
        found: dict[str, list[float]] = {}
        for start in range(0, len(runs), _CHUNK):
            some = runs[start : start + _CHUNK]
            marks = ", ".join("?" * len(some))
            query = (
                f"SELECT run_uuid, value, is_nan FROM metrics WHERE key = ? AND run_uuid IN ({marks}) ORDER BY rowid"
            )
            for run, value, is_nan in self._connection.execute(query, (metric, *some)):
                found.setdefault(run, []).append(number(value, bool(is_nan)))
        return found


def number(value: float, is_nan: bool = False) -> float:
    """A value as it was logged, from one as it is stored."""
    if is_nan:
        return math.nan
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value


def best_of(values: Iterable[float], goal: str) -> float | None:
    """The best value for ``goal`` (minimize or maximize); NaN is never one."""
    numbers = [value for value in values if not math.isnan(value)]
    if not numbers:
        return None
    return min(numbers) if goal == "minimize" else max(numbers)


def better(value: float, than: float, goal: str) -> bool:
    return value < than if goal == "minimize" else value > than
