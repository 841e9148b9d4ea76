"""What amlc does, as plain functions: validate, compile, run, import. They print nothing and never exit.

Each takes paths and options and returns what it found, diagnostics included; the command line in ``cli`` renders it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TextIO

from compiler.diagnostics.model import Bag
from compiler.ir.model import Pipeline
from compiler.ir.text import to_text
from compiler.ir.verify import verify
from compiler.passes.frontend import Loaded, Options, load_again, load_pipeline
from compiler.passes.paths import project_root
from compiler.source.reader import Dialect
from compiler.source.reader import load as read_source
from compiler.source.reader import read as read_tree
from compiler.source.tree import Entry, Mapping

if TYPE_CHECKING:
    from compiler.azureml.writer import Build
    from compiler.local.model import RunOptions, RunResult

__all__ = [
    "Bag",
    "Compiled",
    "Loaded",
    "Options",
    "build_directory",
    "check_build",
    "compile_pipeline",
    "find_specs",
    "import_pipeline",
    "intermediate",
    "load",
    "params_file",
    "project_root",
    "run_pipeline",
    "validate",
    "write_text",
]


@dataclass(slots=True)
class Compiled:
    """One compiled pipeline: where it went and what was written, or what a check found out of date."""

    loaded: Loaded
    directory: str | None = None
    files: int = 0
    stale: list[str] = field(default_factory=list)


def load(path: str, options: Options, bag: Bag, name: str | None = None) -> Loaded:
    """A pipeline, read and checked. ``bag.has_errors`` tells whether it may be used."""
    return load_pipeline(path, options, bag, name)


def validate(path: str, options: Options, bag: Bag, name: str | None = None) -> Loaded:
    """Every fault of a pipeline: of the spec as it stands and, when no profile is named, of each of its profiles."""
    loaded = load_pipeline(path, options, bag, name)
    _target(loaded, bag)
    if not options.profiles and not bag.has_errors:
        for profile in loaded.declared_profiles:
            _target(load_again(loaded, replace(options, profiles=(profile,)), bag), bag)
    return loaded


def _target(loaded: Loaded, bag: Bag) -> None:
    """What Azure ML would drop of a sound pipeline. The profile `local` is for this machine, which drops nothing."""
    from compiler.azureml.target import target

    if loaded.pipeline is not None and not bag.has_errors and "local" not in loaded.profiles:
        target(loaded.pipeline, bag)


def intermediate(pipeline: Pipeline) -> str:
    """The printed IR, paths relative to the pipeline's own folder."""
    base = os.path.dirname(pipeline.path) if pipeline.path else ""
    return to_text(verify(pipeline), base)


def compile_pipeline(path: str, options: Options, output: str, bag: Bag, name: str | None = None) -> Compiled:
    """Compile a pipeline to Azure ML files below ``output``; nothing is written when anything is wrong."""
    from compiler.azureml import build as builds

    loaded, directory, build = _built(path, options, output, bag, name)
    if build is None or not builds.write(build, directory, bag):
        return Compiled(loaded)
    return Compiled(loaded, directory, len(build.files))


def check_build(path: str, options: Options, output: str, bag: Bag, name: str | None = None) -> Compiled:
    """Compare what compiling would write with what is there; ``stale`` names what differs."""
    from compiler.azureml import build as builds

    loaded, directory, build = _built(path, options, output, bag, name)
    if build is None:
        return Compiled(loaded)
    return Compiled(loaded, directory, 0, builds.check(build, directory))


def _built(path: str, options: Options, output: str, bag: Bag, name: str | None) -> tuple[Loaded, str, Build | None]:
    """The pipeline, where its build belongs, and the build; None when anything is wrong."""
    loaded = load_pipeline(path, options, bag, name)
    if loaded.pipeline is None or bag.has_errors:
        return loaded, "", None
    directory = build_directory(loaded, output)
    build = emit(loaded, directory, bag)
    return loaded, directory, None if bag.has_errors else build


def emit(loaded: Loaded, directory: str, bag: Bag) -> Build | None:
    """The files of a pipeline, as a value; None when something of it cannot be read."""
    from compiler.azureml import writer
    from compiler.azureml.target import open_inputs, target, without_unset_inputs

    assert loaded.pipeline is not None
    target(loaded.pipeline, bag)
    open_inputs(loaded.pipeline, bag)
    pipeline = without_unset_inputs(verify(loaded.pipeline))
    name = os.path.basename(loaded.path)
    profile = "@".join(loaded.profiles) or None
    return writer.emit(pipeline, bag, spec_name=name, directory=directory, profile=profile)


def build_directory(loaded: Loaded, output: str) -> str:
    """``OUTPUT/NAME``, or ``OUTPUT/NAME@PROFILE`` under profiles."""
    assert loaded.pipeline is not None
    name = "@".join((loaded.pipeline.name, *loaded.profiles))
    return os.path.join(os.path.abspath(output), name)


def import_pipeline(path: str, output: str, bag: Bag, name: str | None = None) -> str | None:
    """An Azure ML v2 pipeline as a spec; the text, with paths relative to where ``output`` stands."""
    from compiler.spec.writer import to_spec

    loaded = load_pipeline(path, Options(), bag, name)
    if loaded.pipeline is None or bag.has_errors:
        return None
    return to_spec(loaded.pipeline, os.path.dirname(os.path.abspath(output)))


def run_pipeline(
    path: str,
    options: Options,
    wanted: RunOptions,
    bag: Bag,
    out: TextIO,
    show: Callable[[], None],
    name: str | None = None,
) -> RunResult | None:
    """Run a pipeline on this machine; None when it cannot start. ``show`` prints what is new in the bag."""
    from compiler.local.run import run

    loaded = load_pipeline(path, options, bag, name)
    show()
    if loaded.pipeline is None or bag.has_errors:
        return None
    if loaded.profiles and not wanted.quiet:
        out.write(f"profile {', '.join(loaded.profiles)} of {name or path}\n")
    result = run(verify(loaded.pipeline), wanted, bag, out, show)
    show()
    return result


def find_specs(folder: str) -> Sequence[str]:
    """All specs below a folder: YAML files with a top-level ``steps``."""
    found = []
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(files):
            path = os.path.join(base, name)
            if name.endswith((".yml", ".yaml")) and _has_steps(path):
                found.append(path)
    return found


def _has_steps(path: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return any(line.startswith("steps") and line[5:].lstrip().startswith(":") for line in handle)
    except OSError:
        return False


def params_file(path: str, bag: Bag) -> dict[str, Entry] | None:
    """The params of a YAML map, by name; None when that was reported."""
    source = read_source(path, bag, None, path)
    tree = read_tree(source, bag, Dialect.CORE) if source is not None else None
    if isinstance(tree, Mapping):
        return dict(tree.entries)
    if tree is not None:
        bag.add("P0203", "a params file holds a map of names to values", tree.span)
    return None


def write_text(path: str, text: str) -> None:
    """Write a file whole or not at all."""
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    side = f"{path}.{os.getpid()}.tmp"
    try:
        with open(side, "w", encoding="utf-8", newline="\n") as handle:
            handle.write(text)
        os.replace(side, path)
    finally:
        if os.path.exists(side):
            os.unlink(side)
