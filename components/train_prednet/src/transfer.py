"""Transfer learning: which model to start from, and which of its layers stay as they are.

The registry is MLflow's, reached with the plain client. On Azure ML the tracking address is set in every job; on a
developer's machine it is a database file. The code is the same.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from torch.nn import Parameter

from errors import InputError
from model import PredNet
from model_folder import read_model

FALLBACK_DATASET = "UCSDped1"


@dataclass(frozen=True)
class BaseModel:
    """One version of a registered model."""

    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name} version {self.version}"


def find_base_model(client: MlflowClient, dataset: str) -> BaseModel | None:
    """The newest model of this dataset, else the newest of the fallback dataset, else none."""
    for name in dict.fromkeys((f"prednet_{dataset}", f"prednet_{FALLBACK_DATASET}")):
        versions = client.search_model_versions(f"name='{name}'")
        if versions:
            return BaseModel(name, max(int(version.version) for version in versions))
    return None


def fetch(base: BaseModel) -> PredNet:
    """Download a registered model and rebuild it, with its own architecture."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with tempfile.TemporaryDirectory() as folder:
        source = f"models:/{base.name}/{base.version}"
        try:
            return read_model(Path(mlflow.artifacts.download_artifacts(source, dst_path=folder)))
        except InputError as error:
            raise InputError(f"{base} cannot be used as a base model: {error}") from error


def freeze(model: PredNet, layers: Sequence[int]) -> None:
    """Stop these layers' weights from being trained."""
    depth = model.architecture.depth
    beyond = [index for index in layers if index >= depth]
    if beyond:
        raise InputError(
            f"--freeze_layers has {beyond[0]}, but the base model's depth is {depth}: use 0 to {depth - 1}"
        )
    if len(set(layers)) == depth:
        raise InputError(f"--freeze_layers names all {depth} layers, which leaves nothing to train")
    for index in layers:
        model.layer(index).requires_grad_(False)


def trainable(model: PredNet) -> list[Parameter]:
    """The weights that an optimiser may see."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]
