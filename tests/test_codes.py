"""The table of codes and the expected outputs hold each other: every code is shown by a case, no case has another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compiler.diagnostics.codes import CODES

TESTS = Path(__file__).parent
COMPILER = TESTS.parent / "compiler"

# Codes that no case of the front end can show, and why.
ELSEWHERE = {
    "P0110": "a file that is no text: tests/source/test_reader.py",
    "P0810": "the output folder of a build: tests/azureml",
    "P1001": "the runner: tests/local",
    "P1002": "the runner: tests/local",
    "P1003": "the runner: tests/local",
    "P1004": "the runner: tests/local",
    "P1005": "the runner: tests/local",
    "P1006": "the runner: tests/local",
}


def shown() -> set[str]:
    found: set[str] = set()
    for path in (TESTS / "cases").rglob("out.txt"):
        found.update(re.findall(r"(?:error|warning|note)\[(P\d{4})\]", path.read_text(encoding="utf-8")))
    return found


def raised() -> set[str]:
    """Every code that some module, or the schema, names."""
    texts = [path.read_text(encoding="utf-8") for path in COMPILER.rglob("*.py") if path.name != "codes.py"]
    texts.append((TESTS.parent / "schemas" / "pipeline.schema.json").read_text(encoding="utf-8"))
    return {code for text in texts for code in re.findall(r'"(P\d{4})"', text)}


def test_every_code_is_shown_by_a_case() -> None:
    assert set(CODES) - shown() - set(ELSEWHERE) == set()


def test_no_case_shows_an_unknown_code() -> None:
    assert shown() - set(CODES) == set()


def test_the_lists_are_kept_short() -> None:
    assert set(ELSEWHERE) & shown() == set(), "is shown by a case now"


def test_the_table_holds_the_codes_that_are_raised_and_no_others() -> None:
    assert raised() == set(CODES)


@pytest.mark.parametrize("code", [code for code, where in ELSEWHERE.items() if "tests/" in where])
def test_codes_of_elsewhere_are_tested_there(code: str) -> None:
    folder = TESTS / ELSEWHERE[code].split("tests/")[1]
    files = [folder] if folder.is_file() else [path for path in folder.rglob("*") if path.suffix in (".py", ".txt")]
    assert any(code in path.read_text(encoding="utf-8", errors="replace") for path in files)
