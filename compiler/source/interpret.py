"""The value of an expression, by walking Jinja2's syntax tree.

Only what the language has is known here; every other node is refused by name. Nothing is called, no Python
attribute is read, and numbers, texts and lists cannot grow without bound, so an expression in a stranger's pull
request is safe to evaluate.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from compiler.source import filters
from compiler.source.filters import MOST_INT, Refused, describe, is_number, joined, to_text
from compiler.source.scope import Known, Misnamed, Missing, Poisoned, Scope, Word, member

if TYPE_CHECKING:
    from compiler.source.grammar import Expression


class Fault(Exception):
    """An expression without a value: the diagnostic's parts, offsets counted inside the expression."""

    def __init__(self, code: str, message: str, start: int, end: int, help: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.start = start
        self.end = end
        self.help = help


_ARITHMETIC: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "Add": ("+", operator.add),
    "Sub": ("-", operator.sub),
    "Mul": ("*", operator.mul),
    "Div": ("/", operator.truediv),
    "FloorDiv": ("//", operator.floordiv),
    "Mod": ("%", operator.mod),
}
_ORDER: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "lt": ("<", operator.lt),
    "lteq": ("<=", operator.le),
    "gt": (">", operator.gt),
    "gteq": (">=", operator.ge),
}
# What Jinja2 has and the language has not, with what to do instead.
_REFUSED = {
    "Call": ("calls", "filters are written `value | name`"),
    "Pow": ("powers", None),
    "Slice": ("slices", None),
    "Test": ("tests with `is`", "compare with `==`; `x | default(y)` is for what may be missing"),
    "Tuple": ("tuples", "write a list: `[a, b]`"),
}


def evaluate_path(words: list[Word], scope: Scope) -> tuple[object, list[Known]]:
    """The value of a dotted name and the definition it comes from. Raises Fault and Poisoned."""
    try:
        return _follow(words, scope)
    except Misnamed as error:
        raise Fault(error.code, error.message, error.word.start, error.word.end, error.help) from None
    except Missing as error:
        raise Fault("P0302", error.message, error.word.start, error.word.end, error.help) from None
    except Refused as error:
        raise Fault(error.code, error.message, words[0].start, words[-1].end, error.help) from None


def _follow(words: list[Word], scope: Scope) -> tuple[object, list[Known]]:
    known, taken = scope.find(words)
    value = known.value
    for index in range(taken, len(words)):
        owner = ".".join(word.name for word in words[:index])
        value = member(value, words[index], f"`{owner}`")
    return value, [known]


def words_of(expression: Expression, node: Any) -> list[Word] | None:
    """The dotted name that a node is: ``params.a``, ``params["a"]``; None for anything else."""
    words: list[Word] = []
    while True:
        kind = type(node).__name__
        if kind == "Name":
            words.append(Word(node.name, *expression.token(node.lineno)))
            return words[::-1]
        if kind == "Getattr":
            words.append(Word(node.attr, *expression.next_token(node.lineno)))
        elif kind == "Getitem" and type(node.arg).__name__ == "Const" and isinstance(node.arg.value, str):
            words.append(Word(node.arg.value, *expression.token(node.arg.lineno)))
        else:
            return None
        node = node.node


def paths(expression: Expression) -> Iterator[list[Word]]:
    """Every dotted name in an expression, as long as it is written."""
    waiting: list[Any] = [expression.root]
    while waiting:
        node = waiting.pop()
        words = words_of(expression, node)
        if words is not None:
            yield words
        else:
            waiting.extend(reversed(list(node.iter_child_nodes())))


def check(expression: Expression, scope: Scope) -> list[Fault]:
    """Whatever is wrong with an expression before any value is known, also in branches that are not taken.

    Raises Poisoned where nothing is wrong but a name stands for something that failed.
    """
    faults: list[Fault] = []
    poisoned = False
    waiting: list[Any] = [expression.root]
    while waiting:
        node = waiting.pop()
        kind = type(node).__name__
        if kind in _REFUSED:
            what, help = _REFUSED[kind]
            faults.append(Fault("P0307", f"expressions do not have {what}", *expression.extent(node), help))
            continue
        if kind == "Filter" and node.name not in filters.NAMES:
            start, end = expression.token(node.lineno)
            faults.append(Fault("P0307", f"there is no filter `{node.name}`", start, end, filters.suggest(node.name)))
        words = words_of(expression, node)
        if words is None:
            waiting.extend(reversed(list(node.iter_child_nodes())))
            continue
        try:
            scope.find(words)
        except Misnamed as error:
            faults.append(Fault(error.code, error.message, error.word.start, error.word.end, error.help))
        except Poisoned:
            poisoned = True
    if poisoned and not faults:
        raise Poisoned
    # A name that is misspelt twice in one expression is one fault.
    return list({fault.message: fault for fault in reversed(faults)}.values())[::-1]


class Interpreter:
    """Evaluates one expression that ``check`` found nothing wrong with.

    ``used`` then holds the definitions that went into the value.
    """

    def __init__(self, expression: Expression, scope: Scope) -> None:
        self._expression = expression
        self._scope = scope
        self.used: list[Known] = []

    def run(self) -> object:
        """The value: a plain list, dict or scalar. Raises Fault and Poisoned."""
        root = self._expression.root
        try:
            return self._value(root)
        except Missing as error:
            raise Fault("P0302", error.message, error.word.start, error.word.end, error.help) from None
        except RecursionError:
            raise Fault("P0303", "an expression nested too deeply", *self._expression.extent(root)) from None

    def _value(self, node: Any) -> object:
        kind = type(node).__name__
        handler = _HANDLERS.get(kind)
        try:
            if handler is not None:
                return handler(self, node)
            if kind in _ARITHMETIC:
                return self._arithmetic(node, *_ARITHMETIC[kind])
        except Refused as error:
            raise Fault(error.code, error.message, *self._expression.extent(node), error.help) from None
        what, help = _REFUSED.get(kind, ("such a thing", None))
        raise Fault("P0307", f"expressions do not have {what}", *self._expression.extent(node), help)

    def _const(self, node: Any) -> object:
        value: object = node.value
        if isinstance(value, float) and math.isinf(value):
            raise Refused("a number beyond what floats hold")
        return value

    def _path(self, node: Any) -> object:
        """A name, an attribute, an item."""
        words = words_of(self._expression, node)
        if words is not None:
            value, used = _follow(words, self._scope)
            self.used.extend(used)
            return value
        base = self._value(node.node)
        if type(node).__name__ == "Getattr":
            return member(base, Word(node.attr, *self._expression.next_token(node.lineno)))
        index = self._value(node.arg)
        start, end = self._expression.extent(node.arg)
        if isinstance(index, str):
            return member(base, Word(index, start, end))
        if not isinstance(base, list):
            raise Refused(f"an item of {describe(base)}", "only lists and maps have items")
        if not isinstance(index, int) or isinstance(index, bool):
            raise Refused(f"{describe(index)} as the index of a list", "the first item is `[0]`")
        if not -len(base) <= index < len(base):
            message = f"a list of {len(base)} has no item `{index}`"
            raise Missing(message, Word(str(index), start, end), "the first item is `[0]`")
        return base[index]

    def _arithmetic(self, node: Any, sign: str, operate: Callable[[Any, Any], Any]) -> object:
        left, right = self._value(node.left), self._value(node.right)
        if not is_number(left) or not is_number(right):
            other = right if is_number(left) else left
            texts = sign == "+" and (isinstance(left, str) or isinstance(right, str))
            raise Refused(f"`{sign}` with {describe(other)}", "`~` joins texts" if texts else "it takes two numbers")
        try:
            return _checked(operate(left, right), left, right)
        except ZeroDivisionError:
            raise Refused("a division by zero") from None
        except OverflowError:
            raise Refused("a number beyond what floats hold") from None

    def _sign(self, node: Any) -> object:
        value = self._value(node.node)
        negative = type(node).__name__ == "Neg"
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise Refused(f"`{'-' if negative else '+'}` before {describe(value)}", "it takes a number")
        return -value if negative else value

    def _compare(self, node: Any) -> object:
        left = self._value(node.expr)
        for operand in node.ops:
            right = self._value(operand.expr)
            if not _holds(operand.op, left, right):
                return False
            left = right
        return True

    def _and(self, node: Any) -> object:
        return self._value(node.left) and self._value(node.right)

    def _or(self, node: Any) -> object:
        return self._value(node.left) or self._value(node.right)

    def _not(self, node: Any) -> object:
        return not self._value(node.node)

    def _condition(self, node: Any) -> object:
        if node.expr2 is None:
            raise Refused("an `if` without `else`", "say what the value is otherwise", code="P0301")
        return self._value(node.expr1 if self._value(node.test) else node.expr2)

    def _concat(self, node: Any) -> object:
        return joined([to_text(self._value(part)) for part in node.nodes])

    def _list(self, node: Any) -> object:
        return [self._value(item) for item in node.items]

    def _dict(self, node: Any) -> object:
        result: dict[str, object] = {}
        for pair in node.items:
            key = self._value(pair.key)
            if not isinstance(key, str):
                raise Refused(f"{describe(key)} as a key", "the keys of a map are texts")
            result[key] = self._value(pair.value)
        return result

    def _filter(self, node: Any) -> object:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise Refused("arguments with a star", code="P0307")
        args = [self._value(arg) for arg in node.args]
        kwargs = {keyword.key: self._value(keyword.value) for keyword in node.kwargs}
        if node.name == "default":
            return self._default(node.node, *filters.default_arguments(args, kwargs))
        return filters.apply(node.name, self._value(node.node), args, kwargs)

    def _default(self, node: Any, otherwise: object, also_empty: object) -> object:
        """``x | default(y)``: y where a map or list has no x, with ``true`` also where x is empty."""
        try:
            value = self._value(node)
        except Missing:
            if type(node).__name__ not in ("Getattr", "Getitem"):
                raise
            return otherwise
        return otherwise if also_empty and not value else value


def _checked(value: Any, left: Any, right: Any) -> object:
    if isinstance(value, int) and abs(value) > MOST_INT:
        raise Refused("a number beyond 10 to the 18th")
    if isinstance(value, float) and not math.isfinite(value) and math.isfinite(left) and math.isfinite(right):
        raise OverflowError
    return value


def _holds(op: str, left: object, right: object) -> bool:
    if op in ("eq", "ne"):
        return (left == right) is (op == "eq")
    if op in ("in", "notin"):
        if isinstance(right, str) and not isinstance(left, str):
            raise Refused(f"{describe(left)} in a text", "only a text can be part of a text")
        if isinstance(right, dict):
            return (isinstance(left, str) and left in right) is (op == "in")
        if not isinstance(right, (str, list)):
            raise Refused(f"`in` {describe(right)}", "it takes a list, a map or a text")
        return (left in right) is (op == "in")
    sign, compare = _ORDER[op]
    if (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
        return compare(left, right)
    raise Refused(f"`{sign}` between {describe(left)} and {describe(right)}", "it takes two numbers, or two texts")


_HANDLERS: dict[str, Callable[[Interpreter, Any], object]] = {
    "And": Interpreter._and,
    "Compare": Interpreter._compare,
    "Concat": Interpreter._concat,
    "CondExpr": Interpreter._condition,
    "Const": Interpreter._const,
    "Dict": Interpreter._dict,
    "Filter": Interpreter._filter,
    "Getattr": Interpreter._path,
    "Getitem": Interpreter._path,
    "List": Interpreter._list,
    "Name": Interpreter._path,
    "Neg": Interpreter._sign,
    "Not": Interpreter._not,
    "Or": Interpreter._or,
    "Pos": Interpreter._sign,
}
