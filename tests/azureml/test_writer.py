"""What stands in a build: one file for each content, nothing that Azure ML would drop, no change without a reason."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from compiler.azureml.reader import read_pipeline
from compiler.azureml.writer import Build, emit, write
from compiler.diagnostics.model import Bag
from compiler.ir.model import (
    Argument,
    Component,
    Compute,
    Data,
    Distribution,
    Environment,
    InputPort,
    InputRef,
    LocalPath,
    Objective,
    OutputPort,
    OutputRef,
    OutputSetting,
    Pipeline,
    PipelineInput,
    PipelineOutput,
    Sampling,
    Schedule,
    Settings,
    Step,
    Sweep,
    SweepLimits,
)
from tests.azureml.harness import HERE, rest_body

IMAGE = Environment(image="python:3.11", conda={"dependencies": ("python=3.11", {"pip": ("torch",)})})


def command(text: str = "echo", **more: Any) -> Component:
    return Component("command", command=text, environment=more.pop("environment", IMAGE), **more)


def build_of(pipeline: Pipeline, folder: Path) -> Build:
    bag = Bag()
    build = emit(pipeline, bag, spec_name="spec.yml", directory=str(folder))
    assert build is not None and not len(bag)
    return build


def documents(pipeline: Pipeline, folder: Path = Path("/build")) -> dict[str, Any]:
    files = build_of(pipeline, folder).files
    return {path: yaml.safe_load(text) for path, text in files.items()}


def pipeline_of(*steps: Step, **more: Any) -> Pipeline:
    return Pipeline("p", {step.name: step for step in steps}, **more)


def test_equal_content_is_one_file_under_the_first_name() -> None:
    found = documents(pipeline_of(Step("a", command()), Step("b", command()), Step("c", command("other"))))
    assert sorted(found) == ["components/a.yml", "components/c.yml", "environments/a.yml", "job.yml", "manifest.json"]
    assert [node["component"] for node in found["job.yml"]["jobs"].values()] == [
        "./components/a.yml",
        "./components/a.yml",
        "./components/c.yml",
    ]
    assert found["components/a.yml"]["environment"] == "file:../environments/a.yml"
    assert found["components/a.yml"]["version"] != found["components/c.yml"]["version"]


def test_two_contents_of_one_name_are_two_files() -> None:
    inner = Pipeline("inner", {"a": Step("a", command("inner"))})
    nested = Component("pipeline", name="inner", pipeline=inner)
    found = documents(pipeline_of(Step("a", command("outer")), Step("n", nested)))
    assert found["components/a.yml"]["command"] == "outer" and found["components/a_2.yml"]["command"] == "inner"
    assert found["components/n.yml"]["jobs"]["a"]["component"] == "./a_2.yml"


def test_the_version_of_a_pipeline_component_follows_what_is_in_it() -> None:
    def version(text: str) -> str:
        nested = Component("pipeline", pipeline=Pipeline("inner", {"a": Step("a", command(text))}))
        return str(documents(pipeline_of(Step("n", nested)))["components/n.yml"]["version"])

    assert version("one") == version("one") != version("two")


def test_the_variables_of_a_sweep_stand_in_its_command() -> None:
    sweep = Sweep({"x": Distribution("choice", (True, 1, "b"))}, Objective("minimize", "loss"), Sampling("random"))
    trial = command("python train.py", inputs={"x": InputPort("string")})
    step = Step("s", trial, sweep=sweep, environment_variables={"A": "it's", "B": 1})
    found = documents(pipeline_of(step))
    node = found["job.yml"]["jobs"]["s"]
    assert found["components/s.yml"]["command"] == """export A='it'"'"'s' B=1; python train.py"""
    assert "environment_variables" not in node
    assert node["search_space"] == {"x": {"type": "choice", "values": ["True", 1, "b"]}}


def test_a_sweep_in_a_pipeline_has_no_empty_outputs_and_a_plain_algorithm() -> None:
    sweep = Sweep(
        {"x": Distribution("uniform", min_value=0, max_value=1e-05)},
        Objective("maximize", "acc"),
        Sampling("random", seed=3, rule="sobol", as_map=True),
        limits=SweepLimits(4, timeout=600),
    )
    trial = command(inputs={"x": InputPort("number")}, outputs={"m": OutputPort(), "n": OutputPort()})
    step = Step("s", trial, sweep=sweep, outputs={"m": OutputSetting(), "n": OutputSetting("uri_folder")})
    node = documents(pipeline_of(step))["job.yml"]["jobs"]["s"]
    assert node["outputs"] == {"n": {"type": "uri_folder"}}
    assert node["sampling_algorithm"] == "random"
    assert node["limits"] == {"max_total_trials": 4, "timeout": 600}


def test_bindings_data_and_outputs(tmp_path: Path) -> None:
    data = Argument(Data(LocalPath(str(tmp_path / "data"))), "uri_folder", "download")
    given = {"d": data, "i": Argument(InputRef("n")), "o": Argument(OutputRef("a", "x"), mode="direct")}
    step = Step("b", command(), given, {"y": OutputSetting(mode="upload")}, InputRef("where"))
    found = documents(
        pipeline_of(
            Step("a", command(outputs={"x": OutputPort()}), compute="cpu"),
            step,
            inputs={"n": PipelineInput("integer", 3), "unset": PipelineInput("string", optional=True)},
            outputs={"out": PipelineOutput(OutputRef("b", "y")), "x": PipelineOutput(OutputRef("a", "x"))},
            settings=Settings("gpu", "store", continue_on_step_failure=False),
        ),
        tmp_path / "out" / "build",
    )
    job = found["job.yml"]
    assert job["inputs"] == {"n": 3} and job["outputs"] == {"out": None, "x": None}
    assert job["settings"]["default_compute"] == "azureml:gpu"
    assert job["settings"]["default_datastore"] == "azureml:store"
    assert (
        job["jobs"]["a"]["outputs"] == {"x": "${{parent.outputs.x}}"} and job["jobs"]["a"]["compute"] == "azureml:cpu"
    )
    assert job["jobs"]["b"] == {
        "type": "command",
        "component": "./components/a.yml",
        "inputs": {
            "d": {"type": "uri_folder", "path": "../../data", "mode": "download"},
            "i": "${{parent.inputs.n}}",
            "o": {"path": "${{parent.jobs.a.outputs.x}}", "mode": "direct"},
        },
        "outputs": {"y": {"mode": "upload", "path": "${{parent.outputs.out}}"}},
        "compute": "${{parent.inputs.where}}",
    } | {"component": "./components/b.yml"}


def test_every_file_says_where_it_comes_from_and_none_where_it_was_made(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("1")
    code = LocalPath(str(tmp_path / "src"))
    build = build_of(pipeline_of(Step("a", command(code=code))), tmp_path / "build")
    for path, text in build.files.items():
        assert str(tmp_path) not in text
        assert path == "manifest.json" or text.startswith("# Made by amlc from spec.yml.")


def test_the_manifest_lists_every_artifact(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    code = LocalPath(str(tmp_path / "a.py"))
    build = build_of(pipeline_of(Step("a", command(code=code))), tmp_path / "build")
    manifest = json.loads(build.files["manifest.json"])
    assert manifest["format_version"] == 1 and manifest["job"] == "job.yml" and manifest["spec"] == "spec.yml"
    kinds = {found["path"]: found["kind"] for found in manifest["artifacts"]}
    (folder,) = (path for path, kind in kinds.items() if kind == "code")
    assert kinds == {
        "job.yml": "job",
        "components/a.yml": "component",
        "environments/a.yml": "environment",
        folder: "code",
    }
    assert list(build.copies) == [f"{folder}/a.py"]
    assert yaml.safe_load(build.files["components/a.yml"])["code"] == f"../{folder}/a.py"
    for found in manifest["artifacts"]:
        if found["kind"] != "code":
            assert found["sha256"] == hashlib.sha256(build.files[found["path"]].encode()).hexdigest()


def test_code_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    bag = Bag()
    lost = command(code=LocalPath(str(tmp_path / "nowhere")))
    assert emit(pipeline_of(Step("a", lost)), bag, spec_name="s", directory=str(tmp_path)) is None
    assert [found.code for found in bag] == ["P0421"]


def test_the_same_to_the_byte_whatever_the_hash_seed(tmp_path: Path) -> None:
    script = (
        "import sys, json\n"
        "from compiler.azureml.reader import read_pipeline\n"
        "from compiler.azureml.writer import emit\n"
        "from compiler.diagnostics.model import Bag\n"
        "pipeline = read_pipeline(sys.argv[1], Bag())\n"
        "build = emit(pipeline, Bag(), spec_name='s', directory=sys.argv[2])\n"
        "print(json.dumps([build.files, build.copies]))\n"
    )
    argv = [sys.executable, "-c", script, str(HERE / "pipelines" / "components.yml"), str(HERE / "out")]
    seen = {
        subprocess.run(argv, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_a_build_can_be_moved(tmp_path: Path) -> None:
    tool = rest_body()
    bag = Bag()
    pipeline = read_pipeline(str(HERE / "pipelines" / "components.yml"), bag)
    assert pipeline is not None
    pipeline = replace(pipeline, inputs={})  # local data is not part of a build
    steps = {name: replace(step, inputs={}) for name, step in pipeline.steps.items()}
    pipeline = replace(pipeline, steps={name: step for name, step in steps.items() if name != "d"})
    build = build_of(pipeline, tmp_path / "here")
    assert write(build, str(tmp_path / "here"), bag)
    before = tool.body(str(tmp_path / "here" / "job.yml"))
    shutil.move(tmp_path / "here", tmp_path / "there")
    assert list(tool.differences(before, tool.body(str(tmp_path / "there" / "job.yml")))) == []


def test_azure_ai_ml_loads_each_file_by_itself(tmp_path: Path) -> None:
    ml = pytest.importorskip("azure.ai.ml")
    schedules = pytest.importorskip("azure.ai.ml.entities._load_functions")
    bag = Bag()
    fields = {"type": "amlcompute", "size": "Standard_D2_v2", "max_instances": 4, "tier": "low_priority"}
    trigger = {"type": "cron", "expression": "0 3 * * *", "start_time": "2026-01-01T00:00:00", "time_zone": "UTC"}
    for name in ("components", "nested", "parallel", "spark", "transfer", "sweep"):
        pipeline = read_pipeline(str(HERE / "pipelines" / f"{name}.yml"), bag)
        assert pipeline is not None
        more = {"computes": {"gpu": Compute("gpu", fields)}, "schedules": {"daily": Schedule("daily", trigger)}}
        folder = tmp_path / name
        assert write(build_of(replace(pipeline, **more), folder), str(folder), bag)
        loaders = {
            "components": ml.load_component,
            "environments": ml.load_environment,
            "compute": ml.load_compute,
            "schedules": schedules.load_schedule,
        }
        for path in sorted(folder.glob("*/*.yml")):
            loaded = loaders[path.parent.name](str(path))
            assert loaded.name == yaml.safe_load(path.read_text())["name"]


def test_a_thousand_steps_take_no_time(tmp_path: Path) -> None:
    """And ten times as many take ten times as long: a chain is no recursion, a name no search."""

    def chain(length: int) -> Pipeline:
        steps = []
        for i in range(length):
            source = Argument(OutputRef(f"s{i - 1}", "o")) if i else Argument(InputRef("d"))
            component = command(f"echo {i}", inputs={"x": InputPort("uri_folder")}, outputs={"o": OutputPort()})
            steps.append(Step(f"s{i}", component, {"x": source, "k": Argument(i)}))
        return pipeline_of(*steps, inputs={"d": PipelineInput("uri_folder", Data("azureml:d:1"))})

    start = time.perf_counter()
    assert len(build_of(chain(1000), tmp_path).files) == 1003
    assert time.perf_counter() - start < 1.0  # about 0.1 s on one core
    assert len(build_of(chain(10_000), tmp_path).files) == 10_003
