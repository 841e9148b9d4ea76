"""The names that an expression may use, what they stand for, and what to say of the others.

{{ item }}             a plain name, whose value may be a list or a map
{{ params.dataset }}   a member of a group: `params` has no value, each of its members has one and a definition
"""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from enum import Enum
from typing import Final, NamedTuple

from compiler.diagnostics.span import Span
from compiler.diagnostics.suggest import did_you_mean
from compiler.source.filters import Refused, describe


class Invalid(Enum):
    """The one value of what failed earlier and was reported then."""

    INVALID = "invalid"


INVALID: Final = Invalid.INVALID

# What a binding may begin with; `env` is in many people's fingers and exists in neither phase.
BINDABLE = ("inputs", "outputs", "steps", "parent", "search_space")
RUN_TIME = (*BINDABLE, "env")
COMPILE_TIME = ("params", "spec", "item", "key", "profile")


class Known(NamedTuple):
    """A name's value (plain dicts, lists and scalars, or INVALID) and where it was defined."""

    value: object
    defined: Span | None = None


class Word(NamedTuple):
    """One name of a dotted path, with its offsets inside the expression."""

    name: str
    start: int
    end: int


class Poisoned(Exception):
    """The expression uses something that failed earlier; nothing is to be said."""


class Misnamed(Exception):
    """A name that means nothing here: the diagnostic's parts, ``word`` the place."""

    def __init__(self, code: str, message: str, word: Word, help: str | None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.word = word
        self.help = help


class Missing(Exception):
    """A map has no such key; what the filter ``default`` is for."""

    def __init__(self, message: str, word: Word, help: str | None) -> None:
        super().__init__(message)
        self.message = message
        self.word = word
        self.help = help


class Scope:
    """What expressions may refer to: plain names (``item``) and groups of names (``params``)."""

    __slots__ = ("_groups", "_names")

    def __init__(self) -> None:
        self._names: dict[str, Known] = {}
        self._groups: dict[str, MappingABC[str, Known]] = {}

    def define(self, name: str, known: Known) -> None:
        """Give a plain name its value."""
        self._names[name] = known

    def define_group(self, name: str, members: MappingABC[str, Known]) -> None:
        """Make ``name.member`` known for each member. Later additions to ``members`` are seen too."""
        self._groups[name] = members

    def child(self, known: MappingABC[str, Known]) -> Scope:
        """This scope with more plain names, or other values for some."""
        scope = Scope()
        scope._names = {**self._names, **known}
        scope._groups = self._groups
        return scope

    def knows(self, root: str) -> bool:
        """Whether a dotted name may begin so."""
        return root in self._names or root in self._groups

    def find(self, words: list[Word]) -> tuple[Known, int]:
        """What a path begins with, and how many of its words that takes. Raises Misnamed and Poisoned."""
        root = words[0]
        group = self._groups.get(root.name)
        known = self._names.get(root.name)
        if group is not None:
            if len(words) == 1:
                help = f"name one of them, such as `{{{{ {root.name}.{min(group)} }}}}`" if group else None
                raise Misnamed("P0303", f"`{root.name}` is a group of names, not a value", root, help)
            known = group.get(words[1].name)
            if known is None:
                help = did_you_mean(words[1].name, group, root.name)
                raise Misnamed("P0302", f"`{root.name}` has no `{words[1].name}`", words[1], help)
        if known is None:
            raise self._unknown(root)
        if known.value is INVALID:
            raise Poisoned
        return known, 1 if group is None else 2

    def _unknown(self, word: Word) -> Misnamed:
        name = word.name
        help: str | None
        if name == "env":
            help = "bring the value in with a param and `--set`"
            return Misnamed("P0304", "`env` cannot be read when compiling", word, help)
        if name in RUN_TIME:
            return Misnamed("P0304", f"`{name}` is known only at run time", word, "run-time names stand in `${{…}}`")
        if name in self._groups.get("params", ()):
            help = f"did you mean `params.{name}`?"
        elif name in ("item", "key"):
            help = f"`{name}` exists in a step with `foreach`"
        else:
            help = did_you_mean(name, [*self._names, *self._groups], "names")
        return Misnamed("P0302", f"an unknown name `{name}`", word, help)


def member(value: object, word: Word, owner: str = "the map") -> object:
    """``value.word``: an entry of a map, which messages call ``owner``. Raises Missing and Refused."""
    if isinstance(value, dict):
        if word.name in value:
            return value[word.name]
        keys = [key for key in value if isinstance(key, str)]
        raise Missing(f"{owner} has no `{word.name}`", word, did_you_mean(word.name, keys, "keys"))
    help = "its items are `[0]`, `[1]`, …" if isinstance(value, list) else None
    raise Refused(f"`.{word.name}` of {describe(value)}", help)
