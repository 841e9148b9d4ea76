"""What a field may hold, and the reading of it: node -> value of the IR, or one diagnostic.

A shape is a value that describes a field, so that the tables in ``fields`` say in data what Azure ML's
documents may contain:

    record(timeout=INTEGER)       limits: {timeout: "60"}    ->  {"timeout": 60}
                                  limits: {time_out: 60}     ->  P0201, did you mean `timeout`?

What is read this way is opaque to the rest of the compiler: it is compared, printed and emitted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Iterable
from collections.abc import Mapping as MappingType
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias

from compiler.azureml.numbers import as_number
from compiler.azureml.scope import UNUSABLE, Scope, Unusable, is_address, local_part, no_binding
from compiler.diagnostics.span import Span
from compiler.diagnostics.suggest import closest, did_you_mean
from compiler.ir.model import Extra, InputRef
from compiler.source.tree import Entry, Mapping, Node, Scalar, Sequence, describe

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


class Text(NamedTuple):
    """A string. With ``numbers``, as for versions, a number is read as its text; ``form`` is what it must look like."""

    numbers: bool = False
    form: str = ""
    example: str = ""


class Number(NamedTuple):
    """A number, in quotes or not; ``whole`` refuses fractions."""

    whole: bool = False


class Boolean:
    """True or false, in quotes or not."""


class Word(NamedTuple):
    """One of some words. Case and underscores do not count, as in Azure ML, unless ``exact``.

    The result is the known word, or with ``keep`` the author's.
    """

    words: tuple[str, ...]
    exact: bool = False
    keep: bool = False


class Anything:
    """Whatever stands there."""


class Plain:
    """A string, number or boolean, kept as it is."""


class ListOf(NamedTuple):
    """A list; ``single`` admits one item without brackets."""

    item: Shape
    single: bool = False


class MapOf(NamedTuple):
    """A map with free keys."""

    value: Shape


class Record(NamedTuple):
    """A map with known keys. ``open`` lets further keys through."""

    fields: MappingType[str, Shape]
    required: tuple[str, ...] = ()
    open: bool = False


class Tagged(NamedTuple):
    """A map whose keys depend on the word under ``tag``."""

    tag: str
    records: MappingType[str, Record]


class Either(NamedTuple):
    """A map in one shape, anything else in another."""

    mapping: Shape
    other: Shape


class Path(NamedTuple):
    """A local file or folder, or an address kept as text. What is ``needed`` must be there."""

    needed: bool = False


class Own(NamedTuple):
    """What a component says about itself: a ``${{inputs.x}}`` in it is text for the service."""

    inside: Shape


class Special(NamedTuple):
    """A field with a reader of its own."""

    read: Callable[[Node, Scope, Span], Extra | Unusable]


Shape: TypeAlias = (
    "Text | Number | Boolean | Word | Anything | Plain | Path | ListOf | MapOf"
    " | Record | Tagged | Either | Own | Special"
)

TEXT: Final = Text()
VERSION: Final = Text(numbers=True)
INTEGER: Final = Number(whole=True)
NUMBER: Final = Number()
BOOLEAN: Final = Boolean()
ANYTHING: Final = Anything()
PLAIN: Final = Plain()
PATH: Final = Path()
CODE: Final = Path(needed=True)


def word(*words: str, exact: bool = False, keep: bool = False) -> Word:
    """The shape of one of these words."""
    return Word(words, exact, keep)


def record(*, required: tuple[str, ...] = (), open: bool = False, **fields: Shape) -> Record:
    """The shape of a map with these keys."""
    return Record(fields, required, open)


def read(node: Node, shape: Shape, scope: Scope, what: str, at: Span) -> Extra | Unusable:
    """The value of a field. ``what`` is the field's name for messages, ``at`` its key, where a missing key shows."""
    if isinstance(shape, Own):
        return read(node, shape.inside, replace(scope, binding=no_binding), what, at)
    if isinstance(shape, (Record, Tagged, MapOf)):
        return _mapping(node, shape, scope, what, at)
    bound = _bound(node, scope)
    if bound is not None:
        return bound
    if isinstance(shape, Special):
        return shape.read(node, scope, at)
    if isinstance(shape, Either):
        return read(node, shape.mapping if isinstance(node, Mapping) else shape.other, scope, what, at)
    if isinstance(shape, Anything):
        return anything(node, scope)
    if isinstance(shape, ListOf):
        return _sequence(node, shape, scope, what, at)
    return _scalar(node, shape, scope, what)


def _bound(node: Node, scope: Scope) -> InputRef | Unusable | None:
    """The pipeline input that a node's setting is bound to; text that only contains one stays text."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.value.lstrip().startswith("${{"):
        return None
    bound = scope.binding(node, scope.bag)
    return bound if isinstance(bound, (InputRef, Unusable)) else None


def entry(found: Entry, shape: Shape, scope: Scope) -> Extra | Unusable:
    """The value of one entry of a mapping."""
    return read(found.value, shape, scope, found.key, found.key_span)


def wrong_type(node: Node, scope: Scope, what: str, expected: str) -> Unusable:
    """Report a value of the wrong type."""
    if isinstance(node, Scalar) and node.value is None:
        scope.bag.add("P0209", f"`{what}` is empty", node.span, help=f"give it {expected}, or leave the key out")
    else:
        scope.bag.add("P0203", f"`{what}` is {describe(node)}", node.span, help=f"expected {expected}")
    return UNUSABLE


def unknown_key(found: Entry, known: Iterable[str], scope: Scope, where: str) -> None:
    """Report a key that its mapping may not hold."""
    shown = [key for key in known if not key.startswith("$")]
    guess = meant_key(found.key, shown)
    help = f"did you mean `{guess}`?" if guess else did_you_mean(found.key, shown)
    scope.bag.add("P0201", f"unknown key `{found.key}` in {where}", found.key_span, help=help)


def meant_key(key: str, known: Iterable[str]) -> str | None:
    """The key that an unknown one stands for: a misspelling of it, or the only one that begins with it."""
    names = list(known)
    begun = [name for name in names if name.startswith(f"{key}_")]
    return closest(key, names) or (begun[0] if len(begun) == 1 else None)


def missing_key(key: str, scope: Scope, where: str, at: Span) -> None:
    """Report a key that its mapping must hold."""
    scope.bag.add("P0202", f"{where} has no `{key}`", at)


def anything(node: Node, scope: Scope) -> Extra | Unusable:
    """A value whose inside nobody checks."""
    if isinstance(node, Scalar):
        bound = _bound(node, scope)
        return node.value if bound is None else bound
    if isinstance(node, Sequence):
        return _all(tuple(anything(item, scope) for item in node.items))
    return _whole({found.key: anything(found.value, scope) for found in node})


def _all(items: tuple[Extra | Unusable, ...]) -> Extra | Unusable:
    good = tuple(item for item in items if not isinstance(item, Unusable))
    return good if len(good) == len(items) else UNUSABLE


def _whole(pairs: dict[str, Extra | Unusable]) -> Extra | Unusable:
    good = {key: value for key, value in pairs.items() if not isinstance(value, Unusable)}
    return good if len(good) == len(pairs) else UNUSABLE


def _mapping(node: Node, shape: Record | Tagged | MapOf, scope: Scope, what: str, at: Span) -> Extra | Unusable:
    if not isinstance(node, Mapping):
        return wrong_type(node, scope, what, "a mapping")
    if isinstance(shape, MapOf):
        return _whole({found.key: entry(found, shape.value, scope) for found in node})
    if isinstance(shape, Record):
        return read_record(node, shape, scope, f"`{what}`", at)
    kind = _tag(node, shape, scope, what, at)
    if kind is None:
        return UNUSABLE
    fields = read_record(node, shape.records[kind], scope, f"`{what}`", at)
    return fields if isinstance(fields, Unusable) else {**fields, shape.tag: kind}


def read_record(node: Mapping, shape: Record, scope: Scope, where: str, at: Span) -> dict[str, Extra] | Unusable:
    """The fields of a mapping, when all of them are right."""
    fields, wrong = read_fields(node, shape, scope, where, at)
    return UNUSABLE if wrong else fields


def read_fields(
    node: Mapping, shape: Record, scope: Scope, where: str, at: Span, skip: Container[str] = ()
) -> tuple[dict[str, Extra], set[str]]:
    """The fields of a mapping that are right, and the keys that are unknown, missing or wrong, each reported.

    Keys in ``skip`` are known and left to the caller. A missing key is not reported when another one is its
    misspelling.
    """
    fields: dict[str, Extra] = {}
    wrong: set[str] = set()
    meant: set[str | None] = set()
    for found in node:
        field = shape.fields.get(found.key)
        if field is None and not shape.open:
            unknown_key(found, shape.fields, scope, where)
            wrong.add(found.key)
            meant.add(meant_key(found.key, shape.fields))
        elif found.key not in skip:
            value = entry(found, field or ANYTHING, scope)
            if isinstance(value, Unusable):
                wrong.add(found.key)
            else:
                fields[found.key] = value
    for key in shape.required:
        if key not in node.entries:
            if key not in meant:
                missing_key(key, scope, where, at)
            wrong.add(key)
    return fields, wrong


def _tag(node: Mapping, shape: Tagged, scope: Scope, what: str, at: Span) -> str | None:
    tag = node.get(shape.tag)
    if tag is None:
        known = {shape.tag, *(key for one in shape.records.values() for key in one.fields)}
        slips = [one for one in node if one.key not in known and meant_key(one.key, known) == shape.tag]
        if slips:
            unknown_key(slips[0], known, scope, f"`{what}`")
        else:
            missing_key(shape.tag, scope, f"`{what}`", at)
        return None
    found = _scalar(tag, Word(tuple(shape.records)), scope, shape.tag)
    return found if isinstance(found, str) else None


def _sequence(node: Node, shape: ListOf, scope: Scope, what: str, at: Span) -> Extra | Unusable:
    if not isinstance(node, Sequence):
        return read(node, shape.item, scope, what, at) if shape.single else wrong_type(node, scope, what, "a list")
    return _all(tuple(read(item, shape.item, scope, what, at) for item in node.items))


def _scalar(node: Node, shape: Shape, scope: Scope, what: str) -> Extra | Unusable:
    if not isinstance(node, Scalar):
        return wrong_type(node, scope, what, _EXPECTED[type(shape)])
    value = node.value
    if isinstance(shape, Text):
        if isinstance(value, str) and shape.form and not re.fullmatch(shape.form, value):
            help = f"expected something like `{shape.example}`"
            scope.bag.add("P0206", f"`{what}` cannot be `{value}`", node.span, help=help)
            return UNUSABLE
        if isinstance(value, str):
            return value
        if shape.numbers and isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
    elif isinstance(shape, Number):
        number = as_number(value, whole=shape.whole)
        if number is not None:
            return number
    elif isinstance(shape, Boolean):
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _TRUE + _FALSE:
            return value.lower() in _TRUE
    elif isinstance(shape, Word):
        return _word(node, shape, scope, what)
    elif isinstance(shape, Path) and isinstance(value, str):
        return _path(node, value, shape, scope)
    elif isinstance(shape, Plain) and value is not None:
        return value
    whole = isinstance(shape, Number) and shape.whole
    return wrong_type(node, scope, what, "a whole number" if whole else _EXPECTED[type(shape)])


_EXPECTED: Final[dict[type, str]] = {
    Text: "text",
    Number: "a number",
    Boolean: "`true` or `false`",
    Word: "text",
    Path: "a path",
    Plain: "text, a number or a boolean",
}


def _path(node: Scalar, text: str, shape: Path, scope: Scope) -> Extra | Unusable:
    if is_address(text):
        return text
    written = local_part(text)
    found = scope.path(written)
    if shape.needed and not os.path.exists(found.path):
        scope.bag.add("P0421", f"`{written}` is not there", node.span)
        return UNUSABLE
    return found


def _word(node: Scalar, shape: Word, scope: Scope, what: str) -> str | Unusable:
    if not isinstance(node.value, str):
        shown = " or ".join(f"`{word}`" for word in shape.words[:4])
        return wrong_type(node, scope, what, shown)
    if node.value in shape.words:
        return node.value
    folded = _folded(node.value)
    for known in () if shape.exact else shape.words:
        if _folded(known) == folded:
            return node.value if shape.keep else known
    guess = closest(node.value, shape.words)
    shown = ", ".join(f"`{known}`" for known in shape.words)
    scope.bag.add(
        "P0204",
        f"`{what}` cannot be `{node.value}`",
        node.span,
        help=f"did you mean `{guess}`?" if guess else f"expected one of {shown}",
    )
    return UNUSABLE


def _folded(text: str) -> str:
    return text.replace("_", "").casefold()
