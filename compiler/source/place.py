"""Where a YAML parser stopped, and what is said about it.

The parsers word the same fault differently, so only places are taken from them: the offset, the token that it lies
in, the collections that were open and the scalar read last. ``syntax.py`` makes the message of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compiler.source.events import open_events
from compiler.source.lexical import content_start, quoted, value_end


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault: ``start`` to ``end`` of the text, and the edit that would cure it.

    ``repair`` says that the edit is surely meant, so that reading can go on as if it had been made.
    """

    code: str
    message: str
    start: int
    end: int
    help: str | None = None
    edit: tuple[int, int, str] | None = None
    title: str = ""
    related: tuple[int, int, str] | None = None
    repair: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A collection that was open when the parser stopped."""

    start: int
    flow: bool
    mapping: bool


# The only words of the parsers that matter: both say within which token they stopped, with one of these.
_TOKENS = ("quoted scalar", "block scalar", "simple key", "anchor", "alias", "tag")


@dataclass(slots=True)
class Place:
    """Where the parser stopped (``problem``), what it was in (``context``), and what it had read before.

    ``token`` is set when it stopped within a token, which then begins at ``context``: a word of ``_TOKENS``.
    """

    text: str
    problem: int
    context: int
    opened: list[Opened]
    last_start: int = -1
    last_end: int = -1
    last_style: str = ""
    token: str = ""

    @property
    def char(self) -> str:
        """The character at which the parser stopped; empty at the end of the text."""
        return self.text[self.problem : self.problem + 1]

    @property
    def in_flow(self) -> Opened | None:
        """The innermost open bracket, if the parser stopped inside one."""
        return self.opened[-1] if self.opened and self.opened[-1].flow else None

    @property
    def opens_line(self) -> bool:
        """Whether the parser stopped at the first thing in a line."""
        return content_start(self.text, self.problem) == self.problem

    def rest(self, start: int) -> int:
        """The end of the value that begins at ``start``, at least one character on."""
        return max(value_end(self.text, start, flow=False), min(start + 1, len(self.text)))


def template(text: str, start: int, *, flow: bool, key: bool) -> Trouble:
    """``path: {{ params.x }}``: to YAML a mapping within a mapping, to its author an expression."""
    end = value_end(text, start, flow=flow, key=key)
    shown = f"`{short(text[start:end])}`"
    if key:
        return Trouble("P0318", f"an expression {shown} as a key", start, end, "expressions stand in values only")
    if end - start < 4 or "}}" not in text[start:end]:
        return Trouble("P0112", "an expression without quotes", start, start + 2, "put it into quotes, on one line")
    edit = (start, end, quoted(text[start:end]))
    return Trouble(
        "P0112", f"an expression {shown} without quotes", start, end, f"write `{short(edit[2])}`", edit,
        "put the expression into quotes", repair=True,
    )  # fmt: skip


def stop(text: str) -> Place:
    """Parse up to the error, keeping what is open."""
    from yaml import events
    from yaml.error import MarkedYAMLError

    place = Place(text, len(text), -1, [])
    next_event = open_events(text)
    kind: Any = None
    try:
        while kind is not events.StreamEndEvent:
            event = next_event()
            kind = event.__class__
            if kind is events.MappingStartEvent or kind is events.SequenceStartEvent:
                mapping = kind is events.MappingStartEvent
                place.opened.append(Opened(event.start_mark.index, bool(event.flow_style), mapping))
            elif kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
                place.opened.pop()
            elif kind is events.ScalarEvent:
                place.last_style = event.style or ""
                place.last_start, place.last_end = event.start_mark.index, event.end_mark.index
    except MarkedYAMLError as error:
        if error.problem_mark is not None:
            place.problem = min(error.problem_mark.index, len(text))
        if error.context is not None and error.context_mark is not None:
            place.context = min(error.context_mark.index, len(text) - 1)
            place.token = next((token for token in _TOKENS if token in error.context), "")
    return place


def short(value: str) -> str:
    """The first line of a text, as long as a message can hold."""
    value = value.strip().split("\n")[0]
    return value if len(value) <= 40 else value[:37] + "..."
