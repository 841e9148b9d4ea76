"""Text becomes a located tree; whatever is wrong with it as YAML is reported here, with a place in the text.

Reading repairs two slips whose meaning is certain, unquoted expressions and unquoted bindings in brackets, and
goes on behind them: the stretch is replaced by a quoted one of the same length, so that every offset holds.

    path: {{ params.root }}/raw        is reported, and read as        path: "{{ params.root }}/raw"
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from compiler.diagnostics.model import MOST_PER_CODE, Bag, Edit, Fix, Label
from compiler.diagnostics.span import SourceFile, Span
from compiler.source.builder import Builder, TemplateFound
from compiler.source.dialects import Dialect, Resolver
from compiler.source.lexical import masked
from compiler.source.secrets import secrets
from compiler.source.tree import Node

if TYPE_CHECKING:
    from compiler.source.place import Trouble

__all__ = ["MOST_BYTES", "Dialect", "load", "read"]

MOST_BYTES = 10 * 1024 * 1024


def load(path: str, bag: Bag, at: Span | None = None, name: str | None = None) -> SourceFile | None:
    """The text of a file, without a byte order mark; None, and P0130 or P0110 at ``at``, if there is none.

    Secrets written out in it are reported, and masked before anything can print them.

    ``at`` is where the path was written, ``name`` how messages call the file (default: ``path``).
    """
    shown = name or path
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        bag.add("P0130", f"`{shown}` {_why(error)}", at)
        return None
    if len(data) > MOST_BYTES:
        bag.add("P0130", f"`{shown}` is larger than {MOST_BYTES // 1024 // 1024} MB", at)
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        bag.add("P0110", f"`{shown}` is UTF-16", at, help="save it as UTF-8")
        return None
    if b"\0" in data:
        bag.add("P0110", f"`{shown}` is not a text file", at)
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        source = SourceFile(os.path.abspath(path), data.decode("utf-8", "replace").removeprefix("\ufeff"), name)
        offset = len(data[: error.start].decode("utf-8").removeprefix("\ufeff"))
        span = Span(source, offset, min(offset + 1, len(source.text)))
        bag.add("P0110", f"the byte {data[error.start]:#04x} is not UTF-8", span, help="save the file as UTF-8")
        return None
    source = SourceFile(os.path.abspath(path), text.removeprefix("\ufeff"), name)
    secrets(source, bag)
    return source


def read(source: SourceFile, bag: Bag, dialect: Dialect) -> Node | None:
    """The tree of a YAML text, or None if there is no sensible one; every fault is reported in ``bag``."""
    if len(source.text) > MOST_BYTES:
        bag.add("P0104", f"longer than {MOST_BYTES:,} characters", Span(source, 0, 0))
        return None
    from yaml import YAMLError

    text = source.text
    if text.startswith("\ufeff"):
        # libyaml does not count a byte order mark; as a line break it is counted, and means as little.
        text = "\n" + text[1:]
    masks: dict[int, str] = {}
    for _ in range(MOST_PER_CODE):
        try:
            return Builder(source, text, bag, Resolver(source, bag, dialect), masks).build()
        except TemplateFound as found:
            from compiler.source.place import template

            trouble = template(text, found.start, flow=found.flow, key=found.key)
        except YAMLError:
            from compiler.source.syntax import explain

            trouble = explain(text)
        except UnicodeEncodeError as error:
            bag.add("P0110", "half of a surrogate pair", Span(source, error.start, error.start + 1))
            return None
        start, end = trouble.start, trouble.end
        _report(trouble, source, bag)
        if not trouble.repair or _half_quoted(text[start:end]):
            return None
        masks[start] = text[start:end]
        text = text[:start] + masked(text[start:end]) + text[end:]
    return None


def _half_quoted(text: str) -> bool:
    """Whether quotes stand round about the braces: one of a pair was lost, and what was meant is not certain."""
    return re.search("[\"']", re.sub(r"\{\{.*?\}\}", "", text, flags=re.DOTALL)) is not None


def _report(trouble: Trouble, source: SourceFile, bag: Bag) -> None:
    secondary = []
    fix = None
    if trouble.related is not None:
        start, end, label = trouble.related
        secondary.append(Label(Span(source, start, end), label))
    if trouble.edit is not None:
        start, end, new = trouble.edit
        fix = Fix(trouble.title, (Edit(Span(source, start, end), new),), safe=True)
    span = Span(source, trouble.start, trouble.end)
    bag.add(trouble.code, trouble.message, span, secondary=secondary, help=trouble.help, fix=fix)


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    if isinstance(error, IsADirectoryError):
        return "is a folder, not a file"
    if isinstance(error, PermissionError):
        return "may not be read"
    if isinstance(error, NotADirectoryError):
        return "stands below something that is no folder"
    return "cannot be read"
