"""Processes end when they should, with everything they started."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compiler.local import process as room
from compiler.local.process import Ended, Processes

from .harness import gone, running

ENVIRONMENT = {"PATH": os.environ["PATH"]}
# starts a process that outlives its shell, and says which
LEAVE = "sleep 300 & echo $! > child; "


def execute(folder: Path, command: str, timeout: float | None = None) -> Ended:
    async def one() -> Ended:
        with Processes() as processes:
            return await processes.execute(command, folder, ENVIRONMENT, folder / "log", timeout)

    return asyncio.run(one())


def wait_for(condition: object, seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize(
    ("command", "code", "reason"),
    [
        ("true", 0, ""),
        ("exit 3", 3, "exit code 3"),
        ("false; true", 0, ""),
        ("no-such-program-at-all", 127, "exit code 127"),
        ("kill -KILL $$", -9, "killed by SIGKILL"),
        ("bash -c 'kill -SEGV $$'; exit $?", 139, "exit code 139 (SIGSEGV)"),
        ("if then", 2, "exit code 2"),
        ("exit 200", 200, "exit code 200"),
    ],
)
def test_how_a_process_ends(tmp_path: Path, command: str, code: int, reason: str) -> None:
    ended = execute(tmp_path, command)
    assert (ended.code, ended.reason) == (code, reason)


def test_both_outputs_go_to_the_log_and_input_is_empty(tmp_path: Path) -> None:
    execute(tmp_path, "echo out; echo err >&2; cat; echo end")
    assert (tmp_path / "log").read_text() == "out\nerr\nend\n"


def test_no_descriptor_of_ours_reaches_the_command(tmp_path: Path) -> None:
    execute(tmp_path, "ls /proc/self/fd")
    assert (tmp_path / "log").read_text().split() == ["0", "1", "2", "3"]  # 3 is the folder that ls reads


def test_what_a_finished_process_left_running_is_killed(tmp_path: Path) -> None:
    assert execute(tmp_path, LEAVE).code == 0
    assert gone(int((tmp_path / "child").read_text()))


def test_a_timeout_ends_the_whole_group(tmp_path: Path) -> None:
    ended = execute(tmp_path, LEAVE + "wait", timeout=0.3)
    assert ended.reason == "timed out after 0.3 s" and 0.3 <= ended.seconds < 2
    assert gone(int((tmp_path / "child").read_text()))


def test_a_child_gets_its_grace_though_its_shell_is_gone(tmp_path: Path) -> None:
    worker = (
        "import signal, time; signal.signal(15, lambda *_: (time.sleep(.3), print('saved'), exit(0))); time.sleep(60)"
    )
    ended = execute(tmp_path, f'{sys.executable} -c "{worker}"; true', timeout=0.5)
    assert ended.limit == 0.5 and "saved" in (tmp_path / "log").read_text()


def test_who_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "GRACE", 0.3)
    ended = execute(tmp_path, "trap '' TERM; " + LEAVE + "sleep 300 & wait; sleep 300", timeout=0.2)
    assert ended.seconds < 3 and gone(int((tmp_path / "child").read_text()))


def test_cancelled_means_ended(tmp_path: Path) -> None:
    async def cancel() -> None:
        with Processes() as processes:
            command = processes.execute(LEAVE + "wait", tmp_path, ENVIRONMENT, tmp_path / "log")
            task = asyncio.create_task(command)
            while not (tmp_path / "child").exists():
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancel())
    assert gone(int((tmp_path / "child").read_text()))


@pytest.mark.parametrize("bad", [{"X": "a\0b"}, {"X": "a" * 3_000_000}])
def test_what_cannot_be_started_is_an_oserror(tmp_path: Path, bad: dict[str, str]) -> None:
    async def one() -> None:
        with Processes() as processes:
            await processes.execute("true", tmp_path, {**ENVIRONMENT, **bad}, tmp_path / "log")

    with pytest.raises(OSError, match=r"null byte|too long"):
        asyncio.run(one())


RUN = """
import asyncio, sys
from pathlib import Path
from compiler.local.process import Processes
async def main():
    with Processes() as processes:
        here, environment = Path(sys.argv[1]), {"PATH": sys.argv[2]}
        command = "sleep 300 & echo $! > child%d; wait"
        jobs = (processes.execute(command % n, here, environment, here / f"log{n}") for n in range(2))
        await asyncio.gather(*jobs)
asyncio.run(main())
"""


def test_no_process_outlives_a_killed_run(tmp_path: Path) -> None:
    run = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path), os.environ["PATH"]])
    children = [tmp_path / "child0", tmp_path / "child1"]
    assert wait_for(lambda: all(child.exists() and child.read_text().strip() for child in children))
    pids = [int(child.read_text()) for child in children]
    assert all(running(pid) for pid in pids)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert wait_for(lambda: not any(running(pid) for pid in pids))
