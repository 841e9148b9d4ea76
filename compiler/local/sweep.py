"""A sweep as one step: its trials side by side within its limits, and the best one's outputs as its own.

The best trial is the completed one with the best value of the primary metric over its life. NaN and missing never
win; of equals the one that was sampled first does; without any the step has failed.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from compiler.diagnostics.suggest import did_you_mean
from compiler.ir.model import Objective, Sweep, SweepLimits
from compiler.local.execute import perform
from compiler.local.metrics import best_of, better
from compiler.local.model import Attempt, Status, StepResult, TrialResult
from compiler.local.plan import Node
from compiler.local.sampling import trials
from compiler.local.session import Job, Session
from compiler.local.state import trial_record, write_json
from compiler.local.tracking import Tracker, TrackingError


async def run_sweep(node: Node, sweep: Sweep, session: Session) -> StepResult:
    """Run the trials of a node's sweep; its result is the best one's. Raises OSError and TrackingError."""
    if session.tracker is None or session.mlflow_run is None:
        raise TrackingError("a sweep needs MLflow: its metrics decide the best trial")
    started = time.monotonic()
    run = await session.tracker.begin(node.name, session.mlflow_run, node.step.tags)
    trial_set = _Trials(node, sweep, session, session.tracker, run)
    status = Status.CANCELED
    try:
        await trial_set.run_all()
        result = trial_set.result(time.monotonic() - started)
        status = result.status
    finally:
        trial_set.write_table()
        session.tracker.end(run, status)
    return result


def best_trial(results: Iterable[TrialResult], goal: str) -> TrialResult | None:
    """The winner among trials in the order of sampling; None when none has completed with a metric."""
    winner: TrialResult | None = None
    for trial in results:
        if trial.attempt.status is not Status.COMPLETED or trial.best is None:
            continue
        if winner is None or winner.best is None or better(trial.best, winner.best, goal):
            winner = trial
    return winner


class _Trials:
    """The trials of one sweep, from sampling to the table."""

    def __init__(self, node: Node, sweep: Sweep, session: Session, tracker: Tracker, run: str) -> None:
        self._node, self._session, self._tracker, self._run = node, session, tracker, run
        self._limits = sweep.limits or SweepLimits()
        objective = sweep.objective or Objective("minimize", "")
        self._metric, self._goal = objective.primary_metric, objective.goal.lower()
        self._sampling = sweep.sampling.type if sweep.sampling else "random"
        seed = sweep.sampling.seed if sweep.sampling else None
        self._seed = secrets.randbelow(2**31) if seed is None else seed
        self._points = trials(sweep, self._seed)
        self._folder = session.folder.step(node.name)
        self._results: dict[int, TrialResult] = {}
        self._running: set[str] = set()
        self._stopped = False

    async def run_all(self) -> None:
        """Start the trials in the order of sampling, as many at a time as limits and places allow."""
        total = len(self._points)
        most = self._limits.max_concurrent_trials or total
        width = max(1, min(most, self._node.instances or most, self._session.slots.jobs, total))
        seed = "" if self._sampling == "grid" else f" with seed {self._seed}"
        self._session.display.sweep_started(self._node.name, total, width, f"{self._sampling} sampling{seed}")
        waiting = iter(range(total))
        watch = asyncio.create_task(self._watch())
        try:
            async with (
                self._session.slots.want(width),
                asyncio.timeout(self._limits.timeout),
                asyncio.TaskGroup() as workers,
            ):
                for _ in range(width):
                    workers.create_task(self._work(waiting))
        except TimeoutError:
            self._stopped = True
            finished = sum(trial.attempt.status is Status.COMPLETED for trial in self._results.values())
            self._session.display.note(f"{self._node.name}: stopped at its timeout, with {finished} finished trials")
        finally:
            watch.cancel()

    async def _work(self, waiting: Iterator[int]) -> None:
        for number in waiting:
            started = time.monotonic()
            job = Job(
                self._node,
                self._folder / "trials" / f"{number:03d}",
                self._run,
                self._limits.trial_timeout,
                number,
                self._points[number],
            )
            self._running.add(job.name)
            try:
                attempt = await perform(job, self._session)
            except asyncio.CancelledError:
                if (run := self._session.tracked.get(job.name)) is not None:  # it had begun
                    seconds, log = time.monotonic() - started, job.folder / "log.txt"
                    reason = "stopped with the sweep"
                    attempt = Attempt(Status.CANCELED, reason, seconds=seconds, log=log, mlflow_run=run)
                    await self._ended(job, number, attempt)
                raise
            await self._ended(job, number, attempt)

    async def _ended(self, job: Job, number: int, attempt: Attempt) -> None:
        """Take up a trial's metrics and store its record; without either it does not count."""
        self._running.discard(job.name)
        metric, goal = self._metric, self._goal
        run = self._session.tracked.get(job.name)
        try:
            metrics = await self._tracker.metrics(run) if run else {}
            best = best_of(metrics.get(metric, ()), goal)
            logged = {name: tuple(reports) for name, reports in metrics.items()}
            trial = TrialResult(number, self._points[number], attempt, logged, best)
            if job.folder.exists():
                write_json(job.folder / "trial.json", trial_record(trial))
        except (OSError, TrackingError) as error:
            failed = replace(attempt, status=Status.FAILED, reason=str(error))
            trial = TrialResult(number, self._points[number], failed)
        self._results[number] = trial
        self._session.display.trial_ended(self._node.name, trial, best_trial(self._ordered(), goal), metric)

    async def _watch(self) -> None:
        """Follow the primary metric of the running trials while they log it.

        An early-termination policy has its place here: asked about the reports of all trials so far, it names
        those to be cancelled.
        """
        metric, goal = self._metric, self._goal
        while True:
            await asyncio.sleep(self._tracker.poll_seconds)
            active = [run for name in self._running if (run := self._session.tracked.get(name))]
            try:
                reports = await self._tracker.reports(active, metric)
            except TrackingError:
                continue  # the end of the trial asks again, and says what is wrong
            found = [best for values in reports.values() if (best := best_of(values, goal)) is not None]
            self._session.display.reported(self._node.name, best_of(found, goal))

    def _ordered(self) -> list[TrialResult]:
        return [self._results[number] for number in sorted(self._results)]

    def result(self, seconds: float) -> StepResult:
        """The sweep as a step: the outputs of its best trial under the step's own path, or why there is none."""
        results = self._ordered()
        winner = best_trial(results, self._goal)
        if winner is None:
            # what a failed trial ran and printed explains more than the sweep can
            shown = next((trial.attempt for trial in results if trial.attempt.status is Status.FAILED), None)
            attempt = Attempt(
                Status.FAILED,
                self._why_none(results),
                seconds=seconds,
                command=shown.command if shown else "",
                log=shown.log if shown else None,
                mlflow_run=self._run,
            )
            return StepResult(self._node.name, attempt, tuple(results))
        final = self._folder / "outputs"
        os.symlink(Path("trials") / f"{winner.number:03d}" / "outputs", final)
        outputs = {name: str(final / name) for name in winner.attempt.outputs}
        attempt = replace(winner.attempt, seconds=seconds, outputs=outputs, exit_code=None, mlflow_run=self._run)
        return StepResult(self._node.name, attempt, tuple(results), winner.number)

    def _why_none(self, results: list[TrialResult]) -> str:
        counts = Counter(trial.attempt.status for trial in results)
        limit = f" within {self._limits.timeout} s" if self._stopped else ""
        if not counts[Status.COMPLETED]:
            others = ", ".join(f"{count} {status.value}" for status, count in counts.items()) or "none was started"
            return f"no trial completed{limit} ({others})"
        metric = self._metric
        completed = [trial for trial in results if trial.attempt.status is Status.COMPLETED]
        if any(metric in trial.metrics for trial in completed):
            return f"no completed trial{limit} logged a number as `{metric}`"
        logged = {name for trial in completed for name in trial.metrics}
        guess = f" ({did_you_mean(metric, logged)})" if logged else ", nor any other metric"
        return f"no completed trial{limit} logged `{metric}`{guess}"

    def write_table(self) -> None:
        """Store every trial that was started, with its parameters, its metrics and how it ended."""
        winner = best_trial(self._ordered(), self._goal)
        table = {
            "sampling": self._sampling,
            "seed": None if self._sampling == "grid" else self._seed,
            "goal": self._goal,
            "primary_metric": self._metric,
            "best_trial": winner.number if winner else None,
            "trials": [trial_record(trial) for trial in self._ordered()],
        }
        write_json(self._folder / "trials.json", table)
