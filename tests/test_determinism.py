"""The same spec gives the same bytes on every machine, and `compile --check` knows whether a build is those bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from compiler import cli
from tests.conftest import ROOT

SPEC = "specs/video_anomaly/train.yml"
PROFILES = ("", "azure", "local")

# Compiles the spec argv[2] under each profile into argv[3], with the umask argv[1].
_COMPILE = f"""
import os, sys
from compiler import cli
os.umask(int(sys.argv[1], 8))
for profile in {PROFILES!r}:
    flags = ["--profile", profile] if profile else []
    assert cli.run(["compile", sys.argv[2], "--output", sys.argv[3], "--quiet", *flags]) == 0
"""


def copy_of_the_project(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "amlc.toml").touch()
    for name in ("specs", "components"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def built(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def compiled(project: Path, spec: str = SPEC, output: str = "build", umask: str = "022", **environment: str) -> None:
    subprocess.run(
        [sys.executable, "-c", _COMPILE, umask, spec, output],
        cwd=project, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, check=True, timeout=60,
    )  # fmt: skip


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    project = copy_of_the_project(tmp_path_factory.mktemp("reference") / "project")
    compiled(project, PYTHONHASHSEED="0", LC_ALL="C.UTF-8", TZ="UTC")
    found = built(project / "build")
    assert {name.split("/")[0] for name in found} == {f"prednet_ucsdped1{at}" for at in ("", "@azure", "@local")}
    assert len(found) > 30
    return found


ELSEWHERE = {
    "another hash seed": {"PYTHONHASHSEED": "1"},
    "a third hash seed": {"PYTHONHASHSEED": "4294967295"},
    "locale C": {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "a locale with commas": {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "LANGUAGE": "de"},
    "another time zone": {"TZ": "Pacific/Kiritimati", "SOURCE_DATE_EPOCH": "1"},
    "a user of another name": {"HOME": "/nonexistent", "USER": "someone", "COLUMNS": "20"},
}


@pytest.mark.parametrize("where", ELSEWHERE)
def test_the_surroundings_do_not_matter(where: str, reference: dict[str, bytes], tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    compiled(project, **ELSEWHERE[where])
    assert built(project / "build") == reference


def test_the_folder_does_not_matter(reference: dict[str, bytes], tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "a longer path" / "with späces" / "project")
    compiled(project)
    assert built(project / "build") == reference


def test_how_the_spec_is_named_does_not_matter(reference: dict[str, bytes], tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    compiled(project, spec=str(project / SPEC), output=str(project / "build"))
    assert built(project / "build") == reference
    compiled(project / "specs/video_anomaly", spec="./../video_anomaly/train.yml", output="../../build")
    assert built(project / "build") == reference


def test_the_umask_does_not_matter(reference: dict[str, bytes], tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    compiled(project, umask="077")
    assert built(project / "build") == reference


def test_dates_and_modes_of_the_sources_do_not_matter(reference: dict[str, bytes], tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    for path in project.rglob("*"):
        if path.is_file():
            os.utime(path, (1, 1))
            path.chmod(0o600)
    compiled(project)
    assert built(project / "build") == reference


def test_nothing_of_the_machine_stands_in_a_build(reference: dict[str, bytes]) -> None:
    for name, content in reference.items():
        for word in (str(ROOT), "/tmp/", os.path.expanduser("~") + "/"):
            assert word.encode() not in content, f"{name} holds {word}"


# ------------------------------------------------------------------------------------------------------------ --check

Check = Callable[..., tuple[int, str]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project, its spec compiled, as the current folder."""
    folder = copy_of_the_project(tmp_path / "project")
    monkeypatch.chdir(folder)
    assert cli.run(["compile", SPEC, "--output", "build", "--quiet"]) == 0
    return folder


@pytest.fixture
def check(project: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Runs `compile --check` and makes sure that it wrote nothing; the exit code and what it printed."""

    def run(*flags: str) -> tuple[int, str]:
        before = _state(project)
        capsys.readouterr()
        code = cli.run(["compile", SPEC, "--output", "build", "--check", *flags])
        assert _state(project) == before
        return code, capsys.readouterr().out

    return run


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder with its size and the time of its last change."""
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in [folder, *folder.rglob("*")]}


def _change(path: Path) -> None:
    """Another character where a letter stood."""
    text = path.read_text("utf-8")
    at = next(at for at in range(len(text) - 1, -1, -1) if text[at].isalpha())
    path.write_text(text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :], "utf-8")


def test_a_fresh_build_is_up_to_date(check: Check) -> None:
    assert check() == (0, "build/prednet_ucsdped1 is up to date\n")


def test_another_param_is_another_build(check: Check) -> None:
    code, said = check("--set", "epochs=3")
    assert code == 1
    assert said.startswith(
        f"build/prednet_ucsdped1 is out of date with {SPEC}:\n  job.yml differs\n  manifest.json differs"
    )


def test_a_build_that_is_not_there_is_out_of_date(check: Check, project: Path) -> None:
    shutil.rmtree(project / "build")
    code, said = check()
    assert code == 1 and "  job.yml is missing\n" in said
    code, said = check("--profile", "azure")
    assert code == 1 and said.startswith("build/prednet_ucsdped1@azure is out of date with")


def test_a_changed_component_is_seen(check: Check, project: Path) -> None:
    path = project / "components/data_prep/component.yml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("display_name: Prepare", "display_name: prepare"), "utf-8")
    code, said = check()
    assert code == 1
    assert "  components/data_prep.yml differs\n" in said
    path.write_text(text, "utf-8")
    assert check()[0] == 0


def test_changed_code_is_seen(check: Check, project: Path) -> None:
    _change(project / "components/train_prednet/src/train.py")
    code, said = check()
    assert code == 1
    assert "  components/train.yml differs\n" in said
    assert said.count("/train.py is missing\n") == 1 and said.count("/train.py is no part of the build\n") == 1


@pytest.mark.parametrize("name", ["manifest.json", "job.yml", "components/data_prep.yml", "code"])
def test_a_change_by_hand_is_seen(name: str, check: Check, project: Path) -> None:
    path = project / "build/prednet_ucsdped1" / name
    if path.is_dir():
        path = min(path.rglob("train.py"))
    _change(path)
    shown = str(path.relative_to(project / "build/prednet_ucsdped1"))
    assert check() == (1, f"build/prednet_ucsdped1 is out of date with {SPEC}:\n  {shown} differs\n")


def test_a_stray_file_is_seen(check: Check, project: Path) -> None:
    (project / "build/prednet_ucsdped1/components/notes.txt").touch()
    wanted = f"build/prednet_ucsdped1 is out of date with {SPEC}:\n  components/notes.txt is no part of the build\n"
    assert check() == (1, wanted)


def test_a_file_that_is_gone_is_seen(check: Check, project: Path) -> None:
    (project / "build/prednet_ucsdped1/schedules/prednet_ucsdped1_schedule.yml").unlink()
    code, said = check()
    assert code == 1 and said.endswith(":\n  schedules/prednet_ucsdped1_schedule.yml is missing\n")


def test_a_spec_with_a_fault_is_neither(check: Check, project: Path) -> None:
    path = project / SPEC
    path.write_text(path.read_text("utf-8").replace("goal: minimize", "goal: minimise"), "utf-8")
    assert check() == (1, "")
