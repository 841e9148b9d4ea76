"""Bad input as it happens to people: what is said, and with which exit code. Nothing ends in a traceback."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.situations import GOOD, HEAD, Said, amlc, here, unprivileged, write

__all__ = ["amlc", "here"]  # fixtures

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


def test_a_spec_that_includes_itself(amlc: Callable[..., Said]) -> None:
    write(spec=f"include: [spec.yml]\n{GOOD}")
    code, said = amlc("validate", "spec.yml")
    assert code == 1
    assert said == "error[P0319]: `spec.yml` has `include`, which cannot be included\n --> spec.yml:1:1\n1 error"


BAD = {"empty": "", "binary": "\0\1\2", "a list": "- 1\n", "a circle": "name: x\nsteps: {a: {component: spec.yml}}\n"}


@pytest.mark.parametrize("what", BAD)
def test_no_command_goes_on_with_it(what: str, amlc: Callable[..., Said]) -> None:
    write(spec=BAD[what])
    for command in (["validate"], ["compile", "--output", "out"], ["run"], ["import", "--output", "out.yml"]):
        code, said = amlc(command[0], "spec.yml", *command[1:])
        assert code == 1 and said.startswith("error[") and said.endswith("1 error")
        assert sorted(os.listdir()) == ["amlc.toml", "spec.yml"]


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
    assert (code == 1 and "evil` cannot be the name of" in said) or "P0206" in said, said
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
