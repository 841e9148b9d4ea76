"""The command line: exit codes, formats, what it says when it cannot start, and what it does not import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from compiler import api, cli
from compiler.version import VERSION
from tests.conftest import ROOT

CASES = ROOT / "tests" / "cases"

GOOD = """\
name: good
params: {n: 1}
defaults: {compute: azureml:cpu, environment: azureml:sklearn:1}
steps:
  one: {command: "echo {{ params.n }}"}
"""
WARNED = GOOD + "x-spare: &spare 1\n"
WRONG = GOOD.replace("command:", "comand:")
PROFILED = GOOD + "profiles: {local: {steps: {one: {compute: gpu}}}, azure: {params: {n: 2}}}\n"


class Amlc:
    """Runs command lines in a folder of their own; after each, what was printed."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capture = capture
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        self.capture.readouterr()
        code = cli.run(arguments)
        self.out, self.err = self.capture.readouterr()
        return code

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return name


@pytest.fixture
def amlc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Amlc:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("AMLC_DEBUG", raising=False)
    return Amlc(tmp_path, capsys)


# --------------------------------------------------------------------------------------------------------- exit codes


def test_clean(amlc: Amlc) -> None:
    assert amlc("validate", amlc.file("good.yml", GOOD)) == 0
    assert (amlc.out, amlc.err) == ("good.yml: ok\n", "")


def test_errors(amlc: Amlc) -> None:
    assert amlc("validate", amlc.file("wrong.yml", WRONG)) == 1
    assert "error[P0201]: unknown key `comand` in `one`" in amlc.out
    assert amlc.out.endswith("\n1 error\n") and amlc.err == ""


def test_warnings_fail_only_under_strict(amlc: Amlc) -> None:
    name = amlc.file("warned.yml", WARNED)
    assert amlc("validate", name) == 0
    assert "warning[P0121]" in amlc.out and amlc.out.endswith("\n1 warning\n")
    assert amlc("validate", "--strict", name) == 1


def test_several_specs_fail_with_the_worst(amlc: Amlc) -> None:
    good, wrong = amlc.file("good.yml", GOOD), amlc.file("wrong.yml", WRONG)
    assert amlc("validate", good, wrong) == 1
    assert amlc("validate", good, good) == 0
    assert amlc.out == "2 pipelines: ok\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("validat",), "there is no command `validat`; did you mean `validate`?"),
        (("frobnicate",), "there is no command `frobnicate`; commands: validate, compile, run"),
        (("validate", "godo.yml"), "there is no file `godo.yml`; did you mean `good.yml`?"),
        (("validate", "nowhere/at/all.yml"), "there is no file `nowhere/at/all.yml`\n"),
        (("validate", "specs"), "`specs` is a folder, not a spec"),
        (("validate", "--set", "n", "good.yml"), "--set wants NAME=VALUE, not `n`"),
        (("validate", "--set", "=1", "good.yml"), "--set wants NAME=VALUE, not `=1`"),
        (("validate", "--format", "xml", "good.yml"), "invalid choice: 'xml'"),
        (("validate", "--frob", "good.yml"), "unrecognized arguments: --frob"),
        (("validate", "--params", "nowhere.yml", "good.yml"), "the params file `nowhere.yml` cannot be used"),
        (("compile", "good.yml"), "compile needs --output DIR"),
        (("run", "nowhere.yml"), "there is no file `nowhere.yml`"),
        (("run", "--jobs", "0", "good.yml"), "--jobs wants a number of at least 1"),
    ],
)
def test_what_cannot_start(amlc: Amlc, arguments: tuple[str, ...], said: str) -> None:
    amlc.file("good.yml", GOOD)
    (amlc.folder / "specs").mkdir()
    assert amlc(*arguments) == 2
    assert said in amlc.err and amlc.out == ""
    assert "Traceback" not in amlc.err


def test_nothing_to_validate(amlc: Amlc) -> None:
    assert amlc("validate") == 2
    assert amlc.err == "amlc: no spec named, and none below `specs/`\n"


def test_a_bug_says_so(amlc: Amlc, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the sky fell")

    monkeypatch.setattr(api, "validate", broken)
    name = amlc.file("good.yml", GOOD)
    assert amlc("validate", name) == 3
    assert "internal error: RuntimeError: the sky fell" in amlc.err
    assert f"This is a bug in amlc {VERSION}. Please report it" in amlc.err and "Traceback" not in amlc.err
    monkeypatch.setenv("AMLC_DEBUG", "1")
    assert amlc("validate", name) == 3
    assert "Traceback" in amlc.err


def test_no_command(amlc: Amlc) -> None:
    with pytest.raises(SystemExit) as stop:
        amlc()
    assert stop.value.code == 2


# ------------------------------------------------------------------------------------------------------------ formats


def test_json(amlc: Amlc) -> None:
    text = GOOD.replace("one:", "one: {command: a}\n  two:").replace("comand", "command") + "outputs: {o: x}\n"
    assert amlc("validate", "--format", "json", amlc.file("wrong.yml", text.replace("params.n", "params.m"))) == 1
    document = json.loads(amlc.out)
    assert document["format_version"] == 1
    assert document["error_count"] == len(document["diagnostics"]) == 2
    assert document["warning_count"] == 0
    first = document["diagnostics"][0]
    assert {key: first[key] for key in ("code", "severity", "message", "file", "help", "notes", "related")} == {
        "code": "P0302",
        "severity": "error",
        "message": "`params` has no `m`",
        "file": "wrong.yml",
        "help": "did you mean `n`?",
        "notes": [],
        "related": [],
    }
    # lines and columns count from 1, ends are exclusive
    line = (amlc.folder / "wrong.yml").read_text(encoding="utf-8").splitlines()[first["line"] - 1]
    assert first["line"] == first["end_line"] == 6
    assert line[first["column"] - 1 : first["end_column"] - 1] == "m"


def test_json_has_the_fix(amlc: Amlc) -> None:
    text = GOOD.replace('{command: "echo {{ params.n }}"}', "\n    command: echo ${{ params.n }}")
    assert amlc("validate", "--format", "json", amlc.file("wrong.yml", text)) == 1
    (found,) = json.loads(amlc.out)["diagnostics"]
    assert found["fix"]["safe"] is True
    (edit,) = found["fix"]["edits"]
    assert edit["text"] == "{{ params.n }}" and edit["file"] == "wrong.yml" and edit["line"] == 6


def test_json_of_a_clean_spec(amlc: Amlc) -> None:
    assert amlc("validate", "--format", "json", amlc.file("good.yml", GOOD)) == 0
    assert json.loads(amlc.out) == {"format_version": 1, "error_count": 0, "warning_count": 0, "diagnostics": []}


def test_json_without_a_place(amlc: Amlc) -> None:
    assert amlc("validate", "--format", "json", "--set", "m=1", amlc.file("good.yml", GOOD)) == 1
    (found,) = json.loads(amlc.out)["diagnostics"]
    assert found["file"] is None and found["line"] is None and found["code"] == "P0312"


def test_concise(amlc: Amlc) -> None:
    assert amlc("validate", "--format", "concise", amlc.file("wrong.yml", WRONG)) == 1
    assert amlc.out == "wrong.yml:5:9: error[P0201] unknown key `comand` in `one`\n"


def test_quiet(amlc: Amlc) -> None:
    assert amlc("validate", "--quiet", amlc.file("good.yml", GOOD)) == 0
    assert amlc.out == ""
    assert amlc("validate", "-q", "--format", "concise", amlc.file("both.yml", WRONG + "x-spare: &spare 1\n")) == 1
    assert "warning" not in amlc.out and "P0201" in amlc.out


def test_colour_is_for_terminals(amlc: Amlc, monkeypatch: pytest.MonkeyPatch) -> None:
    name = amlc.file("wrong.yml", WRONG)
    assert amlc("validate", name) == 1
    assert "\x1b[" not in amlc.out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert amlc("validate", name) == 1
    assert "\x1b[1;31merror[P0201]\x1b[0m" in amlc.out
    assert amlc("validate", "--no-color", name) == 1
    assert "\x1b[" not in amlc.out
    monkeypatch.setenv("NO_COLOR", "1")
    assert amlc("validate", name) == 1
    assert "\x1b[" not in amlc.out


@pytest.mark.parametrize(
    "name",
    [
        "inputs_and_outputs_the_component_does_not_declare",  # two files
        "steps_that_wait_for_each_other",  # several labels
        "secrets_written_out",  # never shown, not even in the line that another fault stands in
    ],
)
def test_text(name: str, update: bool, amlc: Amlc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES / "err" / name)
    assert amlc("validate", "spec.yml") == 1
    golden = CASES / "text" / f"{name}.txt"
    if update:
        golden.write_text(amlc.out, encoding="utf-8")
    assert amlc.out == golden.read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------------------------ secrets

SECRETS = ("sk-abcdefghijklmnopqrstuvwx0123456789", "ghp_abcdefghijklmnopqrstuvwxyz0123456789")


@pytest.mark.parametrize("format", ["text", "concise", "json"])
@pytest.mark.parametrize(
    "spec",
    [
        GOOD.replace("command:", f"comand: {SECRETS[0]}  #"),
        GOOD.replace("command:", f"command: run --key {SECRETS[0]} --token {SECRETS[1]}  #"),
        GOOD + f"settings: {{force_rerun: {SECRETS[0]}}}\n",
        GOOD + f"compute: {{gpu: {{type: {SECRETS[1]}, size: x}}}}\n",
        GOOD + f"inputs: {{store: {{type: uri_folder, path: https://a.b/c?sig={SECRETS[0][3:]}}}}}\n",
        GOOD + f"params2: {{a: {SECRETS[0]}}}\n",
        GOOD + f'tags: {{a: "{SECRETS[1]}\n',
        GOOD + f"tags: {{{SECRETS[0]}: a, {SECRETS[0]}: b}}\n",
    ],
)
def test_secrets_are_never_printed(spec: str, format: str, amlc: Amlc) -> None:
    assert amlc("validate", "--format", format, amlc.file("spec.yml", spec)) == 1
    assert "P0910" in amlc.out
    for secret in (*SECRETS, SECRETS[0][3:]):
        assert secret not in amlc.out + amlc.err


@pytest.mark.parametrize("format", ["text", "concise", "json"])
def test_secrets_of_the_command_line(format: str, amlc: Amlc) -> None:
    assert amlc("validate", "--format", format, "--set", f"n={SECRETS[0]}", amlc.file("spec.yml", GOOD)) == 1
    assert "P0910" in amlc.out and SECRETS[0] not in amlc.out + amlc.err
    params = amlc.file("params.yml", f"n: {SECRETS[0]}\n")
    assert amlc("validate", "--format", format, "--params", params, "spec.yml") == 2
    assert "P0910" in amlc.out + amlc.err and SECRETS[0] not in amlc.out + amlc.err


# ------------------------------------------------------------------------------------------- specs, params, profiles


def test_validate_finds_specs(amlc: Amlc) -> None:
    amlc.file("specs/a/good.yml", GOOD)
    amlc.file("specs/wrong.yaml", WRONG)
    amlc.file("specs/conda.yml", "dependencies: []\n")
    amlc.file("other.yml", WRONG)
    assert amlc("validate", "--format", "concise") == 1
    assert amlc.out == "specs/wrong.yaml:5:9: error[P0201] unknown key `comand` in `one`\n"


def test_validate_looks_at_every_profile(amlc: Amlc) -> None:
    name = amlc.file("profiled.yml", PROFILED)
    assert amlc("validate", "--format", "concise", name) == 1
    assert amlc.out == "profiled.yml:6:43: error[P0407] there is no compute target `gpu`\n"
    assert amlc("validate", "--profile", "azure", name) == 0
    assert amlc("validate", "--profile", "azure", "--profile", "local", name) == 1
    assert amlc("validate", "--profile", "nothing", name) == 1
    assert "error[P0313]: there is no profile `nothing`" in amlc.out


def test_a_warning_is_said_once_for_all_profiles(amlc: Amlc) -> None:
    text = WARNED + "profiles: {a: {params: {n: 2}}, b: {params: {n: 3}}}\n"
    assert amlc("validate", "--format", "concise", amlc.file("warned.yml", text)) == 0
    assert amlc.out.count("P0121") == 1


def ir_of(amlc: Amlc, *arguments: str) -> str:
    assert amlc("compile", "--emit", "ir", *arguments) == 0, amlc.out + amlc.err
    return amlc.out


def test_params_file(amlc: Amlc) -> None:
    name = amlc.file("good.yml", GOOD)
    params = amlc.file("params.yml", "n: 7\n")
    assert "'echo 7'" in ir_of(amlc, "--params", params, name)
    assert "'echo 8'" in ir_of(amlc, "--params", params, "--set", "n=8", name)
    amlc.file("params.yml", "n: many\nm: 1\n")
    assert amlc("validate", "--format", "concise", "--params", params, name) == 1
    assert amlc.out.splitlines() == [
        "params.yml:1:4: error[P0311] param `n` wants an integer, not the text `many`",
        "params.yml:2:1: error[P0312] there is no param `m` to set",
    ]


@pytest.mark.parametrize("text", ["- n\n", "n: [\n", ""])
def test_params_file_that_is_no_map(text: str, amlc: Amlc) -> None:
    assert amlc("validate", "--params", amlc.file("params.yml", text), amlc.file("good.yml", GOOD)) == 2
    assert "params.yml:1:" in amlc.err


def test_set_over_profile(amlc: Amlc) -> None:
    name = amlc.file("profiled.yml", PROFILED)
    assert "'echo 2'" in ir_of(amlc, "--profile", "azure", name)
    assert "'echo 9'" in ir_of(amlc, "--profile", "azure", "--set", "n=9", name)


def test_schema(amlc: Amlc) -> None:
    assert amlc("schema") == 0
    assert json.loads(amlc.out)["title"] == "Pipeline spec"


# ---------------------------------------------------------------------------------------------------- compile, import


def test_compile_and_check(amlc: Amlc) -> None:
    name = amlc.file("good.yml", GOOD)
    assert amlc("compile", name, "--output", "build") == 0
    assert amlc.out.startswith("good.yml → build/good/job.yml and ")
    assert amlc("compile", "--check", name, "-o", "build") == 0
    assert amlc.out == "build/good is up to date\n"
    amlc.file("good.yml", GOOD.replace("n: 1", "n: 2"))
    assert amlc("compile", "--check", name, "-o", "build") == 1
    assert "build/good is out of date with good.yml" in amlc.out
    assert amlc("compile", amlc.file("wrong.yml", WRONG), "--output", "other") == 1
    assert not (amlc.folder / "other").exists()


def test_compile_under_a_profile(amlc: Amlc) -> None:
    name = amlc.file("profiled.yml", PROFILED)
    assert amlc("compile", name, "--profile", "azure", "-o", "build") == 0
    assert "under profile azure" in amlc.out
    assert (amlc.folder / "build" / "good@azure" / "job.yml").is_file()
    manifest = json.loads((amlc.folder / "build" / "good@azure" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["profile"] == "azure"


def test_import_does_not_overwrite(amlc: Amlc) -> None:
    amlc.file("good.yml", GOOD)
    assert amlc("compile", "good.yml", "-o", "build") == 0
    assert amlc("import", "build/good/job.yml", "-o", "back.yml") == 0
    assert amlc("validate", "back.yml") == 0
    assert amlc("import", "build/good/job.yml", "-o", "back.yml") == 2
    assert "`back.yml` is there already" in amlc.err
    assert amlc("import", "build/good/job.yml", "-o", "back.yml", "--force") == 0


# ------------------------------------------------------------------------------------------------------------- imports


def loaded(code: str) -> set[str]:
    """The modules that are loaded after a piece of code ran in an interpreter of its own."""
    code += "\nprint('modules:', *sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rsplit("modules:", 1)[1].split())


def test_version_loads_nothing() -> None:
    modules = loaded("import sys; sys.argv[1:] = ['--version']; from compiler.__main__ import main; main()")
    assert modules.isdisjoint({"yaml", "argparse", "jinja2", "json"})
    done = subprocess.run([sys.executable, "-m", "compiler", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"amlc {VERSION}\n")


def test_validate_loads_little() -> None:
    spec = "specs/video_anomaly/train.yml"
    modules = loaded(f"import sys; from compiler.cli import run; assert run(['validate', '{spec}']) == 0")
    assert modules.isdisjoint({"jsonschema", "mlflow", "torch", "azure", "numpy", "rich", "scipy"})
