"""Whatever is done to a spec: one seeded fault is one error on its line, and no damage ends in a traceback.

    pytest tests/test_fuzz.py               a few hundred mutants of each kind of file
    pytest tests/test_fuzz.py -m slow       all of them

``tests/mutate.py`` says what the faults are and how it is known that they are faults.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compiler import api, cli
from compiler.diagnostics.codes import Severity
from compiler.diagnostics.model import Bag, Diagnostic
from compiler.diagnostics.span import Span
from tests import mutate
from tests.conftest import ROOT, SHARED
from tests.faults import tables
from tests.faults.invent import invent
from tests.test_cases import options_of

LONGEST = 2.0  # seconds for one validation, however broken the file
DETECTED, ON_ITS_LINE, EXACTLY_ONE = 0.99, 0.99, 0.97
_PIPELINE = re.compile(r"^jobs:", re.MULTILINE)
_SPEC = re.compile(r"^steps\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class File:
    """A file that a pipeline is made of, and the pipeline that is validated when it is broken."""

    main: Path
    options: api.Options
    path: Path
    subject: mutate.Subject


# ----------------------------------------------------------------------------------------------- what there is to break


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shipped specs, their components, and the cases that are right."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "amlc.toml").touch()
    for name in ("specs", "components", "tests/cases/ok"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True)
    return folder


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the Azure ML v2 pipelines that people write."""
    corpus = SHARED / "azureml-examples"
    if not corpus.is_dir():
        pytest.skip("the corpus of real pipelines is not beside the project")
    folder = tmp_path_factory.mktemp("azure") / "corpus"
    shutil.copytree(corpus, folder)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def files_of(group: str, request: pytest.FixtureRequest) -> list[File]:
    """Every file of the pipelines of a group that are right as they are."""
    if group == "azure":
        folder = request.getfixturevalue("azure")
        mains = [path for path in sorted(folder.rglob("*.yml")) if _PIPELINE.search(path.read_text("utf-8", "replace"))]
    elif group == "shipped":
        mains = [Path(path) for path in api.find_specs(str(request.getfixturevalue("project") / "specs"))]
    else:
        mains = sorted((request.getfixturevalue("project") / "tests/cases/ok").glob("*/spec.yml"))
    files: list[File] = []
    for main in mains:
        options = options_of(main) if group != "azure" else api.Options()
        if not errors(main, options)[1]:
            files += _files(main, options, group != "azure")
    return files


def _files(main: Path, options: api.Options, spec: bool) -> Iterator[File]:
    """The file itself and, as far as they can be followed, the components, specs and sections that it names.

    Under a profile or ``--set`` some of what is named is not used: then the file alone.
    """
    plain = not (options.profiles or options.sets)
    seen: set[Path] = set()
    pending = [(main, spec)]
    while pending:
        path, spec = pending.pop()
        if path in seen or not path.is_file():
            continue
        seen.add(path)
        text = path.read_bytes().decode("utf-8", "replace")
        if "promptflow" in text:
            continue  # read by another program
        yield File(main, options, path, mutate.Subject(text, path.parent, spec, path == main, plain))
        for spot in mutate.spots(mutate.tree(text)) if plain else ():
            if spot.key.value in ("component", "trial") and spot.value.value.endswith((".yml", ".yaml")):
                named = (path.parent / spot.value.value.removeprefix("file:")).resolve()
                pending.append((named, named.is_file() and bool(_SPEC.search(named.read_text("utf-8")))))
            elif spot.key.value == "include":
                pending += [(path.parent / item.value, True) for _, item in spot.value.pairs]


def errors(main: Path, options: api.Options) -> tuple[Bag, list[Diagnostic], float]:
    bag, start = Bag(), time.perf_counter()
    api.validate(str(main), options, bag, main.name)
    return bag, [item for item in bag if item.severity is Severity.ERROR], time.perf_counter() - start


# ------------------------------------------------------------------------------------------- one fault is one error


@dataclass(slots=True)
class Rates:
    """How many mutants were made, found, found first on their line, and told with one error; by kind."""

    rows: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0]))
    misses: list[str] = field(default_factory=list)

    def count(self, file: File, mutant: mutate.Mutant, found: list[Diagnostic]) -> None:
        first = found[0].primary if found else None
        placed = first is not None and Path(first.source.path) == file.path and first.line in mutant.lines
        for column, yes in enumerate((True, bool(found), placed, len(found) == 1)):
            self.rows[mutant.kind][column] += yes
        if not placed or len(found) != 1:
            where = f"{file.path.parent.name}/{file.path.name}"
            told = [f"{_place(item.primary)} {item.code} {item.message}" for item in found[:4]]
            self.misses.append(f"{where}: {mutant.kind}: {mutant.shown}, line {sorted(mutant.lines)}: {told}")

    def total(self, column: int) -> int:
        return sum(row[column] for row in self.rows.values())

    def share(self, column: int) -> float:
        return self.total(column) / max(self.total(0), 1)

    def table(self) -> str:
        lines = [f"  {kind:24}{row[0]:6}{row[1]:6}{row[2]:6}{row[3]:6}" for kind, row in sorted(self.rows.items())]
        shares = ", ".join(f"{self.share(column):.2%} {word}" for column, word in enumerate(WORDS, 1))
        return "\n".join([*lines, f"  {self.total(0)} faults: {shares}"])


WORDS = ("detected", "first error on the line", "exactly one error")


def _place(span: Span | None) -> str:
    return "-" if span is None else f"{Path(span.source.path).name}:{span.line}"


def sample(files: list[File], most: int | None, random: Random) -> list[tuple[File, mutate.Mutant]]:
    """So many mutants of the files, a few of each kind among them; None for all."""
    every = [(file, mutant) for file in files for mutant in mutate.mutants(file.subject, random)]
    random.shuffle(every)
    met: dict[str, int] = defaultdict(int)
    few, rest = [], []
    for file, mutant in every:
        met[mutant.kind] += 1
        (few if met[mutant.kind] <= 4 else rest).append((file, mutant))
    return [*few, *rest][:most]


def measure(files: list[File], most: int | None) -> Rates:
    rates = Rates()
    for file, mutant in sample(files, most, Random(2)):
        file.path.write_text(mutant.text, "utf-8", newline="")
        try:
            _, found, seconds = errors(file.main, file.options)
        finally:
            file.path.write_text(file.subject.text, "utf-8", newline="")
        rates.count(file, mutant, found)
        assert seconds < LONGEST, f"{file.path}: {mutant.kind} {mutant.shown} took {seconds:.1f} s"
    return rates


def _hold(rates: Rates, capsys: pytest.CaptureFixture[str], group: str) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{group}\n{rates.table()}\n")
    assert rates.total(0) > 100
    for column, least in enumerate((DETECTED, ON_ITS_LINE, EXACTLY_ONE), 1):
        assert rates.share(column) >= least, "\n".join([rates.table(), *rates.misses[:60]])


@pytest.mark.parametrize(("group", "most"), [("shipped", 400), ("cases", 500), ("azure", 400)])
def test_one_fault_is_one_error(
    group: str, most: int, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    _hold(measure(files_of(group, request), most), capsys, group)


@pytest.mark.slow
@pytest.mark.parametrize("group", ["shipped", "cases", "azure"])
def test_every_fault_is_one_error(
    group: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    _hold(measure(files_of(group, request), None), capsys, f"{group}, all")


def test_mutants_are_no_copies_and_cover_every_kind(request: pytest.FixtureRequest) -> None:
    files = files_of("shipped", request) + files_of("cases", request)
    found = sample(files, None, Random(1))
    assert all(mutant.text != file.subject.text for file, mutant in found)
    kinds = {mutant.kind for _, mutant in found}
    assert {kind.partition(".")[0] for kind in kinds} == {
        "key", "colon", "shape", "number", "enum", "quote", "bracket", "tab", "required", "binding", "expression",
        "input", "name", "search",
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ damage


def _damage(files: list[File], count: int, capsys: pytest.CaptureFixture[str]) -> None:
    random = Random(3)
    for number in range(count):
        file = random.choice(files)
        whole = file.path.read_bytes()
        file.path.write_bytes(mutate.damaged(whole, random))
        try:
            _survives(file.main, file.options, number, capsys)
        finally:
            file.path.write_bytes(whole)


def _survives(main: Path, options: api.Options, number: int, capsys: pytest.CaptureFixture[str]) -> None:
    bag, _, seconds = errors(main, options)
    assert seconds < LONGEST
    for item in bag:
        for span in (item.primary, *(label.span for label in item.secondary)):
            assert span is None or 0 <= span.start <= span.end <= len(span.source.text), item
    style = ("text", "concise", "json")[number % 3]
    flags = [*(f"--profile={name}" for name in options.profiles), *(f"--set={k}={v}" for k, v in options.sets.items())]
    code = cli.run(["validate", str(main), "--format", style, *flags])
    shown = capsys.readouterr()
    assert code in (0, 1), shown.err
    assert "Traceback" not in shown.out + shown.err
    if code == 0:
        assert cli.run(["compile", str(main), "--output", str(main.parent / ".build"), *flags]) in (0, 1)
        assert cli.run(["compile", str(main), "--emit=ir", *flags]) == 0
        if _PIPELINE.search(main.read_text("utf-8", "replace")):
            assert cli.run(["import", str(main), "--output", str(main.parent / ".spec.yml"), "--force"]) in (0, 1)
        capsys.readouterr()
    if style == "json":
        _inside(json.loads(shown.out)["diagnostics"])


def _inside(told: list[dict[str, object]]) -> None:
    """Lines and columns of the JSON form stand in their files."""
    for item in told:
        name, line, column = item["file"], item["line"], item["column"]
        if name is None:
            continue
        text = Path(str(name)).read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
        lines = re.split(r"\r\n|\n|\r", text)
        assert isinstance(line, int) and isinstance(column, int) and 1 <= line <= len(lines), item
        assert 1 <= column <= len(lines[line - 1]) + 1, item


@pytest.mark.parametrize(("group", "count"), [("shipped", 200), ("cases", 500), ("azure", 400)])
def test_no_damage_ends_in_a_traceback(
    group: str, count: int, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    _damage(files_of(group, request), count, capsys)


@pytest.mark.slow
@pytest.mark.parametrize(("group", "count"), [("shipped", 3000), ("cases", 10_000), ("azure", 5000)])
def test_no_damage_ends_in_a_traceback_in_thousands(
    group: str, count: int, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    _damage(files_of(group, request), count, capsys)


# -------------------------------------------------------------------------------------------------------- hypothesis

WORD = st.sampled_from(
    sorted(
        tables.SCALARS | tables.MAPPINGS | tables.NUMBERS | tables.ENUMS
        | {"x", "foreach", "when", "after", "retry", "secrets", "include", "default", "min", "max", "enum", "values",
           "environment", "compute", "jobs", "parallel", "spark", "automl", "path", "data", "optional", "task", "<<"}
    )
)  # fmt: skip
LEAF = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12),
    st.sampled_from([
        "${{inputs.x}}", "${{steps.x.outputs.x}}", "${{parent.jobs.x.outputs.x}}", "${{steps.x[*].outputs.x}}",
        "{{ params.x }}", "{{ item }}", "{{ 1 / 0 }}", "{{ [1] * 9999 }}", "{{", "${{", "$[[ x", "azureml:x:1",
        "uri_folder", "string", "choice", "random", "bandit", "recurrence", "cron", "amlcompute", "x.yml", ".", "/",
        "1e999", "-0", "0x1F", "2024-01-01", "command", "pipeline", "sweep",
    ]),
)  # fmt: skip
TREE = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD | st.text(max_size=4), inner, max_size=5),
    max_leaves=25,
)
SECTIONS = st.dictionaries(WORD, TREE, max_size=6)
STEP = st.dictionaries(WORD, TREE, max_size=6)
SPEC = st.builds(
    lambda top, steps, key: {"name": "x", **top, key: steps},
    SECTIONS, st.dictionaries(st.sampled_from(["x", "y"]), STEP, max_size=3), st.sampled_from(["steps", "jobs"]),
)  # fmt: skip


def _whatever(text: str, folder: Path) -> None:
    path = folder / "spec.yml"
    path.write_text(text, "utf-8", newline="", errors="replace")
    for options in (api.Options(), api.Options(("x",), {"x": "1"})):
        bag, _, seconds = errors(path, options)
        assert seconds < LONGEST
        for item in bag:
            assert item.primary is None or 0 <= item.primary.start <= item.primary.end <= len(item.primary.source.text)


HOW = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), max_examples=150)


@HOW
@given(tree=SPEC)
def test_any_tree_of_the_languages_words(tree: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    _whatever(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False), tmp_path_factory.mktemp("tree"))


def _invented(count: int, folder: Path) -> None:
    (folder / "part.yml").write_text("type: command\ncommand: echo\ninputs: {x: {type: number, optional: true}}\n")
    (folder / "x.py").touch()
    for seed in range(count):
        _whatever(yaml.safe_dump(invent(Random(seed)), allow_unicode=True, sort_keys=False), folder)


def test_specs_made_up_from_the_schema(tmp_path: Path) -> None:
    _invented(400, tmp_path)


@pytest.mark.slow
def test_specs_made_up_from_the_schema_in_thousands(tmp_path: Path) -> None:
    _invented(20_000, tmp_path)


@HOW
@given(text=st.text() | st.binary().map(lambda data: data.decode("utf-8", "replace")))
def test_any_text(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    _whatever(text, tmp_path_factory.mktemp("text"))


@HOW
@given(expression=st.text("pars.xitem[]()'\"|+-*/%=<>!~, 0123456789{}$:", max_size=30))
def test_any_expression(expression: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    spec = {
        "name": "x",
        "params": {"x": 1, "m": {"default": {"a": [1]}}},
        "defaults": {"compute": "azureml:c", "environment": "azureml:e:1"},
        "steps": {"x": {"command": "echo '${{inputs.x}}'", "inputs": {"x": "{{ " + expression + " }}"}}},
    }
    _whatever(yaml.safe_dump(spec), tmp_path_factory.mktemp("expression"))


@pytest.mark.slow
@settings(HOW, max_examples=5000)
@given(tree=SPEC)
def test_any_tree_in_thousands(tree: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    _whatever(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False), tmp_path_factory.mktemp("tree"))
