"""The way through the compiler: what happens to a spec, in order.

``LOWERING`` takes a spec's tree to the IR; ``CHECKS`` look at the IR, whichever front end made it. A pass is a
function in one of these tuples, in the file of its name. Each reports what it finds and poisons what failed, so
that the passes after it go on with the rest and stay silent about the fault.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from compiler.diagnostics.model import Bag
from compiler.ir.model import Component, Pipeline
from compiler.passes.expand import expand
from compiler.passes.layers import layers
from compiler.passes.lints import lints
from compiler.passes.names import names
from compiler.passes.params import params
from compiler.passes.paths import paths
from compiler.passes.placement import placement
from compiler.passes.resolve import resolve
from compiler.passes.search import search
from compiler.passes.settled import settled
from compiler.passes.types import component_types, types
from compiler.passes.unit import Unit
from compiler.passes.wiring import wiring

Pass: TypeAlias = Callable[[Unit], None]
Check: TypeAlias = Callable[[Pipeline, Bag], None]

LOWERING: Final[tuple[Pass, ...]] = (
    layers,  # include and profiles: one tree of several
    params,  # declared values, --set, in the order they need each other
    expand,  # every {{ }} evaluated; foreach, when
    settled,  # the schema again, now that values have their types
    placement,  # run-time bindings stand only where the service settles them
    resolve,  # names to things, steps to components: the IR
)

CHECKS: Final[tuple[Check, ...]] = (
    names,  # every name that is used is declared
    types,  # what flows fits where it arrives
    wiring,  # no cycles, one source for each output
    search,  # the documented rules of a sweep
    paths,  # what is read lies in the project
    lints,  # what works and is probably not meant
)


def lower(unit: Unit) -> Pipeline | None:
    """Run the lowering passes; None when the spec is too broken to say anything more about it."""
    for one in LOWERING:
        one(unit)
        if unit.hopeless:
            return None
    return unit.pipeline


def check(pipeline: Pipeline, bag: Bag) -> None:
    """Run every check over a pipeline and the pipelines nested in it, each once."""
    pending, seen_pipelines, seen_components = [pipeline], {id(pipeline)}, set[int]()
    while pending:
        current = pending.pop()
        for one in CHECKS:
            one(current, bag)
        for step in current.steps.values():
            component = step.component
            if not isinstance(component, Component) or id(component) in seen_components:
                continue
            seen_components.add(id(component))
            component_types(component, bag)
            if component.pipeline is not None and id(component.pipeline) not in seen_pipelines:
                seen_pipelines.add(id(component.pipeline))
                pending.append(component.pipeline)
