"""Pipelines of commands: order, parallelism, failures, and the contract of inputs and outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from compiler.ir.model import Argument, Compute, Data, InputPort, LocalPath, OutputRef, Pipeline, Settings
from compiler.local import environment

from .harness import data, go, pipeline, step

# two processes that each wait for the other's file end only when they run at the same time
MEET = "cd ${{inputs.place}}; touch %s; for i in $(seq 500); do [ -e %s ] && exit 0; sleep 0.02; done; exit 1"


def meeting(tmp_path: Path) -> tuple[Path, list[str]]:
    place = tmp_path / "place"
    place.mkdir()
    return place, [MEET % ("a", "b"), MEET % ("b", "a")]


def test_data_flows_along_the_graph(tmp_path: Path) -> None:
    write = step("write", "echo 1 > ${{outputs.o}}", outputs={"o": "uri_file"})
    add = "expr $(cat '${{inputs.i}}') + 1 > ${{outputs.o}}"
    left = step("left", add, {"i": OutputRef("write", "o")}, {"o": "uri_file"})
    right = step("right", add, {"i": OutputRef("left", "o")}, {"o": "uri_file"})
    show = step("show", "cat ${{inputs.l}} ${{inputs.r}}", {"l": OutputRef("left", "o"), "r": OutputRef("right", "o")})
    # written against the order in which they can run
    outcome = go(tmp_path, pipeline(show, right, left, write, outputs={"all": "right.o"}))
    assert outcome.result.status == "completed" and outcome.log("show") == "2\n3\n"
    assert Path(outcome.result.outputs["all"]).read_text() == "3\n"
    assert list(outcome.result.steps) == ["show", "right", "left", "write"]


def test_independent_steps_run_side_by_side(tmp_path: Path) -> None:
    place, commands = meeting(tmp_path)
    steps = [step(name, command, {"place": data(place)}) for name, command in zip("ab", commands, strict=True)]
    assert go(tmp_path, pipeline(*steps), jobs=2).result.status == "completed"


COUNT = "cd ${{inputs.place}}; mkdir $$; ls | wc -l >> ../seen; sleep 0.15; rmdir $$"


@pytest.mark.parametrize(("jobs", "instances", "most"), [(1, None, 1), (3, None, 3), (4, 2, 2)])
def test_jobs_and_max_instances_bound_what_runs_at_once(
    tmp_path: Path, jobs: int, instances: int | None, most: int
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    steps = [step(f"s{number}", COUNT, {"place": data(place)}, compute="azureml:c") for number in range(6)]
    computes = {"c": Compute("c", {"max_instances": instances} if instances else {})}
    assert go(tmp_path, pipeline(*steps, computes=computes), jobs=jobs).result.status == "completed"
    assert max(map(int, (tmp_path / "seen").read_text().split())) == most


def failing(settings: Settings) -> Pipeline:
    optional = {"i": InputPort("uri_folder", True)}
    steps = [
        step("bad", "echo the reason; exit 7", {"x": "v"}, {"o": "uri_folder"}),
        step("needs", "true", {"i": OutputRef("bad", "o")}, {"o": "uri_folder"}),
        step("needs_that", "true", {"i": OutputRef("needs", "o")}),
        step("without", "echo $[[given ${{inputs.i}}]]", {"i": OutputRef("bad", "o")}, ports=optional),
        step("alone", "true"),
        step("last", "true", {"i": OutputRef("slow", "o")}),
        step("slow", "sleep 0.2", outputs={"o": "uri_folder"}),
    ]
    return pipeline(*steps, settings=settings, outputs={"gone": "needs.o"})


@pytest.mark.parametrize("settings", [Settings(), Settings(continue_on_step_failure=True)])
def test_a_failure_stops_what_depends_on_it_and_nothing_else(tmp_path: Path, settings: Settings) -> None:
    outcome = go(tmp_path, failing(settings), jobs=2)
    assert outcome.result.status == "failed" and outcome.result.outputs == {}
    assert {name: step.status.value for name, step in outcome.result.steps.items()} == {
        "bad": "failed",
        "needs": "skipped",
        "needs_that": "skipped",
        "without": "completed",
        "alone": "completed",
        "last": "completed",
        "slow": "completed",
    }
    assert outcome.log("without") == "\n"
    assert outcome.result.steps["needs_that"].attempt.reason == "`needs` did not run"


def test_told_to_stop_at_a_failure_only_what_runs_goes_on(tmp_path: Path) -> None:
    steps = [step("slow", "sleep 0.4", outputs={"o": "uri_folder"}), step("bad", "exit 1")]
    steps += [step("queued", "true"), step("later", "true", {"i": OutputRef("slow", "o")})]
    outcome = go(tmp_path, pipeline(*steps, settings=Settings(continue_on_step_failure=False)), jobs=2)
    found = [outcome.status(name) for name in ("slow", "bad", "queued", "later")]
    assert found == ["completed", "failed", "skipped", "skipped"]


def test_a_failure_is_explained(tmp_path: Path) -> None:
    command = "for i in $(seq 40); do echo line $i; done; printf '\\033[31mred\\033[0m\\n'; "
    command += "true '${{inputs.api_key}}'; exit ${{inputs.code}}"
    outcome = go(tmp_path, pipeline(step("bad", command, {"code": 7, "api_key": "s3cret"})))
    text = outcome.text
    log = str(outcome.result.steps["bad"].attempt.log)
    assert "bad failed: exit code 7" in text and log in text and "true '***'; exit 7" in text and "s3cret" not in text
    assert "| line 40\n  | red\n" in text and "| line 22\n" in text and "line 21\n" not in text
    (fault,) = outcome.bag
    assert fault.code == "P1005" and "exit code 7" in fault.message and log in (fault.help or "")
    assert not any("s3cret" in note for note in fault.notes)


def test_a_step_over_its_time_fails(tmp_path: Path) -> None:
    outcome = go(tmp_path, pipeline(step("slow", "sleep 60", limits={"timeout": 1})))
    assert outcome.result.steps["slow"].attempt.reason == "timed out after 1 s"


# ------------------------------------------------------------------------------------------------- inputs and outputs


def test_folders_are_made_for_outputs_and_the_parent_of_a_file(tmp_path: Path) -> None:
    outputs = {"f": "uri_file", "d": "uri_folder", "t": "mltable", "m": "mlflow_model", "c": "custom_model"}
    command = "echo x > ${{outputs.f}}; "
    command += "for o in ${{outputs.d}} ${{outputs.t}} ${{outputs.m}} $AZURE_ML_OUTPUT_c; do touch $o/x; done"
    outcome = go(tmp_path, pipeline(step("a", command, outputs=outputs)))
    assert outcome.output("a", "f").read_text() == "x\n"
    assert all((outcome.output("a", name) / "x").exists() for name in "dtmc")


def test_outputs_of_a_failed_step_do_not_appear(tmp_path: Path) -> None:
    outcome = go(tmp_path, pipeline(step("a", "touch ${{outputs.o}}/half; exit 1", outputs={"o": "uri_folder"})))
    assert outcome.result.steps["a"].attempt.outputs == {}
    assert not (outcome.result.folder / "steps" / "a" / "outputs").exists()  # type: ignore[operator]


def test_an_output_that_was_not_written_fails_whoever_needs_it(tmp_path: Path) -> None:
    ports = {"o": InputPort("uri_file", optional=True)}
    steps = [
        step("a", "true", outputs={"o": "uri_file"}),
        step("b", "true", {"o": OutputRef("a", "o")}),
        step("c", "echo $[[${{inputs.o}}]]", {"o": OutputRef("a", "o")}, ports=ports),
    ]
    outcome = go(tmp_path, pipeline(*steps))
    assert outcome.result.steps["b"].attempt.reason == "`a` did not write its output `o`"
    assert outcome.log("c") == "\n"


def test_a_download_is_a_copy_and_a_mount_is_the_thing_itself(tmp_path: Path) -> None:
    source = tmp_path / "data"
    source.mkdir()
    (source / "x.txt").write_text("x")
    inputs = {
        "folder": Argument(data(source), mode="download"),
        "file": Argument(data(source / "x.txt"), mode="download"),
        "mounted": Argument(data(source), mode="ro_mount"),
        "direct": Argument(data(source), mode="direct"),
        "uri": Argument(Data("azureml://x/paths/y z"), mode="direct"),
    }
    command = "echo y > ${{inputs.folder}}/x.txt; cat ${{inputs.file}}; echo; "
    command += "echo $AZURE_ML_INPUT_file $AZURE_ML_INPUT_folder; "
    command += "printf '%s|' ${{inputs.mounted}} ${{inputs.direct}} ${{inputs.uri}}"
    outcome = go(tmp_path, pipeline(step("a", command, inputs)))
    content, copies, rest = outcome.log("a").splitlines()
    assert content == "x" and (source / "x.txt").read_text() == "x"
    assert copies.split()[0].endswith("/x.txt") and not any(Path(copy).exists() for copy in copies.split())
    assert rest == f"{source}|{source}|azureml://x/paths/y z|"


def test_a_project_folder_with_a_space_in_its_name(tmp_path: Path) -> None:
    root = tmp_path / "my project"
    root.mkdir()
    a = step("a", "echo x > ${{outputs.o}}", outputs={"o": "uri_file"})
    b = step("b", "cat ${{inputs.i}}", {"i": OutputRef("a", "o")})
    assert go(root, pipeline(a, b)).log("b") == "x\n"


def test_the_working_folders_outputs_are_kept_as_artifacts(tmp_path: Path) -> None:
    outcome = go(tmp_path, pipeline(step("a", "mkdir outputs; echo x > outputs/note.txt")))
    folder = outcome.result.folder / "steps" / "a"  # type: ignore[operator]
    assert (folder / "artifacts" / "note.txt").read_text() == "x\n" and not (folder / "work").exists()


def test_values_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZUREML_PARAMETER_stale", "1")
    monkeypatch.setenv("MLFLOW_RUN_ID", "stale")
    inputs = {"flag": True, "rate": 1e-5, "count": 3, "name": "a b", "where": data(tmp_path)}
    names = [f"AZUREML_PARAMETER_{name}" for name in ("flag", "rate", "count", "name", "stale")]
    command = "; ".join(f'echo "${name}"' for name in [*names, "AZURE_ML_INPUT_where", "MLFLOW_RUN_ID", "HOME"])
    lines = go(tmp_path, pipeline(step("a", command, inputs))).log("a").splitlines()
    assert lines == ["True", "1e-05", "3", "a b", "", str(tmp_path), "", os.environ["HOME"]]


def test_a_steps_own_variables_are_passed_unchanged(tmp_path: Path) -> None:
    own = {"TEXT": "${{inputs.x}} $HOME", "OMP_NUM_THREADS": 7, "FLAG": True}
    command = 'echo "$TEXT"; echo $OMP_NUM_THREADS $FLAG'
    outcome = go(tmp_path, pipeline(step("a", command, {"x": 1}, environment_variables=own)))
    assert outcome.log("a") == "${{inputs.x}} $HOME\n7 True\n"


def test_cores_are_shared_among_those_that_run_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compiler.local.session.cores", lambda: 8)
    show = "echo $OMP_NUM_THREADS $MKL_NUM_THREADS $OPENBLAS_NUM_THREADS"
    assert go(tmp_path, pipeline(step("a", show))).log("a") == "8 8 8\n"
    outcome = go(tmp_path, pipeline(*(step(name, show + "; sleep 0.2") for name in "abcd")), jobs=4)
    assert [outcome.log(name) for name in "abcd"] == ["2 2 2\n"] * 4
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert go(tmp_path, pipeline(step("a", show))).log("a") == "3 8 8\n"


def test_python_is_this_interpreter_and_it_is_said_once(tmp_path: Path) -> None:
    outcome = go(tmp_path, pipeline(*(step(name, "python -c 'import sys; print(sys.prefix)'") for name in "ab")))
    assert outcome.log("a").strip() == sys.prefix
    assert outcome.text.count(environment.description()) == 1


# ------------------------------------------------------------------------------------------------------------- state


def test_what_is_stored(tmp_path: Path) -> None:
    outcome = go(tmp_path, pipeline(step("a", "echo hi; exit 2"), step("b", "true", outputs={"o": "uri_folder"})))
    folder = outcome.result.folder
    assert folder is not None and folder.parent == tmp_path / ".amlc" / "runs" and folder.name == outcome.result.run_id
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "failed" and record["format_version"] == 1
    assert {name: one["status"] for name, one in record["steps"].items()} == {"a": "failed", "b": "completed"}
    assert json.loads((folder / "steps" / "a" / "step.json").read_text())["exit_code"] == 2
    assert (folder / "steps" / "a" / "log.txt").read_text() == "hi\n"
    assert (tmp_path / ".amlc" / ".gitignore").read_text() == "*\n"


def test_run_ids_sort_by_time(tmp_path: Path) -> None:
    ids = [go(tmp_path, pipeline(step("a", "true"))).result.run_id for _ in range(3)]
    assert ids == sorted(set(ids), key=str)


def test_a_state_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / ".amlc").write_text("in the way")
    outcome = go(tmp_path, pipeline(step("a", "true")))
    assert outcome.codes == ["P0810"] and outcome.result.status == "refused"


def test_untracked_runs_do_not_import_mlflow(tmp_path: Path) -> None:
    script = (
        "import io, sys; from pathlib import Path; from tests.local.harness import *\n"
        "assert go(Path(sys.argv[1]), pipeline(step('a', 'true'))).result.status == 'completed'\n"
        "print([name for name in ('mlflow', 'scipy', 'rich', 'numpy') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True, check=True)
    assert shown.stdout == "[]\n"


def test_local_paths_as_text_and_file_uris(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    inputs = {"a": Data(f"file://{tmp_path}/x"), "b": Data(LocalPath(str(tmp_path / "x"), "x"))}
    assert go(tmp_path, pipeline(step("s", "cat ${{inputs.a}} ${{inputs.b}}", inputs))).log("s") == "xx"


def test_literal_output_ports_are_files(tmp_path: Path) -> None:
    outcome = go(tmp_path, pipeline(step("a", "echo 1 > ${{outputs.n}}", outputs={"n": "integer"})))
    assert outcome.output("a", "n").read_text() == "1\n"
