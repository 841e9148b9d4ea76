"""A project in an empty folder, and the command line in it: in this process, in one of its own, without root's rights.

Where the tests run as root, which may read and write everything, a command that must not do so runs without that right.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from compiler import cli
from tests.conftest import ROOT

HEAD = "defaults: {compute: azureml:cpu, environment: azureml:e:1}\nsettings: {continue_on_step_failure: false}\n"
GOOD = f"name: good\n{HEAD}steps:\n  a: {{command: echo one}}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, and the current folder."""
    (tmp_path / "amlc.toml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(**files: str | bytes) -> None:
    """Files of the project: ``spec="…"`` is spec.yml."""
    for name, content in files.items():
        Path(f"{name}.yml").write_bytes(content if isinstance(content, bytes) else content.encode())


Said = tuple[int, str]


@pytest.fixture
def amlc(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs a command line in this process; the exit code and everything that it printed, as one text."""

    def run(*arguments: str) -> Said:
        code = cli.run(arguments)
        captured = capsys.readouterr()
        return code, _tidy(captured.err + captured.out)

    return run


def _tidy(text: str) -> str:
    """Without what differs from machine to machine, and without the lines that draw the place."""
    assert "Traceback" not in text and "internal error" not in text, text
    text = text.replace(str(Path.cwd()), "HERE")
    return "\n".join(line for line in text.splitlines() if line.strip() and not re.match(r" *(\d+ )?\|", line))


def spawned(*arguments: str, **how: object) -> Said:
    """The same in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "compiler", *arguments],
        capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT)}, **how,  # type: ignore[call-overload]
    )  # fmt: skip
    return done.returncode, _tidy(done.stderr + done.stdout)


def unprivileged(*arguments: str) -> Said:
    """The same without the right of root to read and write what is forbidden."""

    def drop() -> None:
        if os.geteuid() == 0:
            libc = ctypes.CDLL(None)
            for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
                if libc.prctl(24, capability, 0, 0, 0) != 0:  # PR_CAPBSET_DROP
                    os._exit(97)

    code, said = spawned(*arguments, preexec_fn=drop)
    if code == 97:
        pytest.skip("root cannot give up its rights here")
    return code, said
