"""Trains PredNet once, with one set of hyperparameters: the trial of a sweep, and just as well a run of its own.

    python train.py --frames prepared --dataset UCSDped1 --model model --stack_sizes "12, 24, 48"

Everything of interest goes to MLflow under the run that the environment names (Azure ML and the local runner both
do), else under a new one: each setting once, `loss` and `val_loss` after every epoch, `final_val_loss`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import mlflow
import torch
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from data import load_sequences
from errors import InputError
from fit import Outcome, Quality, fit, measure
from model import PredNet
from model_folder import write_model
from settings import Settings, parse
from transfer import BaseModel, fetch, find_base_model, freeze


@dataclass(frozen=True)
class Start:
    """The model that training begins with, and what became of the settings that shape it."""

    model: PredNet
    base: BaseModel | None
    frozen_layers: tuple[int, ...]
    overridden: tuple[str, ...]
    """Hyperparameters that were given and have no effect here."""


def prepare_model(settings: Settings, client: MlflowClient) -> Start:
    """A new network, or a registered one with some layers frozen."""
    base = find_base_model(client, settings.dataset) if settings.transfer_learning else None
    if base is None:
        if settings.transfer_learning:
            warning = f"no model is registered for {settings.dataset} or UCSDped1, training from scratch"
            print(f"train_prednet: warning: {warning}", file=sys.stderr)
        print(f"freeze_layers {settings.freeze_layers!r} is ignored: there is no base model to keep layers of")
        return Start(PredNet(settings.architecture()), None, (), ("freeze_layers",))
    model = fetch(base)
    freeze(model, settings.frozen_layers())
    shape = model.architecture
    print(f"starting from {base}; stack_sizes {shape.stack_sizes} and filter_sizes {shape.filter_sizes} are its own")
    return Start(model, base, settings.frozen_layers(), ("filter_sizes", "stack_sizes"))


def log_start(start: Start) -> None:
    """What the start made of the settings, as parameters of the run."""
    mlflow.log_params(
        {
            "transfer_learning_effective": start.base is not None,
            "base_model": str(start.base or "none"),
            "overridden": ", ".join(start.overridden),
        }
    )


def describe(settings: Settings, start: Start, outcome: Outcome, qualities: Mapping[str, Quality]) -> dict[str, object]:
    """The content of training.json."""
    return {
        "dataset": settings.dataset,
        **asdict(outcome),
        "model_mse": qualities["val"].mse,
        "copy_last_frame_mse": qualities["val"].copy_mse,
        "test_model_mse": qualities["test"].mse,
        "test_copy_last_frame_mse": qualities["test"].copy_mse,
        "transfer_learning_effective": start.base is not None,
        "base_model": str(start.base) if start.base else None,
        "frozen_layers": list(start.frozen_layers),
        "hyperparameters": settings.hyperparameters(),
        "overridden": list(start.overridden),
        "schedule": {**settings.schedule(), "seed": settings.seed},
    }


def report(epoch: int, loss: float, val_loss: float) -> None:
    """Tell the sweep, and whoever reads the log, how the epoch went."""
    mlflow.log_metrics({"loss": loss, "val_loss": val_loss}, step=epoch)
    print(f"epoch {epoch}: loss {loss:.5f}, val_loss {val_loss:.5f}", flush=True)


def train(settings: Settings, run_id: str) -> None:
    """Train, measure and write the model."""
    if settings.seed is not None:
        torch.manual_seed(settings.seed)
    mlflow.log_params({**settings.hyperparameters(), **settings.schedule(), "dataset": settings.dataset})
    start = prepare_model(settings, MlflowClient())
    log_start(start)
    divisor = 2 ** (start.model.architecture.depth - 1)
    splits = {
        name: load_sequences(settings.frames, name, settings.sequence_length, divisor)
        for name in ("train", "val", "test")
    }
    model = start.model.to("cuda" if torch.cuda.is_available() else "cpu")
    outcome = fit(model, splits["train"], splits["val"], settings, report)
    qualities = {
        name: measure(model, splits[name], splits[name].spread(settings.validation_sequences), settings.batch_size)
        for name in ("val", "test")
    }
    mlflow.log_metrics(
        {
            "final_val_loss": outcome.val_loss,
            "model_mse": qualities["val"].mse,
            "copy_last_frame_mse": qualities["val"].copy_mse,
        }
    )
    write_model(settings.model, model, {"run_id": run_id, **describe(settings, start, outcome, qualities)})
    errors = f"mean squared error {qualities['val'].mse:.5f}, of copying the last frame {qualities['val'].copy_mse:.5f}"
    print(f"best epoch {outcome.best_epoch}: val_loss {outcome.val_loss:.5f}, {errors}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the step; 0 when the model is written."""
    try:
        settings = parse(arguments)
        with mlflow.start_run() as run:
            train(settings, run.info.run_id)
    except (InputError, MlflowException, OSError) as error:
        print(f"train_prednet: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
