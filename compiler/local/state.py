"""Where a run keeps what it knows, below `.amlc` beside the project.

    .amlc/mlflow.db  artifacts/               MLflow's store
    .amlc/code/HASH/                          the code of steps, as it was when a run began
    .amlc/runs/ID/run.json                    what was run, how it ended
    .amlc/runs/ID/steps/NAME/step.json        one step, once it has ended
                             log.txt          what its process printed
                             outputs/PORT     a file or folder for each output
                             artifacts/       what it left in its own ./outputs
                             trials.json      of a sweep: every trial with parameters and metrics
                             trials/000/…     and each trial's own trial.json, log.txt, outputs/

A record is written after what it speaks of is in place, to a side file that is then renamed. So a step counts as
finished exactly when its record says so, whenever the run is killed; a resumed run will go by these records.
"""

from __future__ import annotations

import datetime
import json
import math
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compiler.local.model import Attempt, RunResult, StepResult, TrialResult

FORMAT_VERSION = 1


class RunFolder:
    """The folder of one run. ``id`` sorts by the time of its start (UTC) and is nobody else's."""

    def __init__(self, root: Path) -> None:
        """Make the folder below ``root``/.amlc. Raises OSError."""
        self.root = root.resolve() / ".amlc"
        runs = self.root / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        ignore = self.root / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        while True:
            now = datetime.datetime.now(datetime.UTC)
            self.id = f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}-{secrets.token_hex(2)}"
            self.path = runs / self.id
            try:
                self.path.mkdir()
            except FileExistsError:
                continue
            self.started = now
            return

    def step(self, name: str) -> Path:
        """The folder of a step, made on first use."""
        folder = self.path / "steps" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def write_run(self, record: Mapping[str, Any]) -> None:
        """What is known of the run as a whole: once at its start and once at its end."""
        head = {"format_version": FORMAT_VERSION, "id": self.id, "pid": os.getpid()}
        write_json(self.path / "run.json", {**head, "started": self.started.isoformat(), **record})


def write_json(path: Path, value: object) -> None:
    """Write a file whole or not at all. NaN and the infinities become words, which any JSON reader takes."""
    side = path.with_name(f".{path.name}.{os.getpid()}")
    side.write_text(json.dumps(_plain(value), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    side.replace(path)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return str(value) if isinstance(value, Path) else value


def attempt_record(attempt: Attempt) -> dict[str, object]:
    """An attempt as it is stored; of its command only the log speaks."""
    return {
        "status": attempt.status.value,
        "reason": attempt.reason,
        "exit_code": attempt.exit_code,
        "seconds": round(attempt.seconds, 3),
        "log": attempt.log,
        "outputs": attempt.outputs,
        "mlflow_run": attempt.mlflow_run,
    }


def trial_record(trial: TrialResult) -> dict[str, object]:
    return {
        "trial": trial.number,
        "parameters": trial.parameters,
        **attempt_record(trial.attempt),
        "best": trial.best,
        "metrics": trial.metrics,
    }


def run_record(result: RunResult) -> dict[str, object]:
    """The end of a run: every step with its status, and the pipeline's outputs."""
    steps = {name: _step_record(step) for name, step in result.steps.items()}
    return {"status": result.status.value, "steps": steps, "outputs": result.outputs}


def _step_record(step: StepResult) -> dict[str, object]:
    trials = {"best_trial": step.best, "trials": len(step.trials)} if step.trials else {}
    return {**attempt_record(step.attempt), **trials}


def write_step(folder: Path, step: StepResult) -> None:
    """The record of an ended step; a sweep's table of trials is in place before it."""
    write_json(folder / "step.json", _step_record(step))
