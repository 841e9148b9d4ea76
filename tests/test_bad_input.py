"""Bad input and bad luck, as they happen to people: what is said, with which exit code, and what is left behind.

Each test is a real situation: files without permission, a disk that is full, a process that is killed. Where the
tests run as root, which may read and write everything, the command runs without that privilege.
"""

from __future__ import annotations

import ctypes
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


# -------------------------------------------------------------------------------------------------- what is no spec


def test_an_empty_file(amlc: Callable[..., Said]) -> None:
    write(spec="")
    assert amlc("validate", "spec.yml") == (1, "error[P0109]: the file is empty\n --> spec.yml:1:1\n1 error")


def test_a_file_of_comments(amlc: Callable[..., Said]) -> None:
    write(spec="# nothing\n\n")
    code, said = amlc("compile", "spec.yml", "--output", "out")
    assert code == 1 and "error[P0109]: the file is empty" in said
    assert not Path("out").exists()


def test_a_folder(amlc: Callable[..., Said]) -> None:
    Path("spec.yml").mkdir()
    for command in ("validate", "run"):
        assert amlc(command, "spec.yml") == (2, "amlc: `spec.yml` is a folder, not a spec")
    assert amlc("compile", "spec.yml", "--output", "out") == (2, "amlc: `spec.yml` is a folder, not a spec")
    assert not Path("out").exists()


def test_a_binary_file(amlc: Callable[..., Said]) -> None:
    write(spec=bytes(range(256)) * 8)
    assert amlc("validate", "spec.yml") == (1, "error[P0110]: `spec.yml` is not a text file\n1 error")


def test_other_encodings(amlc: Callable[..., Said]) -> None:
    write(wide=GOOD.encode("utf-16"), latin=GOOD.replace("one", "ü").encode("latin-1"))
    code, said = amlc("validate", "wide.yml")
    assert (code, said) == (1, "error[P0110]: `wide.yml` is UTF-16\n = help: save it as UTF-8\n1 error")
    code, said = amlc("validate", "latin.yml")
    assert code == 1
    assert "error[P0110]: the byte 0xfc is not UTF-8\n --> latin.yml:5:21\n" in said


def test_a_spec_that_is_not_there(amlc: Callable[..., Said]) -> None:
    write(train=GOOD)
    hint = "amlc: there is no file `trian.yml`; did you mean `train.yml`?"
    assert amlc("validate", "trian.yml") == (2, hint)
    assert amlc("compile", "specs/x.yml", "--output", "out") == (2, "amlc: there is no file `specs/x.yml`")
    assert amlc("validate", "") == (2, "amlc: there is no file ``")


def test_what_only_looks_like_a_file(amlc: Callable[..., Said]) -> None:
    os.mkfifo("pipe.yml")
    os.symlink("loop.yml", "loop.yml")
    assert amlc("validate", "loop.yml") == (2, "amlc: there is no file `loop.yml`")
    write(spec=f"name: x\n{HEAD}steps: {{a: {{component: pipe.yml}}}}\n")
    start = time.monotonic()
    code, said = amlc("validate", "spec.yml")
    assert code == 1 and "error[P0408]: `pipe.yml`" in said
    assert time.monotonic() - start < 5


# ------------------------------------------------------------------------------------------------- what is named in it


def test_a_missing_component(amlc: Callable[..., Said]) -> None:
    write(spec=f"name: x\n{HEAD}steps:\n  a:\n    component: parts/trian.yml\n")
    Path("parts").mkdir()
    Path("parts/train.yml").write_text("type: command\n")
    code, said = amlc("validate", "spec.yml")
    assert code == 1
    assert said == (
        "error[P0408]: `parts/trian.yml` is not there\n --> spec.yml:6:16\n  = help: did you mean `train.yml`?\n1 error"
    )


def test_a_component_that_is_a_folder(amlc: Callable[..., Said]) -> None:
    write(spec=f"name: x\n{HEAD}steps:\n  a:\n    component: parts\n")
    Path("parts").mkdir()
    code, said = amlc("validate", "spec.yml")
    assert code == 1
    assert said.startswith("error[P0408]: `parts` is a folder, not a component file\n --> spec.yml:6:16\n")


def test_an_unreadable_spec_and_an_unreadable_component() -> None:
    write(spec=f"name: x\n{HEAD}steps:\n  a:\n    component: part.yml\n", part="type: command\n")
    Path("part.yml").chmod(0)
    code, said = unprivileged("validate", "spec.yml")
    assert (code, said) == (1, "error[P0130]: `part.yml` may not be read\n --> spec.yml:6:16\n1 error")
    Path("spec.yml").chmod(0)
    assert unprivileged("validate", "spec.yml") == (1, "error[P0130]: `spec.yml` may not be read\n1 error")


def test_an_unreadable_code_folder() -> None:
    write(spec=f"name: x\n{HEAD}steps:\n  a:\n    command: python x.py\n    code: src\n")
    Path("src").mkdir()
    Path("src").chmod(0)
    wanted = "error[P0421]: `src` cannot be read\n --> spec.yml:7:11\n1 error"
    assert unprivileged("validate", "spec.yml") == (1, wanted)
    assert unprivileged("compile", "spec.yml", "--output", "out") == (1, wanted)
    assert not Path("out").exists()


@pytest.mark.parametrize("what", ["src/part", "src/part/data.csv"])
def test_something_unreadable_within_the_code(what: str) -> None:
    write(spec=f"name: x\n{HEAD}steps:\n  a:\n    command: python x.py\n    code: src\n")
    Path("src/part").mkdir(parents=True)
    Path("src/part/data.csv").touch()
    Path(what).chmod(0)
    code, said = unprivileged("compile", "spec.yml", "--output", "out")
    assert code == 1
    assert said.startswith("error[P0421]: `") and f"{what}` cannot be read: Permission denied" in said
    assert not Path("out").exists()


# ---------------------------------------------------------------------------------------------- what contains itself


def test_a_spec_that_is_its_own_step(amlc: Callable[..., Said]) -> None:
    write(spec="name: x\nsteps:\n  again:\n    component: spec.yml\n")
    code, said = amlc("validate", "spec.yml")
    wanted = "error[P0417]: the spec contains itself: spec.yml → spec.yml\n --> spec.yml:4:16\n1 error"
    assert (code, said) == (1, wanted)


def test_two_specs_in_a_circle(amlc: Callable[..., Said]) -> None:
    write(one="name: x\nsteps:\n  a:\n    component: two.yml\n", two="name: y\nsteps:\n  b:\n    component: one.yml\n")
    code, said = amlc("validate", "one.yml")
    wanted = "error[P0417]: the spec contains itself: one.yml → two.yml → one.yml\n --> two.yml:4:16\n1 error"
    assert (code, said) == (1, wanted)


def test_a_circle_through_a_link(amlc: Callable[..., Said]) -> None:
    write(spec="name: x\nsteps:\n  a:\n    component: link.yml\n")
    os.symlink("spec.yml", "link.yml")
    code, said = amlc("validate", "spec.yml")
    assert code == 1 and said.count("error[P0417]") == 1


def test_azure_components_in_a_circle(amlc: Callable[..., Said]) -> None:
    part = "type: pipeline\njobs:\n  a:\n    type: pipeline\n    component: ./{}.yml\n"
    write(job=part.format("one"), one=part.format("two"), two=part.format("one"))
    code, said = amlc("validate", "job.yml")
    assert code == 1 and said.count("error[P0417]") == 1 and said.endswith("1 error")


# ---------------------------------------------------------------------------------------------- leaving the project


def test_a_path_that_leaves_the_project(here: Path, amlc: Callable[..., Said]) -> None:
    project = here / "project"
    project.mkdir()
    (project / "amlc.toml").touch()
    (here / "shared").mkdir()
    os.chdir(project)
    write(spec=f"name: x\n{HEAD}steps:\n  a:\n    command: ls\n    code: ../shared\n")
    code, said = amlc("validate", "spec.yml")
    assert code == 0
    assert said.startswith("warning[P0418]: `../shared` lies outside the project\n --> spec.yml:")
    assert amlc("validate", "spec.yml", "--strict")[0] == 1


def test_a_link_that_leaves_the_project(here: Path, amlc: Callable[..., Said]) -> None:
    project = here / "project"
    project.mkdir()
    (project / "amlc.toml").touch()
    (here / "shared").mkdir()
    os.chdir(project)
    os.symlink("../shared", "src")
    write(spec=f"name: x\n{HEAD}steps:\n  a:\n    command: ls\n    code: src\n")
    code, said = amlc("compile", "spec.yml", "--output", "out")
    assert code == 1
    assert said.startswith("error[P0419]: `src` is a link that leaves the project\n --> spec.yml:")
    assert not Path("out").exists()
    Path("amlc.toml").write_text("[paths]\nfollow_links = true\n")
    assert amlc("compile", "spec.yml", "--output", "out")[0] == 0


NAMES = {
    "schedule": "schedule: {name: ../../../evil, trigger: {type: cron, expression: '0 3 * * *'}}\n",
    "compute": "compute: {../../../evil: {type: amlcompute, size: Standard_D2_v2}}\n",
    "environments": "environments: {../../../evil: {image: 'python:3.11'}}\n",
    "profiles": "profiles: {../../../evil: {}}\n",
    "name": "name: ../../../evil\n",
    "tags": "name: \"{{ '../../evil' }}\"\n",
}


@pytest.mark.parametrize("what", NAMES)
def test_a_name_that_would_write_elsewhere(what: str, here: Path, amlc: Callable[..., Said]) -> None:
    os.chdir(here)
    text = (GOOD if "name: " not in NAMES[what][:6] else GOOD.replace("name: good\n", "")) + NAMES[what]
    (here / "deep/er").mkdir(parents=True)
    write(spec=text)
    code, said = amlc(
        "compile", "spec.yml", "--output", "deep/er/out", *(["--profile", "../../../evil"] * (what == "profiles"))
    )
    assert code == 1 and "evil` cannot be the name of" in said or "P0206" in said, said
    assert [path.name for path in here.rglob("*") if "evil" in path.name] == []


# -------------------------------------------------------------------------------------------------- the command line


def test_a_profile_that_is_not_there(amlc: Callable[..., Said]) -> None:
    write(spec=f"{GOOD}profiles: {{night: {{tags: {{a: b}}}}}}\n", plain=GOOD)
    wanted = "error[P0313]: there is no profile `nigth`\n = help: did you mean `night`?\n1 error"
    for command in (["validate"], ["compile", "--output", "out"], ["run"]):
        assert amlc(command[0], "spec.yml", *command[1:], "--profile", "nigth") == (1, wanted)
    assert not Path("out").exists()
    code, said = amlc("validate", "plain.yml", "--profile", "night")
    assert code == 1 and said.startswith("error[P0313]: there is no profile `night`\n")


SETS = [
    ("n", 2, "amlc: --set wants NAME=VALUE, not `n`"),
    ("=1", 2, "amlc: --set wants NAME=VALUE, not `=1`"),
    ("m=1", 1, "error[P0312]: there is no param `m` to set\n = help: did you mean `n`?\n1 error"),
    ("n=two", 1, "error[P0311]: param `n` wants an integer, not the text `two` of `--set`\n1 error"),
    ("n=9", 1, "error[P0311]: param `n` is 9, more than 8\n1 error"),
    ("n=", 1, "error[P0311]: param `n` wants an integer, not the text `` of `--set`\n1 error"),
]


@pytest.mark.parametrize(("given", "code", "said"), SETS)
def test_a_bad_set(given: str, code: int, said: str, amlc: Callable[..., Said]) -> None:
    write(spec=GOOD.replace("one", "{{ params.n }}").replace("echo", '"echo').replace("}}}", '}}"}')
          + "params: {n: {type: integer, default: 4, max: 8}}\n")  # fmt: skip
    assert amlc("validate", "spec.yml", "--set", "n=5")[0] == 0
    assert amlc("validate", "spec.yml", "--set", given) == (code, said)


def test_a_bad_params_file(amlc: Callable[..., Said]) -> None:
    write(spec=GOOD, list="- 1\n", broken="{")
    tail = "amlc: the params file `{}` cannot be used"
    for name, first in (("gone.yml", "P0130"), ("list.yml", "P0203"), ("broken.yml", "P0101")):
        code, said = amlc("validate", "spec.yml", "--params", name)
        assert code == 2 and first in said and said.endswith(tail.format(name))


def test_two_steps_of_one_name(amlc: Callable[..., Said]) -> None:
    write(spec=f"{GOOD}  b: {{command: echo b}}\n  a: {{command: echo again}}\n")
    code, said = amlc("validate", "spec.yml")
    assert code == 1
    assert said == (
        "error[P0102]: the key `a` stands twice\n"
        " --> spec.yml:7:3\n"
        "  = help: remove one of them, or give it another name\n"
        "1 error"
    )


def test_no_output_folder(amlc: Callable[..., Said]) -> None:
    write(spec=GOOD)
    assert amlc("compile", "spec.yml") == (2, "amlc: compile needs --output DIR")
    assert amlc("compile", "spec.yml", "--output", "") == (2, "amlc: compile needs --output DIR")


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


# --------------------------------------------------------------------------------------------------- a disk that is full


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
