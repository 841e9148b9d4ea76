"""The documentation is executed: every fenced block of README.md and docs/*.md, every link, every named test.

A page has a folder. A block whose first line is ``# file: PATH`` is a file in it. Beyond that a block is what its
language says:

    yaml       a whole spec (it begins with `name:`), which must be without errors and warnings
    console    commands after a `$`, which must print what is shown below them, or if nothing is shown must succeed;
               without a `$` they are for another machine, and their make targets and extras must exist
    text       what amlc says about the block above, or about the spec above with the lines that are shown in it
    (none)     the same where it shows diagnostics, else a drawing

A comment before a block says what else it is; several are separated by commas.

    <!-- part -->          some sections of a spec; the rest of it is added (tests/markdown.py)
    <!-- errors -->        a spec that amlc objects to, exactly as the text block below says
    <!-- repository -->    commands that are meant for the repository: run in a copy of its specs and components
    <!-- slow -->          takes long: run by `make test-slow`

In shown output ``…`` stands for any text, on a line of its own for any lines. ``pytest --update`` writes the generated
reference and the texts of ``errors`` anew.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from compiler import api
from compiler.cli import COMMANDS
from compiler.cli import run as main
from compiler.diagnostics.codes import Severity
from compiler.diagnostics.model import Bag, Diagnostic
from compiler.report import text as report
from tests.markdown import ANYTHING, Block, anchors, blocks_of, commands_of, links, matches, rewrite, rows_of

ROOT = Path(__file__).resolve().parent.parent
PAGES = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if path.is_file()]
LINKED = [*PAGES, *(path for name in ("CONTRIBUTING", "CHANGELOG") if (path := ROOT / f"{name}.md").is_file())]
LANGUAGE = ROOT / "docs" / "language.md"
LEDGER = ROOT / "docs" / "fidelity.md"
BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def chosen(wanted: Callable[[Block], bool]) -> list[Any]:
    """Blocks as test parameters that go by their place."""
    slow = [pytest.mark.slow]
    return [pytest.param(b, id=b.where, marks=slow if "slow" in b.marks else []) for b in BLOCKS if wanted(b)]


def neighbour(block: Block, step: int) -> Block | None:
    return next((other for other in BLOCKS if (other.page, other.index) == (block.page, block.index + step)), None)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a page, and the working directory."""
    home = tmp_path / "page"
    home.mkdir()
    monkeypatch.chdir(home)
    return home


def write_files(block: Block, folder: Path) -> None:
    """All files of the block's page, in their last version above the block where there are several."""
    for other in BLOCKS:
        if other.page == block.page and other.file is not None:
            path = folder / other.file
            if other.index <= block.index or not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(other.text, encoding="utf-8")


def validated(name: str, text: str, folder: Path) -> list[Diagnostic]:
    (folder / name).write_text(text, encoding="utf-8")
    bag = Bag()
    api.validate(name, api.Options(), bag, name)
    return bag.sorted()


def shown(said: list[Diagnostic]) -> list[str]:
    return f"{report.render(said)}\n{report.summary(said)}".splitlines()


# ------------------------------------------------------------------------------------------------------------- blocks


def test_every_block_is_of_a_known_kind() -> None:
    for block in BLOCKS:
        if block.language == "yaml":
            assert block.is_spec or block.file, f"{block.where} is neither a spec nor a file nor marked"
        elif block.language == "text":
            assert block.shows_diagnostics, f"{block.where} shows no diagnostics"
        elif block.language not in ("", "console"):
            assert block.language in ("python", "json") and block.file, f"{block.where} is no file"


@pytest.mark.parametrize("block", chosen(lambda block: block.language == "yaml"))
def test_yaml(block: Block, folder: Path, update: bool) -> None:
    write_files(block, folder)
    if not block.is_spec:
        assert isinstance(yaml.safe_load(block.text), dict)
        return
    said = validated(block.file or "spec.yml", block.text, folder)
    if "errors" not in block.marks:
        allowed = {"P0901"} if "part" in block.marks else set()  # a part leaves it to the rest to use what it declares
        said = [item for item in said if item.severity is not Severity.NOTE and item.code not in allowed]
        assert not said, report.render(said)
        return
    below = neighbour(block, 1)
    assert below is not None and below.language == "text", "what amlc says is not shown below"
    assert said, "amlc says nothing about this spec"
    if update and shown(said) != list(below.lines):
        rewrite(below, shown(said))
        return
    assert shown(said) == list(below.lines)


def follows_a_faulty_spec(block: Block) -> bool:
    above = neighbour(block, -1)
    return above is not None and "errors" in above.marks


@pytest.mark.parametrize("block", chosen(lambda b: b.shows_diagnostics and not follows_a_faulty_spec(b)))
def test_diagnostics(block: Block, folder: Path) -> None:
    """The lines of source that are shown stand in the last whole spec above; amlc then says what is shown."""
    above = [
        b for b in BLOCKS if b.page == block.page and b.index < block.index and b.is_spec and "part" not in b.marks
    ]
    lines = list(above[-1].lines)
    place = next(match for line in block.lines if (match := re.match(r" *--> (.+):\d+:\d+$", line)))
    for line in block.lines:
        if source := re.match(r" *(\d+) \| (.*)", line):
            lines[int(source.group(1)) - 1] = source.group(2)
    write_files(block, folder)
    assert shown(validated(place.group(1), "\n".join(lines) + "\n", folder)) == list(block.lines)


def masked(text: str, folder: Path) -> str:
    """Output without what differs from run to run."""
    text = text.replace(f"{os.path.realpath(folder)}/", f"{ANYTHING}/")
    text = re.sub(r"\d{8}-\d{6}-\d{3}-[0-9a-f]{4}", "ID", text)
    text = re.sub(r"^(run \S+ of .*, )\d+( at a time)$", r"\1N\2", text, flags=re.MULTILINE)
    text = re.sub(r"^(?:\d+:)?\d\d:\d\d ", "00:00 ", text, flags=re.MULTILINE)
    return re.sub(r"\bin (?:\d+\.\d s|\d+:\d\d(?::\d\d)?)", "in N s", text)


@pytest.mark.parametrize("block", chosen(lambda block: block.is_executed))
def test_console(block: Block, folder: Path) -> None:
    if "repository" in block.marks:
        for name in ("specs", "components"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / ".git").mkdir()
    write_files(block, folder)
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "AZUREML_"))}
    variables["PATH"] = f"{os.path.dirname(sys.executable)}{os.pathsep}{variables.get('PATH', '')}"
    for command, expected in commands_of(block):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == (1 if any(line.startswith("error[") for line in expected) else 0), done.stdout
        if expected:
            got = masked(done.stdout, folder)
            assert matches([masked(line, folder) for line in expected], got), f"$ {command}\n{got}"


@pytest.mark.parametrize("block", chosen(lambda block: block.language == "console" and not block.is_executed))
def test_commands_for_another_machine(block: Block) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = (ROOT / "setup.cfg").read_text(encoding="utf-8").partition("[options.extras_require]")[2]
    for line in block.lines:
        words = line.split("#")[0].split()
        if words[0] == "make":
            assert all(re.search(rf"^{word}:", makefile, re.MULTILINE) for word in words[1:]), line
        else:
            assert words[:2] == ["pip", "install"], f"{line}: nobody checks this"
            extra = re.search(r"\[(.*)\]", line)
            assert extra is None or f"\n{extra.group(1)} =" in extras, line


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_links(page: Path) -> None:
    for target in links(page):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            file = (page.parent / path) if path else page
            assert file.exists(), f"{page.name} links to {target}, which is not there"
            assert not anchor or anchor in anchors(file), f"{page.name} links to {target}: there is no such heading"


# --------------------------------------------------------------------------------------- the reference of the language

BEGIN, END = "<!-- generated from schemas/pipeline.schema.json by tests/test_docs.py -->", "<!-- end -->"

# Definition and property, with the least spec that shows that it cannot be compiled.
NOT_COMPILED = {
    ("", "secrets"): "secrets: {key: {env: KEY}}\nsteps: {a: {command: echo}}",
    ("", "budget"): "budget: {trials: 1}\nsteps: {a: {command: echo}}",
    ("", "endpoints"): "endpoints: {e: {name: e}}\nsteps: {a: {command: echo}}",
    ("data", "account_name"): """
data: {store: {kind: datastore, type: azure_blob, account_name: a, container_name: c}}
steps: {a: {command: echo}}
""",
    ("trigger", "path"): """
schedule: {trigger: {type: data_arrival, path: azureml://datastores/a/paths/raw}}
steps: {a: {command: echo}}
""",
    ("trigger", "input"): """
inputs: {raw: {type: uri_folder, path: azureml://datastores/a/paths/raw}}
schedule: {trigger: {type: data_arrival, input: raw}}
steps: {a: {command: "echo '${{inputs.raw}}'", inputs: {raw: "${{inputs.raw}}"}}}
""",
    ("step", "secrets"): "steps: {a: {command: echo, secrets: [key]}}",
    ("step", "retry"): "steps: {a: {command: echo, retry: {max_attempts: 2}}}",
    ("step", "specs"): "steps: {a: {command: echo, specs: [b.yml]}}",
    ("sweep", "best"): """
steps:
  a:
    command: echo '${{inputs.x}}'
    sweep:
      sampling_algorithm: grid
      search_space: {x: {type: choice, values: [1, 2]}}
      objective: {goal: minimize, primary_metric: loss}
      limits: {max_total_trials: 2, max_concurrent_trials: 1}
      best: best
""",
}


@pytest.mark.parametrize("place", NOT_COMPILED, ids=".".join)
def test_what_the_reference_calls_not_compiled_is_refused(place: tuple[str, str], folder: Path) -> None:
    head = "name: a\ndefaults: {compute: azureml:cpu, environment: azureml:train:1}\n"
    said = validated("spec.yml", head + NOT_COMPILED[place], folder)
    assert [item.code for item in said if item.severity is Severity.ERROR] == ["P0802"]


def test_the_commands_that_are_said_to_be_missing_are() -> None:
    line = re.search(r"^The commands (.*), which", LANGUAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert line is not None and not set(re.findall(r"`(\w+)`", line.group(1))) & set(COMMANDS)


def test_reference(update: bool) -> None:
    text = LANGUAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    there, mark, after = rest.partition(END)
    assert mark, "docs/language.md has no place for the reference"
    made = Reference(json.loads((ROOT / "schemas" / "pipeline.schema.json").read_text(encoding="utf-8"))).text()
    if update and there != made:
        LANGUAGE.write_text(f"{before}{BEGIN}{made}{END}{after}", encoding="utf-8")
        return
    assert there == made, "run with --update"


class Reference:
    """The schema as Markdown: a table for each definition with properties, in the order in which they are met."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema, self._definitions = schema, schema["$defs"]
        self._met: list[str] = []

    def text(self) -> str:
        parts = [self._section("", "A spec", self._schema)]
        for name in self._met:  # grows while the sections are made
            parts.append(self._section(name, self._definitions[name]["title"], self._definitions[name]))
        return "\n" + "\n".join(parts) + "\n"

    def _section(self, name: str, title: str, definition: dict[str, Any]) -> str:
        rows = list(self._rows(name, definition))
        table = ["", "| key | value | meaning |", "|---|---|---|", *rows] if rows else []
        return "\n".join([f"### {title}", "", definition["description"], *table]) + "\n"

    def _rows(self, name: str, definition: dict[str, Any], prefix: str = "") -> Iterator[str]:
        properties = definition.get("properties", {})
        if {item.get("$ref") for item in properties.values()} == {"#/$defs/overlay"}:
            return  # a profile: the keys of a spec once more
        for key, item in properties.items():
            shown = f"`{prefix}{key}`" + (", required" if key in definition.get("required", ()) else "")
            meaning = item["description"]
            if "default" in item:
                meaning += f" Default: `{json.dumps(item['default'])}`."
            if (name, key) in NOT_COMPILED and not prefix:
                meaning += " **Not compiled in this version.**"
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in (shown, self._kind(item), meaning)) + " |"
            yield from self._rows(name, item, f"{prefix}{key}.")

    def _kind(self, item: dict[str, Any]) -> str:
        """What a value may be, in words."""
        if "$ref" in item:
            return self._link(item["$ref"].rpartition("/")[2])
        if "anyOf" in item:
            return " or ".join(self._kind(one) for one in item["anyOf"] if one.get("$ref") != "#/$defs/expression")
        if "enum" in item:
            return ", ".join(f"`{word}`" for word in item["enum"])
        kinds = [kind for kind in _listed(item.get("type", "any value")) if kind != "null"]
        if item.get("pattern") == "\\{\\{" and len(kinds) > 1:
            kinds.remove("string")  # that is an expression, which may stand anywhere
        return " or ".join(self._one_kind(kind, item) for kind in kinds)

    def _link(self, name: str) -> str:
        definition = self._definitions[name]
        if "properties" not in definition and "allOf" in definition:
            return self._kind(definition["allOf"][0])  # the same under narrower rules
        if name not in self._met:
            self._met.append(name)
        title = definition["title"]
        return f"[{title}](#{title.lower().replace(' ', '-')})"

    def _one_kind(self, kind: str, item: dict[str, Any]) -> str:
        inner = item.get("items" if kind == "array" else "additionalProperties")
        if kind in ("array", "object"):
            what = "list" if kind == "array" else "map"
            return f"{what} of {self._kind(inner)}" if isinstance(inner, dict) else what
        bounds = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"))
        limits = [f"{sign} {item[key]}" for key, sign in bounds if key in item]
        return f"{kind} {', '.join(limits)}" if limits and kind in ("integer", "number") else kind


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


# --------------------------------------------------------------------------------------------------------- the ledger

KNOWN = {"measured", "documented", "reported", "ours"}


VERDICTS = {"same", "different", "refused", "refused here", "refused there"}


def test_the_ledger_has_one_row_for_each_construct() -> None:
    rows = list(rows_of(LEDGER))
    constructs = [row["construct"] for row in rows]
    assert len(rows) > 60 and len(set(constructs)) == len(constructs)
    for row in rows:
        assert row["verdict"] in VERDICTS, row["construct"]
        assert re.split(r"\W", row["known"])[0] in KNOWN, f"{row['construct']}: how do we know?"


def test_the_ledger_names_tests_that_exist() -> None:
    """A function of a test file, a title in a file of cases, or the folder of a case."""
    for row in rows_of(LEDGER):
        path, _, name = row["proof"].strip("`").partition("::")
        file, where = ROOT / "tests" / path, f"`{row['construct']}` names {row['proof']}"
        assert file.exists(), f"{where}, which is not there"
        if not name:
            assert (file / "spec.yml").is_file(), f"{where}, which is no case"
        else:
            title = f"def {name}(" if path.endswith(".py") else f"=== {name}\n"
            assert title in file.read_text(encoding="utf-8"), f"{where}, which has no such test"


def test_every_run_runs_every_step(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the ledger says about reuse; it has to be said anew when runs learn to reuse results."""
    head = "name: a\ndefaults: {compute: azureml:cpu, environment: azureml:train:1}\n"
    step = "steps: {a: {command: 'echo > ${{outputs.o}}/x', outputs: {o: {type: uri_folder}}}}\n"
    (folder / "spec.yml").write_text(head + step, encoding="utf-8")
    for _ in range(2):
        assert main(["run", "spec.yml", "--no-track"]) == 0
    assert capsys.readouterr().out.count("a started") == 2
