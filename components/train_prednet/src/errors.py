"""The one exception whose message is for the person who started the training, and not for a debugger."""

from __future__ import annotations


class InputError(Exception):
    """What was asked for cannot be done; says what and why in one line."""
