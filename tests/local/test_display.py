"""What is printed: lines that a log can keep, a table in a terminal, and nothing that a terminal would act on."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from compiler.diagnostics.model import Bag
from compiler.ir.model import OutputRef, SweepLimits
from compiler.local.display import Display, seconds_text, tail
from compiler.local.model import RunOptions
from compiler.local.run import run

from .harness import choice, go, pipeline, step, sweep_of


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"", []),
        (b"one\ntwo", ["one", "two"]),
        (b"10%\r50%\r100%\ndone\n", ["100%", "done"]),
        (b"\x1b[31mred\x1b[0m \x1b]0;title\x07\x07bell\n", ["red bell"]),
        (b"\xff\xfe\n", ["\ufffd\ufffd"]),
        (b"\r\n\n\nx\r\n", ["x"]),
        (b"\n".join(b"%d" % number for number in range(100)), [str(number) for number in range(80, 100)]),
        (b"a" * 1000, ["a" * 400 + " …"]),
    ],
)
def test_the_tail_of_a_log_is_fit_for_a_terminal(tmp_path: Path, text: bytes, lines: list[str]) -> None:
    (tmp_path / "log").write_bytes(text)
    assert tail(tmp_path / "log") == lines


def test_the_tail_of_a_huge_or_missing_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * 10_000_000 + b"\nend\n")
    assert tail(tmp_path / "log")[-1] == "end" and tail(tmp_path / "none") == []


def test_durations() -> None:
    assert [seconds_text(value) for value in (0.04, 59.94, 60, 725, 7241)] == [
        "0.0 s",
        "59.9 s",
        "1:00",
        "12:05",
        "2:00:41",
    ]


def demo(code: Path) -> object:
    sweep = sweep_of(x=choice("3", "1", "2"), limits=SweepLimits(max_concurrent_trials=1))
    steps = [
        step("prep", "true", outputs={"o": "uri_folder"}),
        step("train", "python log.py loss ${{inputs.x}}", code=code, sweep=sweep),
        step("bad", "echo why; exit 3"),
        step("after", "true", {"i": OutputRef("bad", "o")}),
    ]
    return pipeline(*steps, outputs={"prepared": "prep.o"})


def test_one_line_per_event(tracked: Path, code: Path) -> None:
    outcome = go(tracked, demo(code), jobs=1)  # type: ignore[arg-type]
    text = re.sub(r"\d\d:\d\d |in [\d.]+ s|\d{8}-\S+|/\S*/", "…", outcome.text)
    assert text.splitlines()[0] == "run … of demo: 4 steps, 1 at a time"
    for line in (
        "…prep started",
        "…prep completed …",
        "…train started: 3 trials, 1 at a time, grid sampling",
        "…train trial 0 completed …, loss 3, the best so far",
        "…train trial 1 completed …, loss 1, the best so far",
        "…train trial 2 completed …, loss 2",
        "…train completed …, trial 1 is the best",
        "bad failed: exit code 3",
        "  command: echo why; exit 3",
        "  | why",
        "…after skipped: `bad` failed",
        "failed …: 2 completed, 1 failed, 1 skipped",
        "  output prepared: …o",
    ):
        assert line in text.splitlines(), line
    assert "\x1b" not in outcome.text and "\r" not in outcome.text


def test_quiet_says_only_what_went_wrong(tracked: Path, code: Path) -> None:
    text = go(tracked, demo(code), quiet=True).text  # type: ignore[arg-type]
    assert text.startswith("bad failed: exit code 3\n") and "prep" not in text and "completed" not in text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("color", [True, False])
def test_a_terminal_gets_a_table(tracked: Path, code: Path, color: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    out = Terminal()
    run(demo(code), RunOptions(tracked, jobs=1, color=color), Bag(), out)  # type: ignore[arg-type]
    raw = out.getvalue()
    assert ("\x1b[32m" in raw) is color
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", raw).split("4/4 steps")[-1]
    rows = [" ".join(line.split()) for line in last.splitlines()]
    assert any(re.match(r"✓ train completed [\d.]+ s 3/3 trials, best loss 1 \(trial 1\)", row) for row in rows)
    assert any(re.match(r"✗ bad failed [\d.]+ s exit code 3", row) for row in rows)
    assert any(row.startswith("- after skipped") for row in rows)
    assert any(row.startswith("failed in") for row in rows)


def test_a_terminal_too_low_for_all_steps_shows_what_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("LINES", "12")
    out = Terminal()
    steps = [step(f"s{number:02d}", "true" if number != 29 else "exit 1") for number in range(30)]
    run(pipeline(*steps), RunOptions(tmp_path, track=False), Bag(), out)
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue()).split("30/30 steps")[-1]
    assert "s29" in last and "and 22 more" in last


def test_an_output_that_cannot_take_a_character_gets_a_question_mark() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    Display(out).note("größer → \udcff")
    assert raw.getvalue().decode("ascii").endswith("gr??er ? ?\n")


def test_nobody_listening_does_not_stop_a_run(tmp_path: Path) -> None:
    class Closed(io.StringIO):
        encoding = "utf-8"

        def write(self, text: str) -> int:
            raise BrokenPipeError

    result = run(pipeline(step("a", "true")), RunOptions(tmp_path, track=False), Bag(), Closed())
    assert result.status == "completed"
