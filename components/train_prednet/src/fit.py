"""The training loop: knows models and sequences, but neither files nor the tracking server."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from data import Sequences, batches
from errors import InputError
from model import PredNet
from settings import Settings
from transfer import trainable

Report = Callable[[int, float, float], None]
"""Called after every epoch with its number from 0, its loss and its val_loss."""


@dataclass(frozen=True)
class Quality:
    """Errors over the predictable frames, all but the first of each sequence; pixels count from 0 to 1."""

    mae: float
    mse: float
    copy_mse: float
    """The mean squared error of simply expecting the last frame again."""


@dataclass(frozen=True)
class Outcome:
    """How the training went."""

    val_loss: float
    """That of the best epoch, whose weights the model now has."""
    best_epoch: int
    epochs: int
    """Epochs that were trained."""


def fit(model: PredNet, train: Sequences, val: Sequences, settings: Settings, report: Report) -> Outcome:
    """Train until the epochs or the patience run out, and leave the best epoch's weights in the model."""
    rng = np.random.default_rng(settings.seed)
    optimiser = torch.optim.Adam(trainable(model), lr=settings.learning_rate)
    decay = LambdaLR(optimiser, lambda step: 1.0 / (1.0 + settings.lr_decay * step))
    fixed = val.spread(settings.validation_sequences)
    best_weights: dict[str, Tensor] = {}
    best_loss, best_epoch = math.inf, -1
    bar, waited = math.inf, 0
    epoch = 0
    for epoch in range(settings.epochs):
        starts = train.sample(settings.samples_per_epoch, rng)
        loss = train_epoch(model, train, starts, optimiser, decay, settings.batch_size)
        val_loss = measure(model, val, fixed, settings.batch_size).mae
        report(epoch, loss, val_loss)
        if val_loss < best_loss:
            best_loss, best_epoch = val_loss, epoch
            best_weights = {name: value.detach().clone() for name, value in model.state_dict().items()}
        improved = val_loss < bar - settings.min_delta
        bar, waited = (val_loss, 0) if improved else (bar, waited + 1)
        if waited >= settings.patience:
            break
    if not best_weights:
        raise InputError("the training diverged: val_loss was never a number, try a smaller --learning_rate")
    model.load_state_dict(best_weights)
    return Outcome(best_loss, best_epoch, epoch + 1)


def train_epoch(
    model: PredNet,
    sequences: Sequences,
    starts: NDArray[np.int64],
    optimiser: torch.optim.Optimizer,
    decay: LambdaLR,
    batch_size: int,
) -> float:
    """One gradient step per batch; returns the mean loss over the sequences."""
    model.train()
    total = 0.0
    for chosen in batches(starts, batch_size):
        frames = sequences.batch(chosen, device_of(model))
        loss = (model(frames) - frames)[:, 1:].abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        decay.step()
        total += loss.item() * len(chosen)
    return total / len(starts)


@torch.no_grad()
def measure(model: PredNet, sequences: Sequences, starts: NDArray[np.int64], batch_size: int) -> Quality:
    """The model's errors on the sequences that begin at `starts`."""
    model.eval()
    sums = np.zeros(3)
    for chosen in batches(starts, batch_size):
        frames = sequences.batch(chosen, device_of(model))
        error = (model(frames) - frames)[:, 1:]
        change = frames[:, 1:] - frames[:, :-1]
        means = (error.abs().mean(), error.square().mean(), change.square().mean())
        sums += len(chosen) * np.array([mean.item() for mean in means])
    mae, mse, copy_mse = (sums / len(starts)).tolist()
    return Quality(mae, mse, copy_mse)


def device_of(model: PredNet) -> torch.device:
    """Where the model's weights are."""
    return next(model.parameters()).device
