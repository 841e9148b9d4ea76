"""Seeded faults: one change to a YAML file that breaks one thing, and the lines on which that shows.

    inputs: {frames: ${{steps.data_prep.outputs.prepared}}}
    →  Mutant("binding.step", "${{steps.data_perp.outputs.prepared}}", lines={7})

What is a fault is known from how it was made, never by asking the compiler: from the tables below (which mappings have
words for keys, and which have names that their authors choose), from the component file that a step names, and, for
damage to the syntax, from PyYAML, which refuses what is no YAML any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from random import Random

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same marks, thirty times faster


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# --------------------------------------------------------------------------------------------------- what is a fault

# Mappings whose keys are words of the language, by path; `*` is any name. Elsewhere keys are names, or free.
_PARTS = "resources distribution limits identity queue_settings"
_SWEEP = "objective limits early_termination search_space/* sampling_algorithm"
SPEC = {
    "", "params/*", "environments/*", "environments/*/build", "compute/*", "data/*", "inputs/*", "outputs/*",
    "settings", "defaults", "defaults/resources", "identity", "steps/*", "steps/*/inputs/*", "steps/*/outputs/*",
    "steps/*/environment", "steps/*/services/*", "steps/*/sweep", "schedule", "schedule/trigger",
    "schedule/trigger/schedule", "budget", "profiles/*",
    *(f"steps/*/{part}" for part in _PARTS.split()), *(f"steps/*/sweep/{part}" for part in _SWEEP.split()),
}  # fmt: skip
_COMPONENT = ("", "inputs/*", "outputs/*", "resources", "distribution", "environment", "environment/build")
_NODE = {
    "", "inputs/*", "outputs/*", "environment", "environment/build", "services/*", *_PARTS.split(), *_SWEEP.split(),
    *(f"{where}/{part}".rstrip("/") for where in ("component", "trial") for part in _COMPONENT),
}  # fmt: skip
AZURE = {
    *_COMPONENT, "settings", "identity", "inputs/*", "outputs/*", *(f"jobs/*/{part}".rstrip("/") for part in _NODE),
}  # fmt: skip

# Keys that always hold a scalar, keys that always hold a mapping, where the mapping they stand in has words.
SCALARS = words(
    "name display_name description experiment_name component command code goal primary_metric type image mode size "
    "path default_compute default_datastore frequency trial dockerfile_path instance_type"
)
MAPPINGS = words(
    "inputs outputs environments settings defaults steps jobs schedule trigger sweep search_space objective limits "
    "early_termination resources distribution params profiles"
)
NUMBERS = words(
    "max_total_trials max_concurrent_trials timeout trial_timeout max_instances min_instances interval "
    "idle_time_before_scale_down evaluation_interval delay_evaluation slack_factor slack_amount upper "
    "truncation_percentage min_value max_value q mu sigma instance_count process_count_per_instance "
    "worker_count parameter_server_count mini_batch_error_threshold max_concurrency_per_instance"
)
ENUMS = words("goal sampling_algorithm frequency tier type mode")
REQUIRED = {
    "": {"name"},
    "environments/*/build": {"path"},
    "data/*": {"type"},
    "steps/*": {"component"},
    "steps/*/distribution": {"type"},
    "steps/*/sweep": {"search_space", "objective", "limits", "sampling_algorithm"},
    "steps/*/sweep/objective": {"goal", "primary_metric"},
    "steps/*/sweep/limits": {"max_total_trials"},
    "steps/*/sweep/early_termination": {"type"},
    "steps/*/sweep/search_space/*": {"type", "values", "min_value", "max_value", "q", "mu", "sigma", "upper"},
    "schedule": {"trigger"},
    "schedule/trigger": {"type", "frequency", "interval", "expression"},
}
REQUIRED_AZURE = {
    "inputs/*": {"type"},
    "outputs/*": {"type"},
    "jobs/*/objective": {"goal", "primary_metric"},
    "jobs/*/search_space/*": {"values", "min_value", "max_value", "q", "mu", "sigma", "upper"},
}
LITERAL = {"integer", "number"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with one fault in it. ``lines`` are 1-based; the fault is told on one of them."""

    kind: str
    text: str
    lines: frozenset[int]
    shown: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A file to break. ``spec``: in the spec language, else Azure ML's; ``whole``: nothing selects parts of it."""

    text: str
    folder: Path
    spec: bool
    main: bool = True
    whole: bool = True


# ----------------------------------------------------------------------------------------- the text, as PyYAML sees it


@dataclass(slots=True)
class Node:
    """A stretch of the text. ``kind``: scalar, map, list or alias. ``pairs``: keys (None in lists) and values."""

    kind: str
    start: int
    end: int
    value: str = ""
    style: str = ""
    flow: bool = False
    pairs: list[tuple[Node | None, Node]] = field(default_factory=list)

    def get(self, key: str) -> Node | None:
        return next((value for name, value in self.pairs if name is not None and name.value == key), None)


@dataclass(slots=True)
class Spot:
    """One ``key: value``: the path of the mapping, and the key of that mapping."""

    path: str
    key: Node
    value: Node
    inside: Node
    above: Node | None


def tree(text: str) -> Node | None:
    """The one document of a text; None when it is empty, or no YAML."""
    try:
        events = yaml.parse(text, LOADER)
        for event in events:
            if isinstance(event, yaml.NodeEvent):
                return _node(event, events, text)
    except yaml.YAMLError:
        pass
    return None


def _node(event: yaml.NodeEvent, events: Iterator[yaml.Event], text: str) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, yaml.AliasEvent):
        return Node("alias", start, end)
    if isinstance(event, yaml.ScalarEvent):
        end = start + len(text[start:end].rstrip()) if event.style in ("|", ">") else end
        return Node("scalar", start, end, event.value, event.style or "")
    mapping = isinstance(event, yaml.MappingStartEvent)
    node = Node("map" if mapping else "list", start, end, flow=bool(event.flow_style))
    key: Node | None = None
    for inner in events:
        if isinstance(inner, yaml.CollectionEndEvent):
            node.end = inner.end_mark.index if node.flow else max([node.end, *(value.end for _, value in node.pairs)])
            return node
        found = _node(inner, events, text)
        if mapping and key is None:
            key = found
        else:
            node.pairs.append((key, found))
            key = None
    raise AssertionError("PyYAML ends every collection")


def spots(root: Node | None) -> Iterator[Spot]:
    """Every ``key: value`` of a document, outermost first."""
    pending: list[tuple[str, Node, Node | None]] = [("", root, None)] if root is not None else []
    while pending:
        path, node, above = pending.pop(0)
        for key, value in node.pairs:
            if key is not None and key.kind == "scalar" and key.value != "<<":
                yield Spot(path, key, value, node, above)
                pending.append((f"{path}/{key.value}".lstrip("/"), value, key))
            elif key is None:
                pending.append((f"{path}/[]", value, above))


def line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def parses(text: str) -> bool:
    """Whether a text is still YAML."""
    try:
        for _ in yaml.parse(text, LOADER):
            pass
    except yaml.YAMLError:
        return False
    return True


def is_words(spec: bool, path: str) -> bool:
    """Whether the keys of the mapping at a path are words of the language."""
    return _pattern(spec, path) is not None


@lru_cache(maxsize=10_000)
def _pattern(spec: bool, path: str) -> str | None:
    parts = path.split("/") if path else []
    if spec and parts[:1] == ["profiles"] and len(parts) > 2:
        parts = parts[2:]
    for pattern in SPEC if spec else AZURE:
        wanted = pattern.split("/") if pattern else []
        if len(wanted) == len(parts) and all(a in ("*", b) for a, b in zip(wanted, parts, strict=True)):
            return pattern
    return None


# ---------------------------------------------------------------------------------------------------------- mutations


def mutants(subject: Subject, random: Random) -> list[Mutant]:
    """Every kind of fault at every place of a file where it can stand; ``random`` picks letters."""
    root = tree(subject.text)
    if root is None or root.kind != "map":
        return []
    found: list[Mutant] = []
    places = [spot for spot in spots(root) if not _left_alone(subject, root, spot)]
    for maker in MAKERS:
        found += [mutant for spot in places for mutant in maker(subject, root, spot, random)]
    found += list(_tabs(subject, root))
    return [mutant for mutant in found if mutant.text != subject.text]


def _left_alone(subject: Subject, root: Node, spot: Spot) -> bool:
    """Notes of the author, and what stands in an anchor, which shows wherever it is used."""
    top = (spot.path or spot.key.value).split("/")[0]
    if top.startswith("x-") or "&" in subject.text[spot.value.start : spot.value.end]:
        return True
    if subject.spec and top == "profiles" and not subject.whole:
        return True
    return spot.value.kind == "alias" or _of_automl(root, spot.path.split("/"))


def _of_automl(root: Node, parts: list[str]) -> bool:
    """The body of an AutoML step, whose words depend on its task."""
    jobs = root.get("jobs")
    node = jobs.get(parts[1]) if jobs is not None and parts[0] == "jobs" and len(parts) > 2 else None
    kind = node.get("type") if node is not None else None
    return kind is not None and kind.value == "automl"


def _changed(subject: Subject, kind: str, start: int, end: int, new: str, *also: int) -> Mutant:
    text = subject.text[:start] + new + subject.text[end:]
    lines = {line_of(text, start), *(line_of(text, at) for at in also)}
    old = " ".join(subject.text[start:end].split())[:60]
    return Mutant(kind, text, frozenset(lines), f"{old} → {' '.join(new.split())[:60] or '(gone)'}")


def misspelt(word: str, random: Random) -> Iterator[str]:
    """The word with two letters swapped, with one dropped, with one doubled."""
    letters = [at for at, char in enumerate(word) if char.isalpha()]
    if len(letters) < 3:
        return
    swaps = [at for at in letters if at + 1 in letters and word[at] != word[at + 1]]
    if swaps:
        at = random.choice(swaps)
        yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    at = random.choice(letters[1:])
    yield word[:at] + word[at + 1 :]
    yield word[: at + 1] + word[at:]


def _keys(subject: Subject, root: Node, spot: Spot, random: Random) -> Iterator[Mutant]:
    """A word of the language misspelt, or said twice, or without its colon."""
    if not is_words(subject.spec, spot.path):
        return
    key, text = spot.key, subject.text
    known = {name.value for name, _ in spot.inside.pairs if name is not None}
    for how, word in zip(("swap", "drop", "double"), misspelt(key.value, random), strict=False):
        if not key.style and word not in known and word not in _WORDS and not word.startswith("x-"):
            yield _changed(subject, f"key.{how}", key.start, key.end, word)
    one_line = "\n" not in text[key.start : spot.value.end] and not spot.inside.flow
    if one_line and spot.value.kind == "scalar" and spot.value.value:
        end = spot.value.end
        line = "\n" + " " * _column(text, key.start) + text[key.start : end]
        mutant = _changed(subject, "key.twice", end, end, line)
        second = line_of(mutant.text, end + 1)
        yield Mutant(mutant.kind, mutant.text, frozenset([second]), f"{key.value} twice")
    colon = text.find(":", key.end)
    without = text[:colon] + text[colon + 1 :]
    if not parses(without):
        yield _changed(subject, "colon", colon, colon + 1, "")


_WORDS = SCALARS | MAPPINGS | NUMBERS | ENUMS | {"min", "max", "tag", "env", "build"}


def _shapes(subject: Subject, root: Node, spot: Spot, random: Random) -> Iterator[Mutant]:
    """A scalar or a list where a mapping belongs, a mapping or a list where a scalar does, a word for a number."""
    if not is_words(subject.spec, spot.path):
        return
    key, value = spot.key.value, spot.value

    def put(kind: str, new: str) -> Mutant:
        start = spot.key.end
        gap = ": " if spot.key.end == subject.text.find(":", spot.key.end) else " : "
        return _changed(subject, kind, start, value.end, gap + new, start)

    if key in MAPPINGS and value.kind == "map" and "sampling" not in spot.path:
        yield put("shape.scalar_for_map", "oops")
        yield put("shape.list_for_map", "[oops]")
    if key in SCALARS and value.kind == "scalar" and value.value:
        if subject.spec or key not in ("component", "trial"):  # a component may stand in place
            yield put("shape.map_for_scalar", "{oops: 1}")
        yield put("shape.list_for_scalar", "[1, 2]")
    if key in NUMBERS and value.kind == "scalar" and value.value:
        yield put("number", "two")
    if key in ENUMS and value.kind == "scalar" and "{{" not in value.value and _closed(subject, root, spot):
        for word in misspelt(value.value, random):
            at = subject.text.find(value.value, value.start, value.end)
            if at >= 0 and word != value.value:
                yield _changed(subject, "enum", at, at + len(value.value), word)
                return


def _closed(subject: Subject, root: Node, spot: Spot) -> bool:
    """Whether ``type`` and ``mode`` take one of a few words here."""
    if spot.key.value != "mode" and not (spot.key.value == "type" and spot.path == ""):
        return True
    return "$schema" not in spot.value.value and spot.path.split("/")[-2:-1] != ["params"]


def _numbers(subject: Subject, root: Node, spot: Spot, random: Random) -> Iterator[Mutant]:
    """A word where the step's component, or the param's declaration, wants a number."""
    parts = spot.path.split("/")
    wanted = None
    if subject.spec and parts[0] == "params" and len(parts) == 2 and spot.key.value == "default":
        declared = spot.inside.get("type")
        wanted = declared.value if declared is not None else None
    elif parts[-1] == "inputs" and len(parts) == 3 and parts[0] in ("steps", "jobs"):
        port = _ports(subject, root, parts[1], "inputs").get(spot.key.value) or {}
        wanted = port.get("type")
    if wanted in LITERAL and subject.whole and spot.value.kind == "scalar" and "{{" not in spot.value.value:
        yield _changed(subject, "number", spot.value.start, spot.value.end, "two")


def _syntax(subject: Subject, root: Node, spot: Spot, random: Random) -> Iterator[Mutant]:
    """A quote or a bracket taken away."""
    text = subject.text
    for node in (spot.key, spot.value):
        if node.style in ("'", '"') and "\n" not in text[node.start : node.end]:
            for kind, at in (("quote.close", node.end - 1), ("quote.open", node.start)):
                if not parses(text[:at] + text[at + 1 :]):
                    yield _changed(subject, kind, at, at + 1, "", node.start)
        if node.flow and "\n" not in text[node.start : node.end]:
            for kind, at in (("bracket.close", node.end - 1), ("bracket.open", node.start)):
                if not parses(text[:at] + text[at + 1 :]):
                    yield _changed(subject, kind, at, at + 1, "", node.start)


def _missing(subject: Subject, root: Node, spot: Spot, random: Random) -> Iterator[Mutant]:
    """A required key taken out."""
    parts, key = spot.path.split("/"), spot.key.value
    if parts[0] == "profiles" or len(spot.inside.pairs) < 2:
        return
    table = REQUIRED if subject.spec else REQUIRED_AZURE
    required = key in table.get(_pattern(subject.spec, spot.path) or "none", ())
    if not subject.spec:
        required = required and not (parts[0] in ("inputs", "outputs") and subject.main)
        if spot.path == "" and not subject.main:
            required = key in ("command", "jobs") and spot.inside.get("type") is not None
        if len(parts) == 2 and parts[0] == "jobs":
            required = required or (key in ("component", "trial") and spot.inside.get("type") is not None)
    elif not subject.main and spot.path == "":
        required = False
    kind = "required"
    if len(parts) == 3 and parts[2] == "inputs" and parts[0] in ("steps", "jobs"):
        port = _ports(subject, root, parts[1], "inputs").get(key)
        required = port is not None and not port.get("optional") and port.get("default") is None
        kind = "required.input"
    cut = _cut(subject.text, spot) if required else None
    if cut is None:
        return
    start, end = cut
    text = subject.text[:start] + subject.text[end:]
    again = tree(text)
    if again is None:
        return
    lines = set() if spot.above is None else {line_of(text, spot.above.start)}
    lines |= {
        line_of(text, other.key.start) for other in spots(again) if other.path == spot.path and kind == "required"
    }
    if kind == "required.input":
        step = root.get(parts[0])
        lines |= {
            line_of(text, name.start) for name, _ in (step.pairs if step else ()) if name and name.value == parts[1]
        }
    first = sorted(lines)[:2] if spot.above is not None else sorted(lines)[:1]
    if spot.path == "" and (name := again.get("name")) is not None:
        first.append(line_of(text, name.start))
    yield Mutant(kind, text, frozenset(first), f"{spot.path}/{key} is gone")


def _cut(text: str, spot: Spot) -> tuple[int, int] | None:
    """The stretch that takes a key and its value out of a block or flow mapping; None where that is not plain."""
    at = next(at for at, (key, _) in enumerate(spot.inside.pairs) if key is spot.key)
    following = spot.inside.pairs[at + 1][0] if at + 1 < len(spot.inside.pairs) else None
    if spot.inside.flow:
        if following is not None:
            return spot.key.start, following.start
        before = spot.inside.pairs[at - 1][1]
        return before.end, spot.value.end
    begin = text.rfind("\n", 0, spot.key.start) + 1
    end = text.find("\n", spot.value.end)
    if text[begin : spot.key.start].strip() or end < 0 or text[spot.value.end : end].strip():
        return None
    return begin, end + 1


# -------------------------------------------------------------------------------------------------------------- names

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
    if _conditional(root, parts):
        return

    def wrong(kind: str, start: int, word: str, known: set[str]) -> Iterator[Mutant]:
        for new in misspelt(word, random):
            if new not in known and new != word:
                yield _changed(subject, kind, value.start + start, value.start + start + len(word), new)
                return

    bindable = (parts[-1] == "inputs" or parts[-2:-1] == ["inputs"]) and parts[0] in ("steps", "jobs")
    ours = key == "command" or bindable or (subject.spec and spot.path.split("/")[0] == "outputs")
    for match in _BINDING.finditer(text) if ours or (subject.spec and spot.path == "outputs") else ():
        section, step, port, root_word, name = match.groups()
        steps = root.get(section) if section else None
        if steps is not None:
            yield from wrong("binding.step", match.start(2), step, {k.value for k, _ in steps.pairs if k is not None})
            ports = _ports(subject, root, step, "outputs")
            if ports and not _conditional(root, ["steps", step]):
                yield from wrong("binding.port", match.start(3), port, set(ports))
        elif root_word is not None:
            known = _declared(root, parts, root_word, key)
            swept = _swept(root, parts, name)
            for mutant in wrong("binding.name", match.start(5), name, known):  # of a swept name either end is wrong
                lines = mutant.lines | ({line_of(subject.text, swept.start)} if swept is not None else set())
                yield replace(mutant, lines=lines)
        end = match.end()
        if not spot.inside.flow or value.style:
            yield _changed(subject, "binding.brace", value.start + end - 2, value.start + end, "}")
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
    if len(parts) != 3 or parts[2] != "inputs" or parts[0] not in ("steps", "jobs") or _conditional(root, parts):
        return
    if not subject.whole:
        return
    ports = _ports(subject, root, parts[1], "inputs")
    if spot.key.value in ports and not spot.key.style and _component_file(subject, root, parts[1]) is not None:
        for word in misspelt(spot.key.value, random):
            if word not in ports:
                yield _changed(subject, "input.name", spot.key.start, spot.key.end, word)
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


def _conditional(root: Node, parts: list[str]) -> bool:
    """Whether a place stands in a step that may be left out."""
    at = parts[2:] if parts[0] == "profiles" else parts
    steps = root.get("steps")
    step = steps.get(at[1]) if steps is not None and len(at) > 1 and at[0] == "steps" else None
    return step is not None and step.get("when") is not None


def _component_file(subject: Subject, root: Node, step: str) -> Path | None:
    steps = root.get("steps") or root.get("jobs")
    node = steps.get(step) if steps is not None else None
    named = (node.get("component") or node.get("trial")) if node is not None else None
    if named is None or named.kind != "scalar" or "{{" in named.value:
        return None
    path = subject.folder / named.value.removeprefix("file:")
    return path if path.suffix in (".yml", ".yaml") and path.is_file() else None


def _ports(subject: Subject, root: Node, step: str, which: str) -> dict[str, dict[str, object]]:
    """The ports of a step's component file by name; those of a step in place for its outputs only."""
    path = _component_file(subject, root, step)
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


# --------------------------------------------------------------------------------------------------------------- tabs


def _tabs(subject: Subject, root: Node) -> Iterator[Mutant]:
    """A tab for the indentation of a line, where indentation means something."""
    text, offset = subject.text, 0
    inside = [
        (n.start, n.end) for n in _every(root) if n.flow or (n.kind == "scalar" and "\n" in text[n.start : n.end])
    ]
    for line in text.split("\n"):
        words = line.lstrip(" ")
        indent = len(line) - len(words)
        at = offset + indent
        if indent and words and words[0] not in "#\r" and not any(start < at < end for start, end in inside):
            mutant = _changed(subject, "tab", offset, at, "\t")
            if not parses(mutant.text):
                yield mutant
        offset += len(line) + 1


def _every(node: Node) -> Iterator[Node]:
    pending = [node]
    while pending:
        one = pending.pop()
        yield one
        for key, value in one.pairs:
            pending += [value] if key is None else [key, value]


def _column(text: str, at: int) -> int:
    return at - (text.rfind("\n", 0, at) + 1)


Maker = Callable[[Subject, Node, Spot, Random], Iterator[Mutant]]
MAKERS: tuple[Maker, ...] = (_keys, _shapes, _numbers, _syntax, _missing, _names, _given)

# ------------------------------------------------------------------------------------------------------------- damage

_STRANGE = "\0\a\x1b\x85\u2028\u200b\ufeff\ufffd\U0001f600é{}[]:#&*!|>%@`'\"\\,?-$\t\r"


def damaged(data: bytes, random: Random) -> bytes:
    """A file after an accident: cut off, bits flipped, lines moved, indentation shifted, strange characters."""
    for _ in range(random.choice((1, 1, 2, 5))):
        data = random.choice(_ACCIDENTS)(data, random)
    return data


def _truncate(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _flip(data: bytes, random: Random) -> bytes:
    if not data:
        return data
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]


def _lines(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    how = random.randrange(5)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(at, lines[other])
    elif how == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif how == 3:
        lines[at] = b" " * random.randrange(1, 4) + lines[at]
    else:
        lines[at] = lines[at].removeprefix(b" " * random.randrange(1, 4))
    return b"\n".join(lines)


def _insert(data: bytes, random: Random) -> bytes:
    text = data.decode("utf-8", "replace")
    at = random.randrange(len(text) + 1)
    return (text[:at] + random.choice(_STRANGE) + text[at:]).encode()


def _graft(data: bytes, random: Random) -> bytes:
    """A value where another one stood: often still of the right shape, and so a fault that is found late."""
    text = data.decode("utf-8", "replace")
    values = [spot.value for spot in spots(tree(text)) if "\n" not in text[spot.value.start : spot.value.end]]
    if not values:
        return data
    scion, place = random.choice(values), random.choice(values)
    return (text[: place.start] + " " + text[scion.start : scion.end] + text[place.end :]).encode()


_ACCIDENTS: tuple[Callable[[bytes, Random], bytes], ...] = (_truncate, _flip, _lines, _insert, _graft, _graft, _graft)
