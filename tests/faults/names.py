"""Faults of names: steps, ports, inputs, environments, compute targets and params that nobody declares."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import yaml

from tests.faults.making import Maker, Mutant, Subject, changed, misspelt
from tests.faults.tables import is_words
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


_FILTER = re.compile(r"\{\{[^}]*?\|\s*(lower|upper|length|round|int|float|string|join|replace)\b[^}]*\}\}")
_PATHS = ("component", "trial", "code", "conda_file", "include", "path")


def _elsewhere(subject: Subject, root: Node, spot: Spot, random: Random) -> Iterator[Mutant]:
    """A file that is not there, a filter that does not exist, a step to wait for or data that nobody declares."""
    value, key, path = spot.value, spot.key.value, spot.path
    parts = path.split("/")
    if not subject.whole or conditional(root, parts):
        return
    items = [value] if value.kind == "scalar" else [item for _, item in value.pairs if item.kind == "scalar"]
    declared = root.get("steps" if key == "after" else "data")
    names = {k.value for k, _ in declared.pairs if k is not None} if declared is not None else set()
    for item in items:
        text = subject.text[item.start : item.end]
        for match in _FILTER.finditer(text) if subject.spec else ():
            for word in misspelt(match.group(1), random):
                if word not in ("lower", "upper", "length", "round", "int", "float", "string", "join", "replace"):
                    yield changed(
                        subject, "expression.filter", item.start + match.start(1), item.start + match.end(1), word
                    )
                    break
        named = (key == "after" and len(parts) == 2) or (key == "data" and path in ("inputs", f"inputs/{parts[-1]}"))
        there = (
            key in _PATHS and (is_words(subject.spec, path) or key == "include") and _names_a_file(subject, spot, item)
        )
        for word in misspelt(item.value, random) if (named and item.value in names) or there else ():
            at = subject.text.find(item.value, item.start, item.end)
            if at >= 0 and word not in names and not (subject.folder / word).exists():
                kind = "name.file" if there else f"name.{key}"
                yield changed(subject, kind, at, at + len(item.value), word)
                break


def _names_a_file(subject: Subject, spot: Spot, item: Node) -> bool:
    """Whether a value is the path of something that must be there: data need not be."""
    if spot.key.value == "path" and not spot.path.endswith("build"):
        return False
    return "{{" not in item.value and ":" not in item.value and (subject.folder / item.value).exists()


def _declared(root: Node, parts: list[str], which: str, key: str) -> set[str]:
    """The names that a binding may mean here: of the component in a command, of the pipeline in inputs."""
    inner: Node | None = root
    for part in parts if key == "command" and parts != [""] else ():
        inner = inner.get(part) if inner is not None else None
    section = inner.get(which) if inner is not None else None
    swept = inner.get("sweep") if inner is not None else None
    space = swept.get("search_space") if swept is not None else None
    return {k.value for node in (section, space) if node is not None for k, _ in node.pairs if k is not None}


def _searched(subject: Subject, root: Node, spot: Spot, random: Random) -> Iterator[Mutant]:
    """A swept name that is no input of the trial's component file; bounds the wrong way round."""
    parts = spot.path.split("/")
    step = parts[1] if len(parts) > 2 and parts[0] in ("steps", "jobs") else ""
    if spot.path in (f"steps/{step}/sweep/search_space", f"jobs/{step}/search_space"):
        ports = ports_of(subject, root, step, "inputs")
        for word in misspelt(spot.key.value, random) if spot.key.value in ports and not spot.key.style else ():
            if word not in ports:
                yield changed(subject, "search.name", spot.key.start, spot.key.end, word)
                return
    low, high = spot.inside.get("min_value"), spot.inside.get("max_value")
    bounds = (low, high) if parts[-2:-1] == ["search_space"] and spot.key.value == "min_value" else (None, None)
    if subject.whole and low in bounds and high in bounds and low is not None and high is not None and spot.above:
        if not re.fullmatch(r"[-\d.]+", low.value + high.value) or float(low.value) >= float(high.value):
            return
        mutant = changed(subject, "search.bounds", low.start, low.end, str(float(high.value) + 1))
        lines = [line_of(subject.text, at) for at in (spot.above.start, low.start, high.start)]
        yield replace(mutant, lines=frozenset(range(min(lines), max(lines) + 1)))


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
    if path.suffix not in (".yml", ".yaml") or not path.is_file():
        return None
    return None if "promptflow" in path.read_text("utf-8", "replace") else path  # such a file declares no inputs


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


MAKERS: tuple[Maker, ...] = (_names, _elsewhere, _given, _searched)
