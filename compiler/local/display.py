"""What a person sees of a run: a live table in a terminal, one line per event everywhere else.

run 20261120-160700-041-9f3c of churn: 3 steps, 2 at a time
00:00 prep started
00:03 prep completed in 3.1 s
00:03 train started
00:15 train trial 0 completed in 11.8 s, val_loss 0.21, the best so far
"""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from compiler.local.model import Attempt, RunResult, Status, StepResult, TrialResult

if TYPE_CHECKING:
    from compiler.local.plan import Plan

_TAIL_LINES = 20
_TAIL_BYTES = 65_536
_WIDEST = 400
# colours, cursor movements and other control characters of what a step printed
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f]")


def near(path: object) -> str:
    """A path as a person in this folder would write it."""
    text = str(path)
    with contextlib.suppress(ValueError):
        return str(Path(text).relative_to(Path.cwd()))
    return text


def tail(log: Path) -> list[str]:
    """The last lines of a log, fit for a terminal: without control characters and not overlong."""
    try:
        with log.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - _TAIL_BYTES))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    lines = [line.rstrip().rsplit("\r", 1)[-1] for line in text.split("\n")]  # a progress bar's last state
    shown = [_CONTROL.sub("", line) for line in lines if line]
    return [line if len(line) <= _WIDEST else line[:_WIDEST] + " …" for line in shown[-_TAIL_LINES:]]


def failure(name: str, attempt: Attempt) -> list[str]:
    """All that helps to understand why a step failed."""
    lines = [f"{name} failed: {attempt.reason}"]
    if attempt.command:
        lines += ["  command: " + attempt.command.strip().replace("\n", "\n           ")]
    if attempt.log is not None:
        last = tail(attempt.log)
        lines += [f"  log: {near(attempt.log)}" + (", which ends:" if last else ", which is empty")]
        lines += [f"  | {line}" for line in last]
    return lines


def seconds_text(seconds: float) -> str:
    """``3.1 s``, ``12:05``, ``2:00:41``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Display:
    """One line per event. With ``quiet`` only what went wrong is said."""

    def __init__(self, out: TextIO, quiet: bool = False) -> None:
        self._out = out
        self._quiet = quiet
        self._began = time.monotonic()

    def begin(self, plan: Plan, run_id: str, jobs: int, environment: str) -> None:
        """The run is about to start its first step."""
        steps = f"{len(plan.nodes)} step{'s' if len(plan.nodes) != 1 else ''}"
        self._say(f"run {run_id} of {plan.pipeline.name}: {steps}, {jobs} at a time")
        self._say(f"environment: {environment}")

    def note(self, text: str) -> None:
        """Something worth knowing."""
        self._say(f"{self._clock()} {text}")

    def started(self, step: str, trial: int | None) -> None:
        """A process starts."""
        self._say(f"{self._clock()} {step}{'' if trial is None else f' trial {trial}'} started")

    def sweep_started(self, step: str, trials: int, at_once: int, sampling: str) -> None:
        """A sweep starts; ``sampling`` says how its trials were drawn."""
        self._say(f"{self._clock()} {step} started: {trials} trials, {at_once} at a time, {sampling}")

    def reported(self, step: str, value: float | None) -> None:
        """The best value that the running trials of a sweep have reported so far."""

    def trial_ended(self, step: str, trial: TrialResult, best: TrialResult | None, metric: str) -> None:
        """A trial has ended; ``best`` is the winner so far."""
        attempt = trial.attempt
        text = f"{step} trial {trial.number} {attempt.status.value}"
        if attempt.status is Status.COMPLETED:
            value = f"no {metric}" if trial.best is None else f"{metric} {trial.best:.6g}"
            text += f" in {seconds_text(attempt.seconds)}, {value}"
            text += ", the best so far" if best is not None and best.number == trial.number else ""
        else:
            text += f": {attempt.reason}" + (f", see {near(attempt.log)}" if attempt.status is Status.FAILED else "")
        self._say(f"{self._clock()} {text}")

    def step_ended(self, result: StepResult) -> None:
        """A step has ended, or will not start."""
        attempt = result.attempt
        if attempt.status is Status.FAILED:
            for line in failure(result.name, attempt):
                self._write(line)
        elif attempt.status is Status.COMPLETED:
            best = "" if result.best is None else f", trial {result.best} is the best"
            self._say(f"{self._clock()} {result.name} completed in {seconds_text(attempt.seconds)}{best}")
        else:
            self._say(f"{self._clock()} {result.name} {attempt.status.value}: {attempt.reason}")

    def end(self, result: RunResult, tracking: str | None) -> None:
        """The run is over."""
        counts = dict.fromkeys(Status, 0)
        for step in result.steps.values():
            counts[step.status] += 1
        parts = ", ".join(f"{count} {status.value}" for status, count in counts.items() if count)
        self._say(f"{result.status.value} in {seconds_text(time.monotonic() - self._began)}: {parts}")
        for name, path in result.outputs.items():
            self._say(f"  output {name}: {near(path)}")
        self._say(f"  everything else: {near(result.folder)}")
        if tracking:
            self._say(f"  MLflow: {tracking}")

    def close(self) -> None:
        """Give the terminal back."""

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return f"{minutes:02d}:{seconds:02d}"

    def _say(self, line: str) -> None:
        if not self._quiet:
            self._write(line)

    def _write(self, line: str) -> None:
        encoding = self._out.encoding or "utf-8"
        with contextlib.suppress(BrokenPipeError):  # nobody reads on: no reason to stop
            self._out.write(line.encode(encoding, "replace").decode(encoding) + "\n")
            self._out.flush()


def make_display(out: TextIO, quiet: bool, color: bool) -> Display:
    """The live table where ``out`` is a terminal and rich is installed, lines elsewhere."""
    if not quiet and out.isatty():
        try:
            from compiler.local.live import LiveDisplay
        except ImportError:
            return Display(out)
        return LiveDisplay(out, color)
    return Display(out, quiet)
