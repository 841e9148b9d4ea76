"""A mutant, what it is made of, and the two ways in which nearly all are made: a stretch replaced, a word misspelt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.faults.text import Node, Spot, line_of


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with one fault in it. ``lines`` are 1-based; the fault is told on one of them."""

    kind: str
    text: str
    lines: frozenset[int]
    shown: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A file to break. ``spec``: in the spec language, else Azure ML's; ``whole``: nothing selects parts of it."""

    text: str
    folder: Path
    spec: bool
    main: bool = True
    whole: bool = True


def changed(subject: Subject, kind: str, start: int, end: int, new: str, *also: int) -> Mutant:
    text = subject.text[:start] + new + subject.text[end:]
    lines = {line_of(text, start), *(line_of(text, at) for at in also)}
    old = " ".join(subject.text[start:end].split())[:60]
    return Mutant(kind, text, frozenset(lines), f"{old} → {' '.join(new.split())[:60] or '(gone)'}")


def misspelt(word: str, random: Random) -> Iterator[str]:
    """The word with two letters swapped, with one dropped, with one doubled."""
    letters = [at for at, char in enumerate(word) if char.isalpha()]
    if len(letters) < 3:
        return
    swaps = [at for at in letters if at + 1 in letters and word[at] != word[at + 1]]
    if swaps:
        at = random.choice(swaps)
        yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    at = random.choice(letters[1:])
    yield word[:at] + word[at + 1 :]
    yield word[: at + 1] + word[at:]


Maker = Callable[[Subject, Node, Spot, Random], Iterator[Mutant]]
