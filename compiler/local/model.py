"""What a run is asked for and what it answers: plain values, shared by everything that runs or shows a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from compiler.ir.model import Extra


class Status(StrEnum):
    """How a run, a step or a trial ended, in Azure ML's words where it has one.

    ``SKIPPED``: a step that was never started, because of what another one did. ``REFUSED``: a run that was
    never started; the diagnostics say why.
    """

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """``root`` is the folder that holds `.amlc`. ``jobs``: processes at a time, None for one per core.

    ``inputs``: pipeline inputs given on the command line, as text: a literal, or a path where the input is data.
    ``track``: keep MLflow runs. A sweep is tracked in any case, since its metrics decide the best trial.
    """

    root: Path
    jobs: int | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    quiet: bool = False
    color: bool = True
    track: bool = True


@dataclass(frozen=True, slots=True)
class Attempt:
    """One process, ended: what a step or a trial came to. ``reason`` is empty for a completed one.

    ``command`` is the command with its values, secrets hidden. ``outputs`` holds absolute paths, by output.
    ``mlflow_run`` is the id of its MLflow run. ``log`` is absent when it never got as far as a process.
    """

    status: Status
    reason: str = ""
    exit_code: int | None = None
    seconds: float = 0.0
    command: str = ""
    log: Path | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    mlflow_run: str | None = None


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One trial of a sweep. ``number`` counts from 0 in the order of sampling.

    ``metrics``: every value that was logged under a name, in the order of logging. ``best``: the best value of the
    primary metric over the trial's life, None when there is none.
    """

    number: int
    parameters: Mapping[str, Extra]
    attempt: Attempt
    metrics: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    best: float | None = None


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step ended. Of a sweep, ``trials`` in the order of sampling and ``best`` the winner's number."""

    name: str
    attempt: Attempt
    trials: tuple[TrialResult, ...] = ()
    best: int | None = None

    @property
    def status(self) -> Status:
        return self.attempt.status


@dataclass(frozen=True, slots=True)
class RunResult:
    """How the whole run ended. ``steps`` go by dotted name; ``outputs`` holds the pipeline's, with their paths."""

    status: Status
    run_id: str | None = None
    folder: Path | None = None
    steps: Mapping[str, StepResult] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
