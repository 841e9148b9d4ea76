"""Bindings stand only where the service settles them; anywhere else they would arrive as text.

environment_variables: {DATA: "${{inputs.data}}"}     the script would see the dollar sign and the braces
"""

from __future__ import annotations

from compiler.passes.components import AZURE_KINDS
from compiler.passes.unit import Unit
from compiler.source.templates import span_in
from compiler.source.tree import Entry, Mapping, Node, Scalar, Sequence

# Keys of a step whose bindings are read elsewhere, or are text that nobody reads but people.
_READ_ELSEWHERE = {"inputs", "compute", "command", "description", "display_name", "resources", "limits", *AZURE_KINDS}
_TOP_LEVEL = {"inputs", "outputs", "steps", "description", "display_name"}

_PARAM = "use a param, `{{ params.NAME }}`"
_INSTEAD = {
    "environment_variables": "Azure ML does not expand it there: bind an input, and set the variable in the command",
    "code": "code is settled at compile time: " + _PARAM,
    "environment": "the environment is settled at compile time: " + _PARAM,
    "component": "the component is settled at compile time: " + _PARAM,
}


def placement(unit: Unit) -> None:
    """Report every binding that stands where none may; the step that holds it is given up in that part."""
    for draft in unit.drafts:
        wrong = {
            entry.key for entry in draft.node or () if entry.key not in _READ_ELSEWHERE and _misplaced(unit, entry)
        }
        if wrong:
            draft.without(wrong)
    for entry in unit.tree:
        if entry.key not in _TOP_LEVEL and not unit.unknown(entry.key) and _refuse(unit, entry, _PARAM):
            unit.poisoned.add((entry.key,))


def _misplaced(unit: Unit, entry: Entry) -> bool:
    if entry.key == "sweep" and isinstance(entry.value, Mapping):
        parts = [inner for inner in entry.value if inner.key != "search_space"]
        return sum(_refuse(unit, inner, f"it is settled at compile time: {_PARAM}") for inner in parts) > 0
    if entry.key == "outputs":
        return _outputs(unit, entry.value)
    return _refuse(unit, entry, _INSTEAD.get(entry.key, _PARAM))


def _outputs(unit: Unit, node: Node) -> bool:
    """The path of an output may hold the service's macros: ``${{name}}``, ``${{default_datastore}}``."""
    found = False
    for entry in node if isinstance(node, Mapping) else ():
        for inner in entry.value if isinstance(entry.value, Mapping) else ():
            if inner.key != "path":
                found |= _refuse(unit, inner, _PARAM)
    return found


def _refuse(unit: Unit, entry: Entry, instead: str) -> bool:
    found, stack = False, [entry.value]
    while stack:
        at = stack.pop()
        if isinstance(at, Scalar):
            if isinstance(at.value, str) and (start := at.value.find("${{")) >= 0:
                found = True
                end = at.value.find("}}", start)
                place = span_in(at, start, end + 2 if end >= 0 else len(at.value))
                unit.bag.add("P0414", f"a binding in `{entry.key}`, where none may stand", place, help=instead)
        elif isinstance(at, Sequence):
            stack += at.items
        else:
            stack += [inner.value for inner in at]
    return found
