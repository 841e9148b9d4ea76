"""Values reach a command as the shell's variables do, and never as its text. Real bash decides."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from compiler.local.command import input_path, output_path, parameter, readable, shell_text, swept, text_of

# each of these means something to a shell
VALUES = [
    "plain",
    "two words",
    "  spaces  round  ",
    "",
    "it's",
    'say "hi"',
    "'; touch hacked; '",
    '"; touch hacked; "',
    "$(touch hacked)",
    "`touch hacked`",
    "${HOME}",
    "$HOME",
    "a\nb",
    "a\n touch hacked \n",
    "*",
    "?.txt",
    "[ab].txt",
    "\\",
    "a\\",
    "a\\nb",
    "-n",
    "a;b|c&d>e<f",
    "# no comment",
    "~",
    "{a,b}",
    "!!",
    "ü→🙂",
    "0, 1, 2",
]
SHOW = f"{sys.executable} -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "


def arguments(command: str, folder: Path, **values: str) -> list[str]:
    """What a program gets that a command calls, run in a folder with the files a.txt and b.txt."""
    for name in ("a.txt", "b.txt"):
        (folder / name).touch()
    inputs = {name: parameter(name, text) for name, text in values.items()}
    text = shell_text(SHOW + command, inputs, {})
    variables = {value.variable: value.text for value in inputs.values()}
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/home/nobody", **variables},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert not (folder / "hacked").exists()
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("value", VALUES)
def test_inside_quotes_a_value_is_one_word(tmp_path: Path, value: str) -> None:
    command = "'${{inputs.x}}' \"${{inputs.x}}\" '<${{inputs.x}}>' \"<${{ inputs.x }}>\" 'a'\"'\"'${{inputs.x}}'"
    assert arguments(command, tmp_path, x=value) == [value, value, f"<{value}>", f"<{value}>", f"a'{value}"]


@pytest.mark.parametrize("value", VALUES)
def test_outside_quotes_a_value_splits_and_globs_like_a_variable(tmp_path: Path, value: str) -> None:
    found = arguments("${{inputs.x}}", tmp_path, x=value)
    files = {"*": ["a.txt", "b.txt"], "?.txt": ["a.txt", "b.txt"], "[ab].txt": ["a.txt", "b.txt"]}
    assert found == files.get(value, value.split())


def test_two_values_beside_each_other(tmp_path: Path) -> None:
    assert arguments("'${{inputs.x}}${{inputs.y}}'/${{inputs.y}}", tmp_path, x="a b", y="c") == ["a bc/c"]


def test_an_optional_part_is_there_exactly_when_its_inputs_have_values(tmp_path: Path) -> None:
    command = "$[[--x '${{inputs.x}}']] $[[--y ${{inputs.y}} ${{inputs.x}}]] end"
    assert arguments(command, tmp_path, x="", y="1") == ["--x", "", "--y", "1", "end"]
    assert arguments(command, tmp_path, x="1") == ["--x", "1", "end"]
    assert arguments(command, tmp_path) == ["end"]


def test_an_input_without_a_value_outside_of_an_optional_part_is_nothing(tmp_path: Path) -> None:
    assert arguments("a${{inputs.x}} '${{inputs.x}}'", tmp_path) == ["a", ""]


def test_paths_are_one_word_even_unquoted() -> None:
    inputs, outputs = {"d": input_path("d", "/my data/*")}, {"o": output_path("o", "/my out")}
    command = "printf '<%s>' ${{inputs.d}} ${{outputs.o}}/x '${{inputs.d}}' \"${{outputs.o}}\""
    text = shell_text(command, inputs, outputs)
    variables = {value.variable: value.text for value in (*inputs.values(), *outputs.values())}
    shown = subprocess.run(["bash", "-c", text], env=variables, stdout=subprocess.PIPE, check=True).stdout
    assert shown == b"</my data/*></my out/x></my data/*></my out>"
    assert variables == {"AZURE_ML_INPUT_d": "/my data/*", "AZURE_ML_OUTPUT_o": "/my out"}


def test_a_value_in_a_script_given_on_the_command_line(tmp_path: Path) -> None:
    command = f"$({sys.executable} -c \"print('${{{{inputs.x}}}}' * 2)\")"
    assert arguments(command, tmp_path, x="ab") == ["abab"]


def test_what_a_sweep_samples_has_a_variable_of_its_own() -> None:
    values = {"lr": swept("lr", "0.1")}
    assert (
        shell_text("t --lr ${{inputs.lr}} ${{search_space.lr}}", values, {})
        == "t --lr ${AZUREML_SWEEP_lr} ${AZUREML_SWEEP_lr}"
    )


def test_a_binding_of_nobodys_stays_as_it_is() -> None:
    assert shell_text("a ${{outputs.o}} ${{what}}", {}, {}) == "a ${{outputs.o}} ${{what}}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "True"),
        (False, "False"),
        (3, "3"),
        (1e-5, "1e-05"),
        (0.1, "0.1"),
        (1.0, "1.0"),
        ("no", "no"),
        ({"kind": "svm", "c": 0.5}, '{"kind": "svm", "c": 0.5}'),
    ],
)
def test_the_text_of_a_literal(value: object, text: str) -> None:
    assert text_of(value) == text  # type: ignore[arg-type]


def test_the_command_for_a_person_shows_values_and_hides_secrets() -> None:
    values = {
        name: parameter(name, text) for name, text in {"lr": "0.1", "api_key": "k-123", "max_tokens": "5"}.items()
    }
    command = "t --lr ${{inputs.lr}} --key '${{inputs.api_key}}' -n ${{inputs.max_tokens}} $[[--b ${{inputs.b}}]]"
    assert readable(command, values, {}) == "t --lr 0.1 --key '***' -n 5 "
