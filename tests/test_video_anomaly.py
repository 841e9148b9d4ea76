"""System 000 from the front door: a dataset is made, `amlc run` trains and registers, the result is worth having."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytest.importorskip("torch")
pytest.importorskip("av")
pytest.importorskip("mlflow")


@pytest.mark.slow
def test_000_the_training_pipeline_runs_here_and_beats_copying_the_last_frame(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name in ("specs", "components", "schemas"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    (project / "amlc.toml").write_text("")
    videos = project / "components" / "synthetic_video" / "src" / "make_videos.py"
    made = ["--output", "data/UCSDped1", "--dataset", "UCSDped1"]
    subprocess.run([sys.executable, str(videos), *made], cwd=project, check=True, timeout=120)

    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    command = [sys.executable, "-m", "compiler", "run", "specs/video_anomaly/train.yml", "--set", "epochs=10"]
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "4 trials" in done.stdout and "is the best" in done.stdout and "policy of `train` is not applied" in done.stderr
    )

    (run,) = (project / ".amlc" / "runs").iterdir()
    training = json.loads((run / "steps" / "train" / "outputs" / "model" / "training.json").read_text())
    assert training["model_mse"] < training["copy_last_frame_mse"]
    registration = json.loads((run / "steps/register_model/outputs/registered/registration.json").read_text())
    assert registration["registered"] is True and registration["name"] == "prednet_UCSDped1"
    assert registration["val_loss"] == pytest.approx(training["val_loss"])
