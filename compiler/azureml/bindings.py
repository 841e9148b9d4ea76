"""Run-time bindings as an Azure ML pipeline writes them in its nodes.

    ${{parent.inputs.x}}             an input of the pipeline
    ${{parent.jobs.s.outputs.o}}     an output of another node
    ${{parent.outputs.x}}            an output of the pipeline, in a node's outputs

Other ``${{ … }}`` are macros of the service, ``${{name}}`` or ``${{default_datastore}}``, and stay text.
"""

from __future__ import annotations

import re

from compiler.azureml.scope import UNUSABLE, Bound, ParentOutput
from compiler.diagnostics.model import Bag
from compiler.ir.model import InputRef, OutputRef
from compiler.source.tree import Scalar

_NAME = r"[A-Za-z_][\w\-]*(?:\.[A-Za-z_][\w\-]*)*"
_WHOLE = re.compile(r"\s*\$\{\{\s*(\S*?)\s*\}\}\s*")
_INPUT = re.compile(rf"parent\.inputs\.({_NAME})")
_OUTPUT = re.compile(r"parent\.outputs\.([A-Za-z_][\w\-]*)")
_STEP = re.compile(rf"parent\.jobs\.([A-Za-z_][\w\-]*)\.outputs\.({_NAME})")
_MEANT = re.compile(r"\$\{\{\s*(?:parent|inputs|outputs|jobs|steps|search_space)\b")


def azure_binding(scalar: Scalar, bag: Bag) -> Bound:
    """The binding of a node's input, output or setting."""
    text = scalar.value
    if not isinstance(text, str) or "${{" not in text:
        return None
    whole = _WHOLE.fullmatch(text)
    inside = whole.group(1) if whole else ""
    if found := _STEP.fullmatch(inside):
        return OutputRef(*found.groups())
    if found := _INPUT.fullmatch(inside):
        return InputRef(found.group(1))
    if found := _OUTPUT.fullmatch(inside):
        return ParentOutput(found.group(1))
    if not _MEANT.search(text):
        return None
    if whole is None:
        bag.add("P0414", "a binding stands inside a longer text", scalar.span, help="a binding is the whole value")
    else:
        bag.add("P0306", f"`{inside}` is no binding of a step", scalar.span, help=_remedy(inside))
    return UNUSABLE


def _remedy(inside: str) -> str:
    root, _, rest = inside.partition(".")
    if root == "inputs":
        return f"write `${{{{parent.inputs.{rest}}}}}`"
    if root in ("jobs", "steps"):
        return f"write `${{{{parent.jobs.{rest}}}}}`"
    return "write `${{parent.inputs.NAME}}` or `${{parent.jobs.STEP.outputs.NAME}}`"
