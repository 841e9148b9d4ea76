"""What Azure ML demands of a Spark step, and says only when the job is submitted.

type: spark                                    P0202 `conf` has no `spark.executor.instances`
conf: {spark.driver.cores: 1, …}
inputs: {rows: {path: …, mode: ro_mount}}      P0510 Spark reads and writes directly
"""

from __future__ import annotations

import os
from collections.abc import Container, Mapping
from typing import Final

from compiler.azureml.scope import Scope
from compiler.diagnostics.span import Span
from compiler.diagnostics.suggest import did_you_mean
from compiler.ir.command import parse, uses
from compiler.ir.model import Argument, Component, Data, Extra, LocalPath, OutputSetting, Step

_ALWAYS: Final = ("spark.driver.cores", "spark.driver.memory", "spark.executor.cores", "spark.executor.memory")
_FIXED: Final = "spark.executor.instances"
_ENABLED: Final = "spark.dynamicAllocation.enabled"
_DYNAMIC: Final = ("spark.dynamicAllocation.minExecutors", "spark.dynamicAllocation.maxExecutors")


def check_spark(step: Step, bound: Container[str], scope: Scope) -> None:
    """Report what is wrong with a step if it is a Spark step; ``bound`` are its outputs that are the pipeline's."""
    if step.kind != "spark" or step.at is None:
        return
    at = step.at
    component = step.component if isinstance(step.component, Component) else None
    extras = component.extras if component is not None else {}
    own, theirs = step.extras.get("conf"), extras.get("conf")
    conf = {**(theirs if isinstance(theirs, Mapping) else {}), **(own if isinstance(own, Mapping) else {})}
    _conf(conf, step.name, scope, at)
    if step.compute is None and step.resources is None:
        help = "give it `resources` for serverless Spark, or the `compute` of an attached pool"
        scope.bag.add("P0513", f"the step `{step.name}` has no machines", at, help=help)
    elif step.compute is not None and step.resources is not None:
        scope.bag.add("P0207", "`compute` and `resources` of a Spark step exclude each other", at)
    for name, argument in step.inputs.items():
        port = component.inputs.get(name) if component is not None else None
        if isinstance(argument.value, Data) and "direct" not in (argument.mode, port.mode if port else None):
            _direct(name, argument, scope)
    for name, setting in step.outputs.items():
        declared = component.outputs.get(name) if component is not None else None
        said = setting != OutputSetting() and name not in bound
        if said and "direct" not in (setting.mode, declared.mode if declared else None):
            _direct(name, setting, scope)
    if component is not None:
        _entry(component, scope, at)
        _args(component, {*component.inputs, *step.inputs}, {*component.outputs, *step.outputs}, scope, at)


def _args(component: Component, inputs: set[str], outputs: set[str], scope: Scope, at: Span) -> None:
    """The arguments may name the inputs and outputs of the step, as a command does."""
    args = component.extras.get("args")
    for use, _ in uses(parse(args if isinstance(args, str) else "")):
        known = {"inputs": inputs, "outputs": outputs}.get(use.root)
        if known is not None and use.name not in known:
            code, what = ("P0412", "input") if use.root == "inputs" else ("P0413", "output")
            help = did_you_mean(use.name, known)
            scope.bag.add(code, f"the arguments use the {what} `{use.name}`, which is not there", at, help=help)


def _conf(conf: Mapping[str, Extra], name: str, scope: Scope, at: Span) -> None:
    dynamic = str(conf.get(_ENABLED)).lower() == "true"
    needed = (*_ALWAYS, *(_DYNAMIC if dynamic else (_FIXED,)))
    missing = [key for key in needed if conf.get(key) is None]
    if missing:
        shown = ", ".join(f"`{key}`" for key in missing)
        scope.bag.add("P0202", f"the `conf` of the step `{name}` has no {shown}", at)
        return
    given = [key for key in _DYNAMIC if key in conf]
    if given and not dynamic:
        scope.bag.add("P0207", f"`{given[0]}` without `{_ENABLED}: true`", at)
        return
    least, most, fixed = (conf.get(key) for key in (*_DYNAMIC, _FIXED))
    if not dynamic or not isinstance(least, int) or not isinstance(most, int):
        return
    if not 0 < least <= most:
        scope.bag.add("P0205", f"the executors of the step `{name}` go from {least} to {most}", at)
    elif isinstance(fixed, int) and not least <= fixed <= most:
        scope.bag.add("P0205", f"{fixed} executors are not between {least} and {most}", at)


def _direct(name: str, where: Argument | OutputSetting, scope: Scope) -> None:
    help = "Spark reads and writes by address: `mode: direct`"
    scope.bag.add("P0510", f"`{name}` of a Spark step is not direct", where.at, help=help)


def _entry(component: Component, scope: Scope, at: Span) -> None:
    entry = component.extras.get("entry")
    file = entry.get("file") if isinstance(entry, Mapping) else None
    if not isinstance(component.code, LocalPath) or not isinstance(file, str):
        return
    if not os.path.exists(os.path.join(component.code.path, file)):
        scope.bag.add("P0421", f"the entry `{file}` is not in the code", component.at or at)
