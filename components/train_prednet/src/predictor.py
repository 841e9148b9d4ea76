"""Lets MLflow serve the model: how surprised is it by each frame?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model import PredNet
from model_folder import read_model


class Predictor:
    """A trained PredNet behind MLflow's `predict`."""

    def __init__(self, model: PredNet) -> None:
        self._model = model.eval()

    def predict(self, sequences: NDArray[np.uint8], params: dict[str, Any] | None = None) -> NDArray[np.float32]:
        """Mean squared error (n, t) of each frame of sequences (n, t, h, w, 3); 0 for the first, which no one expects.

        Pixels count from 0 to 1. `params` is part of MLflow's interface and is not used.
        """
        frames = torch.from_numpy(np.asarray(sequences, dtype=np.uint8)).permute(0, 1, 4, 2, 3).float() / 255
        with torch.no_grad():
            errors = (self._model(frames) - frames).square().mean(dim=(2, 3, 4))
        errors[:, 0] = 0
        result: NDArray[np.float32] = errors.numpy()
        return result


def _load_pyfunc(path: str) -> Predictor:
    """What MLflow calls, with the model's folder."""
    return Predictor(read_model(Path(path)))
