"""What a step says beside its component and nobody would keep: Azure ML drops it without a word.

train: {component: azureml:train:1, environment: mine}      the registered component has its own environment
"""

from __future__ import annotations

from compiler.diagnostics.model import Label
from compiler.ir.model import Component, ComponentReference, Invalid
from compiler.passes.unit import Unit
from compiler.source.tree import Mapping

_OF_A_SWEEP = {
    "identity": "a trial runs under the identity of its compute target",
    "services": "trials have no services",
}
_OF_A_PIPELINE = (
    *("environment", "compute", "resources", "distribution", "limits", "environment_variables", "identity"),
    *("services", "queue_settings"),
)


def dropped(unit: Unit, node: Mapping, component: Component | ComponentReference | Invalid) -> None:
    """Report every key of a step that its component, or its sweep, leaves without effect."""
    sweep = "sweep" in node.entries
    lost: dict[str, tuple[str, str]] = {}
    if isinstance(component, ComponentReference):
        keys = ("environment", "is_deterministic", *(("environment_variables", "distribution") if sweep else ()))
        lost = dict.fromkeys(keys, ("that runs a registered component", "put it into the component"))
    elif isinstance(component, Component) and component.kind == "pipeline":
        lost = dict.fromkeys(_OF_A_PIPELINE, ("that runs a pipeline", "set it on the steps inside"))
    if sweep:
        lost |= {key: ("with a sweep", help) for key, help in _OF_A_SWEEP.items()}
        _limits(unit, node)
    for key, (kind, help) in lost.items():
        if key in node.entries:
            unit.bag.add("P0801", f"Azure ML drops `{key}` of a step {kind}", node.entries[key].key_span, help=help)
    if "params" in node.entries and not isinstance(component, Invalid) and not _is_spec(unit, component):
        because = Label(node.entries["component"].value.span, "this is a component, not a spec")
        help = "a component is given `inputs`"
        unit.bag.add("P0207", "`params` are for specs", node.entries["params"].key_span, secondary=[because], help=help)


def _limits(unit: Unit, node: Mapping) -> None:
    if "limits" in node.entries:
        unit.bag.add(
            "P0207",
            "`limits` does not go with `sweep`",
            node.entries["limits"].key_span,
            secondary=[Label(node.entries["sweep"].key_span, "because of this")],
            help="`sweep.limits` has the timeout of the sweep, and `trial_timeout`",
        )


def _is_spec(unit: Unit, component: Component | ComponentReference) -> bool:
    return isinstance(component, Component) and component.path is not None and unit.kinds.get(component.path, False)
