"""What flows fits: port against port, literal against type, enum and range, optional inputs against `$[[ ]]`.

Azure ML accepts any data where data is expected and leaves the surprise to the script, so a folder where a
file is wanted is a warning; data where a number is wanted, or the other way round, is an error.
"""

from __future__ import annotations

import math

from compiler.diagnostics.model import Bag, Label
from compiler.diagnostics.span import Span
from compiler.diagnostics.suggest import closest, did_you_mean
from compiler.ir import command as commands
from compiler.ir.model import (
    ANY,
    LITERAL_TYPES,
    MODEL_TYPES,
    Argument,
    Component,
    Data,
    InputPort,
    InputRef,
    Literal,
    OutputRef,
    Pipeline,
    PipelineInput,
    Step,
)
from compiler.passes.names import in_command, never_closed, place_in_command
from compiler.passes.wording import a, called, numeral, outside

_FOLDER_LIKE = {"uri_folder", "path", *MODEL_TYPES}


def types(pipeline: Pipeline, bag: Bag) -> None:
    """Check one pipeline; its nested pipelines are checked on their own."""
    for name, declared in pipeline.inputs.items():
        _pipeline_input(name, declared, bag)
    for step in pipeline.steps.values():
        component = step.component
        if not isinstance(component, Component) or component.kind == "automl":
            continue
        _required(step, component, bag)
        for name, argument in step.inputs.items():
            port = component.inputs.get(name)
            if port is not None:
                _argument(pipeline, step, name, port, argument, bag)
                _mode(step, name, port, argument, bag)


def component_types(component: Component, bag: Bag) -> None:
    """Check what a component says about itself; once per component, however many steps use it."""
    for name, port in component.inputs.items():
        if port.default is not None:
            _literal(name, port, port.default, port.at, bag, code="P0511")
        if port.min is not None and port.max is not None and port.min > port.max:
            bag.add("P0703", f"`{name}` has min {port.min} above max {port.max}", port.at)
    if component.kind == "command" and never_closed(component.command or "") is None:
        _optional_parts(component, bag)


def _pipeline_input(name: str, declared: PipelineInput, bag: Bag) -> None:
    if declared.value is not None and not isinstance(declared.value, Data) and declared.type in LITERAL_TYPES:
        port = InputPort(declared.type, min=declared.min, max=declared.max, enum=declared.enum)
        _literal(name, port, declared.value, declared.at, bag)


def _required(step: Step, component: Component, bag: Bag) -> None:
    swept = step.sweep.search_space if step.sweep is not None else {}
    missing = {
        name: port
        for name, port in component.inputs.items()
        if not (port.optional or port.default is not None or name in step.inputs or name in swept)
    }
    strange = [name for name in step.inputs if name not in component.inputs] if missing else []
    meant = {closest(name, missing) for name in strange}
    for name, port in missing.items():
        if name in meant or len(missing) == len(strange) == 1:
            continue  # it is given under a misspelt name, which was reported
        if any(given.startswith(f"{name}.") for given in step.inputs):
            continue  # a group input, given by its members
        bag.add(
            "P0501",
            f"`{called(step)}` needs the input `{name}` ({port.type})",
            step.at,
            secondary=[Label(port.at, "declared here, without a default")] if port.at else [],
            help=f"give it in `inputs`, or set `optional: true` or a `default` on `{name}`",
        )


def _argument(pipeline: Pipeline, step: Step, name: str, port: InputPort, argument: Argument, bag: Bag) -> None:
    value = argument.value
    if isinstance(value, Data):
        _flow(step, name, port, argument.type or "uri_folder", argument.at, None, bag)
    elif isinstance(value, InputRef):
        source = pipeline.inputs.get(value.input)
        if source is not None and _flow(step, name, port, source.type, argument.at, source.at, bag):
            _bound_literal(name, port, source, argument.at, bag)
    elif isinstance(value, OutputRef):
        kind, at = output_type(pipeline, value)
        if kind is not None:
            _flow(step, name, port, kind, argument.at, at, bag)
    elif port.type in LITERAL_TYPES:
        _literal(name, port, value, argument.at, bag)
    elif port.type != ANY:
        bag.add(
            "P0502",
            f"`{name}` of `{called(step)}` wants {port.type} and is given the {_kind(value)} `{value}`",
            argument.at,
            secondary=[Label(port.at, "declared here")] if port.at else [],
            help=f"data needs a path: `{name}: {{type: {port.type}, path: …}}`, or a binding",
        )


def _mode(step: Step, name: str, port: InputPort, argument: Argument, bag: Bag) -> None:
    """Azure ML evaluates tables; anything else it mounts, copies or leaves where it is."""
    mode, kind = argument.mode or port.mode, argument.type or port.type
    if mode is not None and mode.startswith("eval_") and kind not in ("mltable", "path", ANY):
        message = f"`{name}` of `{called(step)}` is {a(kind)}, and mode {mode} is for mltable"
        bag.add("P0510", message, argument.at, help="use ro_mount, download or direct")


def output_type(pipeline: Pipeline, ref: OutputRef) -> tuple[str | None, Span | None]:
    """The type that flows out of a step's output and where it is declared; None where it is taken on trust."""
    step = pipeline.steps.get(ref.step)
    if step is None:
        return None, None
    setting = step.outputs.get(ref.output)
    if isinstance(step.component, Component) and ref.output in step.component.outputs:
        port = step.component.outputs[ref.output]
        return (setting.type if setting and setting.type else port.type), port.at
    return (setting.type, setting.at) if setting is not None else (None, None)


def _flow(step: Step, name: str, port: InputPort, kind: str, at: Span | None, source: Span | None, bag: Bag) -> bool:
    """Whether the type of a source fits the port; reported if not."""
    wanted = port.type
    if kind == wanted or "path" in (kind, wanted) or ANY in (kind, wanted):
        return True
    secondary = [Label(source, f"{kind} comes from here")] if source else []
    secondary += [Label(port.at, f"{wanted} is wanted here")] if port.at else []
    literal = wanted in LITERAL_TYPES
    if literal and kind in LITERAL_TYPES:
        if wanted == "string" or kind == "string" or (wanted, kind) == ("number", "integer"):
            return True  # the value is looked at where it is known
    elif not literal and kind not in LITERAL_TYPES:
        if kind in _FOLDER_LIKE and wanted in _FOLDER_LIKE and "uri_folder" in (kind, wanted):
            return True
        message = f"`{name}` of `{called(step)}` wants {wanted} and is bound to {kind}"
        bag.add("P0508", message, at, secondary=secondary)
        return True
    bag.add("P0502", f"`{name}` of `{called(step)}` wants {wanted} and is bound to {kind}", at, secondary=secondary)
    return False


def _bound_literal(name: str, port: InputPort, source: PipelineInput, at: Span | None, bag: Bag) -> None:
    """A pipeline input's literal where it arrives: its own declaration was checked, the port's is not yet."""
    value = source.value
    if value is None or isinstance(value, Data) or port.type not in LITERAL_TYPES or source.type not in LITERAL_TYPES:
        return
    if literal_problem(source.type, value) != "type":
        _literal(name, port, value, at, bag, source=source.at)


def _literal(
    name: str,
    port: InputPort,
    value: Literal,
    at: Span | None,
    bag: Bag,
    code: str = "P0503",
    source: Span | None = None,
) -> None:
    """Check a literal against a port. ``source`` is where it was written, if that is not ``at``."""
    secondary = [Label(source, "the value comes from here")] if source is not None else []
    secondary += [Label(port.at, "declared here")] if port.at is not None and port.at != at else []
    problem = literal_problem(port.type, value)
    if problem == "text":
        bag.add(
            "P0512",
            f"`{name}` is {a(port.type)} and is given the text `{value}`",
            at,
            secondary=secondary,
            help=f"write {str(value).lower() if port.type == 'boolean' else value} without quotes",
        )
    elif problem:
        message = f"`{name}` wants {a(port.type)}, not the {_kind(value)} `{value}`"
        bag.add(code, message, at, secondary=secondary)
        return
    if port.enum and _text(value) not in {_text(item) for item in port.enum}:
        allowed = [_text(item) for item in port.enum]
        bag.add(
            "P0504" if code == "P0503" else code,
            f"`{name}` cannot be `{value}`",
            at,
            secondary=secondary,
            help=did_you_mean(_text(value), allowed, "allowed"),
        )
    number = _number(value)
    if number is None or (isinstance(value, str) and port.type == "string"):
        return
    if port.min is not None and port.max is not None and port.min > port.max:
        return  # that is reported, and no number fits
    if (port.min is not None and number < port.min) or (port.max is not None and number > port.max):
        bag.add(
            "P0505" if code == "P0503" else code,
            f"`{name}` is {numeral(number)}, {outside(port.min, port.max)}",
            at,
            secondary=secondary,
        )


def literal_problem(kind: str, value: Literal) -> str:
    """Empty when the literal has the port's type, ``text`` when only its text has, else ``type``."""
    if kind == "string":
        return ""
    if kind == "boolean":
        if isinstance(value, bool):
            return ""
        return "text" if isinstance(value, str) and value.lower() in ("true", "false") else "type"
    if isinstance(value, bool):
        return "type"
    if isinstance(value, str):
        number = _number(value)
        fits = number is not None and (
            kind == "number" or (number.is_integer() and value.strip().lstrip("+-").isdigit())
        )
        return "text" if fits else "type"
    return "" if kind == "number" or isinstance(value, int) else "type"


def _number(value: Literal) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number


def _text(value: Literal) -> str:
    return str(value)


def _kind(value: Literal) -> str:
    return "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def _optional_parts(component: Component, bag: Bag) -> None:
    parts = commands.parse(component.command or "")
    for part in parts:
        if isinstance(part, commands.Optional) and not part.closed:
            bag.add("P0306", "`$[[` has no `]]`", place_in_command(component, part.start, part.start + 3))
            return
    for use, inside in commands.uses(parts):
        port = component.inputs.get(use.name) if use.root == "inputs" else None
        if port is None or port.type == ANY:
            continue
        if port.optional and inside is None:
            bag.add(
                "P0506",
                f"the optional input `{use.name}` stands outside `$[[ ]]`",
                in_command(component, use),
                help=f"write `$[[--{use.name} ${{{{inputs.{use.name}}}}}]]`, which vanishes when there is no value",
            )
        elif inside is not None and not port.optional:
            bag.add(
                "P0507",
                f"the required input `{use.name}` stands inside `$[[ ]]`",
                in_command(component, use),
                secondary=[Label(port.at, "declared here, not optional")] if port.at else [],
            )
