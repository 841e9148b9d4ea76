"""What Azure ML's documents may contain, key by key.

Taken from the schemas that azure-ai-ml loads with. Keys that mean something to the compiler (``inputs``, ``command``,
``search_space``, ...) are listed as OURS and read by the module that knows them; the rest is opaque and its shape
is given here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compiler.azureml.environments import ENVIRONMENT
from compiler.azureml.shapes import (
    ANYTHING,
    BOOLEAN,
    CODE,
    INTEGER,
    PATH,
    PLAIN,
    TEXT,
    VERSION,
    Either,
    ListOf,
    MapOf,
    Own,
    Record,
    Shape,
    Tagged,
    Text,
    record,
    word,
)

# Read by the compiler itself, in the module that knows the key.
OURS: Final = ANYTHING

LITERAL_TYPES: Final = ("string", "integer", "number", "boolean")
PORT_TYPES: Final = ("path", "uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model")
DATA_TYPES: Final = ("uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model")
PORT_MODES: Final = (
    "direct",
    "download",
    "eval_download",
    "eval_mount",
    "mount",
    "ro_mount",
    "rw_mount",
    "upload",
    "link",
)
INPUT_MODES: Final = ("download", "ro_mount", "direct")
TABLE_MODES: Final = ("download", "ro_mount", "eval_mount", "eval_download", "direct")
OUTPUT_MODES: Final = ("mount", "upload", "rw_mount", "direct")

TEXTS: Final = MapOf(TEXT)

# ------------------------------------------------------------------------------------------------- how a step runs

RESOURCES: Final = record(
    instance_count=INTEGER,
    instance_type=TEXT,
    properties=MapOf(ANYTHING),
    locations=ListOf(TEXT),
    shm_size=TEXT,
    max_instance_count=INTEGER,
    docker_args=ListOf(TEXT, single=True),
)
SPARK_SIZES: Final = tuple(f"standard_e{size}s_v3" for size in (4, 8, 16, 32, 64))
SPARK_RESOURCES: Final = record(
    instance_type=word(*SPARK_SIZES, keep=True), runtime_version=VERSION, required=("instance_type", "runtime_version")
)
DISTRIBUTION: Final = Tagged(
    "type",
    {
        "pytorch": record(type=TEXT, process_count_per_instance=INTEGER),
        "mpi": record(type=TEXT, process_count_per_instance=INTEGER),
        "tensorflow": record(type=TEXT, parameter_server_count=INTEGER, worker_count=INTEGER),
        "ray": record(
            type=TEXT,
            port=INTEGER,
            address=TEXT,
            include_dashboard=BOOLEAN,
            dashboard_port=INTEGER,
            head_node_additional_args=TEXT,
            worker_node_additional_args=TEXT,
        ),
    },
)
# In place Azure ML takes any size, and leaves its spelling alone.
SPARK_RESOURCES_IN_PLACE: Final = record(instance_type=TEXT, runtime_version=VERSION)
LIMITS: Final = record(timeout=INTEGER)
_MANAGED: Final = record(type=TEXT, client_id=TEXT, object_id=TEXT, msi_resource_id=TEXT)
IDENTITY: Final = Tagged(
    "type",
    {
        "managed": _MANAGED,
        "managed_identity": _MANAGED,
        "aml_token": record(type=TEXT),
        "user_identity": record(type=TEXT),
    },
)
QUEUE_SETTINGS: Final = record(
    job_tier=word("spot", "basic", "standard", "premium", "null"), priority=word("low", "medium", "high")
)
_SERVICE: Final[Mapping[str, Shape]] = {"type": TEXT, "port": INTEGER, "nodes": TEXT, "properties": MapOf(ANYTHING)}
SERVICES: Final = MapOf(
    Tagged(
        "type",
        {
            "ssh": Record({**_SERVICE, "ssh_public_keys": TEXT}),
            "tensor_board": Record({**_SERVICE, "log_dir": TEXT}),
            "vs_code": Record(_SERVICE),
            "jupyter_lab": Record(_SERVICE),
        },
    )
)
RETRY_SETTINGS: Final = record(timeout=INTEGER, max_retries=INTEGER)

# -------------------------------------------------------------------------------------------------------- components

PROPERTIES: Final = MapOf(ANYTHING)
AUTO_DELETE: Final = record(value=TEXT, condition=word("created_greater_than", "last_accessed_greater_than"))
_COMPONENT: Final[Mapping[str, Shape]] = {
    "$schema": ANYTHING,
    "name": OURS,
    "id": OURS,
    "version": OURS,
    "type": OURS,
    "display_name": OURS,
    "description": OURS,
    "tags": OURS,
    "is_deterministic": OURS,
    "inputs": OURS,
    "outputs": OURS,
    "auto_delete_setting": AUTO_DELETE,
}
TASK: Final = record(
    type=word("run_function", "model", "function"),
    code=CODE,
    entry_script=TEXT,
    program_arguments=TEXT,
    model=TEXT,
    append_row_to=TEXT,
    environment=ENVIRONMENT,
    required=("type", "environment"),
)
BATCH: Final[Mapping[str, Shape]] = {
    "logging_level": word("DEBUG", "INFO", "WARNING", exact=True),
    "task": Own(TASK),
    "mini_batch_size": Text(form=r"\d+([kKmMgG][bB])?", example="10kb"),
    "partition_keys": ListOf(TEXT),
    "input_data": Own(TEXT),
    "retry_settings": RETRY_SETTINGS,
    "max_concurrency_per_instance": INTEGER,
    "error_threshold": INTEGER,
    "mini_batch_error_threshold": INTEGER,
}
SPARK: Final[Mapping[str, Shape]] = {
    "entry": Record({"file": TEXT, "class_name": TEXT}),
    "py_files": ListOf(TEXT),
    "jars": ListOf(TEXT),
    "files": ListOf(TEXT),
    "archives": ListOf(TEXT),
    "conf": MapOf(PLAIN),
    "args": Own(TEXT),
}
COPY_MODES: Final = word("merge_with_overwrite", "fail_if_conflict")

COMPONENTS: Final[Mapping[str, Record]] = {
    "command": Record(
        {
            **_COMPONENT,
            "command": OURS,
            "code": OURS,
            "environment": OURS,
            "resources": RESOURCES,
            "distribution": DISTRIBUTION,
            "queue_settings": QUEUE_SETTINGS,
            "properties": PROPERTIES,
            "additional_includes": OURS,
        },
        required=("command", "environment"),
    ),
    "pipeline": Record({**_COMPONENT, "jobs": OURS}, required=("jobs",)),
    "parallel": Record({**_COMPONENT, **BATCH, "resources": RESOURCES}, required=("type",)),
    "spark": Record(
        {
            **_COMPONENT,
            **SPARK,
            "code": OURS,
            "environment": OURS,
            "properties": PROPERTIES,
            "additional_includes": OURS,
        },
        required=("entry",),
    ),
    "data_transfer": Record(
        {**_COMPONENT, "task": word("copy_data"), "data_copy_mode": COPY_MODES}, required=("task",)
    ),
}

# A promptflow flow as a component: its own file says more (nodes, inputs), which is promptflow's.
FLOW_SCHEMAS: Final = {
    "https://azuremlschemas.azureedge.net/promptflow/latest/Flow.schema.json": "flow",
    "https://azuremlschemas.azureedge.net/promptflow/latest/Run.schema.json": "run",
}
RUN: Final = record(
    flow=PATH,
    name=TEXT,
    version=VERSION,
    display_name=TEXT,
    description=TEXT,
    tags=TEXTS,
    variant=TEXT,
    column_mappings=TEXTS,
    connections=MapOf(TEXTS),
    environment_variables=TEXTS,
    azureml=record(environment=ENVIRONMENT, is_deterministic=BOOLEAN),
    required=("flow",),
    open=True,
)

# ------------------------------------------------------------------------------------------------------------- nodes

_NODE: Final[Mapping[str, Shape]] = {
    "$schema": OURS,
    "type": OURS,
    "inputs": OURS,
    "outputs": OURS,
    "compute": OURS,
    "display_name": OURS,
    "description": OURS,
    "tags": OURS,
    "properties": OURS,
}
_SOURCE: Final = Either(ANYTHING, TEXT)
_COMMAND_NODE: Final[Mapping[str, Shape]] = {
    **_NODE,
    "environment_variables": OURS,
    "resources": RESOURCES,
    "distribution": DISTRIBUTION,
    "limits": LIMITS,
    "identity": IDENTITY,
    "queue_settings": QUEUE_SETTINGS,
    "services": SERVICES,
}
_PARALLEL_NODE: Final[Mapping[str, Shape]] = {
    **_NODE,
    **BATCH,
    "environment_variables": OURS,
    "resources": RESOURCES,
    "identity": IDENTITY,
}
_SPARK_NODE: Final[Mapping[str, Shape]] = {**_NODE, **SPARK, "resources": SPARK_RESOURCES, "identity": IDENTITY}
_COPY_NODE: Final[Mapping[str, Shape]] = {
    **_NODE,
    "task": word("copy_data", "import_data", "export_data"),
    "source": _SOURCE,
    "sink": _SOURCE,
}

# Nodes that run a component that stands elsewhere.
NODES: Final[Mapping[str, Record]] = {
    "command": Record({**_COMMAND_NODE, "component": OURS, "comment": TEXT}),
    "pipeline": Record({**_NODE, "component": OURS, "comment": TEXT}, required=("component",)),
    "sweep": Record(
        {
            **_NODE,
            "trial": OURS,
            "comment": TEXT,
            "sampling_algorithm": OURS,
            "search_space": OURS,
            "objective": OURS,
            "early_termination": OURS,
            "limits": OURS,
            "queue_settings": QUEUE_SETTINGS,
            "resources": RESOURCES,
        },
        required=("trial", "search_space", "objective", "limits"),
    ),
    "parallel": Record({**_PARALLEL_NODE, "component": OURS, "comment": TEXT}),
    "spark": Record({**_SPARK_NODE, "component": OURS, "comment": TEXT}),
    "data_transfer": Record({**_COPY_NODE, "component": OURS, "comment": TEXT}, required=("task",)),
}

# Nodes that say themselves what they run.
IN_PLACE: Final[Mapping[str, Record]] = {
    "command": Record(
        {**_COMMAND_NODE, "command": OURS, "code": OURS, "environment": OURS}, required=("command", "environment")
    ),
    "parallel": Record({**_PARALLEL_NODE, "environment": OURS}, required=("task",)),
    "spark": Record(
        {**_SPARK_NODE, "resources": SPARK_RESOURCES_IN_PLACE, "code": OURS, "environment": OURS},
        required=("entry",),
    ),
    "data_transfer": Record({**_COPY_NODE, "data_copy_mode": COPY_MODES}, required=("task",)),
}

# Keys that azure-ai-ml reads and then forgets, with what to do instead.
DROPPED: Final[Mapping[str, Mapping[str, str]]] = {
    "sweep": {
        "environment_variables": "put them into the trial's command",
        "distribution": "put it into the trial's component",
        "identity": "a trial runs under the identity of its compute",
        "services": "trials have no services",
    },
    "pipeline": {
        "settings": "set them on the pipeline that this one stands in",
        "compute": "set `compute` on the steps inside",
    },
}
# Where a step has a component, what the component says holds.
OVERRIDDEN: Final = ("command", "code", "environment", "is_deterministic")
# Of a job in place, read and forgotten without harm.
IGNORED: Final = ("name", "experiment_name", "parent_job_name")

# The nodes of Azure ML that the IR has no form for.
UNSUPPORTED: Final = ("if_else", "do_while", "parallel_for", "import")
