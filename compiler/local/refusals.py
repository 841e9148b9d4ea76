"""What keeps a plan from running on this machine, said before anything starts."""

from __future__ import annotations

import os
import shutil

from compiler.diagnostics.model import Bag
from compiler.diagnostics.span import Span
from compiler.ir.model import ComponentReference, Invalid, LocalPath, Step
from compiler.local.inputs import is_uri
from compiler.local.plan import Address, Missing, Node, Plan
from compiler.local.sampling import CannotSample, trials

_KINDS = {
    "automl": "AutoML runs on the service only",
    "spark": "Spark steps run on the service only",
    "data_transfer": "data transfer runs on the service only",
    "parallel": "parallel steps do not run here yet",
}


def check_plan(plan: Plan, bag: Bag) -> None:
    """Report all that keeps the plan from running here, and what will be different from the service."""
    if shutil.which("bash") is None:
        bag.add("P1006", "there is no `bash` on this machine", None, help="steps run under bash, as on the service")
    for name, step in plan.refused:
        _refuse(name, step, bag)
    for node in plan.nodes.values():
        _check_code(node, bag)
        for feed in node.feeds.values():
            if isinstance(feed.source, Address):
                _check_data(feed.source, feed.mode, bag)
            elif isinstance(feed.source, Missing):
                missing = feed.source.input
                bag.add("P0501", f"input `{missing}` has no value", feed.source.at, help=f"give `--input {missing}=…`")
        _check_sweep(node, bag)
        _note_ranks(node, bag)


def _refuse(name: str, step: Step, bag: Bag) -> None:
    component = step.component
    instead = f"submit it, or replace `{name}` in the profile `local`"
    if isinstance(component, Invalid):
        return  # reported where it was read
    if isinstance(component, ComponentReference):
        message = f"`{name}` uses the component `{component.reference}`, which is not on this machine"
        bag.add("P1001", message, component.at or step.at, help=f"name its file, or {instead}")
    else:
        why = _KINDS.get(component.kind, f"`{component.kind}` steps do not run here")
        bag.add("P1001", f"`{name}` cannot run here: {why}", step.at or component.at, help=instead)


def _check_code(node: Node, bag: Bag) -> None:
    component = node.component
    at = component.at or node.step.at
    if isinstance(component.code, str):
        message = f"the code of `{node.name}` is not on this machine: `{component.code}`"
        bag.add("P1001", message, at, help="name a folder as `code`, or replace the step in the profile `local`")
    sources = [component.code] if isinstance(component.code, LocalPath) else []
    for source in (*sources, *component.additional_includes):
        there = os.path.exists(source.path)
        if not there or not os.access(source.path, os.R_OK):
            reason = "cannot be read" if there else "is not there"
            bag.add("P0421", f"the code of `{node.name}` {reason}: `{source.path}`", at)


def _check_data(address: Address, mode: str, bag: Bag) -> None:
    remedy = f"give a local path to `{address.input}` in the profile `local`"
    if address.given:
        remedy += f", or with `--input {address.input}=PATH`"
    if isinstance(address.path, str) and is_uri(address.path):
        if mode != "direct" and local_path(address.path) is None:
            message = f"the data of `{address.input}` is not on this machine: `{address.path}`"
            bag.add("P1002", message, address.at, help=remedy)
            return
        if mode == "direct":
            return
    path = local_path(address.path)
    if path is not None and not os.path.exists(path):
        written = address.path.written if isinstance(address.path, LocalPath) else ""
        bag.add("P1002", f"the data of `{address.input}` is not there: `{written or path}`", address.at, help=remedy)


def local_path(path: LocalPath | str) -> str | None:
    """Where data lies on this machine; None when it does not."""
    if isinstance(path, LocalPath):
        return path.path
    if path.startswith("file://"):
        return path.removeprefix("file://")
    return None if is_uri(path) else os.path.abspath(path)


def _check_sweep(node: Node, bag: Bag) -> None:
    sweep = node.step.sweep
    if sweep is None:
        return
    at = sweep.at or node.step.at
    if sweep.objective is None:
        bag.add("P1001", f"the sweep of `{node.name}` has no objective to choose its best trial by", at)
    try:
        trials(sweep, seed=0)
    except CannotSample as error:
        where = sweep.sampling.at if sweep.sampling and sweep.sampling.at else at
        bag.add("P1001", f"the sweep of `{node.name}` cannot run here: {error}", where, help=error.remedy)
    if sweep.early_termination is not None:
        message = f"the {sweep.early_termination.type} policy of `{node.name}` is not applied here yet"
        bag.add("P1003", message, sweep.early_termination.at or at, notes=["every trial runs to its end"])


def _note_ranks(node: Node, bag: Bag) -> None:
    """One process stands for all ranks of a distributed step."""
    step, component = node.step, node.component
    distribution = step.distribution or component.distribution or {}
    resources = step.resources or component.resources or {}
    counts = [distribution.get("process_count_per_instance"), resources.get("instance_count")]
    if distribution and any(isinstance(count, int) and count > 1 for count in counts):
        at: Span | None = step.at or component.at
        bag.add("P0806", f"`{node.name}` runs as one process here: its distribution is not applied yet", at)
