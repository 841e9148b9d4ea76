"""What works and is probably not meant: unquoted bindings, outputs nobody writes, floating versions, leftovers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from compiler.diagnostics.model import Bag, Edit, Fix, Label
from compiler.diagnostics.span import Span
from compiler.ir import command as commands
from compiler.ir.model import Argument, Component, Data, Environment, InputRef, Literal, Pipeline, Step
from compiler.passes.names import in_command, never_closed

_SPLITS = re.compile(r"[\s*?\[\]{}~$`\"'\\;&|<>()#!]")
_OPTION = re.compile(r"(?:^|\s)--?[A-Za-z][\w\-]*[ =]\s*$")
_PARENT_INPUT = re.compile(r"parent\.inputs\.(\w+)")
_FLOATING = re.compile(r"@latest$|/labels/latest$")


def lints(pipeline: Pipeline, bag: Bag) -> None:
    """Check one pipeline; its nested pipelines are checked on their own."""
    quoted: set[int] = set()
    for step in pipeline.steps.values():
        component = step.component
        command = component.command if isinstance(component, Component) else None
        if isinstance(component, Component) and command is not None and never_closed(command) is None:
            _splitting_values(pipeline, step, component, bag)
            if id(component) not in quoted:
                quoted.add(id(component))
                _unmentioned(component, bag)
    _unused(pipeline, bag)
    _versions(pipeline, bag)


# ------------------------------------------------------------------------------------------------- unquoted bindings


def _splitting_values(pipeline: Pipeline, step: Step, component: Component, bag: Bag) -> None:
    command = component.command or ""
    for use, inside in commands.uses(commands.parse(command)):
        port = component.inputs.get(use.name) if use.root == "inputs" and not use.quote else None
        if port is None or port.type != "string":
            continue
        values = list(_known_values(pipeline, step, component, use.name))
        at = in_command(component, use)
        advice = f"write '${{{{inputs.{use.name}}}}}'"
        splitting = next(
            (
                (value, where)
                for value, where in values
                # an empty value in an optional part takes the part with it
                if isinstance(value, str) and (_SPLITS.search(value) or (not value and inside is None))
            ),
            None,
        )
        if splitting is not None:
            value, where = splitting
            # after an option the second word is a stray argument; in free text (`echo ${{inputs.x}}`) it does no harm
            swept = step.sweep is not None and use.name in step.sweep.search_space
            harmful = bool(value) and (swept or _OPTION.search(command[: use.start]) is not None)
            consequence = f"`{value}` does not stay one word" if value else "is empty, which leaves no word"
            bag.add(
                "P0905" if harmful else "P0904",
                f"`{use.name}` stands outside quotes, and its value {consequence}",
                at,
                secondary=[Label(where, "this value")] if where is not None and where != at else [],
                help=advice,
                fix=_quote(at),
            )
        elif not values and not port.enum:
            bag.add(
                "P0904",
                f"`{use.name}` stands outside quotes: a value with a space becomes two words",
                at,
                help=advice,
                fix=_quote(at),
            )


def _known_values(
    pipeline: Pipeline, step: Step, component: Component, name: str
) -> Iterator[tuple[Literal, Span | None]]:
    """The values that this step's input is known to take; nothing where they are settled elsewhere."""
    if step.sweep is not None and name in step.sweep.search_space:
        distribution = step.sweep.search_space[name]
        if distribution.type != "choice":
            yield 0.0, None
        for value in distribution.values:
            if isinstance(value, (str, int, float, bool)):
                yield value, distribution.at
        return
    argument: Argument | None = step.inputs.get(name)
    if argument is not None:
        if isinstance(argument.value, InputRef):
            source = pipeline.inputs.get(argument.value.input)
            if source is not None and isinstance(source.value, (str, int, float, bool)):
                yield source.value, source.at
        elif isinstance(argument.value, (str, int, float, bool)):
            yield argument.value, argument.at
        return
    port = component.inputs[name]
    if port.default is not None:
        yield port.default, port.at


def _quote(at: Span | None) -> Fix | None:
    if at is None or not at.text.startswith("${{"):
        return None
    return Fix("put the binding in single quotes", (Edit(at, f"'{at.text}'"),), safe=True)


# ------------------------------------------------------------------------------------------------------- unmentioned


def _unmentioned(component: Component, bag: Bag) -> None:
    """Ports that the command never names: the script cannot know of them, unless by an environment variable.

    Ports that nobody wrote, such as those of `after`, stand nowhere.
    """
    command = component.command or ""
    used = {(use.root, use.name.split(".")[0]) for use, _ in commands.uses(commands.parse(command))}
    if used - {("inputs", name) for name in component.inputs} - {("outputs", name) for name in component.outputs}:
        return  # a name that is not declared may be meant for one of these
    for name, output in component.outputs.items():
        if output.at is not None and ("outputs", name) not in used and f"AZURE_ML_OUTPUT_{name}" not in command:
            bag.add("P0902", f"output `{name}` is never mentioned in the command", output.at)
    for name, port in component.inputs.items():
        if port.at is not None and ("inputs", name) not in used and f"AZURE_ML_INPUT_{name}" not in command:
            bag.add("P0907", f"input `{name}` is never mentioned in the command", port.at)


# ------------------------------------------------------------------------------------------------------------ unused


def _mentioned(value: object) -> Iterator[str]:
    """The inputs of the pipeline that something opaque names, by reference or in a text of Azure ML's."""
    if isinstance(value, InputRef):
        yield value.input
    elif isinstance(value, str):
        yield from _PARENT_INPUT.findall(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _mentioned(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _mentioned(item)


def _unused(pipeline: Pipeline, bag: Bag) -> None:
    if bag.has_errors:
        return  # what is broken might have used it
    used_inputs = {
        value.input for step in pipeline.steps.values() for value in _values(step) if isinstance(value, InputRef)
    }
    for step in pipeline.steps.values():
        used_inputs.update(_mentioned(step.extras))
    for name, declared in pipeline.inputs.items():
        if name not in used_inputs:
            bag.add("P0901", f"input `{name}` of the pipeline is never used", declared.key_at or declared.at)
    computes = {step.compute for step in pipeline.steps.values()}
    computes |= {pipeline.compute, pipeline.settings.default_compute}
    for name, compute in pipeline.computes.items():
        if compute.name not in computes:
            bag.add("P0901", f"compute `{name}` is never used", compute.at)
    environments = [
        step.component.environment
        for step in pipeline.steps.values()
        if isinstance(step.component, Component) and step.component.environment is not None
    ]
    for name, environment in pipeline.environments.items():
        if environment not in environments:
            bag.add("P0901", f"environment `{name}` is never used", environment.at)


def _values(step: Step) -> Iterator[object]:
    """Everything that a step is given."""
    yield from (argument.value for argument in step.inputs.values())
    yield step.compute
    for settings in (step.resources, step.limits, step.distribution):
        yield from (settings or {}).values()


# ---------------------------------------------------------------------------------------------------------- versions


def _versions(pipeline: Pipeline, bag: Bag) -> None:
    seen: set[str] = set()
    for step in pipeline.steps.values():
        if isinstance(step.component, Component) and step.component.environment is not None:
            _environment(step.component.environment, seen, bag)
        for argument in step.inputs.values():
            _data(argument.value, argument.at, seen, bag)
    for declared in pipeline.inputs.values():
        _data(declared.value, declared.at, seen, bag)


def _environment(environment: Environment, seen: set[str], bag: Bag) -> None:
    image = environment.image
    if image is not None and image not in seen:
        tag = image.rsplit("/", 1)[-1]
        # Azure ML's own base images are written without a tag in its documentation, and patched under the same name
        if not image.startswith("mcr.microsoft.com/azureml/") and (
            "@sha256:" not in image and (":" not in tag or tag.endswith(":latest"))
        ):
            seen.add(image)
            bag.add("P0906", f"the image `{image}` has no fixed tag", environment.at, help="name a tag or a digest")


def _data(value: object, at: Span | None, seen: set[str], bag: Bag) -> None:
    path = value.path if isinstance(value, Data) else None
    if isinstance(path, str) and _FLOATING.search(path) and path not in seen:
        seen.add(path)
        bag.add("P0906", f"`{path}` floats to the newest version", at, help="name a version to make runs repeatable")
