"""The documentation's pages as values: fenced blocks with the marks before them, headings, the cells of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ANYTHING = "…"
MARKS = {"part", "errors", "repository", "slow"}
# What a part of a spec is completed with, so that an example can keep to what it is about.
COMPLETION = {
    "name": "part",
    "defaults": "{compute: azureml:cpu, environment: azureml:train:1}",
    "settings": "{continue_on_step_failure: false}",
    "steps": "{hello: {command: echo hello}}",
}
_FENCED = re.compile(r"^(```+)[^\n]*\n.*?^\1$", re.MULTILINE | re.DOTALL)


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
    def where(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def file(self) -> str | None:
        """The path that its first line gives it."""
        match = re.fullmatch(r"# file: (\S+)", self.lines[0]) if self.lines else None
        return match.group(1) if match else None

    @property
    def is_spec(self) -> bool:
        keys = {line.split(":")[0] for line in self.lines}
        return self.language == "yaml" and ("part" in self.marks or {"name", "steps"} <= keys)

    @property
    def is_executed(self) -> bool:
        """Whether a console block is meant for this machine: its commands then follow a ``$``."""
        return self.language == "console" and any(line.startswith("$ ") for line in self.lines)

    @property
    def shows_diagnostics(self) -> bool:
        return self.language in ("", "text") and any(re.match(r"(error|warning)\[P\d+\]", line) for line in self.lines)

    @property
    def text(self) -> str:
        """Its text; that of a part with what is missing put behind it, so that lines keep their numbers."""
        text = "".join(f"{line}\n" for line in self.lines)
        if "part" not in self.marks:
            return text
        return text + "".join(
            f"{key}: {value}\n" for key, value in COMPLETION.items() if f"\n{key}:" not in "\n" + text
        )


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found: list[Block] = []
    marks: frozenset[str] = frozenset()
    at = 0
    while at < len(lines):
        if comment := re.fullmatch(r"<!-- (.*) -->", lines[at]):
            words = frozenset(comment.group(1).split(", "))
            marks = words if words <= MARKS else frozenset()
        elif fence := re.fullmatch(r"(`{3,})(\S*)", lines[at]):
            end = next(n for n in range(at + 1, len(lines)) if lines[n] == fence.group(1))
            found.append(Block(page, len(found), at + 2, fence.group(2), marks, tuple(lines[at + 1 : end])))
            marks, at = frozenset(), end
        elif lines[at].strip():
            marks = frozenset()
        at += 1
    return found


def rewrite(block: Block, lines: list[str]) -> None:
    """Replace the lines of a block in its page, which may have changed since it was read."""
    now = blocks_of(block.page)[block.index]
    text = block.page.read_text(encoding="utf-8").splitlines()
    text[now.line - 1 : now.line - 1 + len(now.lines)] = lines
    block.page.write_text("\n".join(text) + "\n", encoding="utf-8")


def commands_of(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block and the output that is shown for it."""
    command, output = "", list[str]()
    for line in block.lines:
        if line.startswith("$ "):
            if command:
                yield command, output
            command, output = re.sub(r"\s{2,}#.*", "", line[2:]), []
        else:
            assert command, f"{block.where}: output before a command"
            output.append(line)
    yield command, output


def matches(expected: list[str], got: str) -> bool:
    """Whether output is as shown: ``…`` stands for any text, on a line of its own for any lines."""
    pattern = "".join(
        "(?:.*\n)*?" if line == ANYTHING else re.escape(line).replace(re.escape(ANYTHING), ".*") + "\n"
        for line in expected
    )
    return re.fullmatch(pattern, got) is not None


def links(page: Path) -> list[str]:
    """The targets of all links of a page, those in code left out."""
    text = re.sub(r"`[^`\n]*`", "", _FENCED.sub("", page.read_text(encoding="utf-8")))
    return re.findall(r"\]\(([^)\s]+)\)", text)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page; a second one of a name gets a number."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", _FENCED.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (anchor := f"{name}-{number}" if number else name) in found:
            number += 1
        found.add(anchor)
    return found


def rows_of(page: Path) -> Iterator[dict[str, str]]:
    """The rows of every table of a page, by the headings of their columns."""
    heads: list[str] = []
    for line in page.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            heads = []
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not heads:
            heads = cells
        elif not set(line) <= set("|- "):
            assert len(cells) == len(heads), f"a row of {len(cells)} cells: {line}"
            yield dict(zip(heads, cells, strict=True))
