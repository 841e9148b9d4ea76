"""Interrupted or killed, a run leaves no process behind, and MLflow and the records know what became of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .harness import running, runs

ROOT = Path(__file__).resolve().parents[2]
# Two steps and a sweep that never end; each writes the ids of its shell and of a child that it leaves behind.
SCRIPT = """
import sys
from pathlib import Path
from compiler.ir.model import SweepLimits
from tests.local.harness import *
root, track = Path(sys.argv[1]), sys.argv[2] == "track"
def forever(name, **fields):
    command = "sleep 600 & echo $$ $! > ${{inputs.place}}/%s$$; python -c 'import time; time.sleep(600)'; true" % name
    return step(name, command, {"place": data(root / "pids")}, **fields)
steps = [forever("a"), forever("b", outputs={"o": "uri_folder"})]
steps.append(step("c", "true", {"i": OutputRef("b", "o")}))
if track:
    steps.append(forever("s", sweep=sweep_of(x=choice(1, 2), limits=SweepLimits(2)), ports={"x": port_for(1)}))
from compiler.local.run import run
from compiler.local.model import RunOptions
from compiler.diagnostics.model import Bag
result = run(pipeline(*steps), RunOptions(root, jobs=4, track=track), Bag(), sys.stdout)
print("RESULT", result.status, *(f"{name}={step.status}" for name, step in result.steps.items()))
"""


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


class Started:
    """A run in a process of its own, all its steps under way."""

    def __init__(self, root: Path, track: bool) -> None:
        self.root, pids = root, root / "pids"
        pids.mkdir()
        arguments = [sys.executable, "-c", SCRIPT, str(root), "track" if track else "no"]
        self.process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        count = 4 if track else 2
        assert wait_for(lambda: sum(bool(path.read_text().strip()) for path in pids.iterdir()) == count)
        self.pids = [int(pid) for path in pids.iterdir() for pid in path.read_text().split()]
        assert all(running(pid) for pid in self.pids)

    def end(self, *signals: int) -> str:
        for wanted in signals:
            self.process.send_signal(wanted)
            time.sleep(0.2)
        return self.process.communicate(timeout=20)[0]

    @property
    def record(self) -> dict[str, object]:
        (path,) = self.root.glob(".amlc/runs/*/run.json")
        return dict(json.loads(path.read_text()))


@pytest.mark.parametrize("wanted", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_once_everything_ends_in_good_order(tracked: Path, wanted: int) -> None:
    started = Started(tracked, track=True)
    text = started.end(wanted)
    assert not any(running(pid) for pid in started.pids)
    assert "RESULT canceled a=canceled b=canceled c=skipped s=canceled" in text and "Traceback" not in text
    assert {run["name"]: run["status"] for run in runs(tracked) if run["name"] in "abs"} == dict.fromkeys(
        "abs", "KILLED"
    )
    assert {run["status"] for run in runs(tracked)} == {"KILLED"} and len(runs(tracked)) == 6
    assert started.record["status"] == "canceled"
    (table,) = tracked.glob(".amlc/runs/*/steps/s/trials.json")
    assert [row["status"] for row in json.loads(table.read_text())["trials"]] == ["canceled", "canceled"]


def test_interrupted_twice_nothing_is_waited_for(tmp_path: Path) -> None:
    started = Started(tmp_path, track=False)
    for pid in started.pids:
        os.kill(pid, signal.SIGSTOP)  # who is stopped does not hear SIGTERM
    before = time.monotonic()
    text = started.end(signal.SIGINT, signal.SIGINT)
    assert time.monotonic() - before < 4 and "RESULT canceled" in text
    assert not any(running(pid) for pid in started.pids)


def test_killed_outright_no_process_is_alive_ten_seconds_later(tmp_path: Path) -> None:
    started = Started(tmp_path, track=False)
    started.end(signal.SIGKILL)
    assert wait_for(lambda: not any(running(pid) for pid in started.pids), seconds=10)
    assert started.record["status"] == "running" and not list(tmp_path.glob(".amlc/runs/*/steps/*/step.json"))
    assert not list(tmp_path.glob(".amlc/runs/*/steps/*/outputs"))
