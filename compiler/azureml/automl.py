"""AutoML nodes: which keys each task takes. What they mean is the service's business.

The data that a task reads (``training_data``, ...) are its inputs, so that the graph has its edges; everything
else is kept as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compiler.azureml.fields import IDENTITY, QUEUE_SETTINGS, RESOURCES, SERVICES, TEXTS
from compiler.azureml.shapes import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    Either,
    ListOf,
    MapOf,
    Record,
    Shape,
    Tagged,
    record,
    word,
)
from compiler.azureml.sweeps import EARLY_TERMINATION, SAMPLING

# Keys that hold data, and become the inputs of the step.
DATA: Final = ("training_data", "validation_data", "test_data")
# Keys that mean the same on every step.
STEP: Final = (
    "outputs", "compute", "display_name", "description", "tags", "properties", "environment_variables"
)  # fmt: skip

_NODE: Final[Mapping[str, Shape]] = {
    "type": ANYTHING,
    "task": ANYTHING,
    "name": TEXT,
    "description": TEXT,
    "tags": TEXTS,
    "services": SERVICES,
    "display_name": TEXT,
    "experiment_name": TEXT,
    "properties": TEXTS,
    "compute": ANYTHING,
    "identity": IDENTITY,
    "environment_id": TEXT,
    "environment_variables": TEXTS,
    "outputs": ANYTHING,
    "resources": RESOURCES,
    "queue_settings": QUEUE_SETTINGS,
    "log_verbosity": word("not_set", "debug", "info", "warning", "error", "critical"),
    "primary_metric": TEXT,
    "target_column_name": TEXT,
    "training_data": ANYTHING,
    "validation_data": ANYTHING,
}
_TABLE: Final[Mapping[str, Shape]] = {
    **_NODE,
    "limits": record(
        enable_early_termination=BOOLEAN,
        exit_score=NUMBER,
        max_concurrent_trials=INTEGER,
        max_cores_per_trial=INTEGER,
        max_nodes=INTEGER,
        max_trials=INTEGER,
        timeout_minutes=INTEGER,
        trial_timeout_minutes=INTEGER,
    ),
    "featurization": record(
        dataset_language=TEXT,
        mode=word("auto", "off", "custom"),
        blocked_transformers=ListOf(TEXT),
        column_name_and_types=TEXTS,
        transformer_params=MapOf(ANYTHING),
        enable_dnn_featurization=BOOLEAN,
    ),
    "training": record(
        enable_dnn_training=BOOLEAN,
        enable_model_explainability=BOOLEAN,
        enable_onnx_compatible_models=BOOLEAN,
        enable_stack_ensemble=BOOLEAN,
        enable_vote_ensemble=BOOLEAN,
        ensemble_model_download_timeout=INTEGER,
        stack_ensemble_settings=MapOf(ANYTHING),
        training_mode=TEXT,
        allowed_training_algorithms=ListOf(TEXT),
        blocked_training_algorithms=ListOf(TEXT),
    ),
    "validation_data_size": NUMBER,
    "cv_split_column_names": ListOf(TEXT),
    "n_cross_validations": ANYTHING,
    "weight_column_name": TEXT,
    "test_data": ANYTHING,
    "test_data_size": NUMBER,
}
_FORECASTING: Final = record(
    country_or_region_for_holidays=TEXT,
    cv_step_size=INTEGER,
    forecast_horizon=ANYTHING,
    target_lags=ANYTHING,
    target_rolling_window_size=ANYTHING,
    time_column_name=TEXT,
    time_series_id_column_names=ListOf(TEXT, single=True),
    frequency=TEXT,
    feature_lags=word("none", "auto"),
    seasonality=ANYTHING,
    short_series_handling_config=word("none", "auto", "pad", "drop"),
    use_stl=word("none", "season", "seasontrend"),
    target_aggregate_function=word("none", "sum", "max", "min", "mean"),
    features_unknown_at_forecast_time=ListOf(TEXT, single=True),
)
_SEARCH: Final[Mapping[str, Shape]] = {
    "sweep": record(sampling_algorithm=SAMPLING, early_termination=EARLY_TERMINATION),
    "training_parameters": MapOf(ANYTHING),
    "search_space": ListOf(MapOf(Either(MapOf(ANYTHING), ANYTHING))),
}
_TRIALS = {"max_concurrent_trials": INTEGER, "max_trials": INTEGER, "timeout_minutes": INTEGER}
_WORDS: Final[Mapping[str, Shape]] = {
    **_NODE,
    **_SEARCH,
    "limits": Record({**_TRIALS, "max_nodes": INTEGER, "trial_timeout_minutes": INTEGER}),
    "featurization": record(dataset_language=TEXT),
}
_IMAGES: Final[Mapping[str, Shape]] = {
    **_NODE,
    **_SEARCH,
    "limits": Record(_TRIALS),
    "validation_data_size": NUMBER,
    "test_data": ANYTHING,
    "test_data_size": NUMBER,
}

TASKS: Final = Tagged(
    "task",
    {
        "classification": Record({**_TABLE, "positive_label": TEXT}, ("target_column_name",)),
        "regression": Record(_TABLE, ("target_column_name",)),
        "forecasting": Record({**_TABLE, "forecasting": _FORECASTING}, ("target_column_name",)),
        "text_classification": Record(_WORDS),
        "text_classification_multilabel": Record(_WORDS),
        "text_ner": Record(_WORDS),
        "image_classification": Record(_IMAGES, ("target_column_name",)),
        "image_classification_multilabel": Record(_IMAGES, ("target_column_name",)),
        "image_object_detection": Record(_IMAGES, ("target_column_name",)),
        "image_instance_segmentation": Record(_IMAGES, ("target_column_name",)),
    },
)
