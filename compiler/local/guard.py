"""Ends the processes of a run that can no longer do so itself, because it was killed.

A program of its own, started once per run with the reading end of a pipe as its standard input. Each process group
of the run announces itself there with ``+ID`` before it does anything else, and is signed off with ``-ID``. The pipe
ends when nobody holds its other end any more: then whatever is still signed on is ended.
"""

import os
import signal
import sys
import time

GRACE = 3.0
"""Seconds between asking a process to end and killing it."""


def main() -> None:
    alive: set[int] = set()
    for line in sys.stdin.buffer:
        sign, group = line[:1], line[1:].strip()
        if group.isdigit():
            (alive.add if sign == b"+" else alive.discard)(int(group))
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        alive = {group for group in alive if _send(group, wanted)}
        until = time.monotonic() + (GRACE if wanted == signal.SIGTERM else 0)
        while alive and time.monotonic() < until:
            time.sleep(0.05)
            alive = {group for group in alive if _send(group, 0)}


def _send(group: int, wanted: int) -> bool:
    try:
        os.killpg(group, wanted)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
