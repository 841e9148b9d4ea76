"""One MLflow database is made per session and copied into every test's project: making one takes a second."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from compiler.local.tracking import _make_store

from .harness import LOGGER


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine says about MLflow must not send a test's runs elsewhere."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    _make_store(path)
    return path


@pytest.fixture
def tracked(tmp_path: Path, template: Path) -> Path:
    """A project folder whose MLflow store is there already."""
    (tmp_path / ".amlc").mkdir()
    shutil.copy(template, tmp_path / ".amlc" / "mlflow.db")
    return tmp_path


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A code folder with `log.py`, which logs a metric as MLflow would, only faster."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "log.py").write_text(LOGGER)
    return folder
