"""The flat table of what runs, and what is refused before anything does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compiler.diagnostics.model import Bag
from compiler.diagnostics.span import SourceFile, Span
from compiler.ir.model import (
    Argument,
    Component,
    ComponentReference,
    Compute,
    Data,
    Distribution,
    EarlyTermination,
    InputPort,
    InputRef,
    LocalPath,
    OutputPort,
    OutputRef,
    Pipeline,
    PipelineInput,
    PipelineOutput,
    Sampling,
    Settings,
    Step,
    Sweep,
    SweepLimits,
)
from compiler.local.plan import Missing, Produced, make_plan
from compiler.local.refusals import check_plan

from .harness import choice, go, pipeline, step, sweep_of

SPAN = Span(SourceFile("/spec.yml", "train: automl"), 7, 13)


def nested(name: str, inner: Pipeline, ports: dict[str, InputPort] | None = None, **inputs: Any) -> Step:
    component = Component("pipeline", inputs=ports or {}, pipeline=inner)
    return Step(name, component, {key: Argument(value) for key, value in inputs.items()})


def three_levels() -> Pipeline:
    """prep -> mid.core.train -> mid.score -> report, every link through a pipeline's inputs and outputs."""
    train = step("train", "", {"data": InputRef("data"), "rate": InputRef("rate")}, {"model": "uri_folder"})
    core = pipeline(
        train,
        inputs={"data": PipelineInput("uri_folder"), "rate": PipelineInput("number", 0.1)},
        outputs={"made": "train.model"},
        settings=Settings(default_compute="azureml:gpu"),
        computes={"gpu": Compute("gpu", {"max_instances": 2})},
    )
    mid = pipeline(
        nested("core", core, data=InputRef("raw"), rate=InputRef("rate")),
        step("score", "", {"model": OutputRef("core", "made")}, {"scores": "uri_folder"}),
        inputs={"raw": PipelineInput("uri_folder"), "rate": PipelineInput("number", optional=True)},
        outputs={"scores": "score.scores", "model": "core.made"},
    )
    return pipeline(
        step("prep", "", outputs={"out": "uri_folder"}),
        nested("mid", mid, raw=OutputRef("prep", "out")),
        step("report", "", {"scores": OutputRef("mid", "scores"), "model": OutputRef("mid", "model")}),
        outputs={"model": "mid.model"},
        compute="cpu",
    )


def test_nested_pipelines_become_dotted_nodes() -> None:
    plan = make_plan(three_levels(), {})
    assert list(plan.nodes) == ["prep", "mid.core.train", "mid.score", "report"]
    feeds = {(name, key): feed.source for name, node in plan.nodes.items() for key, feed in node.feeds.items()}
    assert feeds == {
        ("mid.core.train", "data"): Produced("prep", "out"),
        ("mid.core.train", "rate"): 0.1,
        ("mid.score", "model"): Produced("mid.core.train", "model"),
        ("report", "scores"): Produced("mid.score", "scores"),
        ("report", "model"): Produced("mid.core.train", "model"),
    }
    assert plan.outputs == {"model": Produced("mid.core.train", "model")}


def test_compute_is_the_steps_own_else_the_nearest_pipelines() -> None:
    nodes = make_plan(three_levels(), {}).nodes
    assert {name: (node.compute, node.instances) for name, node in nodes.items()} == {
        "prep": ("cpu", None),
        "mid.core.train": ("gpu", 2),
        "mid.score": ("cpu", None),
        "report": ("cpu", None),
    }


def test_compute_may_be_an_input() -> None:
    one = step("a", "", compute=InputRef("where"))
    nodes = make_plan(pipeline(one, inputs={"where": PipelineInput("string", "azureml:big")}), {}).nodes
    assert nodes["a"].compute == "big"


def test_modes_come_from_the_argument_the_port_or_the_pipelines_input() -> None:
    ports = {"a": InputPort("uri_folder", mode="download"), "b": InputPort("uri_folder"), "c": InputPort("uri_folder")}
    inputs = {"a": InputRef("d"), "b": InputRef("d"), "c": Argument(InputRef("e"), mode="direct")}
    given = {
        "d": PipelineInput("uri_folder", Data("azureml:x"), mode=None),
        "e": PipelineInput("uri_folder", Data("azureml:y")),
    }
    node = make_plan(pipeline(step("s", "", inputs, ports=ports), inputs=given), {}).nodes["s"]
    assert {name: feed.mode for name, feed in node.feeds.items()} == {"a": "download", "b": "ro_mount", "c": "direct"}


def test_defaults_apply_and_a_numbers_default_has_a_point() -> None:
    ports = {"n": InputPort("number", default=1), "i": InputPort("integer", default=1), "s": InputPort("string", True)}
    node = make_plan(pipeline(step("a", "", ports=ports)), {}).nodes["a"]
    assert {name: repr(feed.source) for name, feed in node.feeds.items()} == {"n": "1.0", "i": "1", "s": "None"}


def test_an_input_without_a_value_falls_back_on_the_ports_default() -> None:
    ports = {"x": InputPort("integer", default=3), "y": InputPort("integer")}
    one = step("a", "", {"x": InputRef("open"), "y": InputRef("open")}, ports=ports)
    feeds = make_plan(pipeline(one, inputs={"open": PipelineInput("integer")}), {}).nodes["a"].feeds
    assert feeds["x"].source == 3 and feeds["y"].source == Missing("open", None)


def refuse(what: Pipeline) -> list[tuple[str, str, str]]:
    bag = Bag()
    check_plan(make_plan(what, {}), bag)
    return [(one.code, one.message, one.help or "") for one in bag]


@pytest.mark.parametrize("kind", ["automl", "spark", "data_transfer", "parallel"])
def test_kinds_that_only_the_service_runs_are_refused(kind: str) -> None:
    ((code, message, help),) = refuse(pipeline(Step("train", Component(kind), at=SPAN)))
    assert code == "P1001" and "`train`" in message and "profile `local`" in help


def test_a_refusal_stands_at_the_step() -> None:
    bag = Bag()
    check_plan(make_plan(pipeline(Step("train", Component("automl"), at=SPAN)), {}), bag)
    assert [one.primary for one in bag] == [SPAN]


def test_components_and_code_of_a_workspace_are_refused() -> None:
    steps = [
        Step("a", ComponentReference("azureml:c:1")),
        Step("b", Component("command", command="x", code="azureml:code:1")),
    ]
    found = refuse(pipeline(*steps))
    assert [code for code, _, _ in found] == ["P1001", "P1001"]
    assert "azureml:c:1" in found[0][1] and "azureml:code:1" in found[1][1]


def test_code_that_is_not_there() -> None:
    ((code, message, _),) = refuse(pipeline(step("a", "", code=Path("/no/such/code"))))
    assert code == "P0421" and "/no/such/code" in message


@pytest.mark.parametrize(
    "uri",
    ["azureml:d:1", "azureml://datastores/x/paths/y", "https://x/y.csv", "wasbs://c@a.blob.core.windows.net/x"],
)
def test_data_elsewhere_is_refused_once_with_what_to_do(uri: str) -> None:
    steps = [step(name, "", {"d": InputRef("raw")}, ports={"d": InputPort("uri_folder")}) for name in "ab"]
    ((code, message, help),) = refuse(pipeline(*steps, inputs={"raw": PipelineInput("uri_folder", Data(uri))}))
    assert code == "P1002" and "`raw`" in message and uri in message
    assert "profile `local`" in help and "--input raw=PATH" in help


def test_data_elsewhere_that_is_only_named_to_the_step_is_fine() -> None:
    one = step("a", "", {"d": Argument(Data("azureml://x/paths/y"), mode="direct")})
    assert refuse(pipeline(one)) == []


def test_data_of_a_step_that_is_not_there() -> None:
    missing = Data(LocalPath("/no/such/data", "../data"))
    ((code, message, help),) = refuse(pipeline(step("a", "", {"d": missing})))
    assert code == "P1002" and message.endswith("`../data`") and "`a.d`" in help


def test_an_input_without_a_value_is_refused() -> None:
    one = step("a", "", {"n": InputRef("n")}, ports={"n": InputPort("integer")})
    ((code, _, help),) = refuse(pipeline(one, inputs={"n": PipelineInput("integer")}))
    assert code == "P0501" and "--input n=" in help


@pytest.mark.parametrize("sampling", [Sampling("bayesian"), Sampling("grid")])
def test_sampling_that_does_not_run_here_is_refused(sampling: Sampling) -> None:
    sweep = sweep_of(sampling=sampling, x=Distribution("uniform", min_value=0, max_value=1))
    ((code, message, help),) = refuse(pipeline(step("a", "", sweep=sweep)))
    assert code == "P1001" and sampling.type in message and "random" in help


def test_a_policy_is_noted_once_per_sweep() -> None:
    policy = EarlyTermination("bandit", slack_factor=0.1, at=SPAN)
    space = {"x": choice(1)}
    sweep = Sweep(space, sweep_of().objective, early_termination=policy, limits=SweepLimits(2))
    found = refuse(pipeline(step("a", "", sweep=sweep), step("b", "")))
    assert [(code, "bandit" in message) for code, message, _ in found] == [("P1003", True)]


def test_ranks_are_noted() -> None:
    one = step("a", "", distribution={"type": "pytorch", "process_count_per_instance": 4})
    assert [code for code, _, _ in refuse(pipeline(one))] == ["P0806"]


def test_nothing_starts_when_something_is_refused(tmp_path: Path) -> None:
    first = step("a", "touch ran", code=None)
    outcome = go(tmp_path, pipeline(first, Step("b", Component("spark"))))
    assert outcome.result.status == "refused" and outcome.result.run_id is None
    assert outcome.codes == ["P1001"] and list(tmp_path.iterdir()) == []


INPUTS = {
    "rate": PipelineInput("number", 0.5, min=0, max=1),
    "count": PipelineInput("integer", 1),
    "flag": PipelineInput("boolean", False),
    "mode": PipelineInput("string", "a", enum=("a", "b")),
    "video": PipelineInput("uri_folder", Data("azureml:v:1")),
}
SHOW = "echo ${{inputs.rate}} ${{inputs.count}} ${{inputs.flag}} ${{inputs.mode}} ${{inputs.video}}"


def with_inputs(tmp_path: Path, **given: str) -> Any:
    ports = {name: InputPort(port.type) for name, port in INPUTS.items()}
    one = step("a", SHOW, {name: InputRef(name) for name in INPUTS}, ports=ports)
    return go(tmp_path, pipeline(one, inputs=INPUTS), inputs=given)


def test_inputs_given_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clips").mkdir()
    monkeypatch.chdir(tmp_path)
    outcome = with_inputs(tmp_path, rate="1e-3", count="-7", flag="TRUE", mode="b", video="clips")
    assert outcome.log("a") == f"0.001 -7 True b {tmp_path}/clips\n"


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ({"ratte": "1"}, "P1004", "`rate`"),
        ({"count": "1.5"}, "P0503", "integer"),
        ({"count": "x"}, "P0503", "`x`"),
        ({"rate": "nan"}, "P0503", "number"),
        ({"flag": "yes"}, "P0503", "boolean"),
        ({"rate": "2"}, "P0505", "range"),
        ({"mode": "c"}, "P0504", "`c`"),
        ({"video": "/no/such"}, "P1002", "/no/such"),
        ({"video": "https://x/y"}, "P1002", "https://x/y"),
    ],
)
def test_inputs_that_cannot_be(tmp_path: Path, given: dict[str, str], code: str, says: str) -> None:
    outcome = with_inputs(tmp_path, **{"video": str(tmp_path), **given})
    (one,) = outcome.bag
    assert one.code == code and says in f"{one.message} {one.help}"


def test_a_pipeline_output_that_nothing_writes_is_left_out() -> None:
    made = {"x": PipelineOutput(None), "y": PipelineOutput(OutputRef("a", "o"))}
    a = Step("a", Component("command", command="", outputs={"o": OutputPort()}))
    assert make_plan(Pipeline("p", {"a": a}, outputs=made), {}).outputs == {"y": Produced("a", "o")}
