"""azure-ai-ml takes what is compiled, and understands it as the spec says.

Every build is loaded, validated and serialised by azure-ai-ml itself. Of the REST body that it would send and of the
IR, two readers in ``tests/facts`` make the same plain facts, each in its own way.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import pytest

from compiler import api
from compiler.diagnostics.model import Bag
from compiler.ir.model import Pipeline
from tests.conftest import ROOT
from tests.facts import differences, leaves, said
from tests.facts.body import of_body, plain
from tests.facts.spec import of_pipeline
from tests.test_cases import options_of

SHIPPED = [Path(path).relative_to(ROOT) for path in api.find_specs(str(ROOT / "specs"))]
CASES = sorted(path.parent.name for path in (ROOT / "tests/cases/ok").glob("*/spec.yml"))


@pytest.fixture(scope="module")
def ml() -> Any:
    """azure-ai-ml, without its chatter."""
    warnings.filterwarnings("ignore")
    found = pytest.importorskip("azure.ai.ml")
    logging.disable(logging.CRITICAL)
    yield found
    logging.disable(logging.NOTSET)


def profiles_of(spec: Path) -> list[str | None]:
    bag = Bag()
    return [None, *api.load(str(ROOT / spec), api.Options(), bag).declared_profiles]


@pytest.mark.parametrize(
    ("spec", "profile"), [(spec, profile) for spec in SHIPPED for profile in profiles_of(spec)], ids=str
)
def test_a_shipped_spec(spec: Path, profile: str | None, ml: Any, tmp_path: Path) -> None:
    # below the project, so that local data is where it is
    _hold(ROOT / spec, api.Options((profile,) if profile else ()), ml, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_case(name: str, ml: Any, tmp_path: Path) -> None:
    spec = ROOT / "tests/cases/ok" / name / "spec.yml"
    _hold(spec, options_of(spec), ml, tmp_path)


def _hold(spec: Path, options: api.Options, ml: Any, folder: Path) -> None:
    bag = Bag()
    done = api.compile_pipeline(str(spec), options, str(folder), bag)
    assert done.directory is not None and done.loaded.pipeline is not None, [item.message for item in bag]
    build = Path(done.directory)
    job = ml.load_job(build / "job.yml")
    result = job._validate()
    assert result.passed, result.error_messages
    body = plain(job._to_rest_object())["properties"]
    assert differences(of_body(body, build), of_pipeline(done.loaded.pipeline, top=True)) == []
    _beside(build, done.loaded.pipeline, ml)


def _beside(build: Path, pipeline: Pipeline, ml: Any) -> None:
    """Each other file of the build, by azure-ai-ml's own loader of its kind."""
    for path in sorted(build.glob("components/*.yml")):
        result = ml.load_component(path)._validate()
        assert result.passed, (path, result.error_messages)
    for path in sorted(build.glob("environments/*.yml")):
        assert ml.load_environment(path)._to_rest_object() is not None
    for path in sorted(build.glob("compute/*.yml")):
        found = ml.load_compute(path)
        assert found.name == pipeline.computes[path.stem].name
        assert found._to_rest_object() is not None
    for path in sorted(build.glob("schedules/*.yml")):
        from azure.ai.ml.entities._load_functions import load_schedule

        schedule = load_schedule(path)
        assert schedule.name == pipeline.schedules[path.stem].name
        assert schedule._validate().passed
        trigger = plain(schedule.trigger._to_rest_object())
        declared = pipeline.schedules[path.stem].trigger
        assert trigger["triggerType"].lower() == declared["type"]
        for key in ("expression", "interval"):
            assert trigger.get(key) == declared.get(key)
        assert str(trigger.get("frequency", "")).lower() == str(declared.get("frequency", ""))


def test_the_facts_are_not_empty(ml: Any, tmp_path: Path) -> None:
    """What the comparison rests on: both readers find the whole of the shipped spec, and see a difference."""
    spec = ROOT / SHIPPED[0]
    bag = Bag()
    done = api.compile_pipeline(str(spec), api.Options(), str(tmp_path), bag)
    assert done.loaded.pipeline is not None and done.directory is not None
    facts = of_pipeline(done.loaded.pipeline, top=True)
    assert len(list(leaves(said(facts)))) > 150
    job = Path(done.directory, "job.yml")
    text = job.read_text("utf-8")
    for old, new in (
        ("timeout: 21600", "timeout: 21601"),
        ("jobs.data_prep", "jobs.video_decoding"),
        ('"0, 1"', '"0, 2"'),
    ):
        if old not in text:
            continue
        job.write_text(text.replace(old, new), "utf-8")
        body = plain(ml.load_job(job)._to_rest_object())["properties"]
        assert differences(of_body(body, job.parent), facts), old
