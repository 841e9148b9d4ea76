"""A pipeline that is read and written again is, to azure-ai-ml, the pipeline that it was.

Compared are the REST bodies that azure-ai-ml builds, of pipelines of our own that go through every kind of node and
field, and of the real pipelines beside the project where they are there. ``corpus.txt`` lists what to expect of each.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compiler.azureml.reader import read_pipeline
from compiler.azureml.writer import emit, write
from compiler.diagnostics.model import Bag
from compiler.ir.text import to_text
from compiler.ir.verify import verify
from tests.azureml.harness import HERE, rest_body, said

OWN = HERE / "pipelines"
PIPELINES = sorted(path.stem for path in OWN.glob("*.yml") if re.search(r"^type: pipeline$", path.read_text(), re.M))
JOBS = [name for name in PIPELINES if not name.startswith("p_")]
LISTED = [
    tuple(line.split(None, 1)) for line in (HERE / "corpus.txt").read_text().splitlines() if not line.startswith("#")
]


def compiled(path: Path, folder: Path) -> Path:
    """The job file of a pipeline's build."""
    bag = Bag()
    pipeline = read_pipeline(str(path), bag)
    assert pipeline is not None and not bag.has_errors, said(bag)
    build = emit(verify(pipeline), bag, spec_name=path.name, directory=str(folder))
    assert build is not None
    assert write(build, str(folder), bag), said(bag)
    return folder / "job.yml"


def differences(path: Path, folder: Path) -> list[str]:
    tool = rest_body()
    job = compiled(path, folder)
    found = list(tool.differences(tool.body(str(path)), tool.body(str(job))))
    assert tool.load(str(job))._validate().passed
    return found


@pytest.mark.parametrize("name", JOBS)
def test_own_pipelines_come_back(name: str, tmp_path: Path) -> None:
    assert differences(OWN / f"{name}.yml", tmp_path / "build") == []


@pytest.mark.parametrize("name", JOBS)
def test_own_pipelines_as_ir(name: str, update: bool) -> None:
    pipeline = read_pipeline(str(OWN / f"{name}.yml"), Bag())
    assert pipeline is not None
    expected = OWN / "ir" / f"{name}.txt"
    got = to_text(pipeline, str(OWN))
    if update:
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(got, encoding="utf-8")
    assert got == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for kind, name in LISTED if kind == "fast"])
def test_corpus(name: str, corpus: Path, tmp_path: Path) -> None:
    assert differences(corpus / name, tmp_path / "build") == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for kind, name in LISTED if kind == "same"])
def test_rest_of_the_corpus(name: str, corpus: Path, tmp_path: Path) -> None:
    assert differences(corpus / name, tmp_path / "build") == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for kind, name in LISTED if kind == "data"])
def test_only_the_text_of_a_path_differs(name: str, corpus: Path, tmp_path: Path) -> None:
    found = differences(corpus / name, tmp_path / "build")
    assert found and all(re.match(r"\$\.properties\.inputs\.\w+\.uri: ", line) for line in found)


@pytest.mark.parametrize("name", [name for kind, name in LISTED if kind == "refused"])
def test_wrong_files_are_refused(name: str, corpus: Path) -> None:
    bag = Bag()
    read_pipeline(str(corpus / name), bag)
    assert bag.has_errors


def test_every_pipeline_of_the_corpus_is_listed(corpus: Path) -> None:
    job = re.compile(r"^type:\s*['\"]?pipeline\b|pipelineJob\.schema", re.MULTILINE)
    there = set()
    for path in corpus.rglob("*.y*ml"):
        text = path.read_text(encoding="utf-8", errors="replace")
        if re.search(r"^jobs:", text, re.MULTILINE) and job.search(text) and "omponent.schema" not in text:
            there.add(path.relative_to(corpus).as_posix())
    assert there == {name for _, name in LISTED}
