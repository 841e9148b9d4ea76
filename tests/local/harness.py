"""Pipelines built by hand, and ways to run them and look at what came out."""

from __future__ import annotations

import io
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compiler.diagnostics.model import Bag
from compiler.ir.model import (
    Argument,
    Component,
    Data,
    Distribution,
    InputPort,
    LocalPath,
    Objective,
    OutputPort,
    OutputRef,
    Pipeline,
    PipelineOutput,
    Sampling,
    Step,
    Sweep,
    SweepLimits,
)
from compiler.local.model import RunOptions, RunResult
from compiler.local.run import run

# Logs as MLflow's own store does, without the second that importing MLflow takes: log.py val_loss 0.3 nan 0.1
LOGGER = """
import math, os, sqlite3, sys, time
connection = sqlite3.connect(os.environ["MLFLOW_TRACKING_URI"].removeprefix("sqlite:///"), timeout=20)
key, values = sys.argv[1], [float(text) for text in sys.argv[2:]]
for step, value in enumerate(values):
    nan = math.isnan(value)
    stored = 0.0 if nan else max(-sys.float_info.max, min(sys.float_info.max, value))
    row = (key, stored, int(time.time() * 1000), os.environ["MLFLOW_RUN_ID"], step, nan)
    connection.execute("INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?,?,?,?,?,?)", row)
    connection.commit()
"""


def port_for(value: object) -> InputPort:
    """The port that takes a value as it is written."""
    if isinstance(value, bool):
        return InputPort("boolean")
    if isinstance(value, int | float):
        return InputPort("integer" if isinstance(value, int) else "number")
    return InputPort("string" if isinstance(value, str) else "uri_folder")


def step(
    name: str,
    command: str,
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, str] | None = None,
    ports: Mapping[str, InputPort] | None = None,
    code: Path | None = None,
    **fields: Any,
) -> Step:
    """A command step. ``inputs``: literals, refs, data or whole arguments; ``outputs``: types, by name."""
    arguments = {
        key: given if isinstance(given, Argument) else Argument(given) for key, given in (inputs or {}).items()
    }
    declared = {key: port_for(argument.value) for key, argument in arguments.items()} | dict(ports or {})
    made = {key: OutputPort(kind) for key, kind in (outputs or {}).items()}
    place = LocalPath(str(code)) if code else None
    return Step(
        name, Component("command", inputs=declared, outputs=made, command=command, code=place), arguments, **fields
    )


def data(path: Path) -> Data:
    return Data(LocalPath(str(path)))


def pipeline(*steps: Step, name: str = "demo", outputs: Mapping[str, str] | None = None, **fields: Any) -> Pipeline:
    """A pipeline of steps; ``outputs`` maps names to ``step.output``."""
    made = {key: PipelineOutput(OutputRef(*source.rsplit(".", 1))) for key, source in (outputs or {}).items()}
    return Pipeline(name, {one.name: one for one in steps}, outputs=made, **fields)


def sweep_of(
    goal: str = "minimize",
    sampling: Sampling | None = None,
    metric: str = "loss",
    limits: SweepLimits | None = None,
    **space: Distribution,
) -> Sweep:
    return Sweep(space, Objective(goal, metric), sampling or Sampling("grid"), limits=limits)


def choice(*values: Any) -> Distribution:
    return Distribution("choice", values=values)


@dataclass
class Outcome:
    """A run, what it printed and what it reported."""

    result: RunResult
    text: str
    bag: Bag

    @property
    def codes(self) -> list[str]:
        return [diagnostic.code for diagnostic in self.bag]

    def status(self, name: str) -> str:
        return self.result.steps[name].status.value

    def log(self, name: str) -> str:
        path = self.result.steps[name].attempt.log
        return path.read_text() if path else ""

    def output(self, name: str, output: str) -> Path:
        return Path(self.result.steps[name].attempt.outputs[output])


def go(root: Path, what: Pipeline, track: bool = False, **options: Any) -> Outcome:
    """Run a pipeline with its state below ``root``."""
    out, bag = io.StringIO(), Bag()
    result = run(what, RunOptions(root, track=track, **options), bag, out)
    return Outcome(result, out.getvalue(), bag)


def runs(root: Path) -> list[dict[str, Any]]:
    """MLflow's runs in the order of creation: name, status, parent, tags."""
    connection = sqlite3.connect(root / ".amlc" / "mlflow.db")
    rows = connection.execute("SELECT run_uuid, name, status FROM runs ORDER BY rowid").fetchall()
    tags: dict[str, dict[str, str]] = {}
    for run_id, key, value in connection.execute("SELECT run_uuid, key, value FROM tags"):
        tags.setdefault(run_id, {})[key] = value
    connection.close()
    return [
        {
            "id": run_id,
            "name": name,
            "status": status,
            "tags": tags.get(run_id, {}),
            "parent": tags.get(run_id, {}).get("mlflow.parentRunId"),
        }
        for run_id, name, status in rows
    ]


def gone(pid: int) -> bool:
    """Whether a process that has been killed ends: on a busy machine it takes a moment to be scheduled and die."""
    until = time.monotonic() + 5
    while running(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not running(pid)


def running(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
