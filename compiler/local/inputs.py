"""Values for the pipeline's inputs from the command line: `--input rate=0.1 --input video=../data/ped1`."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping

from compiler.diagnostics.model import Bag, Label
from compiler.diagnostics.suggest import did_you_mean
from compiler.ir.model import LITERAL_TYPES, Data, Literal, LocalPath, Pipeline, PipelineInput

_URI = re.compile(r"azureml:|[A-Za-z][A-Za-z0-9+.\-]*://")
_INTEGER = re.compile(r"[+-]?[0-9]+")


def is_uri(text: str) -> bool:
    """Whether data by this address is somewhere else than in a folder of this machine."""
    return _URI.match(text) is not None


def given_inputs(pipeline: Pipeline, given: Mapping[str, str], bag: Bag) -> dict[str, Literal | Data]:
    """What was given, read as the type that each input has. Reports what cannot be; that one is left out."""
    values: dict[str, Literal | Data] = {}
    for name, text in given.items():
        port = pipeline.inputs.get(name)
        if port is None:
            guess = did_you_mean(name, pipeline.inputs, "inputs of the pipeline")
            bag.add("P1004", f"the pipeline has no input `{name}`", None, help=guess)
        elif port.type not in LITERAL_TYPES:
            values[name] = Data(text if is_uri(text) else LocalPath(os.path.abspath(text), text))
        elif (value := _literal(name, port, text, bag)) is not None:
            values[name] = value
    return values


def _literal(name: str, port: PipelineInput, text: str, bag: Bag) -> Literal | None:
    value = _parsed(port.type, text)
    where = [Label(port.at, "declared here")] if port.at else []
    if value is None:
        bag.add("P0503", f"`{text}` is not of type {port.type}, as input `{name}` is", None, secondary=where)
    elif port.enum and value not in port.enum:
        known = ", ".join(f"`{word}`" for word in port.enum)
        bag.add("P0504", f"`{text}` is none of the values of input `{name}`", None, secondary=where, help=known)
        return None
    elif isinstance(value, int | float) and _outside(value, port):
        bag.add("P0505", f"`{text}` is out of the range of input `{name}`", None, secondary=where)
        return None
    return value


def _outside(value: float, port: PipelineInput) -> bool:
    return (port.min is not None and value < port.min) or (port.max is not None and value > port.max)


def _parsed(kind: str, text: str) -> Literal | None:
    if kind == "string":
        return text
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.lower())
    if _INTEGER.fullmatch(text):
        return int(text)
    if kind == "integer":
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
