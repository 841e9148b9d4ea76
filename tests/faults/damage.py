"""Accidents of files: cut off, bits flipped, lines moved, strange characters, a value where another one stood."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.faults.text import spots, tree

_STRANGE = "\0\a\x1b\x85\u2028\u200b\ufeff\ufffd\U0001f600é{}[]:#&*!|>%@`'\"\\,?-$\t\r"


def damaged(data: bytes, random: Random) -> bytes:
    """A file after an accident: cut off, bits flipped, lines moved, indentation shifted, strange characters."""
    for _ in range(random.choice((1, 1, 2, 5))):
        data = random.choice(_ACCIDENTS)(data, random)
    return data


def _truncate(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _flip(data: bytes, random: Random) -> bytes:
    if not data:
        return data
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]


def _lines(data: bytes, random: Random) -> bytes:
    lines = data.split(b"\n")
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    how = random.randrange(5)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(at, lines[other])
    elif how == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif how == 3:
        lines[at] = b" " * random.randrange(1, 4) + lines[at]
    else:
        lines[at] = lines[at].removeprefix(b" " * random.randrange(1, 4))
    return b"\n".join(lines)


def _insert(data: bytes, random: Random) -> bytes:
    text = data.decode("utf-8", "replace")
    at = random.randrange(len(text) + 1)
    return (text[:at] + random.choice(_STRANGE) + text[at:]).encode()


def _graft(data: bytes, random: Random) -> bytes:
    """A value where another one stood: often still of the right shape, and so a fault that is found late."""
    text = data.decode("utf-8", "replace")
    values = [spot.value for spot in spots(tree(text)) if "\n" not in text[spot.value.start : spot.value.end]]
    if not values:
        return data
    scion, place = random.choice(values), random.choice(values)
    return (text[: place.start] + " " + text[scion.start : scion.end] + text[place.end :]).encode()


_ACCIDENTS: tuple[Callable[[bytes, Random], bytes], ...] = (_truncate, _flip, _lines, _insert, _graft, _graft, _graft)
