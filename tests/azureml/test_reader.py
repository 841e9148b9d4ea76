"""What the reader says of faulty Azure ML files, and what it makes of sound ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.azureml.reader import read_pipeline
from compiler.diagnostics.model import Bag
from tests.azureml.harness import HERE, Case, cases, place, rewrite, said

FAULTS = HERE / "faults.txt"


@pytest.mark.parametrize("case", cases(FAULTS), ids=lambda case: case.name)
def test_faults(case: Case, update: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(case, tmp_path)
    monkeypatch.chdir(tmp_path)
    bag = Bag()
    read_pipeline("pipeline.yml", bag, name="pipeline.yml")
    got = said(bag)
    if update:
        rewrite(FAULTS, {case.name: got})
    else:
        assert got == case.expected
