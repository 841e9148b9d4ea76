"""The order of the steps: who waits for whom, an order to run in, and the cycles that forbid one.

Nothing here recurses along the graph: a chain of ten thousand steps is an ordinary pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping

from compiler.ir.model import OutputRef, Pipeline


def dependencies(pipeline: Pipeline) -> dict[str, tuple[str, ...]]:
    """For each step the steps whose outputs it reads, each once; names that are no step are left out."""
    steps = pipeline.steps
    return {
        name: tuple(
            dict.fromkeys(
                argument.value.step
                for argument in step.inputs.values()
                if isinstance(argument.value, OutputRef) and argument.value.step in steps
            )
        )
        for name, step in steps.items()
    }


def order(needs: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The steps so that each comes after those it needs, ties as written. Steps in or behind a cycle are left out."""
    waiting = {name: len(sources) for name, sources in needs.items()}
    readers: dict[str, list[str]] = {name: [] for name in needs}
    for name, sources in needs.items():
        for source in sources:
            readers[source].append(name)
    ready = [name for name, count in waiting.items() if count == 0]
    for name in ready:  # grows while it is walked
        for reader in readers[name]:
            waiting[reader] -= 1
            if waiting[reader] == 0:
                ready.append(reader)
    return ready


def cycles(needs: Mapping[str, tuple[str, ...]]) -> list[list[str]]:
    """The cycles, one for each knot of steps that wait for each other, each as the path of the data: a, b, a."""
    left = dict.fromkeys(needs)
    for name in order(needs):
        del left[name]
    readers: dict[str, list[str]] = {name: [] for name in left}
    for name in left:
        for source in needs[name]:
            if source in left:
                readers[source].append(name)
    found: list[list[str]] = []
    while left:
        # every step that is left waits for another one that is left, or `order` would have placed it
        path, place = [next(iter(left))], {next(iter(left)): 0}
        while (step := next(source for source in needs[path[-1]] if source in left)) not in place:
            place[step] = len(path)
            path.append(step)
        found.append([*reversed(path[place[step] :]), path[-1]])
        stuck = path
        for name in stuck:  # whoever reads a stuck step is stuck too, and not worth a second report
            if name in left:
                del left[name]
                stuck += [reader for reader in readers[name] if reader in left]
    return found
