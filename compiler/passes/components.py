"""What each step runs: a component file, another spec, a reference, or a command written in place.

A component written in place has no input ports yet when it leaves here: their types follow from what they are bound
to (``passes/arguments.py``). Overrides are settled here: a step's own environment stands above its component's, and
that above ``defaults``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping as MappingABC
from dataclasses import replace

from compiler.azureml.components import component_from_file
from compiler.azureml.scope import Scope, local_part
from compiler.diagnostics.span import Span
from compiler.diagnostics.suggest import closest, did_you_mean
from compiler.ir import command as commands
from compiler.ir.model import (
    INVALID,
    Component,
    ComponentReference,
    Environment,
    Extra,
    InputPort,
    Invalid,
    LocalPath,
    OutputPort,
    Pipeline,
)
from compiler.passes.names import place_in_command
from compiler.passes.sections import Sections, environment_of
from compiler.passes.unit import Draft, Unit
from compiler.source.reader import load
from compiler.source.templates import span_in
from compiler.source.tree import Mapping, Node, Scalar, Sequence
from compiler.spec import build
from compiler.spec.bindings import has_binding, refuse_in_command

# Node types that a spec writes in Azure ML's own shape.
AZURE_KINDS = ("parallel", "spark", "automl", "data_transfer")
_A_SPEC = re.compile(r"^(steps|params|defaults|environments|profiles)[ \t]*:", re.MULTILINE)
_COMPILE_TIME = re.compile(r"(?<!\$)\{\{ *(?:params|item|key|profile|spec)\b[^{}]*\}\}")


def component_of(unit: Unit, found: Sections, draft: Draft) -> Component | ComponentReference | Invalid:
    """The component of a step; INVALID when something about it was reported."""
    node = draft.node
    if node is None or draft.broken:
        return INVALID
    kind = next((kind for kind in AZURE_KINDS if kind in node.entries), None)
    if kind is not None:  # read as a whole in resolve.py; here only what others can bind to
        return Component(kind, outputs=_output_ports(found, draft, node), at=draft.entry.key_span)
    if "component" in node.entries:
        component = _named(unit, found, draft, node)
    else:
        component = _in_place(unit, found, draft, node)
    if isinstance(component, Component) and component.kind == "command":
        component = _with_environment(unit, found, draft, node, component)
    return _deterministic(node, component) if isinstance(component, Component) else component


def _deterministic(node: Mapping, component: Component) -> Component:
    """The step's own word on reuse; a trial is not reused unless it says so, since it would report no metrics."""
    said = build.boolean(node, "is_deterministic")
    wanted = False if said is None and "sweep" in node.entries else said
    return component if wanted is None else replace(component, is_deterministic=wanted)


def _named(unit: Unit, found: Sections, draft: Draft, node: Mapping) -> Component | ComponentReference | Invalid:
    at = node.entries["component"].value
    if not isinstance(at, Scalar) or at.value is None:
        return INVALID
    written = build.as_text(at)
    if written.startswith(("azureml:", "//registries/", "/subscriptions/")):
        return ComponentReference(written, at=at.span)
    path = os.path.normpath(os.path.join(os.path.dirname(at.source.path), local_part(written)))
    if not os.path.isfile(path):
        _missing_file(unit, at, written, path)
        return INVALID
    if _is_spec(unit, path, at.span):
        return _nested(unit, draft, node, path, at.span)
    scope = Scope(unit.bag, unit.files, os.path.dirname(path))
    component = component_from_file(path, scope, at.span, written)
    if component is not None and component.command is not None:
        _not_templated(unit, component)
    return component or INVALID


def _not_templated(unit: Unit, component: Component) -> None:
    """Component files are read as they are: `{{ params.x }}` in a command would reach the shell."""
    for match in _COMPILE_TIME.finditer(component.command or ""):
        unit.bag.add(
            "P0318",
            f"an expression `{match.group()}` in a component file, which is not templated",
            place_in_command(component, *match.span()),
            help="declare an input, and give it the value in the step",
        )


def _missing_file(unit: Unit, at: Scalar, written: str, path: str) -> None:
    folder = os.path.dirname(path)
    help_text = None
    if os.path.isdir(path):
        help_text = "name the YAML file in that folder"
    elif os.path.isdir(folder):
        here = {os.path.basename(unit.path)} if folder == os.path.dirname(unit.path) else set()
        near = [name for name in sorted(os.listdir(folder)) if name.endswith((".yml", ".yaml")) and name not in here]
        help_text = did_you_mean(os.path.basename(path), near, "YAML files there") if near else None
    else:
        while folder and not os.path.isdir(folder):
            folder, missing = os.path.split(folder)
        near = [name for name in sorted(os.listdir(folder)) if os.path.isdir(os.path.join(folder, name))]
        help_text = did_you_mean(missing, near, "folders there") if near else None
    what = "is a folder, not a component file" if os.path.isdir(path) else "is not there"
    unit.bag.add("P0408", f"`{written}` {what}", at.span, help=help_text)


def _is_spec(unit: Unit, path: str, at: Span) -> bool:
    if path not in unit.kinds:
        source = load(path, unit.quiet, at)
        unit.kinds[path] = source is not None and _A_SPEC.search(source.text) is not None
    return unit.kinds[path]


def _nested(unit: Unit, draft: Draft, node: Mapping, path: str, at: Span) -> Component | Invalid:
    if path in unit.within or path == unit.path:
        chain = [*unit.within, unit.path, path]
        names = [os.path.basename(item) for item in chain[chain.index(path) :]]
        unit.bag.add("P0417", f"the spec contains itself: {' → '.join(names)}", at)
        return INVALID
    given = build.section(node, "params")
    pipeline = unit.nested(unit, path, {entry.key: entry for entry in given or ()}, at)
    if pipeline is None:
        return INVALID
    return pipeline_component(pipeline, path, at)


def pipeline_component(pipeline: Pipeline, path: str, at: Span | None) -> Component:
    """A pipeline as the component of a step: its inputs are ports, its outputs are ports."""
    inputs = {
        name: InputPort(
            declared.type,
            optional=declared.optional,
            default=declared.value if isinstance(declared.value, (str, int, float, bool)) else None,
            min=declared.min,
            max=declared.max,
            enum=declared.enum,
            description=declared.description,
            at=declared.at,
        )
        for name, declared in pipeline.inputs.items()
    }
    outputs = {
        name: OutputPort(output.setting.type or "uri_folder", description=output.description, at=output.at)
        for name, output in pipeline.outputs.items()
    }
    return Component(
        kind="pipeline",
        name=pipeline.name,
        display_name=pipeline.display_name,
        description=pipeline.description,
        inputs=inputs,
        outputs=outputs,
        pipeline=pipeline,
        path=path,
        at=at,
    )


# ---------------------------------------------------------------------------------------------------------- in place


def _in_place(unit: Unit, found: Sections, draft: Draft, node: Mapping) -> Component | Invalid:
    command = node.get("command")
    if not isinstance(command, Scalar) or command.value is None:
        return INVALID
    if not refuse_in_command(command, unit.bag):
        return INVALID
    return Component(
        kind="command",
        description=build.text(node, "description"),  # Azure ML drops that of a step
        outputs=_output_ports(found, draft, node),
        command=build.as_text(command),
        code=code_of(unit, node.get("code")),
        distribution=build.extras(build.section(node, "distribution")) or None,
        resources=_unbound(build.section(node, "resources")),
        additional_includes=_includes(unit, node),
        command_at=command.span,
        at=draft.entry.key_span,
    )


def _unbound(resources: Mapping | None) -> MappingABC[str, Extra] | None:
    """What the component can say of its resources: those bound to an input of the pipeline are the step's alone."""
    bound = any(isinstance(entry.value, Scalar) and has_binding(entry.value) for entry in resources or ())
    return None if bound else build.extras(resources) or None


def _includes(unit: Unit, node: Mapping) -> tuple[LocalPath, ...]:
    listed = node.get("additional_includes")
    found = [code_of(unit, item) for item in listed.items] if isinstance(listed, Sequence) else []
    return tuple(path for path in found if isinstance(path, LocalPath))


def _output_ports(found: Sections, draft: Draft, node: Mapping) -> dict[str, OutputPort]:
    """The outputs that a step declares itself."""
    outputs: dict[str, OutputPort] = {}
    for entry in build.section(node, "outputs") or ():
        # like Azure ML's, an output that says nothing of itself is what the pipeline's output says it is
        setting = entry.value if isinstance(entry.value, Mapping) else found.bound_outputs.get((draft.name, entry.key))
        outputs[entry.key] = OutputPort(
            build.text(setting, "type") or "uri_folder",
            build.text(setting, "mode"),
            build.text(setting, "description"),
            at=entry.key_span,
        )
    return outputs


def code_of(unit: Unit, node: Node | None) -> LocalPath | str | None:
    """The code of a step written in place: a folder or file on this machine, which must be there, or an address."""
    if not isinstance(node, Scalar) or node.value is None:
        return None
    written = build.as_text(node)
    if build.is_address(written) or written.startswith("git+"):
        return written
    path = os.path.normpath(os.path.join(os.path.dirname(node.source.path), written))
    if path not in unit.code:
        unit.code[path] = os.path.exists(path) and os.access(path, os.R_OK)
    if not unit.code[path]:
        there = os.path.exists(path)
        state, hint = ("cannot be read", None) if there else ("is not there", _near(path))
        unit.bag.add("P0421", f"`{written}` {state}", node.span, help=hint)
    return LocalPath(path, written, node.span)


def _near(path: str) -> str | None:
    folder, name = os.path.split(path)
    guess = closest(name, sorted(os.listdir(folder))) if os.path.isdir(folder) else None
    return f"did you mean `{guess}`?" if guess is not None else None


def uses_of(component: Component) -> list[commands.Use]:
    """Where the command names inputs."""
    return [use for use, _ in commands.uses(commands.parse(component.command or "")) if use.root == "inputs"]


# ------------------------------------------------------------------------------------------------------- environment


def _with_environment(
    unit: Unit, found: Sections, draft: Draft, node: Mapping, component: Component
) -> Component | Invalid:
    own = node.get("environment")
    default = found.defaults.get("environment") if found.defaults is not None else None
    if own is not None and not (isinstance(own, Scalar) and own.value is None):
        environment = _environment(unit, found, own)
    elif component.environment is not None:
        environment = _looked_up(unit, found, component.environment)
    elif default is not None:
        environment = found.default_environment
    elif unit.unknown("defaults"):
        return INVALID
    else:
        known = ", ".join(f"`{name}`" for name in found.environments)
        unit.bag.add(
            "P0509",
            f"step `{draft.base}` has no environment",
            draft.entry.key_span,
            help=f"set `environment` here or under `defaults`{f': {known}' if known else ''}",
        )
        return INVALID
    if environment is None:
        return INVALID
    if environment is component.environment:
        return component
    key = (id(component), id(environment))
    if key not in unit.with_environment:
        unit.with_environment[key] = (replace(component, environment=environment), component)
    return unit.with_environment[key][0]


def default_environment(unit: Unit, found: Sections) -> Environment | None:
    """The environment under ``defaults``, which must be there even where every component names its own."""
    node = found.defaults.get("environment") if found.defaults is not None else None
    return _environment(unit, found, node) if node is not None else None


def _environment(unit: Unit, found: Sections, node: Node) -> Environment | None:
    """A step's ``environment``: a local name, a reference, or a definition in place."""
    if isinstance(node, Mapping):
        return environment_of(unit, node, node.span)
    if not isinstance(node, Scalar):
        return None
    name = build.as_text(node)
    if name in found.environments:
        return found.environments[name]
    if build.is_address(name) or name.startswith("/subscriptions/"):
        return Environment(reference=name, at=node.span)
    if unit.unknown("environments"):
        return None
    unit.bag.add(
        "P0406",
        f"there is no environment `{name}`",
        span_in(node, 0, len(name)),
        help=did_you_mean(name, found.environments, "environments"),
    )
    return None


def _looked_up(unit: Unit, found: Sections, environment: Environment) -> Environment | None:
    """A component file's environment, which may be the local name of one of the spec's."""
    name = environment.reference
    if name is None or build.is_address(name) or name.startswith("/subscriptions/"):
        return environment
    if name in found.environments:
        return found.environments[name]
    if unit.unknown("environments"):
        return None
    unit.bag.add(
        "P0406",
        f"the spec has no environment `{name}`, which this component wants",
        environment.at,
        help=did_you_mean(name, found.environments, "environments of the spec"),
    )
    return None
