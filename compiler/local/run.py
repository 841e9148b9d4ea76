"""`amlc run`: a pipeline on this machine. The one public entry of the room."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import TextIO

from compiler.diagnostics.model import Bag
from compiler.ir.model import Pipeline
from compiler.local.display import Display, make_display
from compiler.local.environment import cores, description, inherited
from compiler.local.inputs import given_inputs
from compiler.local.model import RunOptions, RunResult, Status
from compiler.local.plan import Plan, make_plan
from compiler.local.process import Processes
from compiler.local.refusals import check_plan
from compiler.local.scheduler import run_nodes
from compiler.local.session import Session, Slots
from compiler.local.snapshot import FrozenCode
from compiler.local.state import RunFolder, run_record
from compiler.local.tracking import Tracker, TrackingError


def run(
    pipeline: Pipeline, options: RunOptions, bag: Bag, out: TextIO, show: Callable[[], None] = lambda: None
) -> RunResult:
    """Run a pipeline that the passes found sound, and say on ``out`` how it goes.

    What cannot run here, or not as it would on the service, is reported to ``bag``, all of it, before anything starts;
    ``show`` is called then, to let it be read in time. Each step that fails is reported too.
    Interrupted (SIGINT, SIGTERM), it ends its processes and answers ``canceled``; no process outlives the call.
    """
    given = given_inputs(pipeline, options.inputs, bag)
    plan = make_plan(pipeline, given)
    check_plan(plan, bag)
    show()
    if bag.has_errors:
        return RunResult(Status.REFUSED)
    try:
        folder = RunFolder(options.root)
    except OSError as error:
        bag.add("P0810", f"`{options.root / '.amlc'}` cannot be written: {error.strerror}", None)
        return RunResult(Status.REFUSED)
    code = _frozen_code(plan, folder, bag)
    if code is None:
        return RunResult(Status.REFUSED, folder.id, folder.path)
    display = make_display(out, options.quiet, options.color)
    try:
        result = asyncio.run(_run(plan, options, folder, code, display))
    except TrackingError as error:
        display.close()
        folder.write_run({"pipeline": pipeline.name, "status": Status.REFUSED.value, "reason": str(error)})
        bag.add("P1006", f"MLflow does not work: {error}", None, help="`--no-track` runs without it, but no sweep")
        return RunResult(Status.REFUSED, folder.id, folder.path)
    finally:
        display.close()
    _report(plan, result, bag)
    return result


def _frozen_code(plan: Plan, folder: RunFolder, bag: Bag) -> FrozenCode | None:
    """The code of every step as it is now; None where some cannot be copied."""
    code, whole = FrozenCode(folder.root), True
    for node in plan.nodes.values():
        try:
            code.freeze(node.component)
        except OSError as error:
            at = node.component.at or node.step.at
            bag.add("P0421", f"the code of `{node.name}` cannot be copied: {error}", at)
            whole = False
    return code if whole else None


async def _run(plan: Plan, options: RunOptions, folder: RunFolder, code: FrozenCode, display: Display) -> RunResult:
    jobs = max(1, options.jobs or cores())
    folder.write_run({"pipeline": plan.pipeline.name, "status": "running", "jobs": jobs})
    display.begin(plan, folder.id, jobs, description())
    with Processes() as processes, _interruptible(processes, display):
        session = Session(folder, processes, Slots(jobs), display, inherited(os.environ), code)
        session.tracker = _tracker(plan, options, folder, display)
        status = Status.CANCELED
        try:
            await _start_tracking(plan, session)
            await run_nodes(plan, session)
            failed = any(step.status is Status.FAILED for step in session.results.values())
            status = Status.FAILED if failed else Status.COMPLETED
        except asyncio.CancelledError:
            display.note("stopped: every process has ended")
        finally:
            await _end_tracking(session, status)
    steps = {name: session.results[name] for name in plan.nodes if name in session.results}
    result = RunResult(status, folder.id, folder.path, steps, _outputs(plan, session))
    try:
        folder.write_run({"pipeline": plan.pipeline.name, "jobs": jobs, **run_record(result)})
    except OSError as error:
        display.note(f"the record of the run could not be written: {error.strerror}")
    display.end(result, session.tracker.uri if session.tracker else None)
    return result


def _tracker(plan: Plan, options: RunOptions, folder: RunFolder, display: Display) -> Tracker | None:
    sweeps = [node.name for node in plan.nodes.values() if node.step.sweep is not None]
    if not options.track and not sweeps:
        return None
    if not options.track:
        display.note(f"MLflow is used all the same: the metrics decide the best trial of `{sweeps[0]}`")
    return Tracker(folder.root, os.environ)


async def _start_tracking(plan: Plan, session: Session) -> None:
    if session.tracker is not None:
        pipeline = plan.pipeline
        experiment = pipeline.experiment_name or pipeline.name
        tags = {**pipeline.tags, "amlc.run": session.folder.id}
        session.mlflow_run = await session.tracker.open(experiment, session.folder.id, tags)


async def _end_tracking(session: Session, status: Status) -> None:
    if session.tracker is None:
        return
    if session.mlflow_run is not None:
        session.tracker.end(session.mlflow_run, status)
    try:
        await session.tracker.close()
    except TrackingError as error:
        session.display.note(f"MLflow: {error}")


@contextlib.contextmanager
def _interruptible(processes: Processes, display: Display) -> Iterator[None]:
    """The first SIGINT or SIGTERM stops the run in good order, the next one kills what is still there."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    before = {wanted: signal.getsignal(wanted) for wanted in (signal.SIGINT, signal.SIGTERM)}
    stopping = False

    def interrupt() -> None:
        nonlocal stopping
        if stopping:
            processes.kill()
        elif task is not None:
            stopping = True
            display.note("stopping; once more kills at once")
            task.cancel()

    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the business of whoever called
        return
    try:
        for wanted in before:
            loop.add_signal_handler(wanted, interrupt)
        yield
    finally:
        for wanted, handler in before.items():
            loop.remove_signal_handler(wanted)
            signal.signal(wanted, handler)


def _outputs(plan: Plan, session: Session) -> dict[str, str]:
    """The pipeline's outputs, of those steps that have made them."""
    found: dict[str, str] = {}
    for name, produced in plan.outputs.items():
        step = session.results.get(produced.node)
        if step is not None and produced.output in step.attempt.outputs:
            found[name] = step.attempt.outputs[produced.output]
    return found


def _report(plan: Plan, result: RunResult, bag: Bag) -> None:
    """The failed steps as diagnostics: what the display has said, for those who read them by machine."""
    for name, step in result.steps.items():
        if step.status is Status.FAILED:
            attempt, at = step.attempt, plan.nodes[name].step.at
            notes = [f"command: {attempt.command}"] if attempt.command else []
            help = f"read its log: {attempt.log}" if attempt.log else None
            bag.add("P1005", f"`{name}` failed: {attempt.reason}", at, help=help, notes=notes)
