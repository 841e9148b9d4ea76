"""Every rule of the language as a case: a spec with what it compiles to, or a spec with what is said about it.

    tests/cases/ok/NAME/spec.yml      ir.txt (the printed IR) and build/ (the compiled files) beside it
    tests/cases/err/NAME/spec.yml     out.txt: the diagnostics in the concise format

A first line ``# options: --set n=2 --profile local`` gives the command line. ``pytest --update`` rewrites the
expected files; read the difference before you commit it. A case in ``ok`` may have warnings: they stand in out.txt.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

from compiler import api
from compiler.diagnostics.codes import Severity
from compiler.diagnostics.model import Bag
from compiler.report import concise

CASES = Path(__file__).parent / "cases"
OK = sorted(path.parent.name for path in (CASES / "ok").glob("*/spec.yml"))
ERR = sorted(path.parent.name for path in (CASES / "err").glob("*/spec.yml"))


def options_of(spec: Path) -> api.Options:
    """The command line that the first line of a case asks for."""
    first = spec.read_text(encoding="utf-8", errors="replace").split("\n", 1)[0]
    match = re.match(r"# options: (.*)", first)
    words = shlex.split(match.group(1)) if match else []
    profiles, sets = [], {}
    for flag, value in zip(words[::2], words[1::2], strict=True):
        if flag == "--profile":
            profiles.append(value)
        else:
            name, _, given = value.partition("=")
            sets[name] = given
    return api.Options(tuple(profiles), sets)


def compare(path: Path, got: str, update: bool) -> None:
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(got, encoding="utf-8")
    assert path.is_file(), f"{path} is missing; run with --update"
    assert got == path.read_text(encoding="utf-8")


def test_there_are_cases() -> None:
    assert len(OK) > 20 and len(ERR) > 60


@pytest.mark.parametrize("name", OK)
def test_ok(name: str, update: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = CASES / "ok" / name
    monkeypatch.chdir(folder)
    bag = Bag()
    loaded = api.load("spec.yml", options_of(folder / "spec.yml"), bag, "spec.yml")
    said = concise.render(bag.sorted())
    assert not bag.has_errors, said
    assert loaded.pipeline is not None
    if said or (folder / "out.txt").exists():
        compare(folder / "out.txt", said, update)
    compare(folder / "ir.txt", api.intermediate(loaded.pipeline), update)
    # compiled where it is expected, so that the relative paths to local data are those of the repository
    again = Bag()
    expected, built = folder / "build", folder / f".build-{os.getpid()}"
    try:
        api.compile_pipeline("spec.yml", options_of(folder / "spec.yml"), str(built), again, "spec.yml")
        assert not again.has_errors, concise.render(again.sorted())
        if update:
            shutil.rmtree(expected, ignore_errors=True)
            shutil.copytree(built, expected)
        assert texts(built) == texts(expected)
    finally:
        shutil.rmtree(built, ignore_errors=True)


def texts(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("name", ERR)
def test_err(name: str, update: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = CASES / "err" / name
    monkeypatch.chdir(folder)
    bag = Bag()
    loaded = api.load("spec.yml", options_of(folder / "spec.yml"), bag, "spec.yml")
    if not bag.has_errors and loaded.pipeline is not None:  # what only the writer refuses
        api.compile_pipeline("spec.yml", options_of(folder / "spec.yml"), str(folder / ".never"), bag, "spec.yml")
    found = bag.sorted()
    assert any(item.severity is not Severity.NOTE for item in found), "nothing is said about this spec"
    compare(folder / "out.txt", concise.render(found), update)
