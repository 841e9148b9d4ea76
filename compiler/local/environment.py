"""What a process finds in its environment variables, and which Python it finds on its path."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping

from compiler.local.command import Value

# What belongs to one job: a run that was itself started by a job, here or on the service, must not pass it on.
_OF_A_JOB = ("AZUREML_PARAMETER_", "AZUREML_SWEEP_", "AZURE_ML_INPUT_", "AZURE_ML_OUTPUT_")
_OF_A_RUN = {"MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "AZUREML_RUN_ID"}
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def description() -> str:
    """Which environment the steps get, in a line."""
    return f"Python {platform.python_version()} of {sys.prefix}; the steps' own environments are not built here"


def cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """The run's own environment as its steps get it, with this interpreter first on the path."""
    kept = {name: value for name, value in environ.items() if name not in _OF_A_RUN and not name.startswith(_OF_A_JOB)}
    here = os.path.dirname(sys.executable)
    kept["PATH"] = f"{here}{os.pathsep}{kept['PATH']}" if kept.get("PATH") else f"{here}:/usr/bin:/bin"
    kept.setdefault("PYTHONUNBUFFERED", "1")  # or the last lines of a killed step never reach its log
    return kept


def process_variables(
    base: Mapping[str, str],
    values: Iterable[Value],
    threads: int,
    tracking: Mapping[str, str],
    own: Mapping[str, str],
) -> dict[str, str]:
    """The environment of one process. ``own`` is what the step sets itself, and stands above all else.

    ``threads``: side by side, numeric libraries that each take every core are slower than one after the other.
    """
    variables = dict(base)
    for name in _THREADS:
        variables.setdefault(name, str(threads))
    variables.update((value.variable, value.text) for value in values)
    variables.update(tracking)
    if "MLFLOW_RUN_ID" in tracking:
        variables["AZUREML_RUN_ID"] = tracking["MLFLOW_RUN_ID"]
    variables.update(own)
    return variables
