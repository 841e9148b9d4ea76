"""Tools of the components' tests: scripts run as the service runs them, and a real MLflow store.

A script is a process of its own, which learns everything from its arguments and its environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMPONENTS = Path(__file__).parents[2] / "components"

Arguments = Mapping[str, object]


def run_script(
    component: str, script: str, arguments: Arguments, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a component's script with `--name value` arguments, far from the tests' own MLflow settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    quiet = {"OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [sys.executable, str(COMPONENTS / component / "src" / script)]
    for name, value in arguments.items():
        command += [f"--{name}", str(value)]
    return subprocess.run(
        command, env={**inherited, **quiet, **environment}, capture_output=True, text=True, timeout=300, check=False
    )


def run_well(component: str, script: str, arguments: Arguments, **environment: str) -> subprocess.CompletedProcess[str]:
    """As `run_script`, for a script that has to succeed."""
    done = run_script(component, script, arguments, **environment)
    assert done.returncode == 0, done.stderr
    return done


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """It failed with one clear line that has these words in it, and no traceback."""
    assert done.returncode in (1, 2), done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    for word in words:
        assert word in last


def read_json(path: Path) -> dict[str, Any]:
    """The content of a JSON file."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@dataclass
class Store:
    """An MLflow tracking store and model registry in one SQLite file."""

    root: Path
    uri: str
    client: Any = field(repr=False)
    experiment_id: str

    def new_run(self) -> str:
        """A run for a script to log to, as the service makes one before it starts a script."""
        run_id: str = self.client.create_run(self.experiment_id).info.run_id
        return run_id

    def environment(self, run_id: str) -> dict[str, str]:
        """What a script finds in its environment."""
        return {
            "MLFLOW_TRACKING_URI": self.uri,
            "MLFLOW_EXPERIMENT_ID": self.experiment_id,
            "MLFLOW_RUN_ID": run_id,
        }

    def add_version(self, name: str, folder: Path, **tags: str) -> int:
        """Register a folder as the next version of a model, without going through the component."""
        if not self.client.search_registered_models(f"name='{name}'"):
            self.client.create_registered_model(name)
        run_id = self.new_run()
        self.client.log_artifacts(run_id, str(folder), "model")
        source = f"{self.client.get_run(run_id).info.artifact_uri}/model"
        return int(self.client.create_model_version(name, source, run_id, tags=tags).version)

    def versions(self, name: str) -> list[Any]:
        """All versions of a model, the oldest first."""
        return sorted(self.client.search_model_versions(f"name='{name}'"), key=lambda version: int(version.version))

    def history(self, run_id: str, metric: str) -> list[tuple[int, float]]:
        """The (step, value) pairs of one metric of a run."""
        return [(point.step, point.value) for point in self.client.get_metric_history(run_id, metric)]


TINY: dict[str, object] = {
    "epochs": 2,
    "samples_per_epoch": 8,
    "validation_sequences": 4,
    "sequence_length": 4,
    "seed": 1,
    "batch_size": 2,
    "stack_sizes": "2, 3, 4",
    "learning_rate": 0.01,
}
"""Settings of a training that takes a second."""


@dataclass
class Training:
    """A finished training: what it wrote, printed and logged."""

    model: Path
    run_id: str
    store: Store
    done: subprocess.CompletedProcess[str]

    @property
    def params(self) -> dict[str, str]:
        """The parameters that it logged."""
        params: dict[str, str] = self.store.client.get_run(self.run_id).data.params
        return params

    @property
    def weights(self) -> dict[str, Any]:
        """The tensors of its checkpoint."""
        import torch

        weights: dict[str, Any] = torch.load(self.model / "weights.pt", weights_only=True)
        return weights


def start_training(store: Store, prepared: Path, dataset: str, **changes: object) -> Training:
    """Run train.py with tiny settings and some changes to them."""
    run_id = store.new_run()
    model = store.root / f"model_{run_id}"
    arguments = {"frames": prepared, "model": model, "dataset": dataset, **TINY, **changes}
    return Training(
        model, run_id, store, run_script("train_prednet", "train.py", arguments, **store.environment(run_id))
    )


def train(store: Store, prepared: Path, dataset: str, **changes: object) -> Training:
    """As `start_training`, for a training that has to succeed."""
    training = start_training(store, prepared, dataset, **changes)
    assert training.done.returncode == 0, training.done.stderr
    return training
