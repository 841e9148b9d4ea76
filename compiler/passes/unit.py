"""What the passes work on: one spec on its way to the IR, with everything found out about it so far."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from typing import TypeAlias

from compiler.azureml.scope import Files
from compiler.diagnostics.model import Bag
from compiler.diagnostics.span import Span
from compiler.ir.model import Component, Pipeline
from compiler.source.expressions import Scope
from compiler.source.tree import Entry, Mapping

# Compiles the spec at a path, with these params, for the step at a place: (unit, path, params, at) -> Pipeline.
Nested: TypeAlias = "Callable[[Unit, str, MappingABC[str, str | Entry], Span], Pipeline | None]"


@dataclass(slots=True)
class Draft:
    """A step after expansion. ``base`` is its name as written, ``key`` the instance's key under ``foreach``.

    ``node`` is None when it failed as a whole: the step is known by name and nothing more is said of it. ``broken``
    when a part failed, which ``node`` no longer has: what it runs is not known, what it reads is.
    """

    name: str
    base: str
    key: str | None
    entry: Entry
    node: Mapping | None
    broken: bool = False

    def without(self, keys: set[str]) -> None:
        """Give up the parts of the step that failed."""
        if self.node is not None:
            self.node = without(self.node, keys)
        self.broken = True


def without(node: Mapping, keys: set[str]) -> Mapping:
    """The mapping less some of its keys."""
    left = {key: entry for key, entry in node.entries.items() if key not in keys}
    return Mapping(node.source, node.start, node.end, left)


@dataclass(slots=True)
class Unit:
    """One compilation. Passes fill it in order; see ``compiler.passes.PASSES``."""

    bag: Bag
    tree: Mapping
    files: Files
    root: str
    path: str
    nested: Nested
    profiles: tuple[str, ...] = ()
    sets: MappingABC[str, str | Entry] = field(default_factory=dict)
    fresh: bool = True  # whether the schema has not seen the tree yet
    within: tuple[str, ...] = ()  # the specs that this one is nested in, outermost first
    scope: Scope = field(default_factory=Scope)
    poisoned: set[tuple[str, ...]] = field(default_factory=set)
    templated: bool = False
    drafts: list[Draft] = field(default_factory=list)
    names: dict[str, Draft] = field(default_factory=dict)  # the drafts by name
    instances: dict[str, dict[str, str]] = field(default_factory=dict)
    dropped: dict[str, Span] = field(default_factory=dict)
    unused_params: dict[str, Span] = field(default_factory=dict)
    pipeline: Pipeline | None = None
    # memories of this compilation: what kind of file a path is, which code folders are there, components by environment
    kinds: dict[str, bool] = field(default_factory=dict)
    code: dict[str, bool] = field(default_factory=dict)
    with_environment: dict[tuple[int, int], tuple[Component, Component]] = field(default_factory=dict)
    quiet: Bag = field(default_factory=Bag)

    def broken_keys(self) -> dict[str, set[str]]:
        """For each step that the schema refused, by name as written: the keys that are to blame."""
        found: dict[str, set[str]] = {}
        for path in self.poisoned:
            if len(path) == 3 and path[0] == "steps":
                found.setdefault(path[1], set()).add(path[2])
        return found

    def unknown(self, section: str) -> bool:
        """Whether a top-level section failed as a whole: nobody can tell which names it declares."""
        return (section,) in self.poisoned

    @property
    def hopeless(self) -> bool:
        """Whether nothing more can be said: it is no pipeline, or its steps, or what it includes, could not be read."""
        lost = ["*", "steps", "include", *(["profiles"] if self.profiles else [])]
        return any((key,) in self.poisoned for key in lost)

    def section(self, name: str) -> Mapping | None:
        """A top-level section that is a mapping; None when it is absent, empty or broken."""
        node = None if (name,) in self.poisoned else self.tree.get(name)
        return node if isinstance(node, Mapping) else None
