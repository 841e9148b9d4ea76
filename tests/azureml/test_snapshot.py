"""Which files belong to a component's code: azure-ai-ml's rules, and what amlc leaves out besides."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from compiler.azureml.snapshot import Snapshots, ignore_rules
from compiler.ir.model import LocalPath


def tree(folder: Path, *names: str) -> LocalPath:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return LocalPath(str(folder))


def test_caches_and_builds_are_left_out(tmp_path: Path) -> None:
    code = tree(tmp_path, "a.py", "sub/b.py", "__pycache__/a.pyc", "x.pyc", ".git/HEAD", ".amlc/x", "out/job.yml")
    tree(tmp_path, "out/manifest.json", "own/c.py")
    assert list(Snapshots(str(tmp_path / "own")).take(code).files) == ["a.py", "sub/b.py"]


def test_the_hash_follows_names_and_contents(tmp_path: Path) -> None:
    code = tree(tmp_path / "one", "a.py", "b.py")
    same = tree(tmp_path / "two", "b.py", "a.py")
    first = Snapshots().take(code)
    assert first.sha256 == Snapshots().take(same).sha256
    (tmp_path / "two" / "a.py").write_text("changed")
    assert first.sha256 != Snapshots().take(same).sha256
    os.rename(tmp_path / "one" / "a.py", tmp_path / "one" / "c.py")
    assert first.sha256 != Snapshots().take(code).sha256


def test_one_file_and_includes(tmp_path: Path) -> None:
    tree(tmp_path, "src/a.py", "shared/lib.py", "shared/.amlignore", "more.py")
    (tmp_path / "shared" / ".amlignore").write_text("*.txt\n")
    file = LocalPath(str(tmp_path / "src" / "a.py"))
    includes = (LocalPath(str(tmp_path / "shared")), LocalPath(str(tmp_path / "more.py")))
    assert list(Snapshots().take(file).files) == ["a.py"]
    assert list(Snapshots().take(file, includes).files) == ["a.py", "more.py", "shared/.amlignore", "shared/lib.py"]


def test_a_link_that_leads_back_ends(tmp_path: Path) -> None:
    code = tree(tmp_path / "code", "a.py", "sub/b.py")
    (tmp_path / "code" / "sub" / "up").symlink_to(tmp_path / "code")
    tree(tmp_path / "elsewhere", "c.py")
    (tmp_path / "code" / "other").symlink_to(tmp_path / "elsewhere")
    assert list(Snapshots().take(code).files) == ["a.py", "other/c.py", "sub/b.py"]


RULES = [
    "# comment",
    "*.csv",
    "!keep.csv",
    "/top.txt",
    "build/",
    "docs/*.md",
    "**/deep/*.log",
    "a/**/z",
    "[ab].dat",
    "[!c].bin",
    "q?.x",
    "\\#odd",
    "trailing.txt   ",
    "dir",
]
NAMES = [
    "x.csv",
    "keep.csv",
    "sub/x.csv",
    "sub/keep.csv",
    "top.txt",
    "sub/top.txt",
    "build/x",
    "sub/build/x",
    "build2/x",
    "docs/a.md",
    "docs/sub/a.md",
    "deep/a.log",
    "x/deep/a.log",
    "x/deep/y/a.log",
    "a/z",
    "a/b/z",
    "a/b/c/z",
    "a/y",
    "a.dat",
    "b.dat",
    "c.dat",
    "sub/a.dat",
    "a.bin",
    "c.bin",
    "q1.x",
    "q12.x",
    "#odd",
    "trailing.txt",
    "dir",
    "sub/dir/file",
    "plain.py",
    ".amlignore",
]


def test_ignore_rules_are_those_of_azure_ai_ml(tmp_path: Path) -> None:
    assets = pytest.importorskip("azure.ai.ml._utils._asset_utils")
    (tmp_path / ".amlignore").write_text("\n".join(RULES))
    ours, theirs = ignore_rules(str(tmp_path)), assets.get_ignore_file(tmp_path)
    differ = [name for name in NAMES if ours(name) != theirs.is_file_excluded(tmp_path / name)]
    assert differ == []


def test_amlignore_wins_over_gitignore(tmp_path: Path) -> None:
    code = tree(tmp_path, "a.py", "b.txt", "c.md")
    (tmp_path / ".gitignore").write_text("*.txt\n")
    assert list(Snapshots().take(code).files) == [".gitignore", "a.py", "c.md"]
    (tmp_path / ".amlignore").write_text("*.md\n")
    assert list(Snapshots().take(code).files) == [".amlignore", ".gitignore", "a.py", "b.txt"]
