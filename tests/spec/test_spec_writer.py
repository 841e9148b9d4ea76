"""Azure ML pipelines as specs: what ``amlc import`` writes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from compiler.azureml.reader import read_pipeline
from compiler.diagnostics.codes import Severity
from compiler.diagnostics.model import Bag
from compiler.diagnostics.span import SourceFile
from compiler.ir.model import Component, Environment, LocalPath, Pipeline, PipelineInput, Step
from compiler.source.reader import Dialect, read
from compiler.spec.writer import to_spec

HERE = Path(__file__).parent
PIPELINES = HERE.parent / "azureml" / "pipelines"
NAMES = ("automl", "commands_in_place", "components", "nested", "parallel", "spark", "sweep", "transfer")


@pytest.mark.parametrize("name", NAMES)
def test_imported(name: str, update: bool) -> None:
    bag = Bag()
    pipeline = read_pipeline(str(PIPELINES / f"{name}.yml"), bag)
    assert pipeline is not None and not bag.has_errors
    got = to_spec(pipeline, str(HERE / "imported"))
    expected = HERE / "imported" / f"{name}.yml"
    if update:
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(got, encoding="utf-8")
    assert got == expected.read_text(encoding="utf-8")
    bag = Bag()
    assert read(SourceFile(str(expected), got), bag, Dialect.CORE) is not None
    assert not any(found.severity is Severity.ERROR for found in bag)
    assert "parent." not in got


def spec_of(component: Component, **more: PipelineInput) -> dict[str, object]:
    pipeline = Pipeline("p", {"a": Step("a", component)}, dict(more))
    found = yaml.safe_load(to_spec(pipeline, "/project/specs"))
    assert isinstance(found, dict)
    return found


def test_braces_stay_braces() -> None:
    """What is two braces to Azure ML would be an expression in a spec."""
    found = spec_of(
        Component("command", command="echo '{{ x }}' ${{inputs.y}}", environment=Environment(reference="azureml:e:1"))
    )
    assert found["steps"] == {"a": {"command": "echo '{{ '{{' }} x }}' ${{inputs.y}}", "environment": "azureml:e:1"}}


def test_environments_are_declared_once() -> None:
    environment = Environment(image="x", conda={"dependencies": ("python",)})
    one, two = (Component("command", command=text, environment=environment) for text in ("one", "two"))
    pipeline = Pipeline("p", {"a": Step("a", one), "b": Step("b", two)})
    found = yaml.safe_load(to_spec(pipeline, "/project"))
    assert found["environments"] == {"a": {"image": "x", "conda_file": {"dependencies": ["python"]}}}
    assert [step["environment"] for step in found["steps"].values()] == ["a", "a"]


def test_paths_are_seen_from_the_spec() -> None:
    component = Component(
        "command", command="x", code=LocalPath("/project/src"), environment=Environment(build=LocalPath("/e"))
    )
    found = spec_of(component)
    assert found["steps"] == {"a": {"code": "../src", "command": "x", "environment": "a"}}
    assert found["environments"] == {"a": {"build": {"path": "../../e"}}}


def test_an_input_keeps_its_limits() -> None:
    given = PipelineInput("integer", 3, min=1, max=5, description="how many")
    found = spec_of(
        Component("command", command="x", path="/project/c.yml"), n=given, plain=PipelineInput("string", "t")
    )
    assert found["inputs"] == {
        "n": {"type": "integer", "default": 3, "min": 1, "max": 5, "description": "how many"},
        "plain": "t",
    }
    assert found["steps"] == {"a": {"component": "../c.yml"}}
