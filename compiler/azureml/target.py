"""What holds in the language and on this machine, and that Azure ML would drop or refuse: told to whoever compiles.

Azure ML takes the bare word for the sampling of a sweep inside a pipeline. The map with a seed or a rule is
reported to fail there ("Algorithm is not supported by Sweep Component", azure-sdk-for-python#33703).
"""

from __future__ import annotations

from compiler.diagnostics.model import Bag
from compiler.ir.model import Component, Pipeline


def target(pipeline: Pipeline, bag: Bag) -> None:
    """Check a pipeline, and those nested in it, against what the service keeps."""
    for step in pipeline.steps.values():
        if isinstance(step.component, Component) and step.component.pipeline is not None:
            target(step.component.pipeline, bag)
        sampling = step.sweep.sampling if step.sweep is not None else None
        if sampling is None:
            continue
        if sampling.rule == "sobol":
            bag.add(
                "P0714",
                "Azure ML refuses the Sobol rule inside a pipeline",
                sampling.at,
                help="keep it for the profile `local`, and write `random` for the others",
            )
        elif sampling.seed is not None:
            bag.add(
                "P0708",
                "the seed holds here; inside a pipeline Azure ML takes the bare word and draws its own",
                sampling.at,
            )
