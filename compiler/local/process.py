"""Processes under bash, each in a session of its own, none of which outlives the run.

The group is what is waited for and ended, not only its leader: a step that is stopped gets SIGTERM, some seconds to
put its things away, then SIGKILL; what a finished one left running is killed, as the service's container ends with
its main process. Should the run itself be killed, `guard` does the same from outside.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compiler.local import guard

GRACE = 5.0
"""Seconds between asking a process to end and killing it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended. ``code`` is bash's exit code, or the negative number of the signal that ended bash.

    ``limit``: the seconds that it was allowed and did not keep to, None when it did.
    """

    code: int
    seconds: float
    limit: float | None = None

    @property
    def reason(self) -> str:
        """``exit code 3``, ``killed by SIGKILL``, ``timed out after 60 s``; empty when all went well."""
        if self.limit is not None:
            return f"timed out after {self.limit:g} s"
        if self.code < 0:
            return f"killed by {signal.Signals(-self.code).name}"
        # bash passes on the signal that ended its last command as 128 and its number
        name = next((known.name for known in signal.Signals if known == self.code - 128), None)
        return (f"exit code {self.code}" + (f" ({name})" if name else "")) if self.code else ""


class Processes:
    """The processes of one run. Use as a context: none is left when it ends."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._reading = self._writing = -1
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Processes:
        # The reading end stays open here too: were the guard killed, writing to a pipe without a reader would end
        # every step at its first line.
        self._reading, self._writing = os.pipe()
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__],
            stdin=self._reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        os.close(self._writing)
        if self._guard is not None:
            self._guard.wait()
        os.close(self._reading)

    def kill(self) -> None:
        """SIGKILL to everything that still runs, without waiting."""
        for group in self._groups:
            _signal(group, signal.SIGKILL)

    async def execute(
        self, command: str, folder: Path, environment: Mapping[str, str], log: Path, timeout: float | None = None
    ) -> Ended:
        """Run a command in a folder until it ends, is cancelled, or has taken ``timeout`` seconds.

        Both its outputs go to ``log``. Raises OSError when it cannot be started.
        """
        started = time.monotonic()
        process = self._start(command, folder, environment, log)
        exited = asyncio.create_task(_exit_of(process))
        late = False
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(exited)
        except TimeoutError:
            late = True
            await self._ask_to_end(process, exited)
        except asyncio.CancelledError:
            await self._ask_to_end(process, exited)
            raise
        finally:
            # before the leader is waited for: while it is a zombie its group's number is nobody else's
            _signal(process.pid, signal.SIGKILL)
            process.wait()
            exited.cancel()
            self._groups.discard(process.pid)
            os.write(self._writing, f"-{process.pid}\n".encode())
        return Ended(process.returncode, time.monotonic() - started, timeout if late else None)

    def _start(self, command: str, folder: Path, environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
        # The shell signs itself on: until it has, it holds the pipe open, and the guard waits.
        sign_on = f"echo +$$ >&{self._writing}; exec {self._writing}>&-\n"
        try:
            with log.open("wb") as sink:
                process = subprocess.Popen(
                    ["bash", "-c", sign_on + command],
                    cwd=folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=(self._writing,),
                )
        except ValueError as error:  # a NUL in a value
            raise OSError(str(error)) from error
        self._groups.add(process.pid)
        return process

    async def _ask_to_end(self, process: subprocess.Popen[bytes], exited: asyncio.Task[None]) -> None:
        """SIGTERM, then wait for the whole group: its leader may be gone long before the one that does the work."""
        deadline = time.monotonic() + GRACE
        _signal(process.pid, signal.SIGTERM)
        await asyncio.wait({exited}, timeout=GRACE)
        if not exited.done():
            return
        process.wait()
        while _runs(process.pid) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)


def _signal(group: int, wanted: int) -> bool:
    """Whether there was anybody to get it."""
    try:
        os.killpg(group, wanted)
    except OSError:
        return False
    return True


def _runs(group: int) -> bool:
    """Whether anything of a group still runs: what has ended and waits to be reaped by init does not."""
    if not _signal(group, 0):
        return False
    stats = list(Path("/proc").glob("[0-9]*/stat"))  # none where there is no such file system
    for stat in stats:
        with contextlib.suppress(OSError):
            state, _, of = stat.read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(of) == group and state not in "ZX":
                return True
    return not stats


async def _exit_of(process: subprocess.Popen[bytes]) -> None:
    """Returns when the process has ended; it is not reaped yet, where the system can tell without."""
    if sys.platform != "linux":
        await asyncio.to_thread(process.wait)
        return
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    handle = os.pidfd_open(process.pid)
    loop.add_reader(handle, ended.cancel)  # any way to be done will do, and this one can be called twice
    try:
        await asyncio.wait({ended})
    finally:
        loop.remove_reader(handle)
        os.close(handle)
