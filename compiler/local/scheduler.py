"""The order of things: every step starts when what it reads is there, and a failure stops what depends on it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from compiler.local.execute import perform
from compiler.local.model import Attempt, Status, StepResult
from compiler.local.plan import Node, Plan
from compiler.local.session import Job, Session
from compiler.local.state import write_step
from compiler.local.sweep import run_sweep
from compiler.local.tracking import TrackingError


async def run_nodes(plan: Plan, session: Session) -> None:
    """Run every node of the plan; `session.results` then has an entry for each, whatever happened.

    Raises CancelledError when it was cancelled, after all processes have ended.
    """
    scheduler = _Scheduler(plan, session)
    try:
        async with asyncio.TaskGroup() as group:
            for node in plan.nodes.values():
                group.create_task(scheduler.run(node))
    finally:
        for name in plan.nodes:
            if name not in session.results:
                session.results[name] = StepResult(name, Attempt(Status.SKIPPED, "the run was cancelled"))


class _Scheduler:
    """One task per node; each waits for the nodes it reads from, then for a place to run."""

    def __init__(self, plan: Plan, session: Session) -> None:
        self._session = session
        self._ended = {name: asyncio.Event() for name in plan.nodes}
        # The documentation gives two defaults for a pipeline that leaves it out: its page on pipeline jobs says
        # true, the one on schedules false. This is a pipeline job, and going on loses nothing that stopping keeps.
        self._go_on = plan.pipeline.settings.continue_on_step_failure is not False

    async def run(self, node: Node) -> None:
        """Wait for the nodes that this one reads from, run it, and let its readers know."""
        for source in {produced.node for _, _, produced in node.sources()}:
            if source in self._ended:
                await self._ended[source].wait()
        result = self._held_back(node) or await self._execute(node)
        if result.status is Status.FAILED and not self._go_on:
            self._session.halted = self._session.halted or f"`{node.name}` failed"
        self._session.results[node.name] = result
        self._session.display.step_ended(result)
        self._ended[node.name].set()

    def _held_back(self, node: Node) -> StepResult | None:
        """Why a node cannot start, as its result."""
        reason = self._session.halted
        for name, feed, produced in node.sources():
            if feed.port.optional:
                continue  # it runs without
            source = self._session.results.get(produced.node)
            if source is None:
                reason = f"nothing makes its input `{name}`"
            elif source.status is not Status.COMPLETED:
                reason = f"`{produced.node}` {'failed' if source.status is Status.FAILED else 'did not run'}"
        return StepResult(node.name, Attempt(Status.SKIPPED, reason)) if reason else None

    async def _execute(self, node: Node) -> StepResult:
        session = self._session
        try:
            if node.step.sweep is not None:
                result = await run_sweep(node, node.step.sweep, session)
            else:
                async with session.slots.want(1):
                    job = Job(node, session.folder.step(node.name), session.mlflow_run, _timeout(node.step.limits))
                    result = StepResult(node.name, await perform(job, session))
            write_step(session.folder.step(node.name), result)
        except (OSError, TrackingError) as error:
            return StepResult(node.name, Attempt(Status.FAILED, str(error)))
        except asyncio.CancelledError:
            session.results[node.name] = StepResult(node.name, Attempt(Status.CANCELED, "the run was cancelled"))
            raise
        return result


def _timeout(limits: Mapping[str, object] | None) -> float | None:
    seconds = (limits or {}).get("timeout")
    return float(seconds) if isinstance(seconds, int | float) and seconds > 0 else None
