"""The model that asks to be registered, as the training left it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

REQUIRED = ("weights.pt", "architecture.json", "training.json")


class CandidateError(Exception):
    """The folder is not a trained model; the message says what is missing."""


@dataclass(frozen=True)
class Candidate:
    """A trained model in a folder."""

    folder: Path
    run_id: str
    """The MLflow run of the trial that trained it."""
    val_loss: float


def read_candidate(folder: Path) -> Candidate:
    """Check a model's folder and read what decides its fate."""
    missing = [name for name in REQUIRED if not (folder / name).is_file()]
    if missing:
        raise CandidateError(f"{folder} has no {missing[0]}")
    path = folder / "training.json"
    try:
        training = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CandidateError(f"{path} is not JSON") from error
    absent = [name for name in ("run_id", "val_loss") if not isinstance(training, dict) or name not in training]
    if absent:
        raise CandidateError(f"{path} has no {absent[0]}")
    return Candidate(folder, str(training["run_id"]), as_number(training["val_loss"]))


def as_number(value: object) -> float:
    """A loss as a number; what is none, such as a missing tag, is not a number and so beats nothing.

    >>> as_number("0.5")
    0.5
    >>> math.isnan(as_number(None))
    True
    """
    try:
        return float(str(value))
    except ValueError:
        return math.nan
