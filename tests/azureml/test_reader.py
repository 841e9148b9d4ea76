"""What the reader says of faulty Azure ML files, and what it makes of sound ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.azureml import scope
from compiler.azureml.components import component_from_file
from compiler.azureml.reader import read_pipeline
from compiler.azureml.scope import DEEPEST, Files, Scope
from compiler.diagnostics.model import Bag
from compiler.ir.model import Component
from compiler.passes import check
from tests.azureml.harness import HERE, Case, cases, place, rewrite, said

FAULTS = HERE / "faults.txt"


@pytest.mark.parametrize("case", cases(FAULTS), ids=lambda case: case.name)
def test_faults(case: Case, update: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(case, tmp_path)
    monkeypatch.chdir(tmp_path)
    bag = Bag()
    pipeline = read_pipeline("pipeline.yml", bag, name="pipeline.yml")
    got, errors = said(bag), bag.error_count
    if pipeline is not None and bag.has_errors:
        check(pipeline, bag)
        assert bag.error_count == errors, "an error that only follows from another one"
    if update:
        rewrite(FAULTS, {case.name: got})
    else:
        assert got == case.expected


COMMAND = "type: command\nname: c\ncommand: echo\nenvironment: {image: x, conda_file: conda.yml}\n"


def nest(folder: Path, depth: int) -> None:
    """p0.yml contains p1.yml contains … a command."""
    for level in range(depth):
        inner = f"./p{level + 1}.yml"
        text = f"type: pipeline\nname: p\njobs: {{x: {{type: pipeline, component: {inner}}}}}\n"
        if level == depth - 1:
            text = "type: pipeline\nname: p\njobs: {x: {component: azureml:c@latest}}\n"
        (folder / f"p{level}.yml").write_text(text)


def test_a_file_is_read_once_and_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conda.yml").write_text("dependencies: [python]\n")
    names = [f"c{number}.yml" for number in range(DEEPEST + 10)]
    for name in names:
        (tmp_path / name).write_text(COMMAND)
    jobs = "".join(
        f"  s{n}: {{component: ./{name}}}\n  t{n}: {{component: ./{name}}}\n" for n, name in enumerate(names)
    )
    (tmp_path / "pipeline.yml").write_text(f"type: pipeline\njobs:\n{jobs}")
    opened: list[str] = []
    load = scope.load

    def counting(path: str, *rest: object) -> object:
        opened.append(Path(path).name)
        return load(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(scope, "load", counting)
    bag = Bag()
    pipeline = read_pipeline(str(tmp_path / "pipeline.yml"), bag)
    assert pipeline is not None and said(bag) == "nothing"
    assert sorted(opened) == sorted([*names, "conda.yml", "pipeline.yml"])
    assert pipeline.steps["s3"].component is pipeline.steps["t3"].component


def test_nesting_has_an_end(tmp_path: Path) -> None:
    nest(tmp_path, DEEPEST)
    bag = Bag()
    scope_ = Scope(bag, Files(bag), str(tmp_path))
    assert component_from_file(str(tmp_path / "p0.yml"), scope_, None) is not None and said(bag) == "nothing"
    nest(tmp_path, DEEPEST + 1)
    bag = Bag()
    component_from_file(str(tmp_path / "p0.yml"), Scope(bag, Files(bag), str(tmp_path)), None)
    assert [found.code for found in bag] == ["P0104"]


def test_the_environment_of_a_template_is_a_name(tmp_path: Path) -> None:
    """A component file of a spec may call its environment by the spec's name for it, or leave it to the spec."""
    (tmp_path / "a.yml").write_text("name: a\ncommand: echo\nenvironment: vision\n")
    (tmp_path / "b.yml").write_text("name: b\ncommand: echo\n")
    bag = Bag()
    here = Scope(bag, Files(bag, local_environments=True), str(tmp_path))
    named = component_from_file(str(tmp_path / "a.yml"), here, None)
    silent = component_from_file(str(tmp_path / "b.yml"), here, None)
    assert isinstance(named, Component) and named.environment is not None and named.environment.reference == "vision"
    assert isinstance(silent, Component) and silent.environment is None and said(bag) == "nothing"
