"""Compile-time expressions in scalars: ``{{ … }}`` replaced by its value, ``${{ … }}`` left for run time.

    epochs: "{{ params.epochs * 2 }}"       the number 20: one expression that is the whole scalar keeps its type
    path: raw/{{ params.dataset }}/train    the text raw/ped1/train
    lr: "{{ inputs.lr }}"                   P0304, with the fix ${{inputs.lr}}

Dotted names, which most expressions are, are settled without Jinja2, which takes longer to import than a small
spec takes to compile; everything else goes through ``grammar.py`` and ``interpret.py``, to the same results.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from compiler.diagnostics.model import Bag, Edit, Fix
from compiler.diagnostics.span import Span
from compiler.source.filters import Refused, apply, joined, to_text
from compiler.source.interpret import Fault, Interpreter, check, evaluate_path, paths
from compiler.source.lexical import quoted
from compiler.source.scope import BINDABLE, COMPILE_TIME, INVALID, RUN_TIME, Invalid, Known, Poisoned, Scope, Word
from compiler.source.templates import (
    PATH,
    Later,
    Now,
    Part,
    Text,
    check_binding,
    exact_span,
    parse_binding,
    span_in,
    split,
)
from compiler.source.tree import Entry, Mapping, Node, Scalar, Sequence

__all__ = ["INVALID", "Invalid", "Known", "Scope", "evaluate", "names"]

MOST_NODES = 100_000
MOST_DEPTH = 64

# Words that the grammar reads as something else than names.
_RESERVED = frozenset(["and", "else", "false", "False", "if", "in", "is", "none", "None", "not", "or", "true", "True"])
_WORD = re.compile(r"\w+")
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_BLOCK = re.compile(r"\{%-?\s*(?:if|elif|else|endif|for|endfor|set|macro|raw|include|block|import|from)\b[^%]*%\}")
# Nothing but text and sound bindings of run-time names: the most frequent scalar with braces.
_ONLY_BINDINGS = re.compile(
    rf"[^{{]*(?:\$\{{\{{\s*(?:{'|'.join(BINDABLE)})(?:\.[A-Za-z_][\w-]*)+\s*\}}\}}[^{{]*)*", re.ASCII
)


def evaluate(scalar: Scalar, scope: Scope, bag: Bag) -> Node | None:
    """The scalar with its expressions settled; the same object if it has none, None if one failed.

    Whatever failed is reported: P0301 to P0308, each at its place inside the scalar. A list or a map becomes nodes
    that stand where the scalar stands, with ``defined`` where the value was defined.
    """
    text = scalar.text
    if ("{{" not in text and "{%" not in text) or _ONLY_BINDINGS.fullmatch(text):
        return scalar
    return _Evaluation(scalar, scope, bag).run()


def names(text: str) -> set[str]:
    """The names that the expressions in a text use, to their first two levels: ``params.dataset``, ``item``."""
    found: set[str] = set()
    for part in split(text):
        if isinstance(part, Now) and part.closed:
            for words in _paths(part):
                found.add(".".join(word.name for word in words[:2]))
    return found


def _paths(part: Now) -> Iterator[list[Word]]:
    simple = _simple(part)
    if simple is not None:
        yield simple[0]
        return
    from compiler.source.grammar import Unparsable, parse

    try:
        expression = parse(part.inner)
    except Unparsable:
        return
    yield from paths(expression)


def _simple(part: Now) -> tuple[list[Word], str | None] | None:
    """The words of a dotted name, with offsets in the inside, and a filter on it; None if it is more than that."""
    match = PATH.fullmatch("{{" + part.inner + "}}")
    if match is None:
        return None
    words = [Word(word.group(), word.start(), word.end()) for word in _WORD.finditer(part.inner, 0, match.end(1) - 2)]
    return None if words[0].name in _RESERVED else (words, match[2])


class _Evaluation:
    """One scalar's evaluation: its values so far, the definitions that they came from, whether all is well."""

    def __init__(self, scalar: Scalar, scope: Scope, bag: Bag) -> None:
        self._scalar = scalar
        self._scope = scope
        self._bag = bag
        self._used: list[Known] = []
        self._failed = False

    def run(self) -> Node | None:
        """The settled scalar; None when something in it failed."""
        scalar, text = self._scalar, self._scalar.text
        parts = split(text)
        values: list[object] = []
        for part in parts:
            if isinstance(part, Now):
                values.append(self._now(part))
            else:
                values.append(text[part.start : part.end])
                if isinstance(part, Later):
                    self._later(part)
                else:
                    self._text(part)
        if self._failed:
            return None
        if not any(isinstance(part, Now) for part in parts):
            return scalar
        defined = next((known.defined for known in self._used if known.defined is not None), None)
        if len(parts) == 1:
            return self._node(values[0], defined)
        return self._joined(parts, values, defined)

    def _joined(self, parts: tuple[Part, ...], values: list[object], defined: Span | None) -> Node | None:
        pieces: list[str] = []
        for part, value in zip(parts, values, strict=True):
            try:
                pieces.append(to_text(value))
            except Refused as error:
                self._report(error.code, error.message, part.start, part.end, error.help)
        if self._failed:
            return None
        try:
            return self._leaf(joined(pieces), defined)
        except Refused as error:
            self._report(error.code, error.message, 0, len(self._scalar.text))
            return None

    def _now(self, part: Now) -> object:
        """The value of an expression; INVALID when it has none."""
        offset = part.start + 2
        try:
            return self._value(part)
        except Poisoned:
            self._failed = True
        except Fault as fault:
            fix = None
            if fault.code == "P0304":
                fix, fault.help = self._as_binding(part, fault.help)
            self._report(fault.code, fault.message, offset + fault.start, offset + fault.end, fault.help, fix)
        return INVALID

    def _value(self, part: Now) -> object:
        if not part.closed:
            raise Fault(
                "P0301", "a `{{` that is never closed", -2, 0, "close it with `}}`; `{{ '{{' }}` writes two braces"
            )
        simple = _simple(part)
        if simple is not None:
            value, used = evaluate_path(simple[0], self._scope)
            with suppress(Refused):  # what a filter does not take is explained below
                value = value if simple[1] is None else apply(simple[1], value, [], {})
                self._used.extend(used)
                return value
        from compiler.source.grammar import Unparsable, parse

        try:
            expression = parse(part.inner)
        except Unparsable as error:
            raise Fault("P0301", error.message, error.start, error.end, error.help) from None
        faults = check(expression, self._scope)
        if faults and faults[0].code == "P0304" and parse_binding(part.inner) is not None:
            # One fault: the whole is a binding in the wrong braces, and its `[key]` would be right there.
            raise faults[0]
        for fault in faults[1:]:
            start, end = part.start + 2 + fault.start, part.start + 2 + fault.end
            self._report(fault.code, fault.message, start, end, fault.help)
        if faults:
            raise faults[0]
        interpreter = Interpreter(expression, self._scope)
        value = interpreter.run()
        self._used.extend(interpreter.used)
        return value

    def _as_binding(self, part: Now, help: str | None) -> tuple[Fix | None, str | None]:
        """``{{ inputs.x }}`` as ``${{inputs.x}}``, where that is all there is to it."""
        binding = parse_binding(part.inner)
        if binding is None or binding.root[0] not in BINDABLE or len(binding.root) < 2:
            return None, help
        new = f"${{{{{binding.inner}}}}}"
        span = exact_span(self._scalar, part.start, part.end)
        # What begins a plain scalar was repaired, and may stand in brackets, where a binding needs quotes too.
        if span is None or (self._scalar.plain and part.start == 0):
            return None, f"write `{new}`"
        return Fix("make it a run-time binding", (Edit(span, new),), safe=True), f"write `{new}`"

    def _later(self, part: Later) -> None:
        binding = check_binding(self._scalar, part, self._bag)
        if binding is None:
            self._failed = True
            return
        root = binding.root[0]
        if root in RUN_TIME or (root not in COMPILE_TIME and not self._scope.knows(root)):
            return
        new = f"{{{{ {binding.inner} }}}}"
        start = part.start + 3 + part.inner.index(root)
        fix = self._as_expression(part, new)
        self._report("P0305", f"`{root}` is known only when compiling", start, start + len(root), f"write `{new}`", fix)

    def _as_expression(self, part: Later, new: str) -> Fix | None:
        scalar = self._scalar
        span = exact_span(scalar, part.start, part.end)
        if span is None:
            return None
        if scalar.plain and part.start == 0:
            if "\n" in scalar.span.text or "\r" in scalar.span.text:
                return None
            span, new = scalar.span, quoted(new + scalar.text[part.end :])
        return Fix("make it a compile-time expression", (Edit(span, new),), safe=True)

    def _text(self, part: Text) -> None:
        match = _BLOCK.search(self._scalar.text, part.start, part.end)
        if match is not None:
            help = "structure is written with keys: `foreach`, `when`"
            self._report("P0307", f"a template block `{match.group()}`", match.start(), match.end(), help)

    def _report(
        self, code: str, message: str, start: int, end: int, help: str | None = None, fix: Fix | None = None
    ) -> None:
        self._failed = True
        self._bag.add(code, message, span_in(self._scalar, start, end), help=help, fix=fix)

    def _node(self, value: object, defined: Span | None) -> Node | None:
        """A plain value as nodes where the scalar stands."""
        try:
            return self._tree(value, defined, [0], 0)
        except Refused as error:
            self._report(error.code, error.message, 0, len(self._scalar.text), error.help)
            return None

    def _tree(self, value: object, defined: Span | None, count: list[int], depth: int) -> Node:
        at = self._scalar
        count[0] += 1
        if count[0] > MOST_NODES or depth > MOST_DEPTH:
            raise Refused(f"a value of more than {MOST_NODES:,} parts" if depth <= MOST_DEPTH else "too deep a value")
        if isinstance(value, list):
            items = [self._tree(item, defined, count, depth + 1) for item in value]
            return Sequence(at.source, at.start, at.end, items)
        if isinstance(value, dict):
            entries: dict[str, Entry] = {}
            for key, item in value.items():
                node = self._tree(item, defined, count, depth + 1)
                entries[str(key)] = Entry(at.source, str(key), at.start, at.end, node)
            return Mapping(at.source, at.start, at.end, entries)
        assert value is None or isinstance(value, (str, int, float))
        return self._leaf(value, defined)

    def _leaf(self, value: str | int | float | bool | None, defined: Span | None) -> Scalar:
        at = self._scalar
        if isinstance(value, str):
            bad = _UNWRITABLE.search(value)
            if bad is not None:
                raise Refused(f"a text with U+{ord(bad.group()):04X} in it")
        text = "" if value is None else to_text(value)
        return Scalar(at.source, at.start, at.end, value, text, not isinstance(value, str), defined)
