"""What the steps of one run share: the places to run in, the processes, the display, the results so far."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from compiler.ir.model import Extra
from compiler.local.display import Display
from compiler.local.environment import cores
from compiler.local.model import StepResult
from compiler.local.plan import Node
from compiler.local.process import Processes
from compiler.local.snapshot import FrozenCode
from compiler.local.state import RunFolder
from compiler.local.tracking import Tracker


class Slots:
    """Who may run now: so many processes in all, so many on each compute target."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._wanted = 0
        self._all = asyncio.Semaphore(jobs)
        self._computes: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def one(self, node: Node) -> AsyncIterator[None]:
        """A place for one process of ``node``."""
        if node.compute is None or node.instances is None:
            async with self._all:
                yield
            return
        # the scarcer first: whoever waits for a compute target must not keep others from running
        compute = self._computes.setdefault(node.compute, asyncio.Semaphore(node.instances))
        async with compute, self._all:
            yield

    @asynccontextmanager
    async def want(self, processes: int) -> AsyncIterator[None]:
        """Say that so many processes are ready to run side by side, for as long as the context lasts."""
        self._wanted += processes
        try:
            await asyncio.sleep(0)  # let everybody who is ready say so before the first one starts
            yield
        finally:
            self._wanted -= processes

    @property
    def threads(self) -> int:
        """How many cores one process gets while so many are running or could."""
        return max(1, cores() // max(1, min(self.jobs, self._wanted)))


@dataclass(slots=True)
class Session:
    """One run while it goes on. ``environment`` is the base of every process's; ``results`` grows as steps end.

    ``halted`` is why no further step may start, empty while they may.
    ``tracked``: the MLflow run of each job that has begun, by the job's name.
    """

    folder: RunFolder
    processes: Processes
    slots: Slots
    display: Display
    environment: Mapping[str, str]
    code: FrozenCode
    tracker: Tracker | None = None
    mlflow_run: str | None = None
    results: dict[str, StepResult] = field(default_factory=dict)
    halted: str = ""
    tracked: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """One process to be: a step, or with ``trial`` one trial of its sweep, which gets the values ``sampled``.

    ``parent`` is the MLflow run above its own. ``timeout`` is in seconds.
    """

    node: Node
    folder: Path
    parent: str | None
    timeout: float | None = None
    trial: int | None = None
    sampled: Mapping[str, Extra] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What its MLflow run is called."""
        return self.node.name if self.trial is None else f"{self.node.name}_{self.trial:03d}"
