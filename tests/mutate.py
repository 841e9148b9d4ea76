"""Seeded faults: one change to a YAML file that breaks one thing, and the lines on which that shows.

    inputs: {frames: ${{steps.data_prep.outputs.prepared}}}
    →  Mutant("binding.step", "${{steps.data_perp.outputs.prepared}}", lines={7})

What is a fault is known from how it was made, never by asking the compiler: from tables (``tests/faults/tables.py``:
which mappings have words for keys, and which have names that their authors choose), from the component file that a step
names, and, for damage to the syntax, from PyYAML, which refuses what is no YAML any more.
"""

from __future__ import annotations

from random import Random

from tests.faults import names, shape
from tests.faults.damage import damaged
from tests.faults.making import Mutant, Subject
from tests.faults.text import Node, Spot, spots, tree

__all__ = ["Mutant", "Subject", "damaged", "mutants", "spots", "tree"]


def mutants(subject: Subject, random: Random) -> list[Mutant]:
    """Every kind of fault at every place of a file where it can stand; ``random`` picks letters."""
    root = tree(subject.text)
    if root is None or root.kind != "map":
        return []
    found: list[Mutant] = []
    places = [spot for spot in spots(root) if not _left_alone(subject, root, spot)]
    for maker in (*shape.MAKERS, *names.MAKERS):
        found += [mutant for spot in places for mutant in maker(subject, root, spot, random)]
    found += list(shape.tabs(subject, root))
    return [mutant for mutant in found if mutant.text != subject.text]


def _left_alone(subject: Subject, root: Node, spot: Spot) -> bool:
    """Notes of the author, and what stands in an anchor, which shows wherever it is used."""
    top = (spot.path or spot.key.value).split("/")[0]
    if top.startswith("x-") or "&" in subject.text[spot.value.start : spot.value.end]:
        return True
    if subject.spec and top == "profiles" and not subject.whole:
        return True
    return spot.value.kind == "alias" or _of_automl(root, spot.path.split("/"))


def _of_automl(root: Node, parts: list[str]) -> bool:
    """The body of an AutoML step, whose words depend on its task."""
    jobs = root.get("jobs")
    node = jobs.get(parts[1]) if jobs is not None and parts[0] == "jobs" and len(parts) > 2 else None
    kind = node.get("type") if node is not None else None
    return kind is not None and kind.value == "automl"
