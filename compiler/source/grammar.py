"""Jinja2's lexer and parser, with the offsets that Jinja2 itself does not keep.

Its syntax tree knows lines only. Since a token's line number is handed on to the nodes made of it, every token gets
its offset for a line number, and so every node has the offset of its first token. The tree is evaluated by
``interpret.py``; no code is generated from it.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

MOST_CHARACTERS = 10_000
# Most expressions end within the first window, so that a long text is not copied for each of them.
_WINDOWS = (256, MOST_CHARACTERS)
_BEGIN_WITH_A_TOKEN = frozenset(
    ["Call", "Const", "Dict", "Filter", "Getattr", "List", "Name", "Neg", "Not", "Pos", "Test"]
)


class Unparsable(Exception):
    """A message without its place's file: ``start`` and ``end`` count from the start of the inside."""

    def __init__(self, message: str, start: int, end: int, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.help = help


@dataclass(frozen=True, slots=True)
class Expression:
    """The tree of one expression, and the first and last offset of each of its tokens."""

    inner: str
    root: nodes.Expr
    starts: list[int]
    ends: list[int]

    def token(self, offset: int) -> tuple[int, int]:
        """The token that covers an offset."""
        index = max(bisect_right(self.starts, offset) - 1, 0)
        return self.starts[index], self.ends[index]

    def next_token(self, offset: int) -> tuple[int, int]:
        """The token behind the one that covers an offset."""
        index = min(bisect_right(self.starts, offset), len(self.starts) - 1)
        return self.starts[index], self.ends[index]

    def extent(self, node: nodes.Node) -> tuple[int, int]:
        """From the first to the last token of a node, closing brackets left out."""
        start, end = len(self.inner), 0
        waiting: list[nodes.Node] = [node]
        while waiting:
            node = waiting.pop()
            waiting.extend(node.iter_child_nodes())
            # Operators have the offset of some neighbour; only these begin with a token of their own.
            if type(node).__name__ in _BEGIN_WITH_A_TOKEN:
                here, stop = self.token(node.lineno)
                if type(node).__name__ == "Getattr":
                    stop = self.next_token(node.lineno)[1]
                start, end = min(start, here), max(end, stop)
        return (start, end) if start < end else (0, len(self.inner))


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment

    return Environment()


def expression_end(text: str, start: int) -> int:
    """The offset after the ``}}`` that ends the ``{{`` at ``start``; -1 where Jinja2 finds none."""
    from jinja2 import TemplateSyntaxError

    for window in _WINDOWS:
        at = start + 2
        # The lexer turns `\r\n` into one character, which would shift what follows.
        source = text[at : at + window].replace("\r", " ")
        try:
            for _, kind, value in _environment().lexer.tokeniter(source, None, None, "variable"):
                if kind == "variable_end":
                    return at + (3 if value.startswith("-") else 2)
                at += len(value)
        except TemplateSyntaxError:
            continue
    return -1


@lru_cache(maxsize=4096)
def parse(inner: str) -> Expression:
    """The tree of what stands between ``{{`` and ``}}``. Raises Unparsable."""
    if len(inner) > MOST_CHARACTERS:
        raise Unparsable(f"an expression of more than {MOST_CHARACTERS:,} characters", 0, len(inner))
    if not inner.strip():
        raise Unparsable("an empty expression", 0, len(inner), "`{{ '{{' }}` writes two braces")
    if inner[0] in "-+" or inner[-1] == "-":
        at = 0 if inner[0] in "-+" else len(inner) - 1
        raise Unparsable(f"a `{inner[at]}` that touches the braces", at, at + 1, "put a space between them")
    return _parse(inner)


def _parse(inner: str) -> Expression:
    from jinja2 import TemplateSyntaxError
    from jinja2.lexer import TokenStream
    from jinja2.parser import Parser

    environment = _environment()
    tokens: list[tuple[int, str, str]] = []
    at = 0
    try:
        for _, kind, value in environment.lexer.tokeniter(inner.replace("\r", " "), "", None, "variable"):
            tokens.append((at, kind, value))
            at += len(value)
    except TemplateSyntaxError:
        char = inner[at : at + 1]
        message = f"a quote `{char}` that is never closed" if char in ("'", '"') else f"`{char}` is not expected here"
        raise Unparsable(message, at, min(at + 1, len(inner))) from None
    words = [(offset, offset + len(value)) for offset, kind, value in tokens if kind != "whitespace"]
    parser = Parser(environment, "")
    stream = None
    try:
        stream = parser.stream = TokenStream(environment.lexer.wrap(iter(tokens), "", None), "", None)
        root = parser.parse_expression()
        if stream.current.type != "eof":
            raise _unexpected(inner, words, stream.current.lineno)
    except TemplateSyntaxError as error:
        if stream is not None and stream.current.type == "eof":
            raise Unparsable("the expression ends too early", words[-1][0], words[-1][1]) from None
        raise _unexpected(inner, words, error.lineno) from None
    except RecursionError:
        raise Unparsable("an expression nested too deeply", 0, len(inner)) from None
    except ValueError:
        raise Unparsable("a number with too many digits", 0, len(inner)) from None
    return Expression(inner, root, [start for start, _ in words], [end for _, end in words])


def _unexpected(inner: str, words: list[tuple[int, int]], offset: int) -> Unparsable:
    start, end = next((word for word in words if word[0] == offset), words[-1])
    return Unparsable(f"`{inner[start:end]}` is not expected here", start, end)
