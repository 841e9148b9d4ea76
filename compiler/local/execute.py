"""From a step, or a trial of one, to a process and back to its outputs."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from compiler.local import command
from compiler.local.environment import process_variables
from compiler.local.model import Attempt, Status
from compiler.local.ports import PortFault, input_values, make_outputs
from compiler.local.process import Ended
from compiler.local.session import Job, Session
from compiler.local.snapshot import FrozenCode
from compiler.local.tracking import TrackingError


async def perform(job: Job, session: Session) -> Attempt:
    """Run one process and publish its outputs: the only way in which a step or a trial comes to have any.

    A cache has its place at the head of this function, before a slot is taken: a job whose outputs are known
    returns them here and starts nothing.
    """
    async with session.slots.one(job.node):
        if session.halted and job.trial is None:  # a sweep that has begun is brought to its end
            return Attempt(Status.SKIPPED, session.halted)
        session.display.started(job.node.name, job.trial)
        run: str | None = None
        try:
            if session.tracker is not None and job.parent is not None:
                run = await session.tracker.begin(job.name, job.parent, job.node.step.tags)
                session.tracked[job.name] = run
            attempt = await _process(job, session, run)
        except (PortFault, OSError, TrackingError) as error:
            attempt = Attempt(Status.FAILED, str(error), mlflow_run=run)
        except asyncio.CancelledError:
            _end_tracking(session, run, Status.CANCELED, job)
            raise
    _end_tracking(session, run, attempt.status, job)
    return attempt


async def _process(job: Job, session: Session, run: str | None) -> Attempt:
    component, step = job.node.component, job.node.step
    work = job.folder / "work"
    try:
        brought = await _work_folder(job, work, session.code)
        inputs = await input_values(job, session)
        outputs = make_outputs(job, job.folder / "outputs.partial")
        text = command.shell_text(component.command or "", inputs, outputs)
        variables = process_variables(
            session.environment,
            [*inputs.values(), *outputs.values()],
            session.slots.threads,
            session.tracker.variables(run) if session.tracker and run else {},
            {name: command.text_of(value) for name, value in step.environment_variables.items()},
        )
        ended = await session.processes.execute(text, work, variables, job.folder / "log.txt", job.timeout)
        if "outputs" not in brought and (work / "outputs").is_dir():
            (work / "outputs").replace(job.folder / "artifacts")
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(job.folder / "inputs", ignore_errors=True)
    return _publish(job, ended, command.readable(component.command or "", inputs, outputs), run)


async def _work_folder(job: Job, work: Path, code: FrozenCode) -> set[str]:
    """Make the folder that the process starts in; returns the names that the code brought with it."""
    job.folder.mkdir(parents=True, exist_ok=True)
    source = code.folder(job.node.component)
    if source is None:
        work.mkdir()
        return set()
    await asyncio.to_thread(shutil.copytree, source, work)
    return set(os.listdir(work))


def _publish(job: Job, ended: Ended, shown: str, run: str | None) -> Attempt:
    """The end of the process as that of the attempt. Outputs appear all at once, and only of one that succeeded."""
    log, final = job.folder / "log.txt", job.folder / "outputs"
    if ended.reason:
        # a trial over its time is cancelled on the service; a step over its time has not done its work
        status = Status.CANCELED if ended.limit is not None and job.trial is not None else Status.FAILED
        return Attempt(status, ended.reason, ended.code, ended.seconds, shown, log, {}, run)
    (job.folder / "outputs.partial").replace(final)
    paths = {name: str(final / name) for name in job.node.component.outputs if (final / name).exists()}
    return Attempt(Status.COMPLETED, "", ended.code, ended.seconds, shown, log, paths, run)


def _end_tracking(session: Session, run: str | None, status: Status, job: Job) -> None:
    if session.tracker is not None and run is not None:
        session.tracker.end(run, status, {name: command.text_of(value) for name, value in job.sampled.items()})
