"""Fixtures of the components' tests: small real video, the steps' outputs made from it, MLflow stores.

Where a rule can only be seen from inside a component, the `modules` fixture imports its files and forgets them
afterwards, since components are separate programs that may use the same names.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from component_harness import COMPONENTS, Store, Training, run_well, train


@pytest.fixture
def modules() -> Iterator[Callable[[str, str], ModuleType]]:
    """A function that imports `module` of `component`; all is forgotten after the test."""
    before, path = set(sys.modules), list(sys.path)

    def load(component: str, module: str) -> ModuleType:
        folder = str(COMPONENTS / component / "src")
        if folder not in sys.path:
            sys.path.insert(0, folder)
        return importlib.import_module(module)

    yield load
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(COMPONENTS)):
            del sys.modules[name]


@pytest.fixture(scope="session")
def new_store(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Store]:
    """Makes independent stores; the tables, which take a second to create, are made once and copied."""
    mlflow = pytest.importorskip("mlflow", reason="the components track with MLflow")
    pytest.importorskip("sqlalchemy", reason="MLflow keeps SQLite stores with SQLAlchemy")
    template = tmp_path_factory.mktemp("template") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{template}").search_experiments()

    def make() -> Store:
        root = tmp_path_factory.mktemp("store")
        shutil.copyfile(template, root / "mlflow.db")
        uri = f"sqlite:///{root / 'mlflow.db'}"
        client = mlflow.MlflowClient(uri, uri)
        return Store(root, uri, client, client.create_experiment("test", f"file://{root / 'artifacts'}"))

    return make


@pytest.fixture
def store(new_store: Callable[[], Store]) -> Store:
    """An empty store for one test."""
    return new_store()


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset named UCSDped1 of three training and two test videos of 12 frames, 48x32 pixels."""
    pytest.importorskip("av", reason="the videos are encoded and decoded with PyAV")
    output = tmp_path_factory.mktemp("video") / "UCSDped1"
    size = {"train_videos": 3, "test_videos": 2, "frames": 12, "height": 32, "width": 48}
    run_well("synthetic_video", "make_videos.py", {"output": output, "dataset": "UCSDped1", **size})
    return output


@pytest.fixture(scope="session")
def frames(video: Path) -> Path:
    """The same dataset as numbered pictures."""
    output = video.parent / "frames"
    run_well("video_decoding", "decode.py", {"video": video, "dataset": "UCSDped1", "frames": output})
    return output


@pytest.fixture(scope="session")
def prepared(frames: Path) -> Path:
    """The same dataset as arrays of 24x16 pixels, enough to see what a training does."""
    output = frames.parent / "prepared"
    run_well("data_prep", "prepare.py", {"frames": frames, "prepared": output, "height": 16, "width": 24})
    return output


@pytest.fixture(scope="session")
def from_nothing(new_store: Callable[[], Store], prepared: Path) -> Training:
    """Transfer learning with an empty registry; layer 9, which no network here has, is to be frozen."""
    return train(new_store(), prepared, "UCSDped1", transfer_learning="True", freeze_layers="0, 9", lr_decay=0.001)


@pytest.fixture(scope="session")
def transferred(new_store: Callable[[], Store], prepared: Path, from_nothing: Training) -> Training:
    """Transfer learning for UCSDped2 with ten models of its own, and one of UCSDped1, in the registry."""
    store = new_store()
    folder = from_nothing.model
    for _ in range(10):
        store.add_version("prednet_UCSDped2", folder)
    store.add_version("prednet_UCSDped1", folder)
    changes = {"stack_sizes": "5, 5, 5", "filter_sizes": "5, 5, 5", "freeze_layers": "0, 2"}
    return train(store, prepared, "UCSDped2", transfer_learning="True", **changes)
