"""Every rule of the language as a case: a spec with what it compiles to, or a spec with what is said about it.

    tests/cases/ok/NAME/spec.yml      ir.txt (the printed IR) and build/ (the compiled files) beside it
    tests/cases/err/NAME/spec.yml     out.txt: what is said, in the concise format with the details below each line

A case that is about the edge of its project has its spec in ``NAME/project/``. A first line
``# options: --set n=2 --profile local`` gives the command line. ``pytest --update`` rewrites the expected files; read
the difference before you commit it. A case in ``ok`` may have warnings: they stand in out.txt.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from compiler import api
from compiler.diagnostics.codes import Severity
from compiler.diagnostics.model import Bag, Diagnostic, Edit
from compiler.diagnostics.span import SourceFile, Span
from compiler.report import concise

CASES = Path(__file__).parent / "cases"


def names_in(folder: Path) -> list[str]:
    found = {path.relative_to(folder).parts[0] for path in folder.glob("*/**/spec.yml") if spec_of(path) == path}
    return sorted(found)


def spec_of(path: Path) -> Path:
    """The spec of the case that a path belongs to."""
    case = CASES.joinpath(*path.relative_to(CASES).parts[:2])
    inner = case / "project" / "spec.yml"
    return inner if inner.exists() else case / "spec.yml"


OK = names_in(CASES / "ok")
ERR = names_in(CASES / "err")


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
            assert flag == "--set", f"{flag} is no option of a case"
            name, _, given = value.partition("=")
            sets[name] = given
    return api.Options(tuple(profiles), sets)


# ---------------------------------------------------------------------------------------------------- expected files


def said(found: Iterable[Diagnostic]) -> str:
    """Diagnostics as golden text: the concise line, the characters that are underlined, labels, notes, help, fix."""
    return "".join(f"{line}\n" for item in found for line in _said(item))


def _said(item: Diagnostic) -> Iterator[str]:
    yield concise.line(item)
    if item.primary is not None:
        yield f"    under: {_underlined(item.primary)}"
    for label in item.secondary:
        at = label.span
        yield f"    {at.source.name}:{at.line}:{at.column}: {_underlined(at)} - {label.text}"
    yield from (f"    note: {note}" for note in item.notes)
    if item.help is not None:
        yield f"    help: {item.help}"
    if item.fix is not None:
        yield f"    {'safe' if item.fix.safe else 'unsafe'} fix: {item.fix.title}"


def _underlined(span: Span) -> str:
    """What of the first line is underlined, as it is shown: without secrets."""
    line = span.source.line(span.line)
    start = span.column - 1
    return line[start : start + max(span.end - span.start, 0)].strip() or "(nothing)"


def compare(path: Path, got: str, update: bool) -> None:
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(got, encoding="utf-8")
    assert path.is_file(), f"{path} is missing; run with --update"
    assert got == path.read_text(encoding="utf-8")


def texts(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# ------------------------------------------------------------------------------------------------------------- cases


def test_there_are_cases() -> None:
    assert len(OK) > 40 and len(ERR) > 100


@pytest.mark.parametrize("name", OK)
def test_ok(name: str, update: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = spec_of(CASES / "ok" / name / "spec.yml").parent
    monkeypatch.chdir(folder)
    bag = Bag()
    options = options_of(folder / "spec.yml")
    loaded = api.load("spec.yml", options, bag, "spec.yml")
    assert not bag.has_errors, said(bag.sorted())
    assert loaded.pipeline is not None
    compare(folder / "ir.txt", api.intermediate(loaded.pipeline), update)
    # compiled where it is expected, so that the relative paths to local data are those of the repository
    again = Bag()
    expected, built = folder / "build", folder / f".build-{os.getpid()}"
    try:
        api.compile_pipeline("spec.yml", options, str(built), again, "spec.yml")
        assert not again.has_errors, said(again.sorted())
        if update:
            shutil.rmtree(expected, ignore_errors=True)
            shutil.copytree(built, expected)
        assert texts(built) == texts(expected)
    finally:
        shutil.rmtree(built, ignore_errors=True)
    words = said(again.sorted())
    if words or (folder / "out.txt").exists():
        compare(folder / "out.txt", words, update)


@pytest.mark.parametrize("name", ERR)
def test_err(name: str, update: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = spec_of(CASES / "err" / name / "spec.yml").parent
    monkeypatch.chdir(folder)
    found = everything_said(folder / "spec.yml")
    assert any(item.severity is Severity.ERROR for item in found), "no error is found in this spec"
    compare(folder / "out.txt", said(found), update)


def everything_said(spec: Path) -> list[Diagnostic]:
    """What is said about a spec, also by those who look at it only when it is right so far: the writer."""
    bag = Bag()
    options = options_of(spec)
    loaded = api.load("spec.yml", options, bag, "spec.yml")
    if not bag.has_errors and loaded.pipeline is not None:
        api.compile_pipeline("spec.yml", options, str(spec.parent / ".never"), bag, "spec.yml")
    return bag.sorted()


# ------------------------------------------------------------------------------------------- what holds for all cases

# Proper names that a message may begin with; any other begins in lower case.
PROPER = ("Azure ML", "Azure's", "Bayesian", "Spark", "YAML")


@pytest.mark.parametrize("name", ERR)
def test_style_of_messages(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = spec_of(CASES / "err" / name / "spec.yml").parent
    monkeypatch.chdir(folder)
    for item in everything_said(folder / "spec.yml"):
        for text in (item.message, *item.notes, *((item.help,) if item.help else ())):
            assert "\n" not in text and text == text.strip() and "``" not in text
            assert not text.endswith((".", "!")), text
            assert not text[0].isupper() or text.startswith(PROPER), text
        for span in (item.primary, *(label.span for label in item.secondary)):
            assert span is None or 0 <= span.start <= span.end <= len(span.source.text)


@pytest.mark.parametrize("name", ERR)
def test_safe_fixes_cure(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fix that calls itself safe removes its own fault and makes no other."""
    case = spec_of(CASES / "err" / name / "spec.yml").parent
    folder = tmp_path / "case"
    shutil.copytree(case, folder, symlinks=True)
    monkeypatch.chdir(folder)
    before = everything_said(folder / "spec.yml")
    fixed = [item for item in before if item.fix is not None and item.fix.safe]
    if not fixed:
        return
    edits: dict[SourceFile, set[Edit]] = {}
    for item in fixed:
        for edit in item.fix.edits if item.fix is not None else ():
            edits.setdefault(edit.span.source, set()).add(edit)
    for source, some in edits.items():
        Path(source.path).write_text(edited(source.text, some), encoding="utf-8")
    after = everything_said(folder / "spec.yml")
    gone = Counter((item.code, item.message) for item in before) - Counter((item.code, item.message) for item in after)
    for item in fixed:
        assert gone[item.code, item.message] > 0, f"{concise.line(item)} is still there"
    assert not any(item.code.startswith("P01") and item.severity is Severity.ERROR for item in after), said(after)


def edited(text: str, edits: set[Edit]) -> str:
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text
