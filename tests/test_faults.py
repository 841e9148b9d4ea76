"""One fault, one error: a slip seeded into a case that is right is told once, on its own line, and nothing else is.

The slips are those of everyday typing: two letters of a key or of a name swapped.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from compiler import api
from compiler.diagnostics.codes import Severity
from compiler.diagnostics.model import Bag, Diagnostic
from tests.test_cases import CASES, OK, options_of, said, spec_of

# Keys of the language; swapping letters in any other is a rename.
KEYS = (
    *("params", "environments", "compute", "inputs", "outputs", "settings", "defaults", "steps"),
    *("schedule", "profiles", "include", "command", "component", "environment", "foreach", "when", "after", "sweep"),
    *("search_space", "sampling_algorithm", "objective", "early_termination", "limits", "resources", "distribution"),
    *("environment_variables", "max_total_trials", "primary_metric", "goal", "parallel", "spark", "automl", "image"),
    *("conda_file", "trigger", "frequency", "max_instances", "default_datastore", "continue_on_step_failure"),
)
_KEY = re.compile(rf"(?m)(?:^|[{{, ])({'|'.join(KEYS)})(?=:)")
_NAME = re.compile(
    r"\$\{\{ ?(?:steps\.(\w+)|steps\.\w+(?:\[[^\]]*\])?\.outputs\.(\w+)|inputs\.(\w+))|\{\{ ?params\.(\w+)"
)


def swapped(word: str) -> str:
    """The word with its last two different neighbours swapped."""
    for at in range(len(word) - 2, -1, -1):
        if word[at] != word[at + 1]:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word + word


def slips(text: str) -> Iterator[tuple[int, str]]:
    """Texts with one slip each, and its offset."""
    for match in [*_KEY.finditer(text), *_NAME.finditer(text)]:
        group = match.lastindex or 1
        start, end = match.span(group)
        line = text[text.rfind("\n", 0, start) + 1 : start]
        if not line.lstrip().startswith("#"):
            yield start, text[:start] + swapped(match.group(group)) + text[end:]


def faults(folder: Path) -> list[Diagnostic]:
    bag = Bag()
    api.load("spec.yml", options_of(folder / "spec.yml"), bag, "spec.yml")
    return [item for item in bag.sorted() if item.severity is Severity.ERROR]


def places(item: Diagnostic) -> set[int]:
    """The lines that a diagnostic shows: where two names should be one, either may be the slip."""
    spans = [item.primary, *(label.span for label in item.secondary)]
    return {span.line for span in spans if span is not None}


# Cases that this cannot be asked of, and why.
EXCEPT = {
    "component_reference": "what a registered component takes is not known",
    "profile_replaces_what_changes_kind": "what a profile replaces is not read",
    "anchors_in_a_place_of_their_own": "a slip in an anchor is told of each step that uses it",
    "steps_in_azures_own_shape": "the arguments of a Spark step have no place of their own",
}


@pytest.mark.parametrize("name", [name for name in OK if name not in EXCEPT])
def test_a_slip_is_one_error(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = spec_of(CASES / "ok" / name / "spec.yml").parent
    folder = tmp_path / name / "case"
    shutil.copytree(case.parent if case.name == "project" else case, folder, symlinks=True)
    folder = folder / "project" if case.name == "project" else folder
    monkeypatch.chdir(folder)
    spec = folder / "spec.yml"
    text = spec.read_text(encoding="utf-8")
    wrong: list[str] = []
    for offset, slip in slips(text):
        spec.write_text(slip, encoding="utf-8")
        line = text.count("\n", 0, offset) + 1
        found = faults(folder)
        if len(found) != 1 or line not in places(found[0]):
            wrong.append(f"line {line}: {slip.splitlines()[line - 1].strip()}\n{said(found)}")
    assert not wrong, "\n".join(wrong)
