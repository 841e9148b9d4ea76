"""The command line: arguments → api → report → exit code. No logic of its own.

Exit codes: 0 clean; 1 the input has errors, a run failed, or `--check` found a difference; 2 could not start;
3 a bug in amlc.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn, TextIO

from compiler.diagnostics.codes import Severity
from compiler.diagnostics.model import Bag, Diagnostic
from compiler.diagnostics.suggest import closest
from compiler.version import VERSION

if TYPE_CHECKING:
    from compiler.api import Compiled, Options
    from compiler.source.tree import Entry

OK, FINDINGS, UNUSABLE, BUG = 0, 1, 2, 3
COMMANDS = ("validate", "compile", "run", "import", "schema")


class UsageError(Exception):
    """The command line cannot be carried out; the message says why."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\n{self.format_usage().strip()}")


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line and return its exit code; never raises."""
    try:
        parsed = _parse(arguments)
        return int(parsed.act(parsed))
    except UsageError as problem:
        sys.stderr.write(f"amlc: {problem}\n")
        return UNUSABLE
    except KeyboardInterrupt:
        sys.stderr.write("\namlc: interrupted\n")
        return FINDINGS
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINDINGS
    except Exception as bug:  # the last resort: whatever happens, no traceback and a report that helps
        return _bug(bug)


def _bug(bug: Exception) -> int:
    if os.environ.get("AMLC_DEBUG"):
        import traceback

        traceback.print_exc()
    last = bug.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = f" at {os.path.basename(last.tb_frame.f_code.co_filename)}:{last.tb_lineno}" if last is not None else ""
    sys.stderr.write(
        f"amlc: internal error: {type(bug).__name__}: {bug}{place}\n"
        f"This is a bug in amlc {VERSION}. Please report it with the command and the file; AMLC_DEBUG=1 shows more.\n"
    )
    return BUG


# --------------------------------------------------------------------------------------------------------- arguments


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog="amlc", description="A compiler for machine-learning pipelines.", add_help=True)
    parser.add_argument("-V", "--version", action="version", version=f"amlc {VERSION}")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    _add(commands, "validate", "every error and warning of a pipeline", _validate, specs="*")
    build = _add(commands, "compile", "Azure ML v2 files from a pipeline", _compile, specs="+")
    build.add_argument("-o", "--output", metavar="DIR", help="where to write DIR/NAME/")
    build.add_argument("--check", action="store_true", help="write nothing; exit 1 when DIR is out of date")
    build.add_argument("--emit", choices=("azureml", "ir"), default="azureml", help="ir prints the intermediate form")
    execute = _add(commands, "run", "execute a pipeline on this machine", _run)
    execute.add_argument("--input", action="append", default=[], metavar="NAME=VALUE", help="give an input its value")
    execute.add_argument("-j", "--jobs", type=int, metavar="N", help="how many processes at once (default: cores)")
    execute.add_argument("--no-track", action="store_true", help="run without MLflow")
    translate = _add(commands, "import", "an Azure ML v2 pipeline as a spec", _import)
    translate.add_argument("-o", "--output", metavar="SPEC", required=True, help="the spec to write")
    translate.add_argument("--force", action="store_true", help="overwrite SPEC")
    schema = commands.add_parser("schema", help="print the JSON Schema of specs", add_help=True)
    schema.set_defaults(act=_schema)
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        guess = closest(arguments[0], COMMANDS)
        hint = f"did you mean `{guess}`?" if guess else f"commands: {', '.join(COMMANDS)}"
        raise UsageError(f"there is no command `{arguments[0]}`; {hint}")
    parsed = parser.parse_args(list(arguments))
    if not hasattr(parsed, "act"):
        parser.print_help()
        raise SystemExit(UNUSABLE)
    return parsed


def _add(
    commands: argparse._SubParsersAction[_Parser],
    name: str,
    help: str,
    act: Callable[[argparse.Namespace], int],
    specs: str | None = None,
) -> _Parser:
    parser = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
    if specs is None:
        parser.add_argument("spec", metavar="SPEC", help="a spec, or an Azure ML v2 pipeline file")
    else:
        what = "specs or Azure ML v2 pipeline files" + (" (default: all below specs/)" if specs == "*" else "")
        parser.add_argument("specs", metavar="SPEC", nargs=specs, help=what)
    parser.add_argument("--profile", action="append", default=[], metavar="NAME", help="lay a profile over the spec")
    parser.add_argument("--set", action="append", default=[], metavar="PARAM=VALUE", help="give a param its value")
    parser.add_argument("--params", action="append", default=[], metavar="FILE", help="a YAML map of params")
    parser.add_argument("--format", choices=("text", "concise", "json"), default="text", help="how to show diagnostics")
    parser.add_argument("--strict", action="store_true", help="fail on warnings too")
    parser.add_argument("-q", "--quiet", action="store_true", help="errors only")
    parser.add_argument("--no-color", action="store_true", help="no colours")
    parser.set_defaults(act=act)
    return parser


def _options(parsed: argparse.Namespace, local: bool = False) -> Options:
    from compiler.api import Options, params_file

    sets: dict[str, str | Entry] = {}
    for file in parsed.params:
        bag = Bag()
        values = params_file(file, bag)
        if len(bag):
            _show(parsed, bag.sorted(), sys.stderr)
        if values is None or bag.has_errors:
            raise UsageError(f"the params file `{file}` cannot be used")
        sets |= values
    sets |= _pairs(parsed.set, "--set")
    return Options(tuple(parsed.profile), sets, local)


def _pairs(given: Sequence[str], flag: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{flag} wants NAME=VALUE, not `{text}`")
        pairs[name] = value
    return pairs


def _existing(path: str) -> str:
    if os.path.isdir(path):
        raise UsageError(f"`{path}` is a folder, not a spec")
    if not os.path.exists(path):
        folder, name = os.path.split(path)
        try:
            near = closest(name, [other for other in os.listdir(folder or ".") if other != name])
        except OSError:
            near = None
        hint = f"; did you mean `{os.path.join(folder, near)}`?" if near else ""
        raise UsageError(f"there is no file `{path}`{hint}")
    return path


# ---------------------------------------------------------------------------------------------------------- commands


def _validate(parsed: argparse.Namespace) -> int:
    from compiler import api

    options = _options(parsed)
    paths = [_existing(path) for path in parsed.specs] or list(api.find_specs("specs"))
    if not paths:
        raise UsageError("no spec named, and none below `specs/`")
    bag = Bag()
    for path in paths:
        one = Bag()
        api.validate(path, options, one, path)
        bag.extend(one.sorted())
    _show(parsed, bag.sorted(), sys.stdout)
    if parsed.format == "text" and not parsed.quiet and not len(bag):
        count = len(paths)
        sys.stdout.write(f"{paths[0] if count == 1 else f'{count} pipelines'}: ok\n")
    return _verdict(parsed, bag)


def _compile(parsed: argparse.Namespace) -> int:
    from compiler import api

    options = _options(parsed)
    if not parsed.output and parsed.emit == "azureml":
        raise UsageError("compile needs --output DIR")
    code = OK
    for path in parsed.specs:
        bag = Bag()
        _existing(path)
        if parsed.emit == "ir":
            loaded = api.load(path, options, bag, path)
            _show(parsed, bag.sorted(), sys.stderr)
            if loaded.pipeline is not None and not bag.has_errors:
                sys.stdout.write(api.intermediate(loaded.pipeline))
        else:
            compile_or_check = api.check_build if parsed.check else api.compile_pipeline
            done = compile_or_check(path, options, parsed.output, bag, path)
            _show(parsed, bag.sorted(), sys.stdout if parsed.format == "json" else sys.stderr)
            _say_compiled(parsed, path, done)
            code = max(code, FINDINGS if done.stale else OK)
        code = max(code, _verdict(parsed, bag))
    return code


def _say_compiled(parsed: argparse.Namespace, path: str, done: Compiled) -> None:
    if (parsed.quiet and not done.stale) or done.directory is None or parsed.format == "json":
        return
    shown = os.path.relpath(done.directory)
    profile = f" under profile {', '.join(done.loaded.profiles)}" if done.loaded.profiles else ""
    if parsed.check and done.stale:
        sys.stdout.write(f"{shown} is out of date with {path}{profile}:\n")
        sys.stdout.writelines(f"  {line}\n" for line in done.stale)
    elif parsed.check:
        sys.stdout.write(f"{shown} is up to date\n")
    else:
        sys.stdout.write(f"{path}{profile} → {shown}/job.yml and {done.files - 1} more files\n")


def _run(parsed: argparse.Namespace) -> int:
    import gc
    from pathlib import Path

    from compiler import api
    from compiler.local.model import RunOptions, Status

    options = _options(parsed, local=True)
    path = _existing(parsed.spec)
    if parsed.jobs is not None and parsed.jobs < 1:
        raise UsageError("--jobs wants a number of at least 1")
    bag = Bag()
    wanted = RunOptions(
        root=Path(api.project_root(path)[0]),
        jobs=parsed.jobs,
        inputs=_pairs(parsed.input, "--input"),
        quiet=parsed.quiet or parsed.format == "json",
        color=_color(parsed, sys.stdout),
        track=not parsed.no_track,
    )
    shown: set[Diagnostic] = set()

    def show() -> None:
        news = [item for item in bag.sorted() if item not in shown]
        shown.update(news)
        if parsed.format == "text":  # the display has shown the failed steps, with their logs
            news = [item for item in news if item.code != "P1005"]
        _show(parsed, news, sys.stderr)

    gc.enable()
    result = api.run_pipeline(path, options, wanted, bag, sys.stdout, show, path)
    return OK if result is not None and result.status is Status.COMPLETED else FINDINGS


def _import(parsed: argparse.Namespace) -> int:
    from compiler import api

    path = _existing(parsed.spec)
    if os.path.exists(parsed.output) and not parsed.force:
        raise UsageError(f"`{parsed.output}` is there already; --force overwrites it")
    bag = Bag()
    text = api.import_pipeline(path, parsed.output, bag, path)
    _show(parsed, bag.sorted(), sys.stderr)
    if text is None:
        return FINDINGS
    try:
        api.write_text(parsed.output, text)
    except OSError as problem:
        raise UsageError(f"cannot write `{parsed.output}`: {problem.strerror}") from None
    if not parsed.quiet:
        sys.stdout.write(f"{path} → {parsed.output}\n")
    return OK


def _schema(parsed: argparse.Namespace) -> int:
    from compiler.spec.shape import schema_text

    sys.stdout.write(schema_text())
    return OK


# ------------------------------------------------------------------------------------------------------------ output


def _show(parsed: argparse.Namespace, found: list[Diagnostic], stream: TextIO) -> None:
    if parsed.quiet:
        found = [item for item in found if item.severity is Severity.ERROR]
    if parsed.format == "json":
        from compiler.report import json

        stream.write(json.render(found))
    elif parsed.format == "concise":
        from compiler.report import concise

        stream.write(concise.render(found))
    elif found:
        from compiler.report import text

        stream.write(text.render(found, _color(parsed, stream)) + "\n" + text.summary(found) + "\n")


def _color(parsed: argparse.Namespace, stream: TextIO) -> bool:
    return not parsed.no_color and not os.environ.get("NO_COLOR") and stream.isatty()


def _verdict(parsed: argparse.Namespace, bag: Bag) -> int:
    if bag.has_errors:
        return FINDINGS
    strict = parsed.strict and any(item.severity is Severity.WARNING for item in bag.sorted())
    return FINDINGS if strict else OK
