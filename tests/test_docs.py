"""The documentation is executed: every fenced block of README.md and docs/*.md, every link, every named test.

A page has a folder. A block whose first line is ``# file: PATH`` is written there, and is there for the blocks below
it. The other blocks are what their language says:

    yaml       a whole spec (it begins with `name:`), which must be without errors and warnings
    console    commands; those with output shown must print it, those without must only succeed
    text       what the block above it makes amlc say
    (none)     a drawing, which nobody checks

A comment before a block says what else it is; several are separated by commas.

    <!-- part -->          some sections of a spec: `name`, `defaults`, `settings` and `steps` are added where missing
    <!-- errors -->        a spec that amlc objects to, exactly as the text block below says
    <!-- repository -->    commands that are meant for the repository, run in a copy of its specs and components
    <!-- slow -->          takes minutes: run by `make test-slow`
    <!-- not run -->       commands for another machine, such as the installation

In shown output ``…`` stands for any text, on a line of its own for any lines. ``pytest --update`` writes the generated
reference and the text blocks anew.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from compiler import api
from compiler.diagnostics.codes import Severity
from compiler.diagnostics.model import Bag, Diagnostic
from compiler.report import text as report

ROOT = Path(__file__).resolve().parent.parent
PAGES = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if path.is_file()]
LINKED = [*PAGES, *(path for name in ("CONTRIBUTING", "CHANGELOG") if (path := ROOT / f"{name}.md").is_file())]
LANGUAGE = ROOT / "docs" / "language.md"
LEDGER = ROOT / "docs" / "fidelity.md"

MARKS = {"part", "errors", "repository", "slow", "not run"}
LANGUAGES = {"", "yaml", "console", "text", "python", "json"}
ANYTHING = "…"
# What a part of a spec is completed with, so that an example can keep to what it is about.
COMPLETION = {
    "name": "part",
    "defaults": "{compute: azureml:cpu, environment: azureml:train:1}",
    "settings": "{continue_on_step_failure: false}",
    "steps": "{hello: {command: echo hello}}",
}


@dataclass(frozen=True)
class Block:
    """A fenced block: ``line`` is that of its first line of text, from 1; ``marks`` those of the comment before it."""

    page: Path
    index: int
    line: int
    language: str
    marks: frozenset[str]
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def file(self) -> str | None:
        match = re.fullmatch(r"# file: (\S+)", self.lines[0]) if self.lines else None
        return match.group(1) if match else None

    @property
    def is_spec(self) -> bool:
        keys = {line.split(":")[0] for line in self.lines}
        return self.language == "yaml" and ("part" in self.marks or {"name", "steps"} <= keys)


def blocks_of(page: Path) -> list[Block]:
    lines = page.read_text(encoding="utf-8").splitlines()
    found: list[Block] = []
    marks: frozenset[str] = frozenset()
    at = 0
    while at < len(lines):
        line = lines[at]
        if comment := re.fullmatch(r"<!-- (.*) -->", line):
            words = frozenset(comment.group(1).split(", "))
            marks = words if words <= MARKS else frozenset()
        elif fence := re.fullmatch(r"(`{3,})(\S*)", line):
            end = next(n for n in range(at + 1, len(lines)) if lines[n] == fence.group(1))
            body = tuple(lines[at + 1 : end])
            found.append(Block(page, len(found), at + 2, fence.group(2), marks, body))
            marks, at = frozenset(), end
        elif line.strip():
            marks = frozenset()
        at += 1
    return found


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def chosen(wanted: Callable[[Block], bool]) -> list[Any]:
    """Blocks as test parameters that go by their place."""
    return [
        pytest.param(
            block,
            id=f"{block.page.name}:{block.line}",
            marks=[pytest.mark.slow] if "slow" in block.marks else [],
        )
        for block in BLOCKS
        if wanted(block)
    ]


def following(block: Block) -> Block | None:
    return next((other for other in BLOCKS if (other.page, other.index) == (block.page, block.index + 1)), None)


def rewrite(block: Block, lines: list[str]) -> None:
    """Replace the lines of a block in its page, which may have changed since it was read."""
    now = blocks_of(block.page)[block.index]
    text = block.page.read_text(encoding="utf-8").splitlines()
    text[now.line - 1 : now.line - 1 + len(now.lines)] = lines
    block.page.write_text("\n".join(text) + "\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a page, and the working directory."""
    home = tmp_path / "page"
    home.mkdir()
    monkeypatch.chdir(home)
    return home


def write_files(block: Block, folder: Path) -> None:
    """The files of the page that stand above a block, and its own."""
    for other in BLOCKS:
        if other.page == block.page and other.index <= block.index and other.file is not None:
            path = folder / other.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(completed(other), encoding="utf-8")


def completed(block: Block) -> str:
    """The text of a block; of a part with what is missing put behind it, so that lines keep their numbers."""
    if "part" not in block.marks:
        return block.text
    missing = [f"{key}: {value}\n" for key, value in COMPLETION.items() if f"\n{key}:" not in "\n" + block.text]
    return block.text + "".join(missing)


# ------------------------------------------------------------------------------------------------------------- blocks


def test_every_block_is_of_a_known_kind() -> None:
    for block in BLOCKS:
        where = f"{block.page.name}:{block.line}"
        assert block.language in LANGUAGES, f"{where} is in {block.language}"
        if block.language == "yaml":
            assert block.is_spec or block.file is not None, f"{where} is neither a spec nor a file nor marked"
        elif block.language == "text":
            above = next(other for other in BLOCKS if following(other) is block)
            assert "errors" in above.marks, f"{where} follows no block that is marked `errors`"
        elif block.language in ("python", "json"):
            assert block.file is not None, f"{where} is no file"


@pytest.mark.parametrize("block", chosen(lambda block: block.language == "yaml"))
def test_yaml(block: Block, folder: Path, update: bool) -> None:
    write_files(block, folder)
    name = block.file or "spec.yml"
    (folder / name).write_text(completed(block), encoding="utf-8")
    if not block.is_spec:
        assert isinstance(yaml.safe_load(block.text), dict)
        return
    bag = Bag()
    api.validate(name, api.Options(), bag, name)
    if "errors" in block.marks:
        same_text(block, bag.sorted(), update)
        return
    allowed = {"P0901"} if "part" in block.marks else set()  # a part declares what it leaves to the others to use
    said = [item for item in bag.sorted() if item.severity is not Severity.NOTE and item.code not in allowed]
    assert not said, report.render(said)


def same_text(block: Block, said: list[Diagnostic], update: bool) -> None:
    shown = following(block)
    assert shown is not None and shown.language == "text", "the diagnostics are not shown below"
    assert said, "nothing is said about this spec"
    got = f"{report.render(said)}\n{report.summary(said)}".splitlines()
    if update and got != list(shown.lines):
        rewrite(shown, got)
        return
    assert "\n".join(got) == "\n".join(shown.lines)


def commands_of(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Each command and the output that is shown for it."""
    command, output = "", []
    for line in block.lines:
        if line.startswith("$ "):
            if command:
                yield command, output
            command, output = re.sub(r"\s{2,}#.*", "", line[2:]), []
        elif command.endswith("\\"):
            command = f"{command[:-1].rstrip()} {line.strip().removeprefix('>').strip()}"
        else:
            assert command, f"output before a command: {line}"
            output.append(line)
    yield command, output


def masked(text: str, folder: Path) -> str:
    """Output without what differs from run to run."""
    text = text.replace(f"{os.path.realpath(folder)}/", f"{ANYTHING}/")
    text = re.sub(r"\d{8}-\d{6}-\d{3}-[0-9a-f]{4}", "ID", text)
    text = re.sub(r"^(run \S+ of .*, )\d+( at a time)$", r"\1N\2", text, flags=re.MULTILINE)
    text = re.sub(r"\b(?:\d+:)*\d\d:\d\d\b", "00:00", text)
    return re.sub(r"\bin (?:\d+(?:\.\d+)? s|00:00)", "in N s", text)


def matches(expected: list[str], got: str) -> bool:
    pattern = "".join(
        "(?:.*\n)*?" if line == ANYTHING else re.escape(line).replace(re.escape(ANYTHING), ".*") + "\n"
        for line in expected
    )
    return re.fullmatch(pattern, got) is not None


def copy_of_the_repository(folder: Path) -> None:
    for name in ("specs", "components", "schemas"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".git").mkdir()


@pytest.mark.parametrize("block", chosen(lambda block: block.language == "console" and "not run" not in block.marks))
def test_console(block: Block, folder: Path) -> None:
    if "repository" in block.marks:
        copy_of_the_repository(folder)
    write_files(block, folder)
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "AZUREML_"))}
    variables["PATH"] = f"{os.path.dirname(sys.executable)}{os.pathsep}{variables.get('PATH', '')}"
    for command, expected in commands_of(block):
        if command.startswith("make "):
            has_target(command.split()[1])
            continue
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


def has_target(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE), target


# -------------------------------------------------------------------------------------------------------------- links


def prose(page: Path) -> str:
    """A page without its fenced blocks and code spans."""
    text = re.sub(r"^(```+)[^\n]*\n.*?^\1$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", lambda span: "`" * len(span.group()), text)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page; a second one of a name gets a number."""
    text = re.sub(r"^(```+)[^\n]*\n.*?^\1$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (anchor := f"{name}-{number}" if number else name) in found:
            number += 1
        found.add(anchor)
    return found


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_links(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), f"{page.name} links to {target}, which is not there"
        if anchor:
            assert anchor in anchors(file), f"{page.name} links to {target}: there is no such heading"


# --------------------------------------------------------------------------------------- the reference of the language

BEGIN, END = "<!-- generated from schemas/pipeline.schema.json by tests/test_docs.py -->", "<!-- end -->"

# Definition and property, with the least spec that shows that it cannot be compiled.
NOT_COMPILED = {
    ("", "secrets"): "secrets: {key: {env: KEY}}\nsteps: {a: {command: echo}}",
    ("", "endpoints"): "endpoints: {e: {name: e}}\nsteps: {a: {command: echo}}",
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
    (folder / "spec.yml").write_text(head + NOT_COMPILED[place], encoding="utf-8")
    bag = Bag()
    api.validate("spec.yml", api.Options(), bag, "spec.yml")
    assert [item.code for item in bag.sorted() if item.severity is Severity.ERROR] == ["P0802"]


def test_reference(update: bool) -> None:
    text = LANGUAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    shown, mark, after = rest.partition(END)
    assert mark, "docs/language.md has no place for the reference"
    made = Reference(json.loads((ROOT / "schemas" / "pipeline.schema.json").read_text(encoding="utf-8"))).text()
    if update and shown != made:
        LANGUAGE.write_text(f"{before}{BEGIN}{made}{END}{after}", encoding="utf-8")
        return
    assert shown == made, "run with --update"


class Reference:
    """The schema as Markdown: a table for each definition with properties, in the order in which they are met."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema, self._definitions = schema, schema["$defs"]
        self._met: list[str] = []

    def text(self) -> str:
        parts = [self._table("", "A spec", self._schema)]
        for name in self._met:  # grows while the tables are made
            definition = self._definitions[name]
            parts.append(self._table(name, definition["title"], definition))
        return "\n" + "\n".join(parts) + "\n"

    def _table(self, name: str, title: str, definition: dict[str, Any]) -> str:
        lines = [f"### {title}", "", definition["description"]]
        rows = list(self._rows(name, definition))
        if rows:
            lines += ["", "| key | value | meaning |", "|---|---|---|", *rows]
        return "\n".join(lines) + "\n"

    def _rows(self, name: str, definition: dict[str, Any], prefix: str = "") -> Iterator[str]:
        properties = definition.get("properties", {})
        if {item.get("$ref") for item in properties.values()} == {"#/$defs/overlay"}:
            return
        for key, item in properties.items():
            shown = f"`{prefix}{key}`" + (", required" if key in definition.get("required", ()) else "")
            meaning = item["description"]
            if "default" in item:
                meaning += f" Default: `{json.dumps(item['default'])}`."
            if (name, key) in NOT_COMPILED and not prefix:
                meaning += " **Not compiled in this version.**"
            yield f"| {shown} | {self._kind(item)} | {meaning} |".replace("|", "\\|").replace("\\| ", "| ").replace(
                " \\|", " |"
            )
            yield from self._rows(name, item, f"{prefix}{key}.")

    def _kind(self, item: dict[str, Any]) -> str:
        """What a value may be, in words."""
        if "$ref" in item:
            name = item["$ref"].rpartition("/")[2]
            if name not in self._met:
                self._met.append(name)
            title = self._definitions[name]["title"]
            return f"[{title}](#{title.lower().replace(' ', '-')})"
        if "anyOf" in item:
            return " or ".join(self._kind(one) for one in item["anyOf"] if "#/$defs/expression" not in str(one))
        if "enum" in item:
            return ", ".join(f"`{word}`" for word in item["enum"])
        kinds = [kind for kind in _listed(item.get("type", "any value")) if kind != "null"]
        if item.get("pattern") == "\\{\\{" and len(kinds) > 1:
            kinds.remove("string")  # stands for an expression, which may stand anywhere
        return " or ".join(self._one_kind(kind, item) for kind in kinds)

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


def ledger() -> list[dict[str, str]]:
    """The rows of every table of docs/fidelity.md, by the headings of their columns."""
    rows: list[dict[str, str]] = []
    heads: list[str] = []
    for line in LEDGER.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            heads = []
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not heads:
            heads = cells
        elif not set(line) <= set("|- "):
            assert len(cells) == len(heads), f"a row of {len(cells)} cells: {line}"
            rows.append(dict(zip(heads, cells, strict=True)))
    return rows


def test_the_ledger_has_one_row_for_each_construct() -> None:
    rows = [row for row in ledger() if "verdict" in row]
    constructs = [row["construct"] for row in rows]
    assert len(rows) > 30 and len(set(constructs)) == len(constructs)
    for row in rows:
        assert row["verdict"] in ("same", "different", "refused"), row["construct"]
        assert row["known"] in ("measured", "documented", "reported", "ours") or ", " in row["known"], row["construct"]


def test_the_ledger_names_tests_that_exist() -> None:
    for row in ledger():
        if "proof" not in row:
            continue
        proofs = re.findall(r"`([^`]+)`", row["proof"])
        assert proofs, f"nothing proves `{row['construct']}`"
        for proof in proofs:
            path, _, function = proof.partition("::")
            file = ROOT / "tests" / path
            assert file.exists(), f"`{row['construct']}` names {proof}, which is not there"
            if function:
                assert f"def {function}(" in file.read_text(encoding="utf-8"), f"there is no {proof}"
            else:
                assert (file / "spec.yml").is_file(), f"{proof} is no case"
