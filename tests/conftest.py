"""Shared by all tests: the flag that rewrites expected outputs, and where things are."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite expected outputs instead of comparing")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Real Azure ML v2 pipelines beside the project; a test that wants them skips where they are not."""
    folder = SHARED / "azureml-examples"
    if not folder.is_dir():
        pytest.skip("the corpus of real pipelines is not beside the project")
    return folder
