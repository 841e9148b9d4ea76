"""Many into one: what a binding to all instances becomes, and order without data.

A step in place gets a port for each instance, and its command names them all:

    inputs: {data: "${{steps.prep[*].outputs.o}}"}    command: python merge.py ${{inputs.data}}
    →  inputs: {data__a: …, data__b: …}               command: python merge.py '${{inputs.data__a}}' '${{…__b}}'

A component file has one port and is not ours to change: a generated step collects the instances into one folder.
"""

from __future__ import annotations

import re
from dataclasses import replace

from compiler.diagnostics.model import Label
from compiler.diagnostics.suggest import did_you_mean
from compiler.ir import command as commands
from compiler.ir.model import (
    Argument,
    Component,
    ComponentReference,
    Environment,
    InputPort,
    OutputPort,
    OutputRef,
    Step,
)
from compiler.passes.arguments import Inputs, Shell, Wiring
from compiler.passes.names import in_command
from compiler.passes.unit import Draft, Unit
from compiler.source.tree import Scalar, Sequence
from compiler.spec import build

# What may stand beside a word of the shell; empty at either end of the command.
_BETWEEN_WORDS = ("", " ", "\t", "\n", ";", "&", "|", "(", ")", "<", ">")


def spread(unit: Unit, component: Component, inputs: Inputs) -> Component:
    """A step in place: a port for each instance, named in the command where the one input was."""
    command = component.command or ""
    for name, instances in inputs.fans.items():
        _stands_alone(unit, component, name)
        port = inputs.ports.pop(name)
        for key, argument in instances:
            inputs.ports[f"{name}__{key}"] = port
            inputs.arguments[f"{name}__{key}"] = argument
        uses = " ".join(f"'${{{{inputs.{name}__{key}}}}}'" for key, _ in instances)
        binding = rf"\$\{{\{{\s*inputs\.{re.escape(name)}\s*\}}\}}"
        command = re.sub(rf"'{binding}'|\"{binding}\"|{binding}", lambda _, uses=uses: uses, command)  # type: ignore[misc]
    return replace(component, command=command)


def _stands_alone(unit: Unit, component: Component, name: str) -> None:
    """Several paths are several words: what is glued to the binding would stick to one of them."""
    command = component.command or ""
    for use, _ in commands.uses(commands.parse(command)):
        if use.root != "inputs" or use.name != name:
            continue
        start, end = use.start, use.end
        if use.quote and command[start - 1] == use.quote == command[end : end + 1]:
            start, end = start - 1, end + 1
        elif use.quote:
            end = -1  # text in the same quotes
        before, after = command[:start][-1:], command[end : end + 1]
        if end < 0 or before not in _BETWEEN_WORDS or after not in _BETWEEN_WORDS:
            unit.bag.add(
                "P0905",
                f"`{name}` stands for all instances, and is glued to other text",
                in_command(component, use),
                help="let it stand alone: it becomes one word for each instance",
            )


def collect(wiring: Wiring, draft: Draft, component: Component, inputs: Inputs) -> list[Step]:
    """A component file: one generated step for each such input, whose output is a folder with one entry a key."""
    steps = []
    for name, instances in inputs.fans.items():
        collector = f"{draft.name}__collect_{name}"
        kinds = {key: wiring.output_type(a.value) for key, a in instances if isinstance(a.value, OutputRef)}
        at = draft.entry.key_span
        steps.append(
            Step(
                name=collector,
                component=Component(
                    kind="command",
                    inputs={key: InputPort(kinds[key]) for key, _ in instances},
                    outputs={"collected": OutputPort("uri_folder")},
                    command=_copies(kinds),
                    environment=component.environment or Environment(),
                    at=at,
                ),
                inputs=dict(instances),
                at=at,
            )
        )
        first = instances[0][1]
        inputs.arguments[name] = Argument(OutputRef(collector, "collected"), key_at=first.key_at, at=first.at)
    return steps


def _copies(kinds: dict[str, str]) -> str:
    """Shell text that copies each instance to ``collected/KEY/``; a file keeps its name there."""
    root = "${{outputs.collected}}"
    lines = [
        f"mkdir -p '{root}/{key}' && cp -R '${{{{inputs.{key}}}}}'{'' if kind == 'uri_file' else '/.'} '{root}/{key}/'"
        for key, kind in kinds.items()
    ]
    return " && ".join(lines)


# -------------------------------------------------------------------------------------------------------------- after


def after_names(unit: Unit, draft: Draft) -> list[tuple[str, Scalar]]:
    """The steps that a step waits for, instances spelled out; unknown ones are reported."""
    node = draft.node.get("after") if draft.node is not None else None
    items = node.items if isinstance(node, Sequence) else [node] if isinstance(node, Scalar) else []
    if not items:
        return []
    found: list[tuple[str, Scalar]] = []
    names = unit.names
    for item in items:
        if not isinstance(item, Scalar) or item.value is None:
            continue
        name = build.as_text(item)
        if name in unit.instances:
            found += [(each, item) for each in unit.instances[name].values() if each in names]
        elif name in names:
            found.append((name, item))
        elif name not in unit.dropped:
            known = sorted({*names, *unit.instances})
            unit.bag.add("P0401", f"there is no step `{name}`", item.span, help=did_you_mean(name, known, "steps"))
    return found


def with_done(unit: Unit, shells: dict[str, Shell]) -> None:
    """Steps that others wait for and that write nothing get an output ``done`` to be waited for."""
    for draft in unit.drafts:
        for name, item in after_names(unit, draft):
            shell = shells[name]
            if isinstance(shell, Component) and not shell.outputs and shell.kind == "command":
                shells[name] = replace(shell, outputs={"done": OutputPort("uri_folder")})
            elif not isinstance(shell, Component) or not shell.outputs:
                _no_edge(unit, draft, name, item, shell)


def _no_edge(unit: Unit, draft: Draft, name: str, item: Scalar, shell: Shell) -> None:
    if isinstance(shell, Component):
        unit.bag.add("P0605", f"`{draft.base}` cannot wait for `{name}`, which has no outputs", item.span)
    elif isinstance(shell, ComponentReference):
        unit.bag.add(
            "P0605",
            f"`{draft.base}` cannot wait for `{name}`, whose outputs are not known here",
            item.span,
            help=f"bind an output of `{name}` to an input instead",
        )


def wait(unit: Unit, draft: Draft, shell: Shell, shells: dict[str, Shell], arguments: dict[str, Argument]) -> Shell:
    """Order as data: an input ``after_NAME`` bound to an output of each step that is waited for."""
    ports: dict[str, InputPort] = {}
    refusal = _takes_no_order(shell)
    for name, item in after_names(unit, draft):
        source = shells[name]
        if not isinstance(source, Component) or not source.outputs:
            continue
        if refusal is not None:
            message = f"`{draft.base}` {refusal}, which takes no order without data"
            here = Label(draft.entry.key_span, "this step")
            unit.bag.add("P0605", message, item.span, secondary=[here], help="bind one of its inputs to an output")
            continue
        if any(isinstance(a.value, OutputRef) and a.value.step == name for a in arguments.values()):
            continue  # it waits for that step's data already
        output, port = next(iter(source.outputs.items()))
        ports[f"after_{name}"] = InputPort(port.type, mode="direct")
        arguments[f"after_{name}"] = Argument(OutputRef(name, output), at=item.span)
    if not ports or not isinstance(shell, Component):
        return shell
    return replace(shell, inputs={**shell.inputs, **ports})


def _takes_no_order(shell: Shell) -> str | None:
    """Why a step can have no input that its author did not write; None when it can."""
    if isinstance(shell, ComponentReference):
        return "runs a registered component"
    if isinstance(shell, Component) and shell.kind in ("automl", "data_transfer"):
        return f"is of type {shell.kind}"
    return None
