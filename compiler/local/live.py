"""The live table of a run in a terminal, drawn by rich. Imported only when there is a terminal to draw on.

churn  2/4 steps  00:34
✓ prep       completed    3.1 s
● train      running      0:31   7/20 trials, best val_loss 0.0123 (trial 3)
· evaluate   waiting
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from compiler.local.display import Display, seconds_text
from compiler.local.model import RunResult, Status, StepResult, TrialResult
from compiler.local.plan import Plan

_LOOK = {
    "waiting": ("·", "dim"),
    "running": ("●", "cyan"),
    Status.COMPLETED.value: ("✓", "green"),
    Status.FAILED.value: ("✗", "red"),
    Status.CANCELED.value: ("■", "yellow"),
    Status.SKIPPED.value: ("-", "dim"),
}


@dataclass(slots=True)
class _Row:
    """One step as the table shows it. ``total``: how many trials its sweep has, 0 for none."""

    name: str
    state: str = "waiting"
    started: float = 0.0
    seconds: float = 0.0
    detail: str = ""
    trials: int = 0
    total: int = 0
    best: str = ""


class LiveDisplay(Display):
    """A table that follows the run; what went wrong is printed above it and stays."""

    def __init__(self, out: TextIO, color: bool) -> None:
        super().__init__(out)
        self._console = Console(file=out, no_color=not color, highlight=False)
        self._rows: dict[str, _Row] = {}
        self._name = ""
        self._live = Live(console=self._console, get_renderable=self._table, refresh_per_second=4)

    def begin(self, plan: Plan, run_id: str, jobs: int, environment: str) -> None:
        super().begin(plan, run_id, jobs, environment)
        self._name = plan.pipeline.name
        self._rows = {name: _Row(name) for name in plan.nodes}
        self._live.start()

    def started(self, step: str, trial: int | None) -> None:
        row = self._rows[step]
        if row.state == "waiting":
            row.state, row.started = "running", time.monotonic()

    def sweep_started(self, step: str, trials: int, at_once: int, sampling: str) -> None:
        self.started(step, None)
        self._rows[step].total = trials

    def reported(self, step: str, value: float | None) -> None:
        self._rows[step].detail = "" if value is None else f"those running {value:.6g}"

    def trial_ended(self, step: str, trial: TrialResult, best: TrialResult | None, metric: str) -> None:
        row = self._rows[step]
        row.trials += 1
        if best is not None and best.best is not None:
            row.best = f"best {metric} {best.best:.6g} (trial {best.number})"
        if trial.attempt.status is Status.FAILED:
            super().trial_ended(step, trial, best, metric)

    def step_ended(self, result: StepResult) -> None:
        row = self._rows[result.name]
        row.state, row.seconds = result.status.value, result.attempt.seconds
        row.detail = "" if result.status is Status.COMPLETED else result.attempt.reason
        if result.status is Status.FAILED:
            super().step_ended(result)

    def end(self, result: RunResult, tracking: str | None) -> None:
        self.close()
        super().end(result, tracking)

    def close(self) -> None:
        if self._live.is_started:
            self._live.refresh()
            self._live.stop()

    def _write(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)

    def _table(self) -> Group:
        ended = [row for row in self._rows.values() if row.state not in ("waiting", "running")]
        head = Text(f"{self._name}  {len(ended)}/{len(self._rows)} steps  {self._clock()}", style="bold")
        table = Table.grid(padding=(0, 2))
        shown, left_out = self._shown()
        for row in shown:
            sign, style = _LOOK[row.state]
            seconds = time.monotonic() - row.started if row.state == "running" else row.seconds
            spent = seconds_text(seconds) if row.state in ("running", "completed", "failed") else ""
            progress = f"{row.trials}/{row.total} trials" if row.total else ""
            about = ", ".join(part for part in (progress, row.best, row.detail) if part)
            cells = (sign, style), (row.name, ""), (row.state, style), (spent, ""), (about, "dim")
            table.add_row(*(Text(text, look, no_wrap=True, overflow="ellipsis") for text, look in cells))
        more = [Text(f"and {left_out} more", "dim")] if left_out else []
        return Group(head, table, *more)

    def _shown(self) -> tuple[list[_Row], int]:
        """As many rows as the terminal takes: what runs or failed before what waits, what is done last."""
        room = max(4, self._console.height - 4)
        rows = list(self._rows.values())
        if len(rows) <= room:
            return rows, 0
        rank = {"running": 0, "failed": 1, "waiting": 2}
        first = sorted(rows, key=lambda row: rank.get(row.state, 3))[:room]
        chosen = {row.name for row in first}
        return [row for row in rows if row.name in chosen], len(rows) - room
