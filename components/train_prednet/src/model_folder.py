"""The folder that a trained model is handed on in.

weights.pt          the state dict, as torch saves it
architecture.json   what is needed to build the network that these weights fit
training.json       how it was trained and how good it is
MLmodel, code/      what makes MLflow load it; Azure ML's registry takes nothing else through MLflow's client
"""

from __future__ import annotations

import json
import pickle
import platform
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch

from errors import InputError
from model import Architecture, PredNet

WEIGHTS = "weights.pt"
ARCHITECTURE = "architecture.json"
TRAINING = "training.json"
CARRIED_CODE = ("errors.py", "model.py", "model_folder.py", "predictor.py")


def write_model(folder: Path, model: PredNet, training: Mapping[str, object]) -> None:
    """Write everything; training.json comes last, since the next step reads it first."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({name: value.cpu() for name, value in model.state_dict().items()}, folder / WEIGHTS)
    _write_json(folder / ARCHITECTURE, asdict(model.architecture))
    (folder / "code").mkdir(exist_ok=True)
    for name in CARRIED_CODE:
        shutil.copyfile(Path(__file__).with_name(name), folder / "code" / name)
    loader = {"loader_module": "predictor", "code": "code", "python_version": platform.python_version()}
    _write_json(folder / "MLmodel", {"flavors": {"python_function": loader}})
    _write_json(folder / TRAINING, training)


def read_model(folder: Path) -> PredNet:
    """Rebuild the network of such a folder."""
    try:
        content = json.loads((folder / ARCHITECTURE).read_text(encoding="utf-8"))
        target, prediction, recurrent = content["filter_sizes"]
        model = PredNet(Architecture(tuple(content["stack_sizes"]), (target, prediction, recurrent)))
        model.load_state_dict(torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True))
    except FileNotFoundError as error:
        raise InputError(f"it has no {Path(error.filename).name}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"its {ARCHITECTURE} is not understood") from error
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"its {WEIGHTS} do not fit its {ARCHITECTURE}") from error
    return model


def _write_json(path: Path, content: Mapping[str, object]) -> None:
    """Readable JSON, which is YAML too and so serves for MLmodel."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
