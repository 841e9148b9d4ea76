"""What the languages say, as far as the mutations must know it: written down here, not asked of the compiler."""

from __future__ import annotations

from functools import lru_cache


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Mappings whose keys are words of the language, by path; `*` is any name. Elsewhere keys are names, or free.
_PARTS = "resources distribution limits identity queue_settings"
_SWEEP = "objective limits early_termination search_space/* sampling_algorithm"
SPEC = {
    "", "params/*", "environments/*", "environments/*/build", "compute/*", "data/*", "inputs/*", "outputs/*",
    "settings", "defaults", "defaults/resources", "identity", "steps/*", "steps/*/inputs/*", "steps/*/outputs/*",
    "steps/*/environment", "steps/*/services/*", "steps/*/sweep", "schedule", "schedule/trigger",
    "schedule/trigger/schedule", "budget", "profiles/*",
    *(f"steps/*/{part}" for part in _PARTS.split()), *(f"steps/*/sweep/{part}" for part in _SWEEP.split()),
}  # fmt: skip
_COMPONENT = ("", "inputs/*", "outputs/*", "resources", "distribution", "environment", "environment/build")
_NODE = {
    "", "inputs/*", "outputs/*", "environment", "environment/build", "services/*", *_PARTS.split(), *_SWEEP.split(),
    *(f"{where}/{part}".rstrip("/") for where in ("component", "trial") for part in _COMPONENT),
}  # fmt: skip
AZURE = {
    *_COMPONENT, "settings", "identity", "inputs/*", "outputs/*", *(f"jobs/*/{part}".rstrip("/") for part in _NODE),
}  # fmt: skip

# Keys that always hold a scalar, keys that always hold a mapping, where the mapping they stand in has words.
SCALARS = words(
    "name display_name description experiment_name component command code goal primary_metric type image mode size "
    "path default_compute default_datastore frequency trial dockerfile_path instance_type"
)
MAPPINGS = words(
    "inputs outputs environments settings defaults steps jobs schedule trigger sweep search_space objective limits "
    "early_termination resources distribution params profiles"
)
NUMBERS = words(
    "max_total_trials max_concurrent_trials timeout trial_timeout max_instances min_instances interval "
    "idle_time_before_scale_down evaluation_interval delay_evaluation slack_factor slack_amount upper "
    "truncation_percentage min_value max_value q mu sigma instance_count process_count_per_instance "
    "worker_count parameter_server_count mini_batch_error_threshold max_concurrency_per_instance"
)
ENUMS = words("goal sampling_algorithm frequency tier type mode")
REQUIRED = {
    "": {"name"},
    "environments/*/build": {"path"},
    "data/*": {"type"},
    "steps/*": {"component"},
    "steps/*/distribution": {"type"},
    "steps/*/sweep": {"search_space", "objective", "limits", "sampling_algorithm"},
    "steps/*/sweep/objective": {"goal", "primary_metric"},
    "steps/*/sweep/limits": {"max_total_trials"},
    "steps/*/sweep/early_termination": {"type"},
    "steps/*/sweep/search_space/*": {"type", "values", "min_value", "max_value", "q", "mu", "sigma", "upper"},
    "schedule": {"trigger"},
    "schedule/trigger": {"type", "frequency", "interval", "expression"},
}
REQUIRED_AZURE = {
    "inputs/*": {"type"},
    "outputs/*": {"type"},
    "jobs/*/objective": {"goal", "primary_metric"},
    "jobs/*/search_space/*": {"values", "min_value", "max_value", "q", "mu", "sigma", "upper"},
}
LITERAL = {"integer", "number"}
KNOWN = SCALARS | MAPPINGS | NUMBERS | ENUMS | {"min", "max", "tag", "env", "build"}


def is_words(spec: bool, path: str) -> bool:
    """Whether the keys of the mapping at a path are words of the language."""
    return pattern(spec, path) is not None


@lru_cache(maxsize=10_000)
def pattern(spec: bool, path: str) -> str | None:
    parts = path.split("/") if path else []
    if spec and parts[:1] == ["profiles"] and len(parts) > 2:
        parts = parts[2:]
    for known in SPEC if spec else AZURE:
        wanted = known.split("/") if known else []
        if len(wanted) == len(parts) and all(a in ("*", b) for a, b in zip(wanted, parts, strict=True)):
            return known
    return None
