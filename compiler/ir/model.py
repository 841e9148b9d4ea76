"""The waist: one pipeline, resolved and canonical, that knows neither its source language nor its target.

Front ends build it, checks read it, back ends turn it into Azure ML files, local processes, diffs and drawings.
The classes are frozen and closed: match on their type, never subclass one. Mappings are never changed after
construction. A ``Span`` says where a thing was written; spans take no part in equality, printing or hashing.

The classes have no ``repr``: ``ir/text.py`` prints them better, and making one for each is a tenth of a small run.

What a target can express and the core has no meaning for (a Spark step's ``conf``, an AutoML step's whole body)
is kept in ``extras``: compared, printed and emitted, opaque to the passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from compiler.diagnostics.span import Span

Literal: TypeAlias = "str | int | float | bool"

# Port types. A literal port takes a value in the text of the file; a data port takes a path; any other is `model`.
LITERAL_TYPES = ("string", "integer", "number", "boolean")
DATA_TYPES = ("uri_file", "uri_folder", "mltable")
MODEL_TYPES = ("mlflow_model", "custom_model", "triton_model")
# The type of what is unknown because its own fault was reported, or because it is taken on trust.
ANY = "any"


def _at() -> Any:
    return field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class LocalPath:
    """A file or folder on this machine, absolute. ``written`` is the author's own text, ``at`` its place if known."""

    path: str
    written: str = field(default="", compare=False)
    at: Span | None = _at()


# What opaque extras are made of.
Extra: TypeAlias = "Literal | None | LocalPath | Environment | InputRef | tuple[Extra, ...] | Mapping[str, Extra]"


# ---------------------------------------------------------------------------------------------------- environments


@dataclass(frozen=True, slots=True, repr=False)
class Environment:
    """Where a command runs: a ``reference`` to a registered one, or an image, a conda list, a build context.

    ``conda`` is the parsed conda file. ``name`` is the local name it was declared under, or the name that an
    inline definition gives itself; ``fields`` holds the rest of its definition (description, tags, ...).
    """

    name: str | None = None
    version: str | None = None
    reference: str | None = None
    image: str | None = None
    conda: Mapping[str, Extra] | None = None
    build: LocalPath | None = None
    dockerfile: str | None = None
    fields: Mapping[str, Extra] = field(default_factory=dict)
    at: Span | None = _at()


# -------------------------------------------------------------------------------------------------------- components


@dataclass(frozen=True, slots=True, repr=False)
class InputPort:
    """One input that a component declares. ``default`` None means that it has none."""

    type: str
    optional: bool = False
    default: Literal | None = None
    min: int | float | None = None
    max: int | float | None = None
    enum: tuple[Literal, ...] = ()
    mode: str | None = None
    description: str | None = None
    at: Span | None = _at()


@dataclass(frozen=True, slots=True, repr=False)
class OutputPort:
    """One output that a component declares."""

    type: str = "uri_folder"
    mode: str | None = None
    description: str | None = None
    at: Span | None = _at()


@dataclass(frozen=True, slots=True, repr=False)
class Component:
    """What a step runs. ``kind`` is Azure ML's type: command, pipeline, parallel, spark, data_transfer, automl.

    ``name`` is None for a step written in place. ``path`` is the file it was read from. ``pipeline`` is set for the
    kind ``pipeline`` alone, ``command`` for the kind ``command`` alone. ``code`` is a local folder or file, or
    a reference kept as text.
    """

    kind: str
    name: str | None = None
    version: str | None = None
    display_name: str | None = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    is_deterministic: bool | None = None
    inputs: Mapping[str, InputPort] = field(default_factory=dict)
    outputs: Mapping[str, OutputPort] = field(default_factory=dict)
    command: str | None = None
    code: LocalPath | str | None = None
    environment: Environment | None = None
    distribution: Mapping[str, Extra] | None = None
    resources: Mapping[str, Extra] | None = None
    additional_includes: tuple[LocalPath, ...] = ()
    pipeline: Pipeline | None = None
    extras: Mapping[str, Extra] = field(default_factory=dict)
    path: str | None = field(default=None, compare=False)
    command_at: Span | None = _at()
    at: Span | None = _at()


@dataclass(frozen=True, slots=True, repr=False)
class ComponentReference:
    """A component in a workspace or registry: its ports are taken on trust. ``kind`` is the step's type, if said."""

    reference: str
    kind: str = "command"
    at: Span | None = _at()


# ------------------------------------------------------------------------------------------------------------ values


@dataclass(frozen=True, slots=True, repr=False)
class InputRef:
    """The value of an input of the pipeline that the step stands in."""

    input: str


@dataclass(frozen=True, slots=True, repr=False)
class OutputRef:
    """An output of another step of the same pipeline."""

    step: str
    output: str


@dataclass(frozen=True, slots=True, repr=False)
class Data:
    """Data by address: a local path, or a URI or asset reference as text."""

    path: LocalPath | str


Value: TypeAlias = "Literal | InputRef | OutputRef | Data"


@dataclass(frozen=True, slots=True, repr=False)
class Argument:
    """What an input is given: a literal, a binding or data, with how it is to be delivered.

    ``type`` is set where the author said it (always for data); ``extras`` are further fields of a data input.
    """

    value: Value
    type: str | None = None
    mode: str | None = None
    extras: Mapping[str, Extra] = field(default_factory=dict)
    key_at: Span | None = _at()
    at: Span | None = _at()


@dataclass(frozen=True, slots=True, repr=False)
class OutputSetting:
    """How an output of a step, or of the pipeline, is kept. ``name`` registers it as an asset."""

    type: str | None = None
    mode: str | None = None
    path: str | None = None
    name: str | None = None
    version: str | None = None
    extras: Mapping[str, Extra] = field(default_factory=dict)
    at: Span | None = _at()


# ------------------------------------------------------------------------------------------------------------ sweeps


@dataclass(frozen=True, slots=True, repr=False)
class Distribution:
    """One dimension of a search space. ``type`` is Azure ML's word; which numbers are set depends on it.

    Bounds of the log forms are exponents of e: loguniform is exp(uniform(min_value, max_value)).
    ``values`` of a choice may be mappings that hold further distributions.
    """

    type: str
    values: tuple[Extra | Mapping[str, Extra | Distribution], ...] = ()
    min_value: float | int | None = None
    max_value: float | int | None = None
    q: float | int | None = None
    mu: float | int | None = None
    sigma: float | int | None = None
    upper: int | None = None
    key_at: Span | None = _at()
    at: Span | None = _at()


@dataclass(frozen=True, slots=True, repr=False)
class Sampling:
    """How trials are drawn: ``type`` is random, grid or bayesian; the rest is random's."""

    type: str
    seed: int | None = None
    rule: str | None = None
    logbase: str | int | float | None = None
    as_map: bool = False
    at: Span | None = _at()


@dataclass(frozen=True, slots=True, repr=False)
class Objective:
    goal: str
    primary_metric: str
    at: Span | None = _at()


@dataclass(frozen=True, slots=True, repr=False)
class EarlyTermination:
    """``type`` is bandit, median_stopping or truncation_selection. Intervals count reports of the primary metric."""

    type: str
    evaluation_interval: int | None = None
    delay_evaluation: int | None = None
    slack_factor: float | int | None = None
    slack_amount: float | int | None = None
    truncation_percentage: int | None = None
    at: Span | None = _at()


@dataclass(frozen=True, slots=True, repr=False)
class SweepLimits:
    """Timeouts are in seconds."""

    max_total_trials: int | None = None
    max_concurrent_trials: int | None = None
    timeout: int | None = None
    trial_timeout: int | None = None
    at: Span | None = _at()


@dataclass(frozen=True, slots=True, repr=False)
class Sweep:
    search_space: Mapping[str, Distribution]
    objective: Objective | None
    sampling: Sampling | None = None
    early_termination: EarlyTermination | None = None
    limits: SweepLimits | None = None
    extras: Mapping[str, Extra] = field(default_factory=dict)
    at: Span | None = _at()


# ------------------------------------------------------------------------------------------------- steps and pipeline


@dataclass(frozen=True, slots=True, repr=False)
class Invalid:
    """Stands where something was wrong and has been reported; whoever meets it says nothing."""


INVALID = Invalid()


@dataclass(frozen=True, slots=True, repr=False)
class Step:
    """One node of the graph. With ``sweep`` its component is the trial.

    ``environment_variables``, ``resources``, ``distribution`` and ``limits`` are this step's own and stand above
    the component's. ``outputs`` holds only the outputs that the author said something about.
    ``written_in_place``: the author wrote no component file.
    """

    name: str
    component: Component | ComponentReference | Invalid
    inputs: Mapping[str, Argument] = field(default_factory=dict)
    outputs: Mapping[str, OutputSetting] = field(default_factory=dict)
    compute: str | InputRef | None = None
    sweep: Sweep | None = None
    display_name: str | None = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    environment_variables: Mapping[str, Literal] = field(default_factory=dict)
    resources: Mapping[str, Extra] | None = None
    distribution: Mapping[str, Extra] | None = None
    limits: Mapping[str, Extra] | None = None
    identity: Mapping[str, Extra] | None = None
    extras: Mapping[str, Extra] = field(default_factory=dict)
    at: Span | None = _at()

    @property
    def kind(self) -> str:
        """Azure ML's node type."""
        if self.sweep is not None:
            return "sweep"
        return "command" if isinstance(self.component, Invalid) else self.component.kind


@dataclass(frozen=True, slots=True, repr=False)
class PipelineInput:
    """An input of the pipeline. ``value`` is what it is given; a pipeline component may leave it open (None).

    ``type`` is a port type, known for data and literals alike. ``at`` is the place of its value, if it has one.
    """

    type: str
    value: Literal | Data | None = None
    mode: str | None = None
    optional: bool = False
    min: int | float | None = None
    max: int | float | None = None
    enum: tuple[Literal, ...] = ()
    description: str | None = None
    extras: Mapping[str, Extra] = field(default_factory=dict)
    at: Span | None = _at()
    key_at: Span | None = _at()


@dataclass(frozen=True, slots=True, repr=False)
class PipelineOutput:
    """An output of the pipeline; ``source`` is the step output that it is, None where nothing writes it."""

    source: OutputRef | None
    setting: OutputSetting = OutputSetting()
    description: str | None = None
    at: Span | None = _at()


@dataclass(frozen=True, slots=True, repr=False)
class Compute:
    """A compute target. ``fields`` is its definition in Azure ML's words; empty for one that only exists."""

    name: str
    fields: Mapping[str, Extra] = field(default_factory=dict)
    at: Span | None = _at()


@dataclass(frozen=True, slots=True, repr=False)
class Schedule:
    """When the pipeline runs by itself. ``trigger`` is in Azure ML's words."""

    name: str
    trigger: Mapping[str, Extra]
    fields: Mapping[str, Extra] = field(default_factory=dict)
    at: Span | None = _at()


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """None means that the author left it out."""

    default_compute: str | None = None
    default_datastore: str | None = None
    force_rerun: bool | None = None
    continue_on_step_failure: bool | None = None
    extras: Mapping[str, Extra] = field(default_factory=dict)
    at: Span | None = _at()


@dataclass(frozen=True, slots=True, repr=False)
class Pipeline:
    """The whole. Steps keep the order they were written in; ``graph`` has the order they can run in."""

    name: str
    steps: Mapping[str, Step]
    inputs: Mapping[str, PipelineInput] = field(default_factory=dict)
    outputs: Mapping[str, PipelineOutput] = field(default_factory=dict)
    display_name: str | None = None
    description: str | None = None
    experiment_name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    compute: str | None = None
    settings: Settings = Settings()
    environments: Mapping[str, Environment] = field(default_factory=dict)
    computes: Mapping[str, Compute] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    identity: Mapping[str, Extra] | None = None
    extras: Mapping[str, Extra] = field(default_factory=dict)
    path: str | None = field(default=None, compare=False)
    at: Span | None = _at()
