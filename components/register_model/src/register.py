"""Registers a model only when it is better than the one in use.

In use, or deployed, is the newest version of `prednet_<dataset>` that carries the tag deployed=true. An alias would
be the natural mark, but the model registry of Azure ML has none behind MLflow's interface; tags work on both sides.

Losing is no failure: the pipeline has done its work, and registration.json tells why nothing changed.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from candidate import Candidate, CandidateError, as_number, read_candidate

DEPLOYED = "deployed"
ARTIFACT_FOLDER = "model"


@dataclass(frozen=True)
class Registration:
    """The content of registration.json."""

    registered: bool
    reason: str
    name: str
    version: int | None
    """The new version, if there is one."""
    run_id: str
    val_loss: float | None
    """None stands for a loss that is not a number, which JSON cannot write."""
    deployed_version: int | None
    """The version that was deployed before, against which the model was compared."""
    deployed_val_loss: float | None


def deployed_versions(client: MlflowClient, name: str) -> list[ModelVersion]:
    """The versions that carry the tag, the newest and therefore deployed one first.

    There is more than one only between registering a version and taking the tag from the one before it.
    """
    versions = client.search_model_versions(f"name='{name}'")
    tagged = [version for version in versions if version.tags.get(DEPLOYED) == "true"]
    return sorted(tagged, key=lambda version: int(version.version), reverse=True)


def verdict(val_loss: float, deployed: ModelVersion | None) -> tuple[bool, str]:
    """Whether a model with this loss is to be registered, and why or why not."""
    if not math.isfinite(val_loss):
        return False, f"its val_loss is {val_loss}, which is better than nothing"
    if deployed is None:
        return True, "no version is deployed yet"
    current = as_number(deployed.tags.get("val_loss"))
    if math.isnan(current):
        return True, f"the deployed version {deployed.version} has no val_loss that is a number"
    if val_loss < current:
        return True, f"its val_loss {val_loss} is smaller than {current} of the deployed version {deployed.version}"
    return False, f"its val_loss {val_loss} is not smaller than {current} of the deployed version {deployed.version}"


def register(name: str, dataset: str, candidate: Candidate, run_id: str) -> int:
    """Make the new, deployed version out of the model's files and return its number.

    The files become artifacts of this step's own run, since Azure ML registers only what belongs to a run of the
    same workspace; the trial that trained them stands in the tag run_id.
    """
    mlflow.log_artifacts(str(candidate.folder), ARTIFACT_FOLDER)
    tags = {"run_id": candidate.run_id, "val_loss": repr(candidate.val_loss), "dataset": dataset, DEPLOYED: "true"}
    # With the tag from the first moment: if this step dies here, the newest tagged version is still the right one.
    version = mlflow.register_model(f"runs:/{run_id}/{ARTIFACT_FOLDER}", name, tags=tags)
    return int(version.version)


def retire(client: MlflowClient, versions: Sequence[ModelVersion]) -> None:
    """Take the tag from versions that are no longer deployed."""
    for version in versions:
        client.delete_model_version_tag(version.name, version.version, DEPLOYED)


def compare_and_register(dataset: str, candidate: Candidate, run_id: str) -> Registration:
    """Register the candidate if it wins, and say what was decided."""
    client = MlflowClient()
    name = f"prednet_{dataset}"
    before = deployed_versions(client, name)
    deployed = before[0] if before else None
    wins, reason = verdict(candidate.val_loss, deployed)
    version = register(name, dataset, candidate, run_id) if wins else None
    if wins:
        retire(client, before)
    return Registration(
        registered=wins,
        reason=reason,
        name=name,
        version=version,
        run_id=candidate.run_id,
        val_loss=_or_none(candidate.val_loss),
        deployed_version=int(deployed.version) if deployed else None,
        deployed_val_loss=_or_none(as_number(deployed.tags.get("val_loss"))) if deployed else None,
    )


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the step; 0 when a decision was reached, whichever it is."""
    parser = argparse.ArgumentParser(description="Register a trained model if it is better than the deployed one.")
    parser.add_argument("--model", type=Path, required=True, help="folder that the training wrote")
    parser.add_argument("--dataset", required=True, help="which camera; names the registered model")
    parser.add_argument("--registered", type=Path, required=True, help="folder to write registration.json to")
    options = parser.parse_args(arguments)
    try:
        candidate = read_candidate(options.model)
        with mlflow.start_run() as run:
            result = compare_and_register(options.dataset, candidate, run.info.run_id)
            mlflow.set_tag("registered", str(result.registered).lower())
        options.registered.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(result), indent=2) + "\n"
        (options.registered / "registration.json").write_text(text, encoding="utf-8")
    except (CandidateError, MlflowException, OSError) as error:
        print(f"register_model: {error}", file=sys.stderr)
        return 1
    what = f"registered as version {result.version}" if result.registered else "not registered"
    print(f"{result.name} {what}: {result.reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
