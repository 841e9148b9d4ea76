"""The training step beyond the behaviours of its system: what it logs, when it stops, what it keeps and refuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from component_harness import TINY, Store, Training, read_json, train

torch = pytest.importorskip("torch", reason="the model is written in PyTorch")
pytest.importorskip("mlflow", reason="the components track with MLflow")

Modules = Callable[[str, str], ModuleType]


HYPERPARAMETERS = {
    "batch_size": "2",
    "filter_sizes": "3, 3, 3",
    "stack_sizes": "2, 3, 4",
    "learning_rate": "0.01",
    "lr_decay": "0.001",
    "freeze_layers": "0, 9",
    "transfer_learning": "True",
}


def test_every_hyperparameter_and_epoch_is_logged(from_nothing: Training) -> None:
    assert HYPERPARAMETERS.items() <= from_nothing.params.items()
    losses = from_nothing.store.history(from_nothing.run_id, "val_loss")
    assert [step for step, _ in losses] == [0, 1]
    assert [step for step, _ in from_nothing.store.history(from_nothing.run_id, "loss")] == [0, 1]
    training = read_json(from_nothing.model / "training.json")
    assert training["run_id"] == from_nothing.run_id
    assert training["val_loss"] == min(value for _, value in losses)
    assert from_nothing.store.history(from_nothing.run_id, "final_val_loss") == [(0, training["val_loss"])]
    assert from_nothing.store.client.get_run(from_nothing.run_id).info.status == "FINISHED"


def test_validation_is_fixed_and_training_stops_early(store: Store, prepared: Path) -> None:
    standstill = train(store, prepared, "UCSDped1", learning_rate=1e-12, epochs=9, patience=2)
    losses = store.history(standstill.run_id, "val_loss")
    assert len(losses) == 3
    assert max(value for _, value in losses) == pytest.approx(min(value for _, value in losses), abs=1e-7)


def test_the_best_epochs_weights_are_kept(modules: Modules, prepared: Path, monkeypatch: Any) -> None:
    model = modules("train_prednet", "model")
    data = modules("train_prednet", "data")
    fit = modules("train_prednet", "fit")
    arguments = [f"--{name}={value}" for name, value in {**TINY, "epochs": 4, "frames": prepared}.items()]
    settings = modules("train_prednet", "settings").parse([*arguments, "--dataset=x", "--model=unused"])
    network = model.PredNet(settings.architecture())
    sequences = data.load_sequences(prepared, "train", 4, divisor=8)
    losses = iter([3.0, math.nan, 1.0, 2.0])
    monkeypatch.setattr(fit, "measure", lambda *_: fit.Quality(next(losses), 0.0, 0.0))
    seen: list[Any] = []
    outcome = fit.fit(
        network, sequences, sequences, settings, lambda *_: seen.append(network.layer(1).gates.weight.detach().clone())
    )
    assert (outcome.val_loss, outcome.best_epoch) == (1.0, 2)
    assert torch.equal(network.layer(1).gates.weight, seen[2])
    assert not torch.equal(seen[2], seen[3])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stack_sizes": "big"}, "not a list of whole numbers"),
        ({"stack_sizes": "2, 0"}, "below 1"),
        ({"filter_sizes": "3, 3"}, "must be 3 numbers"),
        ({"freeze_layers": "-1"}, "below 0"),
        ({"learning_rate": "nan"}, "positive number"),
        ({"sequence_length": 1}, "no frame to predict"),
        ({"batch_size": 0}, "at least 1"),
    ],
)
def test_settings_that_make_no_training_are_refused(modules: Modules, change: dict[str, object], words: str) -> None:
    wanted = {"frames": "x", "model": "x", "dataset": "x", **change}
    with pytest.raises(modules("train_prednet", "errors").InputError, match=words):
        modules("train_prednet", "settings").parse([f"--{name}={value}" for name, value in wanted.items()])


@pytest.mark.parametrize(
    ("text", "value"), [("True", True), ("true", True), ("False", False), ("false", False), ("yes", None)]
)
def test_a_boolean_arrives_as_text(modules: Modules, text: str, value: bool | None, capsys: Any) -> None:
    parse = modules("train_prednet", "settings").parse
    wanted = ["--frames=x", "--model=x", "--dataset=x", f"--transfer_learning={text}"]
    if value is not None:
        assert parse(wanted).transfer_learning is value
        return
    with pytest.raises(SystemExit, match="2"):
        parse(wanted)
    assert "neither True nor False" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("split", "length", "divisor", "words"),
    [
        ("train", 99, 8, "no video has 99 frames"),
        ("train", 4, 16, "24x16 pixels, both sides must be divisible by 16"),
        ("other", 4, 8, "X_other.npz does not exist"),
    ],
)
def test_data_that_do_not_fit_are_refused(
    modules: Modules, prepared: Path, split: str, length: int, divisor: int, words: str
) -> None:
    with pytest.raises(modules("train_prednet", "errors").InputError, match=words):
        modules("train_prednet", "data").load_sequences(prepared, split, length, divisor)


def test_no_sequence_crosses_from_one_video_into_the_next(modules: Modules, prepared: Path) -> None:
    sequences = modules("train_prednet", "data").load_sequences(prepared, "test", 5, 8)
    # Two videos of 12 frames: starts 0..7 in the first and 12..19 in the second.
    assert sequences.starts.tolist() == [*range(8), *range(12, 20)]
    assert sequences.batch(sequences.starts[:3], torch.device("cpu")).shape == (3, 5, 3, 16, 24)
    # Measured on the same, evenly spread ones every time, and on all of them if more are asked for.
    assert sequences.spread(3).tolist() == sequences.spread(3).tolist() == [0, 12, 19]
    assert sequences.spread(99).tolist() == sequences.starts.tolist()
