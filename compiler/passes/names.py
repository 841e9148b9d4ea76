"""Every name that is used is declared: inputs, steps, outputs, ports, and the bindings inside commands.

A name that fails is reported here and nowhere else; later passes meet it again and stay silent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from compiler.diagnostics.model import Bag, Label
from compiler.diagnostics.span import Span
from compiler.diagnostics.suggest import closest, did_you_mean
from compiler.ir import command as commands
from compiler.ir.model import Argument, Component, InputRef, OutputRef, Pipeline, Step
from compiler.passes.wording import called, within

_NODE_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_PORT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]*")  # what is compiled stands in a file of its name
_LONGEST = 255


def names(pipeline: Pipeline, bag: Bag) -> None:
    """Check one pipeline; its nested pipelines are checked on their own."""
    for step in pipeline.steps.values():
        if not _NODE_NAME.fullmatch(step.name) or len(step.name) > _LONGEST:
            bag.add(
                "P0416",
                f"`{_short(step.name)}` cannot be the name of a step",
                step.at,
                help="lower-case letters, digits and underscores, not beginning with a digit, at most 255",
            )
        _ports(step, bag)
        for argument in step.inputs.values():
            _source(pipeline, argument, bag)
        if isinstance(step.compute, InputRef) and step.compute.input not in pipeline.inputs:
            _unknown_input(pipeline, step.compute.input, step.at, bag)
        if isinstance(step.component, Component) and step.component.command is not None:
            _command(step.component, bag)
        if isinstance(step.component, Component) and step.component.kind == "parallel":
            _parallel(step.component, bag)
    for output in pipeline.outputs.values():
        if output.source is not None:
            _output_ref(pipeline, output.source, output.at, bag)
    for schedule in pipeline.schedules.values():
        if not _FILE_NAME.fullmatch(schedule.name):
            message = f"`{_short(schedule.name)}` cannot be the name of a schedule"
            help = "letters, digits, `_`, `-` and `.`, beginning with a letter or digit"
            bag.add("P0416", message, schedule.at, help=help)


def _ports(step: Step, bag: Bag) -> None:
    component = step.component
    if not isinstance(component, Component) or component.kind == "automl" or component.extras.get("open_ports"):
        return
    here = Label(component.at, "this component") if component.at else None
    for name, argument in step.inputs.items():
        if name not in component.inputs:
            guess = closest(name, component.inputs)
            declared = component.inputs[guess].at if guess else None
            bag.add(
                "P0404",
                f"`{called(step)}` is given `{name}`, which its component does not declare",
                argument.key_at or argument.at,
                secondary=[Label(declared, "declared here")] if declared else [here] if here else [],
                help=did_you_mean(name, component.inputs, "inputs"),
            )
        elif not _PORT_NAME.fullmatch(name):
            bag.add("P0416", f"`{name}` cannot be the name of an input", argument.key_at or argument.at)
    for name, setting in step.outputs.items():
        if name not in component.outputs:
            bag.add(
                "P0405",
                f"`{called(step)}` has no output `{name}`",
                setting.at,
                secondary=[here] if here else [],
                help=did_you_mean(name, component.outputs, "outputs"),
            )


def _source(pipeline: Pipeline, argument: Argument, bag: Bag) -> None:
    value = argument.value
    if isinstance(value, InputRef):
        if value.input not in pipeline.inputs:
            _unknown_input(pipeline, value.input, argument.at, bag)
    elif isinstance(value, OutputRef):
        _output_ref(pipeline, value, argument.at, bag)


def _unknown_input(pipeline: Pipeline, name: str, at: Span | None, bag: Bag) -> None:
    bag.add(
        "P0403",
        f"the pipeline has no input `{name}`",
        within(at, name) if at is not None else None,
        help=did_you_mean(name, pipeline.inputs, "inputs of the pipeline"),
    )


def _output_ref(pipeline: Pipeline, ref: OutputRef, at: Span | None, bag: Bag) -> None:
    step = pipeline.steps.get(ref.step)
    if step is None:
        bag.add(
            "P0401",
            f"there is no step `{ref.step}`",
            within(at, ref.step) if at is not None else None,
            help=did_you_mean(ref.step, pipeline.steps, "steps"),
        )
        return
    component = step.component
    if not isinstance(component, Component) or ref.output in component.outputs or ref.output in step.outputs:
        return
    bag.add(
        "P0402",
        f"step `{called(step)}` has no output `{ref.output}`",
        within(at, ref.output, last=True) if at is not None else None,
        secondary=[Label(step.at, "this step")] if step.at else [],
        help=did_you_mean(ref.output, component.outputs, "outputs"),
    )


def never_closed(command: str) -> int | None:
    """Where a command opens a binding and does not close it, if it does: no more is known of what follows."""
    for use, _ in commands.uses(commands.parse(command)):
        if "${{" in use.inner:
            return use.start
    last = command.rfind("${{")
    return last if last >= 0 and "}}" not in command[last:] else None


def _command(component: Component, bag: Bag) -> None:
    opened = never_closed(component.command or "")
    if opened is not None:
        at = place_in_command(component, opened, opened + 3)
        bag.add("P0306", "a `${{` that is never closed", at, help="close it with `}}`")
        return
    for use, _ in commands.uses(commands.parse(component.command or "")):
        if use.root not in ("inputs", "outputs"):
            continue  # a binding of another form is refused where it is read
        declared = component.inputs if use.root == "inputs" else component.outputs
        if use.name in declared or use.name.split(".")[0] in declared:
            continue
        code, what = ("P0412", "input") if use.root == "inputs" else ("P0413", "output")
        bag.add(
            code,
            f"the command uses the {what} `{use.name}`, which is not declared",
            in_command(component, use),
            help=did_you_mean(use.name, declared, f"declared {what}s"),
        )


def _parallel(component: Component, bag: Bag) -> None:
    """What a parallel component says of its inputs and outputs outside a command."""
    task = component.extras.get("task")
    said = {**component.extras, **(task if isinstance(task, Mapping) else {})}
    for key in ("input_data", "program_arguments", "append_row_to"):
        text = said.get(key)
        if not isinstance(text, str):
            continue
        for use, _ in commands.uses(commands.parse(text)):
            declared = {"inputs": component.inputs, "outputs": component.outputs}.get(use.root)
            if declared is not None and use.name.split(".")[0] not in declared and use.name not in declared:
                code, what = ("P0412", "input") if use.root == "inputs" else ("P0413", "output")
                message = f"`{key}` uses the {what} `{use.name}`, which is not declared"
                at, help = _behind(component.at, text[use.start : use.end]), did_you_mean(use.name, declared)
                bag.add(code, message, at, help=help)


def _behind(at: Span | None, text: str) -> Span | None:
    """The first place of a text behind another place, where a component's settings stand."""
    start = at.source.text.find(text, at.start) if at is not None else -1
    return Span(at.source, start, start + len(text)) if at is not None and start >= 0 else at


def in_command(component: Component, use: commands.Use) -> Span | None:
    """Where a binding of the command stands in its file; the whole command where that cannot be told."""
    return place_in_command(component, use.start, use.end)


def place_in_command(component: Component, start: int, end: int) -> Span | None:
    """Where characters of the command stand in its file; the whole command where that cannot be told."""
    at = component.command_at
    if at is None:
        return component.at
    # A command may be folded over lines or quoted, so the characters are looked for as they are.
    command, text = component.command or "", at.text
    wanted, offset = command[start:end], -1
    for _ in range(command[:start].count(wanted) + 1):
        offset = text.find(wanted, offset + 1)
    return at if offset < 0 else Span(at.source, at.start + offset, at.start + offset + end - start)


def _short(name: str) -> str:
    return name if len(name) <= 60 else name[:57] + "..."
