"""How fast amlc compiles, as ratios against floors and peers measured in the same run.

    python benchmarks/compile.py [--quick]

Whole processes are run interleaved, so that a busy machine slows all of them alike, and medians are compared.
Every row prints its measured ratio and the bound it has to keep; the exit code is 1 when one is broken.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEC = "specs/video_anomaly/train.yml"
LOAD_AND_VALIDATE = "import sys; from azure.ai.ml import load_job; load_job(sys.argv[1])._validate()"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    rounds = 5 if parser.parse_args().quick else 15
    os.chdir(ROOT)
    compile_bytecode()
    rows: list[tuple[str, float, str, float]] = []
    with tempfile.TemporaryDirectory() as work:
        rows += whole_processes(rounds, work)
        rows += in_process(work, max(3, rounds // 3))
    broken = 0
    for what, ratio, sign, bound in rows:
        kept = ratio <= bound if sign == "at most" else ratio >= bound
        broken += not kept
        print(f"{what:<72} {ratio:8.1f}x   {sign} {bound:g}x   {'ok' if kept else 'BROKEN'}")
    return 1 if broken else 0


def compile_bytecode() -> None:
    """As pip leaves an installed package: without bytecode every start would compile the sources again."""
    subprocess.run([sys.executable, "-m", "compileall", "-q", "compiler"], check=True)


# ------------------------------------------------------------------------------------------------- whole processes


def whole_processes(rounds: int, work: str) -> list[tuple[str, float, str, float]]:
    """`amlc validate` and `amlc --version` beside an empty interpreter and azure-ai-ml."""
    subprocess.run([*amlc(), "compile", SPEC, "--output", work], check=True, capture_output=True)
    job = next(Path(work).glob("*/job.yml"))
    commands = {
        "pass": [sys.executable, "-c", "pass"],
        "version": [*amlc(), "--version"],
        "validate": [*amlc(), "validate", SPEC],
        "azure": [sys.executable, "-c", LOAD_AND_VALIDATE, str(job)],
    }
    times = interleaved({name: process(command) for name, command in commands.items()}, rounds, rare={"azure"})
    show(times)
    return [
        (
            "azure-ai-ml load + validate / amlc validate, whole process",
            times["azure"] / times["validate"],
            "at least",
            8,
        ),
        ("amlc validate / python -c pass", times["validate"] / times["pass"], "at most", 10),
        ("amlc --version / python -c pass", times["version"] / times["pass"], "at most", 4),
    ]


def amlc() -> list[str]:
    script = Path(sys.executable).parent / "amlc"
    return [str(script)] if script.exists() else [sys.executable, "-m", "compiler"]


def process(command: Sequence[str]) -> Callable[[], None]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

    def run() -> None:
        subprocess.run(command, capture_output=True, check=True, env=environment)

    return run


def interleaved(runs: dict[str, Callable[[], None]], rounds: int, rare: set[str]) -> dict[str, float]:
    """Median seconds of each, one of each per round; the slow ``rare`` ones only every third round."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()  # once to warm the page cache
    for number in range(rounds):
        for name, run in runs.items():
            if name in rare and number % 3:
                continue
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in times.items()}


def show(times: dict[str, float]) -> None:
    print("   ".join(f"{name} {seconds * 1000:.1f} ms" for name, seconds in times.items()))


# ----------------------------------------------------------------------------------------------------- in process


def chain(steps: int) -> str:
    """A chain of command steps, about 0.5 KB each: every one reads the output of the one before."""
    text = [
        "name: chain",
        "experiment_name: chain",
        "environments:",
        "  base: {image: 'docker.io/library/python:3.11'}",
    ]
    text += ["compute:", "  cpu: {type: amlcompute, size: Standard_D2_v2, max_instances: 4}"]
    text += ["inputs:", "  raw: {type: uri_folder, path: 'azureml://datastores/main/paths/raw'}"]
    text += ["defaults: {compute: cpu, environment: base}", "steps:"]
    for number in range(steps):
        source = "inputs.raw" if number == 0 else f"steps.step_{number - 1:05}.outputs.result"
        text += [
            f"  step_{number:05}:",
            "    description: One of many steps that hand a folder on to the next, as long pipelines do",
            "    command: >-",
            "      python step.py --data '${{inputs.data}}' --rate ${{inputs.rate}} --name '${{inputs.name}}'",
            "      --result '${{outputs.result}}'",
            "    inputs:",
            f"      data: ${{{{{source}}}}}",
            "      rate: 0.001",
            "      name: a step of the chain",
            "    outputs:",
            "      result: {type: uri_folder}",
            "    environment_variables: {OMP_NUM_THREADS: '1'}",
            "    tags: {part: chain, owner: benchmarks}",
            "    limits: {timeout: 3600}",
        ]
    return "\n".join(text) + "\n"


def in_process(work: str, rounds: int) -> list[tuple[str, float, str, float]]:
    """A generated chain: validated beside libyaml composing the same bytes, emitted beside azure-ai-ml, and grown."""
    import yaml

    from compiler.api import Bag, Options, compile_pipeline, load

    paths = {}
    for count in (1_000, 10_000):
        paths[count] = os.path.join(work, f"chain_{count}.yml")
        Path(paths[count]).write_text(chain(count), encoding="utf-8")
    text = Path(paths[1_000]).read_text(encoding="utf-8")
    build = os.path.join(work, "chain_build")

    def validate(path: str) -> None:
        bag = Bag()
        load(path, Options(), bag)
        if bag.has_errors:
            raise SystemExit(f"the generated chain is wrong: {bag.sorted()[0].message}")

    def emit() -> None:
        shutil.rmtree(build, ignore_errors=True)
        bag = Bag()
        compile_pipeline(paths[1_000], Options(), build, bag)

    compose = best(lambda: yaml.compose(text, Loader=yaml.CSafeLoader), rounds)
    one = best(lambda: validate(paths[1_000]), rounds)
    ten = best(lambda: validate(paths[10_000]), max(2, rounds // 2))
    emitted = best(emit, rounds)
    components = len(list(Path(build).glob("*/components/*.yml")))
    print(
        f"1,000 steps ({len(text) / 1e6:.2f} MB): compose {compose * 1000:.0f} ms   validate {one * 1000:.0f} ms   ",
        end="",
    )
    print(
        f"emit {emitted * 1000:.0f} ms into {components} component file(s)   10,000 steps: validate {ten * 1000:.0f} ms"
    )
    azure = azure_seconds(str(next(Path(build).glob("*/job.yml"))))
    print(f"azure-ai-ml: load + validate + to REST of the same job {azure:.1f} s")
    return [
        ("1,000 steps validated / libyaml composing the same bytes", one / compose, "at most", 6),
        ("azure-ai-ml on the same 1,000 steps / amlc validate + emit", azure / emitted, "at least", 25),
        ("10,000 steps validated / 1,000 steps validated", ten / one, "at most", 12),
    ]


def best(run: Callable[[], object], rounds: int) -> float:
    """The median of a few runs in seconds, garbage collected between them."""
    times = []
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def azure_seconds(job: str) -> float:
    """What azure-ai-ml itself takes for the job, its import not counted, in a process of its own."""
    script = (
        "import sys, time, logging; logging.disable(50); from azure.ai.ml import load_job; t = time.perf_counter();"
        "job = load_job(sys.argv[1]); job._validate(); job._to_rest_object(); print(time.perf_counter() - t)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, job], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    sys.exit(main())
