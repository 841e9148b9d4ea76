"""Bad luck while compiling: no permission, a full disk, a process killed. The old build stays, or the new one is there.

Each test is the real thing: a small file system that is full, a process that gets a signal.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT
from tests.situations import GOOD, HEAD, Said, amlc, here, spawned, unprivileged, write

__all__ = ["amlc", "here"]  # fixtures

# ---------------------------------------------------------------------------------------------------- where it writes


def snapshot(folder: str | Path) -> dict[str, bytes]:
    """Every file below a folder, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()
    }


def test_an_output_folder_that_is_a_file(amlc: Callable[..., Said]) -> None:
    write(spec=GOOD)
    Path("out").write_text("mine")
    code, said = amlc("compile", "spec.yml", "--output", "out")
    assert code == 1 and said.startswith("error[P0810]: `") and said.endswith("1 error")
    assert Path("out").read_text() == "mine"


def test_a_file_where_the_build_should_stand(amlc: Callable[..., Said]) -> None:
    write(spec=GOOD)
    Path("out").mkdir()
    Path("out/good").write_text("mine")
    code, said = amlc("compile", "spec.yml", "--output", "out")
    assert code == 1 and "out/good` is not a folder" in said and said.endswith("1 error")
    assert snapshot("out") == {"good": b"mine"}


def test_an_output_folder_that_holds_a_persons_files(amlc: Callable[..., Said]) -> None:
    write(spec=GOOD)
    Path("out/good").mkdir(parents=True)
    Path("out/good/thesis.txt").write_text("mine")
    code, said = amlc("compile", "spec.yml", "--output", "out")
    assert code == 1
    assert "out/good` is not a build of amlc\n" in said and said.endswith("1 error")
    assert snapshot("out") == {"good/thesis.txt": b"mine"}
    assert os.listdir("out") == ["good"]


def test_no_write_permission() -> None:
    write(spec=GOOD)
    Path("out").mkdir()
    assert unprivileged("compile", "spec.yml", "--output", "out")[0] == 0
    before = snapshot("out")
    write(spec=GOOD.replace("one", "two"))
    Path("out").chmod(0o555)
    code, said = unprivileged("compile", "spec.yml", "--output", "out")
    assert code == 1 and "error[P0810]: `" in said and "cannot be written: Permission denied" in said
    assert said.endswith("1 error") and snapshot("out") == before
    code, said = unprivileged("compile", "spec.yml", "--output", "out/deeper")
    assert code == 1 and "cannot be written: Permission denied" in said


# -------------------------------------------------------------------------------------------------- a disk that is full


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[bool]:
    """A real file system of this size at a folder; False where mounting is not permitted."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True)
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_old_build_whole(here: Path) -> None:
    Path("src").mkdir()
    Path("src/train.py").write_text("print()\n" * 100)
    spec = f"name: good\n{HEAD}steps:\n  a:\n    command: python train.py\n    code: src\n"
    write(spec=spec)
    with small_disk(here / "disk", "256k") as mounted:
        full = {} if mounted else {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))}
        assert spawned("compile", "spec.yml", "--output", "disk")[0] == 0
        before = snapshot("disk")
        assert len(before) > 3
        Path("src/train.py").write_text("print(1)\n" * 50_000)
        code, said = spawned("compile", "spec.yml", "--output", "disk", **full)
        assert code == 1, said
        assert said.startswith("error[P0810]: `") and said.endswith("1 error")
        assert ("No space left on device" if mounted else "File too large") in said
        assert snapshot("disk") == before
        assert os.listdir("disk") == ["good"]


# -------------------------------------------------------------------------------------------------------- kill -9


def _variants(files: int) -> list[dict[str, bytes]]:
    """Two specs of one name, a/spec.yml and b/spec.yml, with code of so many files; the builds that they give."""
    Path("src").mkdir()
    for number in range(files):
        Path(f"src/{number}.py").write_text(f"print({number})\n" * 50)
    text = f"name: good\n{HEAD}steps:\n  a:\n    command: python 1.py WORD\n    code: src\n"
    builds = []
    for folder, word in (("a", "one"), ("b", "two")):
        Path(folder).mkdir()
        Path(folder, "spec.yml").write_text(text.replace("WORD", word).replace("src", "../src"))
        assert spawned("compile", f"{folder}/spec.yml", "--output", f"built_{folder}")[0] == 0
        builds.append(snapshot(f"built_{folder}/good"))
    assert builds[0] != builds[1]
    return builds


def test_kill_9_leaves_the_old_or_the_new_build() -> None:
    builds = _variants(40)
    command = [sys.executable, "-m", "compiler", "compile", "--output", "out"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    start = time.monotonic()
    subprocess.run([*command, "a/spec.yml"], env=environment, check=True, capture_output=True)
    whole = time.monotonic() - start
    killed = 0
    for turn in range(12):
        process = subprocess.Popen(
            [*command, ("b", "a")[turn % 2] + "/spec.yml"],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(whole * (0.3 + 0.06 * turn))
        process.kill()
        killed += process.wait() == -signal.SIGKILL
        assert snapshot("out/good") in builds
    assert killed
    assert spawned("compile", "a/spec.yml", "--output", "out")[0] == 0
    assert spawned("compile", "a/spec.yml", "--output", "out", "--check")[0] == 0


# Runs a command line and dies, as by kill -9, at the NUMBERth call that changes the file system.
_DIES = """
import os, signal, shutil, sys
from compiler import cli
number, seen = int(sys.argv[1]), 0
def dying(real):
    def call(*arguments, **named):
        global seen
        result = real(*arguments, **named)
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call
for name in ("rename", "replace", "mkdir", "makedirs", "chmod", "rmdir"):
    setattr(os, name, dying(getattr(os, name)))
shutil.rmtree, shutil.copyfile = dying(shutil.rmtree), dying(shutil.copyfile)
sys.exit(cli.run(sys.argv[2:]))
"""


def test_death_at_any_change_of_the_file_system_leaves_the_old_or_the_new_build() -> None:
    builds = _variants(2)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for number in range(1, 60):
        if not Path("out").exists() or snapshot("out/good") != builds[0]:
            assert spawned("compile", "a/spec.yml", "--output", "out")[0] == 0
        arguments = [sys.executable, "-c", _DIES, str(number), "compile", "b/spec.yml", "--output", "out"]
        code = subprocess.run(arguments, env=environment, capture_output=True).returncode
        assert Path("out/good").is_dir(), f"no build at all after {number} changes"
        assert snapshot("out/good") in builds, f"half a build after {number} changes"
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert code == 0 and number > 8
