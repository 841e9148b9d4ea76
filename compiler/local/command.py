"""The command of a component as text for bash, with every value behind an environment variable.

    python train.py --lr ${{inputs.lr}} --note '${{inputs.note}}' $[[--base ${{inputs.base}}]]

becomes, when ``base`` has no value,

    python train.py --lr ${AZUREML_PARAMETER_lr} --note ''"${AZUREML_PARAMETER_note}"''

A value is therefore never read as shell text: inside quotes it is one word, outside them it splits and globs as any
variable does, which is what the service does too. A path splits there neither (the service's have no spaces), so a
project folder with a space in its name must not make a difference here: paths are one word everywhere.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from compiler.ir.command import Optional, Text, Use, parse
from compiler.ir.model import Extra

_SECRET = {"secret", "password", "passwd", "token", "credential", "credentials", "sas", "key", "apikey"}


@dataclass(frozen=True, slots=True)
class Value:
    """What a binding stands for: the variable that holds it, its text, and whether it splits outside quotes."""

    variable: str
    text: str
    splits: bool


def parameter(name: str, text: str) -> Value:
    """A literal of an input."""
    return Value(f"AZUREML_PARAMETER_{_safe(name)}", text, splits=True)


def swept(name: str, text: str) -> Value:
    """A value that a sweep sampled."""
    return Value(f"AZUREML_SWEEP_{_safe(name)}", text, splits=True)


def input_path(name: str, path: str) -> Value:
    return Value(f"AZURE_ML_INPUT_{_safe(name)}", path, splits=False)


def output_path(name: str, path: str) -> Value:
    return Value(f"AZURE_ML_OUTPUT_{_safe(name)}", path, splits=False)


def text_of(value: Extra) -> str:
    """A literal as the process gets it: ``True``, ``3``, ``1e-05``; a nested choice as JSON."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str | int):  # bool too
        return str(value)
    return json.dumps(value, default=list)


def shell_text(command: str, inputs: Mapping[str, Value], outputs: Mapping[str, Value]) -> str:
    """The command for bash. Bindings that are none of ours are left as they stand: the checks have reported them."""
    return _render(command, inputs, outputs, _reference)


def readable(command: str, inputs: Mapping[str, Value], outputs: Mapping[str, Value]) -> str:
    """The command with its values in place, for a person to read; what looks like a secret is hidden."""
    return _render(command, inputs, outputs, _shown)


def _safe(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _render(
    command: str,
    inputs: Mapping[str, Value],
    outputs: Mapping[str, Value],
    write: Callable[[Use, Value], str],
) -> str:
    def one(part: Text | Use) -> str:
        if isinstance(part, Text):
            return part.text
        value = _find(part, inputs, outputs)
        if value is not None:
            return write(part, value)
        # an optional input without a value, outside of `$[[ ]]`: nothing
        return "" if part.root in ("inputs", "search_space") else command[part.start : part.end]

    def all_given(part: Optional) -> bool:
        return all(_find(use, inputs, outputs) is not None for use in part.parts if isinstance(use, Use))

    words: list[str] = []
    for part in parse(command):
        if not isinstance(part, Optional):
            words.append(one(part))
        elif all_given(part):
            words += [one(piece) for piece in part.parts]
    return "".join(words)


def _find(use: Use, inputs: Mapping[str, Value], outputs: Mapping[str, Value]) -> Value | None:
    if use.root == "outputs":
        return outputs.get(use.name)
    return inputs.get(use.name) if use.root in ("inputs", "search_space") else None


def _reference(use: Use, value: Value) -> str:
    reference = f"${{{value.variable}}}"
    if use.quote == "'":
        return f"'\"{reference}\"'"  # nothing expands in single quotes: leave them for a moment
    return reference if use.quote or value.splits else f'"{reference}"'


def _shown(use: Use, value: Value) -> str:
    text = "***" if _SECRET & set(use.name.lower().split("_")) else value.text
    if use.quote:
        return text
    return text if text and value.splits else shlex.quote(text)
