"""A pipeline made ready to be nested: what Azure ML ignores on a nested pipeline is put on its steps.

settings: {default_compute: azureml:cpu}, steps: {a: {}}     →     steps: {a: {compute: azureml:cpu}}
"""

from __future__ import annotations

from dataclasses import replace

from compiler.ir.model import Pipeline, Settings


def materialise(pipeline: Pipeline) -> Pipeline:
    """The same pipeline with its default compute on every step that has none."""
    default = pipeline.compute or pipeline.settings.default_compute
    steps = {
        name: replace(step, compute=default) if step.compute is None and default and step.kind != "pipeline" else step
        for name, step in pipeline.steps.items()
    }
    return replace(pipeline, steps=steps, compute=None, settings=Settings(), schedules={}, tags={})
