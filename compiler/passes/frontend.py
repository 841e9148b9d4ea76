"""From a path to a checked pipeline: which of the two front ends a file belongs to, and the passes over it."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from contextlib import contextmanager
from dataclasses import dataclass, field

from compiler.azureml.scope import Files
from compiler.diagnostics.model import Bag
from compiler.diagnostics.span import Span
from compiler.ir.model import Pipeline
from compiler.passes import check, lower
from compiler.passes.paths import project_root
from compiler.passes.unit import Unit
from compiler.passes.wording import listed
from compiler.source.reader import Dialect, load, read
from compiler.source.tree import Entry, Mapping, describe
from compiler.spec.materialise import materialise

_AZURE = re.compile(
    r"^jobs[ \t]*:|^type[ \t]*:[ \t]*[\"']?pipeline\b|pipeline(Job|Component)\.schema\.json", re.MULTILINE
)
_STEPS = re.compile(r"^steps[ \t]*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says about a spec: profiles in order, and params by name."""

    profiles: tuple[str, ...] = ()
    sets: MappingABC[str, str | Entry] = field(default_factory=dict)
    local_profile: bool = False  # use the profile `local` where the spec has one and none is named


@dataclass(slots=True)
class Loaded:
    """A pipeline with what else is known of where it came from. ``pipeline`` is None when it could not be built."""

    path: str
    pipeline: Pipeline | None
    profiles: tuple[str, ...] = ()
    declared_profiles: tuple[str, ...] = ()
    tree: Mapping | None = None
    files: Files | None = None


def load_pipeline(path: str, options: Options, bag: Bag, name: str | None = None) -> Loaded:
    """Read and check the pipeline at a path, whichever language it is in; faults go into the bag."""
    with _no_collection():
        return _load(path, options, bag, name)


def load_again(loaded: Loaded, options: Options, bag: Bag) -> Loaded:
    """The same spec under other options, without reading its files again; ``bag`` is the one it was loaded with."""
    if loaded.tree is None or loaded.files is None:
        return loaded
    with _no_collection():
        return _spec(loaded.path, loaded.tree, options, bag, loaded.files, fresh=False)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Compiling makes a great many objects and no rubbish; looking through them over and over is quadratic."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _load(path: str, options: Options, bag: Bag, name: str | None) -> Loaded:
    path = os.path.abspath(path)
    source = load(path, bag, None, name or path)
    if source is None:
        return Loaded(path, None)
    if _AZURE.search(source.text) is not None and _STEPS.search(source.text) is None:
        from compiler.azureml.reader import read_pipeline

        pipeline = read_pipeline(path, bag, Files(bag), name=name)
        if pipeline is not None:
            check(pipeline, bag)
        return Loaded(path, pipeline)
    tree = read(source, bag, Dialect.CORE)
    if tree is None:
        return Loaded(path, None)
    if not isinstance(tree, Mapping):
        bag.add("P0208", f"the file holds {describe(tree)}, not a pipeline", tree.span, help="a spec begins `name: …`")
        return Loaded(path, None)
    return _spec(path, tree, options, bag, Files(bag, local_environments=True))


def _spec(path: str, tree: Mapping, options: Options, bag: Bag, files: Files, fresh: bool = True) -> Loaded:
    section = tree.get("profiles")
    declared = tuple(section.entries) if isinstance(section, Mapping) else ()
    profiles = options.profiles
    if not profiles and options.local_profile and "local" in declared:
        profiles = ("local",)
    unit = Unit(bag, tree, files, project_root(path)[0], path, _nested, profiles, options.sets, fresh=fresh)
    pipeline = lower(unit)
    if pipeline is not None:
        check(pipeline, bag)
    return Loaded(path, pipeline, profiles, declared, tree, files)


def _nested(outer: Unit, path: str, params: MappingABC[str, str | Entry], at: Span) -> Pipeline | None:
    """Compile a spec that is a step of another one; its environment, compute and settings go to its own steps."""
    shown = os.path.relpath(path, os.path.dirname(outer.path))
    source = load(path, outer.bag, at, os.path.normpath(os.path.join(os.path.dirname(at.source.name), shown)))
    tree = read(source, outer.bag, Dialect.CORE) if source is not None else None
    if tree is not None and not isinstance(tree, Mapping):
        outer.bag.add("P0208", f"the file holds {describe(tree)}, not a pipeline or a component", tree.span)
    if not isinstance(tree, Mapping):
        return None
    ignored = [key for key in ("schedule", "profiles", "tags") if key in tree.entries]
    if ignored:
        outer.bag.add("P0806", f"{listed(ignored)} of a nested spec {'is' if len(ignored) == 1 else 'are'} ignored", at)
    bag = Bag()  # one of its own: a second step finds the same faults, and they are faults for it too
    unit = Unit(bag, tree, outer.files, outer.root, path, _nested, (), params, within=(*outer.within, outer.path))
    pipeline = lower(unit)
    outer.bag.extend(bag.sorted())
    return materialise(pipeline) if pipeline is not None and not bag.has_errors else None
