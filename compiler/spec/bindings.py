"""Run-time bindings in a spec: `${{ … }}` where it may stand, and what to write where it may not.

${{inputs.x}}                    an input of the pipeline
${{steps.s.outputs.o}}           an output of a step
${{steps.s[key].outputs.o}}      of the instance with my key; [name] of the one named; [*] of all
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from compiler.diagnostics.model import Bag, Edit, Fix
from compiler.ir.model import InputRef
from compiler.source.templates import parse_binding, span_in
from compiler.source.tree import Scalar

_WHOLE = re.compile(r"\s*\$\{\{(.*?)\}\}\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class StepOutput:
    """An output of a step as written; ``index`` is what stands in the brackets, if any."""

    step: str
    output: str
    index: str | None = None


Source: TypeAlias = "InputRef | StepOutput"


def has_binding(scalar: Scalar) -> bool:
    return isinstance(scalar.value, str) and "${{" in scalar.value


def read_binding(scalar: Scalar, bag: Bag) -> Source | None:
    """The binding that the scalar is; None when it is none that may stand here, which is reported."""
    text = str(scalar.value)
    match = _WHOLE.fullmatch(text)
    if match is None:
        start = text.find("${{")
        end = text.find("}}", start)
        if end < 0:
            bag.add("P0306", "`${{` has no `}}`", span_in(scalar, start, len(text)))
        else:
            bag.add(
                "P0414",
                "a binding has text round it",
                span_in(scalar, start, end + 2),
                help="here a binding is the whole value; put the text into the command",
            )
        return None
    binding = parse_binding(match.group(1))
    parts = binding.root if binding is not None else ()
    index = binding.index if binding is not None else None
    if len(parts) >= 2 and parts[0] == "inputs":
        return InputRef(".".join(parts[1:]))
    if len(parts) >= 4 and parts[0] == "steps" and parts[2] == "outputs":
        return StepOutput(parts[1], ".".join(parts[3:]), index)
    _refuse(scalar, match, parts, bag)
    return None


def _refuse(scalar: Scalar, match: re.Match[str], parts: tuple[str, ...], bag: Bag) -> None:
    inside = match.group(1).strip()
    at = span_in(scalar, match.start(1), match.end(1))
    root = parts[0] if parts else ""
    if root == "parent":
        ours = re.sub(r"^parent\.jobs\.", "steps.", inside)
        ours = re.sub(r"^parent\.", "", ours)
        bag.add(
            "P0415",
            f"`{inside}` is Azure ML's way to write it",
            at,
            help=f"in a spec: `${{{{{ours}}}}}`",
            fix=Fix("write it the spec's way", (Edit(at, ours),), safe=True),
        )
    elif root == "search_space":
        bag.add("P0415", f"`{inside}` is Azure ML's way to write it", at, help="a swept value is an input of the trial")
    elif root in ("params", "item", "key", "profile", "spec"):
        bag.add(
            "P0305",
            f"`{root}` is settled at compile time",
            at,
            help=f"write `{{{{ {inside} }}}}`",
            fix=Fix("make it a compile-time expression", (Edit(scalar.span, f'"{{{{ {inside} }}}}"'),), safe=True),
        )
    elif root == "outputs":
        bag.add("P0414", f"`{inside}` may stand in commands only", at)
    elif root == "steps" and len(parts) >= 2:
        bag.add(
            "P0306", f"`{inside}` names no output of a step", at, help=f"write `${{{{steps.{parts[1]}.outputs.NAME}}}}`"
        )
    else:
        bag.add(
            "P0306",
            f"`{inside}` is no binding" if inside else "an empty binding",
            at,
            help="write `${{inputs.NAME}}` or `${{steps.STEP.outputs.NAME}}`",
        )


def refuse_in_command(command: Scalar, bag: Bag) -> bool:
    """Report bindings that a command may not hold; True when there are none."""
    text = str(command.value)
    fine = True
    for match in re.finditer(r"\$\{\{(.*?)(\}\}|\Z)", text, re.DOTALL):
        if match.group(2) == "" or "${{" in match.group(1):
            at = span_in(command, match.start(), match.start() + 3)
            bag.add("P0306", "a `${{` that is never closed", at, help="close it with `}}`")
            return False
        inside = match.group(1).strip()
        root, _, rest = inside.partition(".")
        if root in ("inputs", "outputs") and re.fullmatch(r"[A-Za-z_][\w.]*", rest):
            continue
        fine = False
        at = span_in(command, match.start(1), match.end(1))
        if root == "steps":
            bag.add(
                "P0414",
                f"a command cannot read `{inside}`",
                at,
                help="bind it to an input of this step, and use `${{inputs.NAME}}` here",
            )
        elif root in ("params", "item", "key", "profile", "spec"):
            fix = Fix(
                "make it a compile-time expression",
                (Edit(span_in(command, match.start(), match.end()), f"{{{{ {inside} }}}}"),),
                safe=True,
            )
            bag.add("P0305", f"`{root}` is settled at compile time", at, help=f"write `{{{{ {inside} }}}}`", fix=fix)
        elif root in ("parent", "search_space"):
            ours = "inputs." + inside.rsplit(".", 1)[-1]
            fix = Fix("write it the spec's way", (Edit(at, ours),), safe=True)
            bag.add("P0415", f"`{inside}` is Azure ML's way to write it", at, help=f"write `${{{{{ours}}}}}`", fix=fix)
        else:
            said = f"`{inside}` is no binding" if inside else "an empty binding"
            bag.add("P0306", said, at, help="write `${{inputs.NAME}}` or `${{outputs.NAME}}`")
    return fine
