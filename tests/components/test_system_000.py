"""The training pipeline for video anomaly detection, behaviour by behaviour.

Every test runs the steps' scripts on real encoded video against a real MLflow store. Trainings are a few gradient
steps on tiny pictures, which is enough to see which weights move, what is logged and what is refused; the one test
that trains long enough to be good is marked slow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from component_harness import Store, Training, assert_refused, read_json, run_script, run_well, start_training, train

av = pytest.importorskip("av", reason="the videos are decoded with PyAV")
torch = pytest.importorskip("torch", reason="the model is written in PyTorch")
mlflow = pytest.importorskip("mlflow", reason="the components track with MLflow")

Modules = Callable[[str, str], ModuleType]


# B11: where the base model comes from


def test_000_B11_without_any_model_it_warns_and_trains_from_scratch(from_nothing: Training) -> None:
    assert "warning: no model is registered for UCSDped1" in from_nothing.done.stderr
    assert from_nothing.params["transfer_learning_effective"] == "False"
    assert from_nothing.params["transfer_learning"] == "True"
    assert read_json(from_nothing.model / "training.json")["base_model"] is None


def test_000_B11_the_latest_model_of_the_dataset_comes_first(transferred: Training) -> None:
    assert transferred.params["transfer_learning_effective"] == "True"
    assert transferred.params["base_model"] == "prednet_UCSDped2 version 10"


def test_000_B11_latest_is_the_highest_number_even_where_versions_are_texts(modules: Modules) -> None:
    class Registry:  # as Azure ML's: versions are texts, in no promised order
        def search_model_versions(self, _: str) -> list[SimpleNamespace]:
            return [SimpleNamespace(version=number) for number in ("9", "10", "2")]

    transfer = modules("train_prednet", "transfer")
    assert transfer.find_base_model(Registry(), "avenue") == transfer.BaseModel("prednet_avenue", 10)


def test_000_B11_else_the_latest_model_of_UCSDped1(store: Store, prepared: Path, from_nothing: Training) -> None:
    store.add_version("prednet_UCSDped1", from_nothing.model)
    training = train(store, prepared, "avenue", transfer_learning="True", freeze_layers="3", epochs=1)
    assert training.params["base_model"] == "prednet_UCSDped1 version 1"
    assert training.params["transfer_learning_effective"] == "True"


# B12: the base model's architecture


def test_000_B12_the_base_models_architecture_overrides_the_sampled_one(
    transferred: Training, from_nothing: Training
) -> None:
    assert read_json(transferred.model / "architecture.json") == {
        "stack_sizes": [3, 2, 3, 4],
        "filter_sizes": [3, 3, 3],
    }
    shapes = {name: tuple(value.shape) for name, value in transferred.weights.items()}
    assert shapes == {name: tuple(value.shape) for name, value in from_nothing.weights.items()}
    assert transferred.params["stack_sizes"] == "5, 5, 5"
    assert transferred.params["overridden"] == "filter_sizes, stack_sizes"
    assert read_json(transferred.model / "training.json")["overridden"] == ["filter_sizes", "stack_sizes"]


# B13: frozen layers


def test_000_B13_frozen_layers_are_bit_identical_and_the_others_differ(
    transferred: Training, from_nothing: Training
) -> None:
    before, after = from_nothing.weights, transferred.weights
    for name, value in before.items():
        frozen = name.startswith(("layers.0.", "layers.2."))
        assert torch.equal(value, after[name]) == frozen, name
    assert read_json(transferred.model / "training.json")["frozen_layers"] == [0, 2]


def test_000_B13_the_optimiser_does_not_see_frozen_weights(modules: Modules) -> None:
    transfer = modules("train_prednet", "transfer")
    model = modules("train_prednet", "model")
    network = model.PredNet(model.Architecture((3, 2, 3, 4), (3, 3, 3)))
    transfer.freeze(network, [1, 3])
    seen = {id(parameter) for parameter in transfer.trainable(network)}
    wanted = {id(parameter) for index in (0, 2) for parameter in network.layer(index).parameters()}
    assert seen == wanted


@pytest.mark.parametrize(
    ("layers", "words"), [("1, 4", ("4", "depth is 4", "0 to 3")), ("0, 1, 2, 3", ("nothing to train",))]
)
def test_000_B13_layers_that_cannot_be_frozen_are_an_error_naming_the_depth(
    modules: Modules, from_nothing: Training, layers: str, words: tuple[str, ...]
) -> None:
    settings = modules("train_prednet", "settings")
    chosen = settings.integers("freeze_layers", layers, least=0)
    network = modules("train_prednet", "model_folder").read_model(from_nothing.model)
    with pytest.raises(modules("train_prednet", "errors").InputError) as refusal:
        modules("train_prednet", "transfer").freeze(network, chosen)
    assert all(word in str(refusal.value) for word in words)


def test_000_B13_an_index_beyond_the_depth_fails_the_step_in_one_line(
    store: Store, prepared: Path, from_nothing: Training
) -> None:
    store.add_version("prednet_UCSDped1", from_nothing.model)
    training = start_training(store, prepared, "UCSDped1", transfer_learning="True", freeze_layers="0, 4")
    assert_refused(training.done, "--freeze_layers has 4", "depth is 4")
    assert not training.model.exists()


def test_000_B13_freeze_layers_is_ignored_when_not_transferring_and_said_so(from_nothing: Training) -> None:
    assert "freeze_layers '0, 9' is ignored" in from_nothing.done.stdout
    assert from_nothing.params["overridden"] == "freeze_layers"
    assert read_json(from_nothing.model / "training.json")["frozen_layers"] == []


@pytest.mark.slow
def test_000_mse_beats_copying_the_last_frame(tmp_path: Path, store: Store, modules: Modules) -> None:
    video, frames, prepared = tmp_path / "UCSDped1", tmp_path / "frames", tmp_path / "prepared"
    run_well("synthetic_video", "make_videos.py", {"output": video, "dataset": "UCSDped1"})
    run_well("video_decoding", "decode.py", {"video": video, "dataset": "UCSDped1", "frames": frames})
    run_well("data_prep", "prepare.py", {"frames": frames, "prepared": prepared, "height": 32, "width": 48})
    size = {"stack_sizes": "8, 16, 32", "sequence_length": 10, "samples_per_epoch": 75, "batch_size": 4}
    training = train(store, prepared, "UCSDped1", **size, epochs=8, learning_rate=0.005, validation_sequences=15)

    with np.load(prepared / "X_val.npz") as arrays:
        sequences = arrays["frames"].reshape(-1, 10, 32, 48, 3)  # videos of 40 frames make four each
    change = np.diff(sequences.astype(float) / 255, axis=1)
    copying = float(np.square(change).mean())
    errors = modules("train_prednet", "predictor")._load_pyfunc(str(training.model)).predict(sequences)
    assert (errors[:, 0] == 0).all()
    assert errors[:, 1:].mean() < 0.5 * copying
    written = read_json(training.model / "training.json")
    assert written["model_mse"] < 0.5 * written["copy_last_frame_mse"]
    assert written["test_model_mse"] < written["test_copy_last_frame_mse"]
    assert written["copy_last_frame_mse"] == pytest.approx(copying, rel=0.5)


# B18, B19: registration


@pytest.fixture
def candidate(tmp_path: Path, from_nothing: Training) -> Callable[[object], Path]:
    """Makes a folder like a trained model's, with the val_loss that a test wants."""

    def make(val_loss: object) -> Path:
        folder = tmp_path / f"candidate_{val_loss}"
        folder.mkdir()
        for path in from_nothing.model.iterdir():
            if path.is_file() and path.name != "training.json":
                (folder / path.name).write_bytes(path.read_bytes())
        loss = "" if val_loss is None else f', "val_loss": {val_loss}'
        (folder / "training.json").write_text(f'{{"run_id": "trial-7"{loss}}}', encoding="utf-8")
        return folder

    return make


def register(store: Store, model: Path, dataset: str = "UCSDped1") -> tuple[CompletedProcess[str], dict[str, Any]]:
    """Run register.py and read its verdict, which is empty if it failed."""
    run_id = store.new_run()
    output = store.root / f"registered_{run_id}"
    arguments = {"model": model, "dataset": dataset, "registered": output}
    done = run_script("register_model", "register.py", arguments, **store.environment(run_id))
    return done, read_json(output / "registration.json") if done.returncode == 0 else {}


Candidate = Callable[[object], Path]


def test_000_B18_the_first_model_is_always_registered_and_deployed(store: Store, candidate: Candidate) -> None:
    store.add_version("prednet_other", candidate(1e-9), deployed="true", val_loss="1e-9")
    done, verdict = register(store, candidate(7.5))
    assert done.returncode == 0, done.stderr
    assert verdict["registered"] is True
    assert (verdict["version"], verdict["deployed_version"]) == (1, None)
    assert store.versions("prednet_UCSDped1")[0].tags["deployed"] == "true"


def test_000_B18_not_better_than_the_deployed_one_is_a_success_that_says_so(store: Store, candidate: Candidate) -> None:
    store.add_version("prednet_UCSDped1", candidate(0.25), deployed="true", val_loss="0.25")
    # Newer and worse, and not deployed: it must not be what the model is compared with.
    store.add_version("prednet_UCSDped1", candidate(0.75), val_loss="0.75")
    done, verdict = register(store, candidate(0.5))
    assert done.returncode == 0, done.stderr
    assert verdict["registered"] is False
    assert "0.5 is not smaller than 0.25 of the deployed version 1" in verdict["reason"]
    assert verdict["name"] == "prednet_UCSDped1"
    assert (verdict["val_loss"], verdict["deployed_version"], verdict["deployed_val_loss"]) == (0.5, 1, 0.25)
    assert len(store.versions("prednet_UCSDped1")) == 2


def test_000_B18_a_better_model_takes_the_place_of_the_deployed_one(store: Store, candidate: Candidate) -> None:
    # As texts the new loss, 9e-05, would be larger than 0.0005.
    store.add_version("prednet_UCSDped1", candidate(0.0005), deployed="true", val_loss="0.0005")
    # A better one that is not deployed must not stand in the way.
    store.add_version("prednet_UCSDped1", candidate(0.00001), val_loss="0.00001")
    done, verdict = register(store, candidate(9e-05))
    assert done.returncode == 0, done.stderr
    assert (verdict["registered"], verdict["version"], verdict["deployed_version"]) == (True, 3, 1)
    tags = [version.tags.get("deployed") for version in store.versions("prednet_UCSDped1")]
    assert tags == [None, None, "true"]


@pytest.mark.parametrize(
    ("val_loss", "deployed", "wins"),
    [
        (0.1, 0.1, False),
        (math.nan, None, False),
        (math.nan, "0.1", False),
        (math.inf, None, False),
        (0.1, "nan", True),
        (0.1, "none", True),
        (2.0, "10.0", True),
        (1.5, None, True),
    ],
)
def test_000_B18_losses_are_compared_as_numbers_and_nan_never_wins(
    modules: Modules, val_loss: float, deployed: object, wins: bool
) -> None:
    version = mlflow.entities.model_registry.ModelVersion
    script = modules("register_model", "register")
    tag = mlflow.entities.model_registry.ModelVersionTag("val_loss", str(deployed))
    current = version("prednet_x", "1", 0, tags=[tag]) if deployed is not None else None
    decided, reason = script.verdict(val_loss, current)
    assert decided is wins
    assert reason


def test_000_B18_a_model_without_a_val_loss_is_a_failure(store: Store, candidate: Candidate) -> None:
    done, _ = register(store, candidate(None))
    assert_refused(done, "training.json has no val_loss")
    assert store.versions("prednet_UCSDped1") == []


def test_000_B19_name_tags_and_files_are_those_of_the_trial(store: Store, candidate: Candidate, tmp_path: Path) -> None:
    folder = candidate(0.125)
    done, _ = register(store, folder, dataset="UCSDped2")
    assert done.returncode == 0, done.stderr
    (version,) = store.versions("prednet_UCSDped2")
    assert version.tags == {"run_id": "trial-7", "val_loss": "0.125", "dataset": "UCSDped2", "deployed": "true"}
    source = store.client.get_model_version_download_uri("prednet_UCSDped2", "1")
    files = Path(mlflow.artifacts.download_artifacts(source, dst_path=str(tmp_path / "downloaded")))
    for name in ("weights.pt", "architecture.json"):
        assert (files / name).read_bytes() == (folder / name).read_bytes()


# B22: decoding


def test_000_B22_frames_go_to_folders_of_the_same_name_and_count_from_one(video: Path, frames: Path) -> None:
    videos = sorted(path.parent.relative_to(video) for path in video.rglob("video.mp4"))
    assert [str(path) for path in videos] == [
        "Test/Test001", "Test/Test002", "Train/Train001", "Train/Train002", "Train/Train003",
    ]  # fmt: skip
    for name in videos:
        with av.open(str(video / name / "video.mp4")) as container:
            announced = container.streams.video[0].frames
            pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        written = sorted((frames / name).iterdir())
        assert [path.name for path in written] == [f"{number:03d}.png" for number in range(1, announced + 1)]
        for path, picture in zip(written, pictures, strict=True):
            with av.open(str(path)) as stored:
                assert (next(stored.decode(video=0)).to_ndarray(format="rgb24") == picture).all()
    assert (frames / "Test/UCSDped1.m").read_bytes() == (video / "Test/UCSDped1.m").read_bytes()
    assert len(list(frames.rglob("*.*"))) == 5 * 12 + 1


def test_000_B22_fewer_frames_than_the_container_announces_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "video/Train/Train001/video.mp4"
    path.parent.mkdir(parents=True)
    noise = np.random.default_rng(0)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for _ in range(12):
            picture = noise.integers(0, 255, (32, 48, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (tmp_path / "video/Test").mkdir()
    (tmp_path / "video/Test/ped.m").touch()
    arguments = {"video": tmp_path / "video", "dataset": "ped", "frames": tmp_path / "frames"}
    assert_refused(run_script("video_decoding", "decode.py", arguments), "announces 12 frames and holds")


@pytest.mark.parametrize("missing", ["videos", "labels", "file"])
def test_000_B22_a_dataset_with_something_missing_is_refused(video: Path, tmp_path: Path, missing: str) -> None:
    root = tmp_path / "video"
    (root / "Test").mkdir(parents=True)
    if missing != "labels":
        (root / "Test/UCSDped1.m").touch()
    if missing != "videos":
        (root / "Train/Train001").mkdir(parents=True)
    if missing == "labels":
        (root / "Train/Train001/video.mp4").write_bytes((video / "Train/Train001/video.mp4").read_bytes())
    done = run_script(
        "video_decoding", "decode.py", {"video": root, "dataset": "UCSDped1", "frames": tmp_path / "frames"}
    )
    assert_refused(done, {"videos": "no videos", "labels": "no label file", "file": "has no video.mp4"}[missing])
