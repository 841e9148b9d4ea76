"""What a person did wrong where YAML stops.

    train: "fast           libyaml: "did not find expected key", two lines below
    epochs: "3"            here:    the quote in line 1 is never closed

A parser says where it gave up; the fault is usually a quote, a bracket or a space further up. The text around
that place tells which, and the same text gives the same message whichever YAML parser is installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from compiler.source.events import forbidden
from compiler.source.lexical import content_start, flow_end, line_end, line_start, quoted, unbalanced, value_end
from compiler.source.place import Place, Trouble, short, stop, template


def explain(text: str) -> Trouble:
    """The fault of a text that libyaml refuses."""
    at = forbidden(text)
    if at >= 0:
        return Trouble("P0101", f"a control character U+{ord(text[at]):04X}", at, at + 1, "remove it, or escape it")
    place = stop(text)
    for rule in _RULES:
        trouble = rule(place)
        if trouble is not None:
            return trouble
    start = min(place.problem, max(len(text) - 1, 0))
    word = re.compile(r"\S*").match(text, start)
    end = word.end() if word and word.end() > start else min(start + 1, len(text))
    return Trouble("P0101", f"`{short(text[start:end])}` is not expected here", start, end)


def _tab(place: Place) -> Trouble | None:
    text = place.text
    for at in (place.problem, place.context):
        if at < 0:
            continue
        start = line_start(text, at)
        tab = text.find("\t", start, content_start(text, at))
        if tab < 0 and text[at : at + 1] == "\t":
            tab = at
        if tab >= 0:
            end = tab
            while text[end : end + 1] == "\t":
                end += 1
            return Trouble("P0103", "a tab in the indentation", tab, end, "YAML is indented with spaces only")
    return None


def _separator(place: Place) -> Trouble | None:
    """U+0085, U+2028 and U+2029 end a line to YAML and to no editor."""
    start = line_start(place.text, place.context if place.context >= 0 else place.problem)
    match = re.compile("[\x85\u2028\u2029]").search(place.text, start, line_end(place.text, place.problem))
    if match is None:
        return None
    name = f"U+{ord(match.group()):04X}"
    return Trouble("P0101", f"an invisible line break {name}", match.start(), match.end(), "remove it, or escape it")


def _unquoted_template(place: Place) -> Trouble | None:
    """``{{`` that opens a value, when the parser stumbles over what is inside before it has told of the brace."""
    text = place.text
    begin = content_start(text, place.problem)
    match = re.compile(r"[:-] +(?=\{\{)").search(text, begin, min(place.problem + 2, len(text)))
    if match is not None and match.end() <= place.problem and not unbalanced(text[begin : match.end()]):
        return template(text, match.end(), flow=False, key=False)
    return None


def _unquoted_binding(place: Place) -> Trouble | None:
    """``[${{inputs.x}}]``: inside brackets a brace ends a plain value."""
    text, end = place.text, place.last_end
    inside = place.in_flow is not None and end == place.problem and not place.last_style
    if not inside or not text.startswith(("${{", "$[["), end - 1):
        return None
    start, end = place.last_start, value_end(text, place.last_start, flow=True)
    if "}}" not in text[start:end] and "]]" not in text[start:end]:
        return Trouble("P0113", "a binding without quotes inside brackets", start, end, "put it into quotes")
    edit = (start, end, quoted(text[start:end]))
    return Trouble(
        "P0113", f"a binding `{short(text[start:end])}` without quotes inside brackets", start, end,
        f"write `{short(edit[2])}`", edit, "put the binding into quotes", repair=True,
    )  # fmt: skip


def _block_tag(place: Place) -> Trouble | None:
    """``{% if %}``: Jinja's blocks, which the language does not have."""
    at = place.problem
    start = place.text.rfind("{%", max(at - 2, 0), at + 2)
    if start < 0:
        return None
    end = place.text.find("%}", start, line_end(place.text, start))
    end = end + 2 if end >= 0 else start + 2
    help = "structure is written with keys: `foreach`, `when`"
    return Trouble("P0307", f"a template block `{short(place.text[start:end])}`", start, end, help)


def _directive(place: Place) -> Trouble | None:
    """``%FOO`` above the document. The parsers stop at it, or at the line after it."""
    match = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n?|\n))*(?=%)").match(place.text)
    if match is None or place.opened or place.last_start >= 0:
        return None
    at = match.end()
    return Trouble("P0101", "a line that begins with `%`", at, place.rest(at), "remove it, or quote it")


def _bad_start(place: Place) -> Trouble | None:
    """Characters that no plain value may begin with: ``@x``, ``%x``, backticks, ``*.py``, ``& more``, ``,``."""
    text, at = place.text, place.problem
    if place.token in ("alias", "anchor"):
        at = place.context
    elif place.token == "tag":
        start, end = place.context, place.rest(place.context)
        return Trouble("P0105", f"a tag `{short(text[start:end])}`", start, end, "put it into quotes")
    elif place.char == ",":
        if place.in_flow or text[max(at - 2, 0) : at].rstrip(" ")[-1:] not in (":", "-"):
            return None
    elif not place.char or place.char not in "%@`":
        return None
    name = "a backtick" if text[at] == "`" else f"`{text[at]}`"
    end = value_end(text, at, flow=place.in_flow is not None)
    if end <= at:
        return None
    return Trouble(
        "P0101", f"a value that begins with {name}", at, end, f"write `{short(quoted(text[at:end]))}`",
        (at, end, quoted(text[at:end])), "put the value into quotes",
    )  # fmt: skip


def _block_header(place: Place) -> Trouble | None:
    text, at = place.text, place.context
    if place.token != "block scalar":
        return None
    end = place.rest(place.problem)
    help = "the text begins on the next line, indented; a value that begins so needs quotes"
    return Trouble("P0101", f"text after `{text[at]}`", at, end, help)


def _open_quote(place: Place) -> Trouble | None:
    """A quote that is never closed, or is closed by the opening quote of a later value."""
    text, at = place.text, place.context
    if place.token == "quoted scalar":
        backslash = text.rfind("\\", at, place.problem + 1)
        if text[at] == '"' and backslash >= max(place.problem - 9, at):
            end = min(max(place.problem + 1, backslash + 2), line_end(text, backslash))
            help = "write `\\\\` for a backslash, or use single quotes"
            return Trouble("P0101", f"an unknown escape `{text[backslash:end]}`", backslash, end, help)
        return _never_closed(text, at)
    if not place.last_style or place.last_style in "|>" or place.in_flow:
        return None
    end, problem = place.last_end, place.problem
    if text[end:problem].strip(" \t") or line_start(text, end) != line_start(text, problem):
        return None
    if line_start(text, place.last_start) != line_start(text, end):
        return _never_closed(text, place.last_start)
    if end == problem and place.last_style == "'" and place.char.isalnum():
        return Trouble("P0101", "a single quote inside single quotes", end - 1, end, "write it twice: `''`")
    rest = place.rest(problem)
    help = "put the whole value into quotes, or leave them away"
    related = (place.last_start, end, "the quoted text")
    return Trouble(
        "P0101", f"`{short(text[problem:rest])}` after a closing quote", problem, rest, help, related=related
    )


def _never_closed(text: str, at: int) -> Trouble:
    return Trouble("P0101", f"a quote `{text[at]}` that is never closed", at, at + 1, f"close it with `{text[at]}`")


def _open_bracket(place: Place) -> Trouble | None:
    """Inside brackets: one that is never closed, the wrong closer, a missing or a lone comma."""
    text, opened = place.text, place.in_flow
    if opened is None:
        return None
    char = text[opened.start : opened.start + 1]
    if char not in ("[", "{"):
        char, opened = next(((text[o.start], o) for o in reversed(place.opened) if text[o.start] in "[{"), ("", opened))
        if not char:
            return None
    end, right = flow_end(text, opened.start)
    if not right:
        related = (end, end + 1, f"`{text[end]}` stands here") if end >= 0 else None
        help = f"close it with `{']' if char == '[' else '}'}`"
        return Trouble(
            "P0101", f"a `{char}` that is never closed", opened.start, opened.start + 1, help, related=related
        )
    after_quotes = place.last_style in ("'", '"') and place.last_end == place.problem
    if after_quotes and re.search(r"\n|[:,\[{] ?.\Z", text[place.last_start : place.last_end]):
        return _never_closed(text, place.last_start)  # what closes it opens a later value
    if place.char == ",":
        return Trouble("P0101", "a `,` with nothing before it", place.problem, place.problem + 1, "remove it")
    if place.char == ":" and text[opened.start : place.problem].rstrip()[-1:] in ("{", "[", ","):
        return Trouble("P0101", "a `:` without a key", place.problem, place.problem + 1, "write the key before it")
    before = re.compile(r"[^\s,\[\]{}:]+(?=\s*$)").search(text[opened.start : place.problem])
    start, stop = place.problem, place.rest(place.problem)
    if place.char == ":" and before is not None:
        start, stop = opened.start + before.start(), opened.start + before.end()
    else:
        word = re.compile(r"[^\s,\[\]{}]+|.").match(text, start)
        stop = word.end() if word else stop
    return Trouble("P0101", f"a `,` is missing before `{short(text[start:stop])}`", start, stop, "add a `,`")


def _second_colon(place: Place) -> Trouble | None:
    """``key: value: more``, a key indented into the text above it, or a line above that lost its colon."""
    text, at = place.text, place.problem
    if place.char != ":" or place.in_flow:
        return None
    begin = content_start(text, at)
    if begin == at or place.last_start < 0:
        return Trouble("P0101", "a `:` without a key", at, at + 1, "write the key before it")
    start = place.last_start
    if line_start(text, start) == line_start(text, at):
        end = place.rest(start)
        edit = (start, end, quoted(text[start:end]))
        if "{{" in text[start:end].replace("${{", ""):
            return Trouble(
                "P0112", f"an expression `{short(text[start:end])}` without quotes", start, end,
                f"write `{short(edit[2])}`", edit, "put the expression into quotes", repair=True,
            )  # fmt: skip
        help = f"put the value into quotes: `{short(edit[2])}`"
        return Trouble("P0101", "a second `: ` in one value", at, at + 1, help, edit, "put the value into quotes")
    if content_start(text, start) == start and not place.last_style:
        return _no_colon(text, start)
    above = _line_above(text, at)
    if line_start(text, above) > line_start(text, start) and _begin_column(text, above) <= _begin_column(text, start):
        return _no_colon(text, above)
    key = text[begin:at].strip()
    related = (start, line_end(text, start), "it continues this text")
    help = f"indent it by {_begin_column(text, start)} to make it a key of its own"
    return Trouble("P0101", f"`{short(key)}` is indented into the text above it", begin, at, help, related=related)


def _begin_column(text: str, at: int) -> int:
    """How far the line of ``at`` is indented, list dashes counted."""
    start = content_start(text, at)
    while text.startswith("- ", start):
        start += 2
    return start - line_start(text, at)


def _lost_colon(place: Place) -> Trouble | None:
    """A line that should be ``key: value`` and has no colon, or none that a space follows."""
    text, at = place.text, place.context
    return _no_colon(text, at) if place.token == "simple key" else None


def _no_colon(text: str, at: int) -> Trouble:
    end = max(value_end(text, at, flow=False), at + 1)
    line = text[at:end]
    match = re.match(r"([\w.$-]+):(?!//)", line)
    if match is not None:
        colon = at + match.end() - 1
        edit = (colon, colon + 1, ": ")
        help = f"write `{match[1]}: {short(line[match.end() :])}`"
        message = f"no space after the colon of `{match[1]}`"
        return Trouble("P0101", message, colon, colon + 1, help, edit, "add a space")
    match = re.match(r"([\w.$-]+) *(=)", line)
    if match is not None:
        at += match.start(2)
        return Trouble("P0101", f"a `=` after `{match[1]}` instead of a colon", at, at + 1, f"write `{match[1]}: `")
    return Trouble("P0101", f"`{short(line)}` is no `key: value`", at, end, "a colon and a space follow each key")


def _indentation(place: Place) -> Trouble | None:
    """A line whose indentation fits no line above it, a key among list items, a list item among keys."""
    text, at = place.text, place.problem
    if place.in_flow or at >= len(text) or content_start(text, at) != at:
        return None
    column = at - line_start(text, at)
    key = re.compile(r"[^\s:]+").match(text, at)
    end = key.end() if key else at + 1
    above = _line_above(text, at)
    if text.startswith("...", line_start(text, above)):
        return Trouble("P0108", "a second document", at, end, "one file holds one document")
    levels = {opened.start - line_start(text, opened.start) for opened in place.opened}
    levels.add(_begin_column(text, above))
    block = [opened for opened in place.opened if not opened.flow]
    if column in levels and block and place.char not in "]}":
        here = block[-1]
        if place.char == "-" and here.mapping:
            related = (here.start, here.start + 1, "this mapping")
            help = "a list stands below its key"
            return Trouble("P0101", "a list item among keys", at, at + 1, help, related=related)
        if not here.mapping:
            related = (here.start, here.start + 1, "this list")
            return Trouble(
                "P0101", f"`{short(text[at:end])}` is a key among list items", at, end,
                "begin each item with `- `, or indent the key less", related=related,
            )  # fmt: skip
    if column in levels or place.char in ("]", "}"):
        return None
    lists = {opened.start - line_start(text, opened.start) for opened in place.opened if not opened.mapping}
    known = " or ".join(str(level) for level in sorted(levels - lists or levels))
    spaces = f"{column} space" + "s" * (column != 1)
    message = f"`{short(text[at:end])}` is indented by {spaces}, which fits no line above it"
    return Trouble("P0101", message, at, end, f"indent it by {known}")


def _line_above(text: str, at: int) -> int:
    """An offset in the nearest line above that is neither blank nor a comment."""
    at = line_start(text, at) - 1
    while at > 0:
        start = content_start(text, at)
        if start < len(text) and text[start] not in "#\r\n":
            return start
        at = line_start(text, at) - 1
    return 0


def _lone(place: Place) -> Trouble | None:
    """A closing bracket that closes nothing, a dash beside its key, a colon without a key, text after a value."""
    text, at = place.text, place.problem
    if place.in_flow or at >= len(text):
        return None
    if place.char in "]}":
        return Trouble("P0101", f"a `{place.char}` that closes nothing", at, at + 1, "remove it, or quote the value")
    if place.char == ":":
        return Trouble("P0101", "a `:` without a key", at, at + 1, "write the key before it")
    if place.char == "-" and text[at + 1 : at + 2] in (" ", "\n", "\r", "") and not place.opens_line:
        return Trouble("P0101", "a list item beside its key", at, at + 1, "put it on the next line, indented")
    if not place.opens_line:
        end = place.rest(at)
        return Trouble("P0101", f"`{short(text[at:end])}` after the end of a value", at, end, "quote the whole value")
    return None


_RULES: tuple[Callable[[Place], Trouble | None], ...] = (
    _separator,
    _tab,
    _block_tag,
    _unquoted_template,
    _unquoted_binding,
    _open_quote,
    _block_header,
    _directive,
    _bad_start,
    _open_bracket,
    _second_colon,
    _indentation,
    _lost_colon,
    _lone,
)
