"""Faults of names: steps, ports, inputs, environments, compute targets and params that nobody declares."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import yaml

from tests.faults.making import Maker, Mutant, Subject, changed, misspelt
from tests.faults.text import Node, Spot, line_of

_BINDING = re.compile(
    r"\$\{\{\s*(?:parent\.)?(?:(steps|jobs)\.(\w+)(?:\[[^\]]*\])?\.outputs\.(\w+)|(inputs|outputs)\.(\w+))\s*\}\}"
)
_PARAM = re.compile(r"\{\{[^}]*?\bparams\.(\w+)")


def _names(subject: Subject, root: Node, spot: Spot, random: Random) -> Iterator[Mutant]:
    """A dangling name: of a step, a port, an input, an environment, a compute target, a param."""
    if spot.value.kind != "scalar" or not subject.whole:
        return
    text, value, key = subject.text[spot.value.start : spot.value.end], spot.value, spot.key.value
    parts = spot.path.split("/")
    if conditional(root, parts):
        return

    def wrong(kind: str, start: int, word: str, known: set[str]) -> Iterator[Mutant]:
        for new in misspelt(word, random):
            if new not in known and new != word:
                yield changed(subject, kind, value.start + start, value.start + start + len(word), new)
                return

    bindable = (parts[-1] == "inputs" or parts[-2:-1] == ["inputs"]) and parts[0] in ("steps", "jobs")
    ours = key == "command" or bindable or (subject.spec and spot.path.split("/")[0] == "outputs")
    for match in _BINDING.finditer(text) if ours or (subject.spec and spot.path == "outputs") else ():
        section, step, port, root_word, name = match.groups()
        steps = root.get(section) if section else None
        if steps is not None:
            yield from wrong("binding.step", match.start(2), step, {k.value for k, _ in steps.pairs if k is not None})
            ports = ports_of(subject, root, step, "outputs")
            if ports and not conditional(root, ["steps", step]):
                yield from wrong("binding.port", match.start(3), port, set(ports))
        elif root_word is not None:
            known = _declared(root, parts, root_word, key)
            swept = _swept(root, parts, name)
            for mutant in wrong("binding.name", match.start(5), name, known):  # of a swept name either end is wrong
                lines = mutant.lines | ({line_of(subject.text, swept.start)} if swept is not None else set())
                yield replace(mutant, lines=lines)
        end = match.end()
        if not spot.inside.flow or value.style:
            yield changed(subject, "binding.brace", value.start + end - 2, value.start + end, "}")
    if subject.spec and parts[0] not in ("params", "include"):
        params = root.get("params")
        names = {k.value for k, _ in params.pairs if k is not None} if params is not None else set()
        for match in _PARAM.finditer(text):
            if match.group(1) in names:
                yield from wrong("expression", match.start(1), match.group(1), names)
    yield from _targets(subject, root, spot, wrong)


def _targets(subject: Subject, root: Node, spot: Spot, wrong: Callable[..., Iterator[Mutant]]) -> Iterator[Mutant]:
    key, value = spot.key.value, spot.value
    section = {"environment": "environments", "compute": "compute"}.get(key)
    placed = spot.path in ("defaults", "") or re.fullmatch(r"(profiles/\w+/)?(steps/\w+|defaults)", spot.path)
    if section is None or not placed or ":" in value.value or "{{" in value.value or value.value == "serverless":
        return
    if not (subject.spec or (not subject.main and key == "environment")):
        return
    at = subject.text.find(value.value, value.start, value.end) - value.start
    known = root.get(section)
    names = {k.value for k, _ in known.pairs if k is not None} if known is not None else set()
    if at >= 0 and value.value:
        yield from wrong(f"name.{key}", at, value.value, names)


def _given(subject: Subject, root: Node, spot: Spot, random: Random) -> Iterator[Mutant]:
    """An input of a step that its component file does not declare, for being misspelt."""
    parts = spot.path.split("/")
    if len(parts) != 3 or parts[2] != "inputs" or parts[0] not in ("steps", "jobs") or conditional(root, parts):
        return
    if not subject.whole:
        return
    ports = ports_of(subject, root, parts[1], "inputs")
    if spot.key.value in ports and not spot.key.style and component_file(subject, root, parts[1]) is not None:
        for word in misspelt(spot.key.value, random):
            if word not in ports:
                yield changed(subject, "input.name", spot.key.start, spot.key.end, word)
                return


def _declared(root: Node, parts: list[str], which: str, key: str) -> set[str]:
    """The names that a binding may mean here: of the component in a command, of the pipeline in inputs."""
    inner: Node | None = root
    for part in parts if key == "command" and parts != [""] else ():
        inner = inner.get(part) if inner is not None else None
    section = inner.get(which) if inner is not None else None
    swept = inner.get("sweep") if inner is not None else None
    space = swept.get("search_space") if swept is not None else None
    return {k.value for node in (section, space) if node is not None for k, _ in node.pairs if k is not None}


def _swept(root: Node, parts: list[str], name: str) -> Node | None:
    """The key of a search space that a step in place sweeps over."""
    inner: Node | None = root
    for part in [*parts[:2], "sweep", "search_space"] if len(parts) > 1 else ["none"]:
        inner = inner.get(part) if inner is not None else None
    return next((key for key, _ in inner.pairs if key is not None and key.value == name), None) if inner else None


def conditional(root: Node, parts: list[str]) -> bool:
    """Whether a place stands in a step that may be left out."""
    at = parts[2:] if parts[0] == "profiles" else parts
    steps = root.get("steps")
    step = steps.get(at[1]) if steps is not None and len(at) > 1 and at[0] == "steps" else None
    return step is not None and step.get("when") is not None


def component_file(subject: Subject, root: Node, step: str) -> Path | None:
    steps = root.get("steps") or root.get("jobs")
    node = steps.get(step) if steps is not None else None
    named = (node.get("component") or node.get("trial")) if node is not None else None
    if named is None or named.kind != "scalar" or "{{" in named.value:
        return None
    path = subject.folder / named.value.removeprefix("file:")
    return path if path.suffix in (".yml", ".yaml") and path.is_file() else None


def ports_of(subject: Subject, root: Node, step: str, which: str) -> dict[str, dict[str, object]]:
    """The ports of a step's component file by name; those of a step in place for its outputs only."""
    path = component_file(subject, root, step)
    if path is None:
        steps = root.get("steps") or root.get("jobs")
        node = steps.get(step) if steps is not None else None
        own = node.get(which) if node is not None and node.get("command") is not None and which == "outputs" else None
        return {k.value: {} for k, _ in own.pairs if k is not None} if own is not None else {}
    try:
        ports = yaml.safe_load(path.read_text("utf-8")).get(which) or {}
    except (yaml.YAMLError, AttributeError):
        return {}
    return {name: port if isinstance(port, dict) else {} for name, port in ports.items()}


MAKERS: tuple[Maker, ...] = (_names, _given)
