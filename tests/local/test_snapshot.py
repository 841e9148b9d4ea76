"""A step's process gets a private copy of the code as it was when the run began."""

from __future__ import annotations

from pathlib import Path

from compiler.ir.model import Component, LocalPath, OutputRef, Step

from .harness import data, go, pipeline, step


def test_a_step_may_do_what_it_likes_to_its_code(tmp_path: Path, code: Path) -> None:
    (code / "x.txt").write_text("as it was\n")
    a = step("a", "echo changed > x.txt; touch new; pwd > ${{outputs.o}}", outputs={"o": "uri_file"}, code=code)
    b = step("b", "cat x.txt; ls", {"a": OutputRef("a", "o")}, code=code)
    outcome = go(tmp_path, pipeline(a, b))
    assert outcome.log("b") == "as it was\nlog.py\nx.txt\n"
    assert (code / "x.txt").read_text() == "as it was\n" and not (code / "new").exists()
    assert not Path(outcome.output("a", "o").read_text().strip()).exists()


def test_code_edited_during_a_run_does_not_count(tmp_path: Path, code: Path) -> None:
    (code / "x.txt").write_text("first")
    edit = step("a", "echo second > ${{inputs.c}}/x.txt", {"c": data(code)}, {"o": "uri_folder"})
    b = step("b", "cat x.txt", {"a": OutputRef("a", "o")}, code=code)
    assert go(tmp_path, pipeline(edit, b)).log("b") == "first"
    assert go(tmp_path, pipeline(step("b", "cat x.txt", code=code))).log("b") == "second\n"


def test_ignored_files_stay_behind_and_links_are_followed(tmp_path: Path, code: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "s.py").touch()
    (code / "shared").symlink_to(tmp_path / "shared")
    (code / ".amlignore").write_text("*.csv\n")
    (code / "big.csv").touch()
    outcome = go(tmp_path, pipeline(step("a", "find . -type f | sort", code=code)))
    assert outcome.log("a").split() == ["./.amlignore", "./log.py", "./shared/s.py"]


def test_a_file_as_code_and_additional_includes(tmp_path: Path, code: Path) -> None:
    (tmp_path / "one.py").touch()
    includes = (LocalPath(str(code)), LocalPath(str(tmp_path / "one.py")))
    whole = Component("command", command="find . -type f | sort", additional_includes=includes)
    single = Component("command", command="ls", code=LocalPath(str(tmp_path / "one.py")))
    outcome = go(tmp_path, pipeline(Step("a", whole), Step("b", single)))
    assert outcome.log("a").split() == ["./code/log.py", "./one.py"] and outcome.log("b") == "one.py\n"


def test_equal_code_is_frozen_once_for_all_runs(tmp_path: Path, code: Path) -> None:
    for _ in range(2):
        go(tmp_path, pipeline(step("a", "true", code=code), step("b", "true", code=code)))
    assert len(list((tmp_path / ".amlc" / "code").iterdir())) == 1


def test_code_that_cannot_be_copied_is_said_before_anything_starts(tmp_path: Path, code: Path) -> None:
    (code / "broken").symlink_to("nowhere")
    outcome = go(tmp_path, pipeline(step("a", "true", code=code)))
    assert outcome.codes == ["P0421"] and outcome.result.status == "refused"


def test_making_a_file_executable_is_a_change(tmp_path: Path, code: Path) -> None:
    script = code / "run.sh"
    script.write_text("#!/bin/sh\necho ran\n")
    assert go(tmp_path, pipeline(step("a", "./run.sh", code=code))).result.status == "failed"
    script.chmod(0o755)
    assert go(tmp_path, pipeline(step("a", "./run.sh", code=code))).log("a") == "ran\n"
