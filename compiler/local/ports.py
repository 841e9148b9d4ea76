"""The inputs and outputs of a process: the text or path that stands for each, and the folders behind them."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from compiler.ir.model import LITERAL_TYPES, Extra, LocalPath
from compiler.local import command
from compiler.local.command import Value
from compiler.local.model import Status
from compiler.local.plan import Address, Feed, Produced
from compiler.local.refusals import local_path
from compiler.local.session import Job, Session


class PortFault(Exception):
    """An input is not there; the message says which and why."""


async def input_values(job: Job, session: Session) -> dict[str, Value]:
    """The value of every input that has one. Data to be downloaded is copied. Raises PortFault and OSError."""
    ports = job.node.component.inputs
    values = {
        name: command.swept(name, command.text_of(_as_port(value, ports[name].type if name in ports else "")))
        for name, value in job.sampled.items()
    }
    for name, feed in job.node.feeds.items():
        source = feed.source
        if isinstance(source, str | int | float):
            values[name] = command.parameter(name, command.text_of(source))
        elif (place := _place(feed, session)) is not None:
            if feed.mode == "download":
                place = str(await asyncio.to_thread(_download, Path(place), job.folder / "inputs" / name))
            values[name] = command.input_path(name, place)
    return values


def make_outputs(job: Job, side: Path) -> dict[str, Value]:
    """A path for each output in the new folder ``side``. Of a file only the folder above it is made."""
    side.mkdir()
    values: dict[str, Value] = {}
    for name, port in job.node.component.outputs.items():
        place = side / name
        if port.type not in ("uri_file", *LITERAL_TYPES):
            place.mkdir()
        values[name] = command.output_path(name, str(place))
    return values


def _place(feed: Feed, session: Session) -> str | None:
    """Where the data of an input is: a path, or the URI that it is to get as it is; None without any."""
    source = feed.source
    if isinstance(source, Address):
        return local_path(source.path) or (source.path.path if isinstance(source.path, LocalPath) else source.path)
    if not isinstance(source, Produced):
        return None
    made = session.results[source.node].attempt
    if made.status is not Status.COMPLETED:
        return None  # only an optional input gets here: the scheduler has seen to that
    if source.output not in made.outputs and not feed.port.optional:
        raise PortFault(f"`{source.node}` did not write its output `{source.output}`")
    return made.outputs.get(source.output)


def _as_port(value: Extra, kind: str) -> Extra:
    """A sampled number as its input has it: 4.0 for an integer is 4."""
    return int(value) if kind == "integer" and isinstance(value, float) and value.is_integer() else value


def _download(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
        return target
    # a file keeps its own name: what it is shows in its suffix
    target.mkdir()
    return Path(shutil.copy2(source, target / source.name))
