"""libyaml's event stream where it is installed, PyYAML's own where not: the same events, fifteen times slower.

Nothing of PyYAML's words leaves this room: the two parsers word the same fault differently.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any


def open_events(text: str) -> Callable[[], Any]:
    """A function that gives the next event at each call; it raises ``yaml.YAMLError`` where the text is no YAML."""
    try:
        from yaml._yaml import CParser
    except ImportError:
        return _pure(text)
    get_event: Callable[[], Any] = CParser(text).get_event
    return get_event


def _pure(text: str) -> Callable[[], Any]:
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class PureParser(Reader, Scanner, Parser):
        def __init__(self, stream: str) -> None:
            Reader.__init__(self, stream)
            Scanner.__init__(self)
            Parser.__init__(self)

    get_event: Callable[[], Any] = PureParser(text).get_event
    return get_event


def forbidden(text: str) -> int:
    """Offset of the first character that YAML does not allow, or -1."""
    # Compiled when needed: it takes longer than reading a small spec.
    match = re.search("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    return match.start() if match else -1
