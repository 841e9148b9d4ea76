"""Sweeps: limits, determinism, and which trial is the best. Trials are real processes that log to real MLflow."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from compiler.ir.model import Distribution, InputPort, OutputRef, Pipeline, Sampling, Step, SweepLimits
from compiler.local.model import Attempt, Status, TrialResult
from compiler.local.sweep import best_trial

from .harness import Outcome, choice, data, go, pipeline, runs, step, sweep_of

X = {"x": InputPort("string")}


def logging(code: Path, reports: Sequence[str], goal: str = "minimize", command: str = "", **limits: Any) -> Pipeline:
    """A sweep of one trial per text of ``reports``: what it logs as `loss`. Each writes its text as its output."""
    log = 'python log.py loss ${{inputs.x}}; echo "${{inputs.x}}" > ${{outputs.model}}/x; ' + command
    sweep = sweep_of(goal, limits=SweepLimits(**limits), x=choice(*reports))
    train = step("train", log, outputs={"model": "uri_folder"}, ports=X, code=code, sweep=sweep)
    use = step("use", "cat ${{inputs.model}}/x", {"model": OutputRef("train", "model")})
    return pipeline(train, use, outputs={"model": "train.model"})


def winner(outcome: Outcome) -> int | None:
    best = outcome.result.steps["train"].best
    if best is not None:  # its outputs are the step's, for the next step and for the pipeline
        chosen = outcome.result.steps["train"].trials[best].parameters["x"]
        assert outcome.log("use").strip() == chosen
        assert Path(outcome.result.outputs["model"], "x").read_text().strip() == chosen
    return best


@pytest.mark.parametrize(
    ("goal", "reports", "best"),
    [
        ("minimize", ["3", "1", "2"], 1),
        ("maximize", ["3", "1", "4"], 2),
        ("minimize", ["5 1 5", "2 2 2", "3"], 0),  # the best over its life, not the last
        ("maximize", ["1 9 1", "8"], 0),
        ("minimize", ["nan", "7", "nan nan"], 1),
        ("minimize", ["nan 4", "5"], 0),
        ("maximize", ["nan 4", "5"], 1),
        ("minimize", ["-inf", "1"], 0),
        ("maximize", ["-inf", "1"], 1),
    ],
)
def test_the_best_trial_has_the_best_value_over_its_life(
    tracked: Path, code: Path, goal: str, reports: list[str], best: int
) -> None:
    assert winner(go(tracked, logging(code, reports, goal))) == best


def test_001_B5_ties_go_to_the_trial_that_was_sampled_first(tracked: Path, code: Path) -> None:
    # trial 0 ends long after trial 1
    late = '[ "${{inputs.x}}" = "2 3" ] && sleep 0.5; true'
    outcome = go(tracked, logging(code, ["2 3", "2", "2.5"], command=late), jobs=2)
    order = [line.split()[3] for line in outcome.text.splitlines() if " completed in" in line and " trial " in line]
    assert order[0] != "0" and winner(outcome) == 0


def test_001_B5_a_trial_without_the_metric_cannot_win(tracked: Path, code: Path) -> None:
    assert winner(go(tracked, logging(code, ["", "9"]))) == 1


def test_only_completed_trials_can_win(tracked: Path, code: Path) -> None:
    fail = '[ "${{inputs.x}}" != 1 ]'
    outcome = go(tracked, logging(code, ["3", "1", "2"], command=fail))
    assert winner(outcome) == 2
    assert [trial.attempt.status.value for trial in outcome.result.steps["train"].trials] == [
        "completed",
        "failed",
        "completed",
    ]
    assert outcome.result.status == "completed"  # a failed trial is no failed step


def test_000_B17_no_completed_trial_fails_the_step_and_says_so(tracked: Path, code: Path) -> None:
    outcome = go(tracked, logging(code, ["3", "1"], command="echo the reason; exit 4"))
    assert outcome.status("train") == "failed" and outcome.status("use") == "skipped"
    assert outcome.result.steps["train"].attempt.reason == "no trial completed (2 failed)"
    assert "no trial completed (2 failed)" in outcome.text and "| the reason" in outcome.text
    assert outcome.codes == ["P1005"]
    assert [run["status"] for run in runs(tracked) if run["name"] == "train"] == ["FAILED"]


def test_no_trial_that_logged_the_metric_fails_with_a_guess(tracked: Path, code: Path) -> None:
    what = logging(code, ["1", "2"], command="python log.py valloss 1")
    train = what.steps["train"]
    assert train.sweep is not None
    sweep = sweep_of(metric="val_loss", **train.sweep.search_space)
    renamed = pipeline(Step("train", train.component, train.inputs, sweep=sweep))
    reason = go(tracked, renamed).result.steps["train"].attempt.reason
    assert reason == "no completed trial logged `val_loss` (did you mean `valloss`?)"


def test_nothing_but_nan_fails(tracked: Path, code: Path) -> None:
    reason = go(tracked, logging(code, ["nan", "nan"])).result.steps["train"].attempt.reason
    assert reason == "no completed trial logged a number as `loss`"


def trial(number: int, best: float | None, status: Status = Status.COMPLETED) -> TrialResult:
    return TrialResult(number, {}, Attempt(status), best=best)


def test_no_trials_no_winner() -> None:
    assert best_trial([], "minimize") is None
    assert best_trial([trial(0, None), trial(1, 1.0, Status.CANCELED)], "minimize") is None
    assert best_trial([trial(0, 2.0), trial(1, 2.0)], "maximize") == trial(0, 2.0)


# ------------------------------------------------------------------------------------------------------------ limits


@pytest.mark.parametrize(("jobs", "most"), [(8, 3), (2, 2)])
def test_000_B15_never_more_than_max_concurrent_and_at_most_max_total(
    tracked: Path, code: Path, jobs: int, most: int
) -> None:
    place = tracked / "place"
    place.mkdir()
    count = (
        "mkdir ${{inputs.p}}/$$; ls ${{inputs.p}} | wc -l >> ${{inputs.p}}/../seen; sleep 0.15; rmdir ${{inputs.p}}/$$"
    )
    limits = SweepLimits(max_total_trials=7, max_concurrent_trials=3)
    sweep = sweep_of(sampling=Sampling("random"), limits=limits, x=Distribution("randint", upper=9))
    train = step("train", f"{count}; python log.py loss 1", {"p": data(place)}, ports=X, code=code, sweep=sweep)
    outcome = go(tracked, pipeline(train), jobs=jobs)
    assert len(outcome.result.steps["train"].trials) == 7
    assert max(map(int, (tracked / "seen").read_text().split())) == most


def test_000_B15_at_the_timeout_the_finished_trials_are_usable(tracked: Path, code: Path) -> None:
    slow = '[ "${{inputs.x}}" = 5 ] || sleep 60'
    outcome = go(tracked, logging(code, ["5", "1", "2"], command=slow, timeout=2, max_concurrent_trials=1))
    trials = outcome.result.steps["train"].trials
    assert winner(outcome) == 0 and "stopped at its timeout" in outcome.text
    assert [(one.attempt.status.value, one.best) for one in trials] == [("completed", 5.0), ("canceled", 1.0)]
    assert {run["name"]: run["status"] for run in runs(tracked)}["train_001"] == "KILLED"


def test_a_trial_over_its_time_is_canceled_and_keeps_its_metrics(tracked: Path, code: Path) -> None:
    slow = '[ "${{inputs.x}}" = 5 ] || sleep 60'
    outcome = go(tracked, logging(code, ["1", "5"], command=slow, trial_timeout=1))
    first = outcome.result.steps["train"].trials[0]
    assert (first.attempt.status, first.attempt.reason, first.best) == (Status.CANCELED, "timed out after 1 s", 1.0)
    assert winner(outcome) == 1


# ------------------------------------------------------------------------------------------------------- determinism


def sampled(root: Path, code: Path, seed: int | None, jobs: int, concurrent: int) -> list[dict[str, Any]]:
    space = {
        "lr": Distribution("loguniform", min_value=-6, max_value=-1),
        "layers": choice("0, 1, 2", "3"),
        "deep": choice(True, False),
        "n": Distribution("quniform", min_value=1, max_value=9, q=1.0),
    }
    limits = SweepLimits(max_total_trials=6, max_concurrent_trials=concurrent)
    sweep = sweep_of(sampling=Sampling("random", seed=seed), limits=limits, **space)
    ports = {
        "lr": InputPort("number"),
        "layers": InputPort("string"),
        "deep": InputPort("boolean"),
        "n": InputPort("integer"),
    }
    command = "python log.py loss ${{inputs.lr}}; "
    command += "printf '%s|' ${{inputs.lr}} '${{inputs.layers}}' ${{inputs.deep}} ${{inputs.n}}"
    outcome = go(root, pipeline(step("train", command, ports=ports, code=code, sweep=sweep)), jobs=jobs)
    found = []
    for one in outcome.result.steps["train"].trials:
        values = one.parameters
        shown = f"{values['lr']!r}|{values['layers']}|{values['deep']}|{int(values['n'])}|"
        assert one.attempt.log is not None and one.attempt.log.read_text() == shown  # 001-B4: they are what was used
        found.append(dict(values))
    return found


def test_001_B8_concurrency_never_changes_what_a_seed_samples(tracked: Path, code: Path) -> None:
    one = sampled(tracked, code, 7, jobs=1, concurrent=1)
    assert sampled(tracked, code, 7, jobs=4, concurrent=4) == one
    assert sampled(tracked, code, 8, jobs=4, concurrent=4) != one
    assert len({str(values) for values in one}) == 6


def test_a_seed_that_was_drawn_is_said_and_gives_the_same_trials(tracked: Path, code: Path) -> None:
    drawn = sampled(tracked, code, None, jobs=2, concurrent=2)
    (table,) = tracked.glob(".amlc/runs/*/steps/train/trials.json")
    assert sampled(tracked, code, json.loads(table.read_text())["seed"], jobs=2, concurrent=2) == drawn


# -------------------------------------------------------------------------------------------------------- what is kept


def test_the_table_of_all_trials(tracked: Path, code: Path) -> None:
    outcome = go(tracked, logging(code, ["3 nan inf", "1", "2"], command='[ "${{inputs.x}}" != 2 ]'))
    folder = outcome.result.folder
    assert folder is not None
    table = json.loads((folder / "steps" / "train" / "trials.json").read_text())
    assert (table["goal"], table["primary_metric"], table["best_trial"]) == ("minimize", "loss", 1)
    rows = [(row["trial"], row["parameters"], row["status"], row["metrics"], row["best"]) for row in table["trials"]]
    assert rows == [
        (0, {"x": "3 nan inf"}, "completed", {"loss": [3.0, "NaN", "Infinity"]}, 3.0),
        (1, {"x": "1"}, "completed", {"loss": [1.0]}, 1.0),
        (2, {"x": "2"}, "failed", {"loss": [2.0]}, 2.0),
    ]
    assert json.loads((folder / "steps" / "train" / "trials" / "001" / "trial.json").read_text()) == table["trials"][1]


def test_sampled_values_are_parameters_of_the_trials_runs(tracked: Path, code: Path) -> None:
    go(tracked, logging(code, ["3", "1"]))
    query = "SELECT name, key, value FROM params JOIN runs USING (run_uuid) ORDER BY name"
    found = sqlite3.connect(tracked / ".amlc" / "mlflow.db").execute(query).fetchall()
    assert found == [("train_000", "x", "3"), ("train_001", "x", "1")]


def test_trials_are_told_by_both_variables_and_share_the_cores(
    tracked: Path, code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compiler.local.session.cores", lambda: 8)
    show = "echo $AZUREML_SWEEP_x $OMP_NUM_THREADS"
    outcome = go(tracked, logging(code, ["1", "2", "3", "4"], command=show, max_concurrent_trials=2), jobs=4)
    logs = [one.attempt.log.read_text() for one in outcome.result.steps["train"].trials if one.attempt.log]
    assert logs == ["1 4\n", "2 4\n", "3 4\n", "4 4\n"]


def test_a_nested_choice_reaches_the_trial_as_json(tracked: Path, code: Path) -> None:
    sweep = sweep_of(m=choice({"kind": "svm", "c": choice(1, 2)}))
    ports = {"m": InputPort("string")}
    train = step("train", "echo '${{inputs.m}}'; python log.py loss 1", ports=ports, code=code, sweep=sweep)
    outcome = go(tracked, pipeline(train))
    logs = [json.loads(one.attempt.log.read_text()) for one in outcome.result.steps["train"].trials if one.attempt.log]
    assert logs == [{"kind": "svm", "c": 1}, {"kind": "svm", "c": 2}]
