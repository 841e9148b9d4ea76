"""MLflow sees a run per pipeline, step and trial, and what it was told is read back as it was meant."""

from __future__ import annotations

import asyncio
import math
import sqlite3
from pathlib import Path

import pytest

from compiler.ir.model import SweepLimits
from compiler.local.model import Status
from compiler.local.tracking import Tracker

from .harness import choice, go, pipeline, runs, step, sweep_of

SCRIPT = """
import mlflow
with mlflow.start_run():
    mlflow.log_param("depth", 3)
    for step, loss in enumerate([0.5, 0.2, 0.4]):
        mlflow.log_metric("loss", loss, step=step)
"""


def test_an_unmodified_script_lands_in_its_own_run_below_the_pipelines(tracked: Path, code: Path) -> None:
    (code / "train.py").write_text(SCRIPT)
    sweep = sweep_of(depth=choice(4))
    steps = [step("prep", "true", tags={"team": "vision"}), step("bad", "exit 1")]
    steps.append(step("train", "python train.py", code=code, sweep=sweep))
    outcome = go(tracked, pipeline(*steps, experiment_name="exp", tags={"system": "demo"}), track=True)
    found = {run["name"]: run for run in runs(tracked)}
    root = found[outcome.result.run_id or ""]
    assert {name: run["status"] for name, run in found.items()} == {
        root["name"]: "FAILED",
        "prep": "FINISHED",
        "bad": "FAILED",
        "train": "FINISHED",
        "train_000": "FINISHED",
    }
    assert [found[name]["parent"] for name in ("prep", "bad", "train")] == [root["id"]] * 3
    assert found["train_000"]["parent"] == found["train"]["id"] and root["parent"] is None
    assert found["prep"]["tags"]["team"] == "vision" and root["tags"]["system"] == "demo"
    (trial,) = outcome.result.steps["train"].trials
    assert trial.metrics == {"loss": (0.5, 0.2, 0.4)} and trial.best == 0.2
    # the script's own value of a parameter stands, and did not meet another one
    connection = sqlite3.connect(tracked / ".amlc" / "mlflow.db")
    assert connection.execute("SELECT key, value, run_uuid FROM params").fetchall() == [
        ("depth", "3", found["train_000"]["id"])
    ]
    assert connection.execute("SELECT name FROM experiments WHERE experiment_id > 0").fetchall() == [("exp",)]


def test_a_script_finds_the_store_its_run_and_its_experiment(tracked: Path) -> None:
    show = "echo $MLFLOW_RUN_ID $AZUREML_RUN_ID $MLFLOW_EXPERIMENT_ID $MLFLOW_TRACKING_URI $MLFLOW_DISABLE_TELEMETRY"
    outcome = go(tracked, pipeline(step("a", show)), track=True)
    run = outcome.result.steps["a"].attempt.mlflow_run
    assert outcome.log("a").split() == [run, run, "1", f"sqlite:///{tracked}/.amlc/mlflow.db", "true"]
    assert f"sqlite:///{tracked}/.amlc/mlflow.db" in outcome.text


def test_a_script_that_dies_leaves_no_open_run(tracked: Path, code: Path) -> None:
    go(tracked, pipeline(step("a", "kill -KILL $$"), step("b", "sleep 9", limits={"timeout": 1})), track=True)
    assert [run["status"] for run in runs(tracked)] == ["FAILED"] * 3


@pytest.mark.parametrize("sqlite", [True, False])
def test_metrics_come_back_whole_and_in_order(tracked: Path, sqlite: bool) -> None:
    async def one() -> None:
        tracker = Tracker(tracked / ".amlc", {})
        root = await tracker.open("e", "r", {})
        trial = await tracker.begin("t", root, {})
        client = tracker._client
        for number, value in enumerate([3.0, math.nan, math.inf, -math.inf, 1.0]):
            client.log_metric(trial, "loss", value, step=number, timestamp=number)
        client.log_metric(trial, "other/metric", 7.0)
        if not sqlite:
            tracker._metrics = None  # what a server would be asked
        metrics = await tracker.metrics(trial)
        assert list(map(str, metrics["loss"])) == ["3.0", "nan", "inf", "-inf", "1.0"]
        assert metrics["other/metric"] == [7.0]
        reports = await tracker.reports([trial, root], "other/metric")
        assert reports.get(trial) == [7.0] and not reports.get(root)
        tracker.end(trial, Status.COMPLETED, {"lr": "0.1"})
        await tracker.close()

    asyncio.run(one())
    # the pipeline's run was never ended by anybody
    assert [run["status"] for run in runs(tracked)] == ["KILLED", "FINISHED"]


def test_many_runs_are_asked_for_at_once(tracked: Path) -> None:
    async def one() -> None:
        tracker = Tracker(tracked / ".amlc", {})
        root = await tracker.open("e", "r", {})
        tracker._client.log_metric(root, "loss", 1.0)
        assert await tracker.reports([*("x" * 32 for _ in range(1200)), root], "loss") == {root: [1.0]}
        await tracker.close()

    asyncio.run(one())


def test_the_users_own_store_is_used_when_the_environment_names_one(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere.db"
    project.mkdir()
    elsewhere.write_bytes(template.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")
    outcome = go(project, pipeline(step("a", "echo $MLFLOW_TRACKING_URI")), track=True)
    assert outcome.log("a") == f"sqlite:///{elsewhere}\n"
    names = {name for (name,) in sqlite3.connect(elsewhere).execute("SELECT name FROM runs")}
    assert names == {"a", outcome.result.run_id} and not (project / ".amlc" / "mlflow.db").exists()


def test_a_new_store_is_made_whole_and_in_wal_mode(template: Path) -> None:
    connection = sqlite3.connect(template)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("SELECT count(*) FROM runs").fetchone() == (0,)


def test_a_broken_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / ".amlc").mkdir()
    (tmp_path / ".amlc" / "mlflow.db").write_text("no database " * 1000)
    outcome = go(tmp_path, pipeline(step("a", "touch ran")), track=True)
    (fault,) = outcome.bag
    assert fault.code == "P1006" and "mlflow.db" in fault.message and outcome.result.status == "refused"
    assert not list((tmp_path / ".amlc" / "runs").glob("*/steps"))


def test_without_mlflow_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)
    outcome = go(tmp_path, pipeline(step("a", "true")), track=True)
    (fault,) = outcome.bag
    assert fault.code == "P1006" and "amlc[local]" in fault.message and "--no-track" in (fault.help or "")


def test_a_deleted_experiment_is_said(tracked: Path) -> None:
    go(tracked, pipeline(step("a", "true"), name="gone"), track=True)
    with sqlite3.connect(tracked / ".amlc" / "mlflow.db") as connection:
        connection.execute("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'gone'")
    outcome = go(tracked, pipeline(step("a", "true"), name="gone"), track=True)
    assert outcome.codes == ["P1006"] and "`gone` was deleted" in next(iter(outcome.bag)).message


def test_a_sweep_is_tracked_even_when_told_not_to(tracked: Path, code: Path) -> None:
    train = step("t", "python log.py loss 1", code=code, sweep=sweep_of(x=choice(1), limits=SweepLimits(1)))
    outcome = go(tracked, pipeline(train), track=False)
    assert outcome.status("t") == "completed" and "MLflow is used all the same" in outcome.text


def test_a_server_that_is_not_there_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    outcome = go(tmp_path, pipeline(step("a", "true")), track=True)
    assert outcome.codes == ["P1006"] and "http://127.0.0.1:9" in next(iter(outcome.bag)).message
