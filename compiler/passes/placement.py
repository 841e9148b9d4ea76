"""Bindings stand only where the service settles them; anywhere else they would arrive as text.

environment_variables: {DATA: "${{inputs.data}}"}     the script would see the dollar sign and the braces
"""

from __future__ import annotations

from compiler.passes.components import AZURE_KINDS
from compiler.passes.unit import Unit
from compiler.source.tree import Mapping, Node, Scalar, Sequence

# Keys of a step whose bindings are read elsewhere, or are text that nobody reads but people.
_READ_ELSEWHERE = {"inputs", "compute", "command", "description", "display_name", "resources", "limits", *AZURE_KINDS}
_TOP_LEVEL = {"inputs", "outputs", "steps", "description", "display_name"}

_INSTEAD = {
    "environment_variables": "Azure ML does not expand it there: bind an input, and set the variable in the command",
    "code": "code is settled at compile time: use a param, `{{ params.NAME }}`",
    "environment": "the environment is settled at compile time: use a param, `{{ params.NAME }}`",
    "component": "the component is settled at compile time: use a param, `{{ params.NAME }}`",
}


def placement(unit: Unit) -> None:
    """Report every binding that stands where none may; the step that holds it is poisoned."""
    for draft in unit.drafts:
        found = False
        for entry in draft.node or ():
            if entry.key == "sweep" and isinstance(entry.value, Mapping):
                rest = {k: v for k, v in entry.value.entries.items() if k != "search_space"}
                inner = Mapping(entry.value.source, entry.value.start, entry.value.end, rest)
                found |= _refuse(unit, inner, "limits and policies are settled at compile time: use a param")
            elif entry.key == "outputs":
                found |= _outputs(unit, entry.value)
            elif entry.key not in _READ_ELSEWHERE:
                found |= _refuse(unit, entry.value, _INSTEAD.get(entry.key, "use a param, `{{ params.NAME }}`"))
        if found:
            draft.node = None
    for entry in unit.tree:
        if entry.key not in _TOP_LEVEL and _refuse(unit, entry.value, "use a param, `{{ params.NAME }}`"):
            unit.poisoned.add((entry.key,))


def _outputs(unit: Unit, node: Node) -> bool:
    """The path of an output may hold the service's macros: ``${{name}}``, ``${{default_datastore}}``."""
    found = False
    for entry in node if isinstance(node, Mapping) else ():
        for inner in entry.value if isinstance(entry.value, Mapping) else ():
            if inner.key != "path":
                found |= _refuse(unit, inner.value, "use a param, `{{ params.NAME }}`")
    return found


def _refuse(unit: Unit, node: Node, instead: str) -> bool:
    found, stack = False, [node]
    while stack:
        at = stack.pop()
        if isinstance(at, Scalar):
            if isinstance(at.value, str) and "${{" in at.value:
                found = True
                unit.bag.add("P0414", "a binding may not stand here", at.span, help=instead)
        elif isinstance(at, Sequence):
            stack += at.items
        else:
            stack += [entry.value for entry in at]
    return found
