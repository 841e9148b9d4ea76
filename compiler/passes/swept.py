"""What a sweep makes of a step's inputs: those that are swept leave the step and stay ports of the trial.

train: {command: train ${{inputs.lr}}, sweep: {search_space: {lr: {type: uniform, …}}}}
→  the trial has an input `lr` of type number; the step gives it nothing
"""

from __future__ import annotations

from dataclasses import replace

from compiler.diagnostics.model import Label
from compiler.diagnostics.suggest import closest, did_you_mean
from compiler.ir.model import Component, Distribution, InputPort, Sweep
from compiler.passes.arguments import Inputs, Shell
from compiler.passes.components import uses_of
from compiler.passes.names import in_command
from compiler.passes.unit import Unit
from compiler.source.tree import Entry, Mapping, Scalar
from compiler.spec import build


def swept_inputs(unit: Unit, sweep_node: Mapping, sweep: Sweep, shell: Shell, inputs: Inputs) -> None:
    """A swept input is the trial's own: it leaves the node's inputs and stays a port."""
    if "best" in sweep_node.entries:
        unit.bag.add("P0802", "`best` cannot be compiled yet", sweep_node.entries["best"].key_span)
    in_place = isinstance(shell, Component) and shell.path is None
    for name, distribution in sweep.search_space.items():
        inputs.arguments.pop(name, None)
        if in_place and isinstance(shell, Component):
            port = inputs.ports.get(name)
            if port is not None:
                inputs.ports[name] = replace(port, default=None)
            elif any(use.name == name for use in uses_of(shell)):
                kind = _swept_type(distribution.type, distribution.values)
                inputs.ports[name] = InputPort(kind, at=distribution.key_at)
            else:
                _unknown(unit, name, distribution, shell, inputs, sweep)
    space = build.section(sweep_node, "search_space")
    for entry in space or ():
        _no_bindings(unit, entry)


def _unknown(unit: Unit, name: str, distribution: Distribution, shell: Component, inputs: Inputs, sweep: Sweep) -> None:
    """A swept name that the command does not use: one that it uses and nothing gives was meant, and is not missed."""
    free = {use.name: use for use in uses_of(shell) if use.name not in {**inputs.ports, **sweep.search_space}}
    meant = closest(name, free) or next(iter(free), None)
    at = in_command(shell, free[meant]) if meant is not None else shell.command_at
    unit.bag.add(
        "P0702",
        f"`{name}` is swept over and is no input of the trial",
        distribution.key_at,
        secondary=[Label(at, "the trial uses this" if meant is not None else "the trial")] if at is not None else [],
        help=did_you_mean(name, free or inputs.ports, "inputs of the trial"),
    )
    inputs.failed = True


def _no_bindings(unit: Unit, entry: Entry) -> None:
    """Bounds must be known when the sweep is compiled: the service does not resolve a binding in them."""
    stack = [entry.value]
    while stack:
        node = stack.pop()
        if isinstance(node, Mapping):
            stack += [inner.value for inner in node]
        elif isinstance(node, Scalar):
            if isinstance(node.value, str) and "${{" in node.value:
                unit.bag.add(
                    "P0706",
                    f"the search space of `{entry.key}` holds a binding, which the service does not resolve",
                    node.span,
                    help="use a param: `{{ params.NAME }}`",
                )
        else:
            stack += node.items


def _swept_type(kind: str, values: tuple[object, ...]) -> str:
    if kind == "choice":
        types = {type(value) for value in values}
        if types == {bool}:
            return "boolean"
        if types == {int}:
            return "integer"
        return "number" if types and types <= {int, float} else "string"
    return "integer" if kind == "randint" else "number"
