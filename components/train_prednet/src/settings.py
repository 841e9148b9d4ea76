"""The command line of the training: one dataclass with what was asked for, checked and typed."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from errors import InputError
from model import PICTURE_CHANNELS, Architecture

HYPERPARAMETERS = (
    "batch_size",
    "filter_sizes",
    "stack_sizes",
    "learning_rate",
    "lr_decay",
    "freeze_layers",
    "transfer_learning",
)
SCHEDULE = ("epochs", "samples_per_epoch", "validation_sequences", "sequence_length", "patience", "min_delta")


@dataclass(frozen=True)
class Settings:
    """What one training run was asked to do."""

    frames: Path
    model: Path
    dataset: str
    epochs: int
    samples_per_epoch: int
    validation_sequences: int
    sequence_length: int
    patience: int
    min_delta: float
    seed: int | None
    batch_size: int
    filter_sizes: str
    stack_sizes: str
    learning_rate: float
    lr_decay: float
    freeze_layers: str
    transfer_learning: bool

    def architecture(self) -> Architecture:
        """The network that the sampled sizes describe."""
        target, prediction, recurrent = integers("filter_sizes", self.filter_sizes, least=1, count=3)
        channels = integers("stack_sizes", self.stack_sizes, least=1)
        return Architecture((PICTURE_CHANNELS, *channels), (target, prediction, recurrent))

    def frozen_layers(self) -> tuple[int, ...]:
        """The layers to freeze, in order, each once."""
        return tuple(sorted(set(integers("freeze_layers", self.freeze_layers, least=0))))

    def hyperparameters(self) -> dict[str, int | float | str | bool]:
        """The values that a sweep samples, by name."""
        return {name: getattr(self, name) for name in HYPERPARAMETERS}

    def schedule(self) -> dict[str, int | float]:
        """How long and on how much to train, by name."""
        return {name: getattr(self, name) for name in SCHEDULE}

    def check(self) -> None:
        """Refuse values that no training can have, before a run is started or data are read."""
        for name in ("epochs", "samples_per_epoch", "validation_sequences", "patience", "batch_size"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name} {getattr(self, name)} must be at least 1")
        if self.sequence_length < 2:
            raise InputError(f"--sequence_length {self.sequence_length} leaves no frame to predict")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise InputError(f"--learning_rate {self.learning_rate} must be a positive number")
        if not (math.isfinite(self.lr_decay) and self.lr_decay >= 0):
            raise InputError(f"--lr_decay {self.lr_decay} must not be negative")
        self.architecture()
        self.frozen_layers()


def integers(name: str, text: str, least: int, count: int | None = None) -> list[int]:
    """Read "3, 12, 24".

    >>> integers("stack_sizes", "3, 12, 24", least=1)
    [3, 12, 24]
    """
    try:
        values = [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--{name} {text!r} is not a list of whole numbers like '0, 1, 2'") from None
    if min(values) < least:
        raise InputError(f"--{name} {text!r} has a number below {least}")
    if count is not None and len(values) != count:
        raise InputError(f"--{name} {text!r} must be {count} numbers")
    return values


def boolean(text: str) -> bool:
    """Read True or False, which is how a boolean input reaches a command."""
    values = {"true": True, "false": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"{text!r} is neither True nor False")
    return values[text.lower()]


def parse(arguments: Sequence[str] | None) -> Settings:
    """Read and check the command line."""
    parser = argparse.ArgumentParser(description="Train PredNet on one camera's video.")
    parser.add_argument("--frames", type=Path, required=True, help="folder with X_train.npz, X_val.npz, X_test.npz")
    parser.add_argument("--model", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--dataset", required=True, help="which camera; names the base model")
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--samples_per_epoch", type=int, default=75, help="sequences")
    parser.add_argument("--validation_sequences", type=int, default=15)
    parser.add_argument("--sequence_length", type=int, default=10, help="frames")
    parser.add_argument("--patience", type=int, default=10, help="epochs without improvement before stopping")
    parser.add_argument("--min_delta", type=float, default=1e-4, help="least fall of val_loss that counts")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--batch_size", type=int, default=4, help="sequences")
    parser.add_argument("--filter_sizes", default="3, 3, 3", help="kernel sizes of A, Ahat, R")
    parser.add_argument("--stack_sizes", default="48, 96, 192", help="channels above the picture's 3")
    parser.add_argument("--learning_rate", type=float, default=1e-3)
    parser.add_argument("--lr_decay", type=float, default=0.0, help="per gradient step")
    parser.add_argument("--freeze_layers", default="0", help="layers that keep the base model's weights")
    parser.add_argument("--transfer_learning", type=boolean, default=False, help="True or False")
    settings = Settings(**vars(parser.parse_args(arguments)))
    settings.check()
    return settings
