"""What is wrong with the keys of one mapping: unknown, missing, misnamed, or ruled out by another key.

These faults cause each other: a misspelt key is both unknown and missing, and a misspelt or wrong ``type`` asks
for keys that nobody meant. So they are told together, the causes and not the consequences.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from compiler.diagnostics.model import Label
from compiler.diagnostics.suggest import closest, did_you_mean
from compiler.source.tree import Mapping, Scalar
from compiler.spec.findings import Findings, Path, Schema, about_names, listed, owner, quoted


class _Need(NamedTuple):
    """A key that a mapping lacks: ``options`` would all do; ``certain`` unless other keys decide that it is needed."""

    options: list[str]
    certain: bool


def explain_keys(findings: Findings, path: Path, node: Mapping, errors: list[Any]) -> None:
    """Report the faults that ``errors`` name of the keys of the mapping at ``path``."""
    _Keys(findings, path, node, errors).tell()


class _Keys:
    def __init__(self, findings: Findings, path: Path, node: Mapping, errors: list[Any]) -> None:
        self.findings = findings
        self.path = path
        self.node = node
        self.unknown: list[str] = []
        self.absent: list[str] = []
        self.needed: dict[str, _Need] = {}
        self.names = [error for error in errors if about_names(error)]
        for error in errors:
            if error.validator == "additionalProperties":
                known, free = error.schema.get("properties", {}), list(error.schema.get("patternProperties", ()))
                self.absent = [key for key in known if key not in node.entries]
                strange = [key for key in node.entries if key not in known]
                self.unknown = [key for key in strange if not any(re.search(pattern, key) for pattern in free)]
            elif error.validator == "required":
                self._need(error)

    def _need(self, error: Any) -> None:
        certain = not {"then", "else"} & set(error.absolute_schema_path)
        for key in error.validator_value:
            if key not in self.node.entries:
                self.needed[key] = _Need(error.schema.get("x-one-of", [key]), certain)

    def tell(self) -> None:
        for error in self.names:
            if "x-names" in error.schema:
                self._misnamed(error.instance, error.schema)
        guesses = {key: self._guess(key) for key in self.unknown}
        if not self.path and "steps" in self.needed and (self.unknown or "name" in self.needed):
            self._no_pipeline()
            return
        for key, (guess, remedy) in guesses.items():
            self._unknown(key, guess, remedy)
        decided_by = [(*self.path, key) for key in ("type", "kind")]
        if any(guess for guess, _ in guesses.values()) or any(path in self.findings.errors for path in decided_by):
            # Which keys are needed depends on others, which are misspelt or wrong themselves.
            self.needed = {key: need for key, need in self.needed.items() if need.certain}
        if not self._ruled_out() and self.needed:
            self._missing()

    # ------------------------------------------------------------------------------------------- unknown and missing

    def _guess(self, key: str) -> tuple[str | None, str | None]:
        """What an unknown key was meant to be, and the help that says so. One key too many, one lacking: the same."""
        guess = closest(key, self.absent)
        if guess is None and len(self.unknown) == 1 and len(self.needed) == 1:
            ((options, _),) = self.needed.values()
            self.needed = {}
            return (options[0] if len(options) == 1 else None), f"{listed(options, 'or')} is missing here"
        self.needed = {name: need for name, need in self.needed.items() if guess not in need.options}
        return guess, f"did you mean `{guess}`?" if guess else did_you_mean(key, self.absent)

    def _unknown(self, key: str, guess: str | None, remedy: str | None) -> None:
        where = f" in {owner(self.path)}" if self.path else ""
        place = self.node.entries[key].key_span
        self.findings.bag.add("P0201", f"unknown key {quoted(key)}{where}", place, help=remedy)
        self.findings.poison((*self.path, key))
        if guess is not None and not self.path:
            self.findings.poison((guess,))

    def _missing(self) -> None:
        needs = self.needed.items()
        parts = [f"no `{key}`" if len(need.options) == 1 else f"none of {listed(need.options)}" for key, need in needs]
        place = self.findings.name_place(self.path)
        self.findings.bag.add("P0202", f"{owner(self.path)} has {' and '.join(parts)}", place)
        for key in self.needed:
            self.findings.poison((*self.path, key))

    def _misnamed(self, key: str, schema: Schema) -> None:
        message = f"{quoted(key)} cannot be the name of {schema['x-names']}"
        place = self.node.entries[key].key_span
        self.findings.bag.add(schema.get("x-code", "P0206"), message, place, help=schema["x-expected"])
        self.findings.poison((*self.path, key))

    def _no_pipeline(self) -> None:
        component = "it looks like an Azure ML component: name it in a step's `component`"
        remedy = component if "command" in self.unknown else None
        self.findings.bag.add(
            "P0208", "this is no pipeline: it has no `steps`", self.findings.name_place(()), help=remedy
        )
        self.findings.poisoned.add(("*",))
        self.findings.settle(())

    # ----------------------------------------------------------------------------------------------------- ruled out

    def _ruled_out(self) -> bool:
        """Report the keys that another key rules out, all in one; whether there were any."""
        for error in self.names:
            deciding = error.schema.get("x-with")
            if deciding not in self.node.entries or (*self.path, deciding) in self.findings.errors:
                continue  # not about this, or what decides is itself missing or wrong
            allowed = error.schema["enum"]
            keys = [key for key in self.node.entries if key not in allowed and key not in self.unknown]
            if keys:
                self._exclusion(error, deciding, keys)
                for key in keys:
                    self.findings.settle((*self.path, key))
                return True
        return False

    def _exclusion(self, error: Any, deciding: str, keys: list[str]) -> None:
        """Say it at the keys that are ruled out; at the type, where another type would fit them all."""
        by, first = self.node.entries[deciding], self.node.entries[keys[0]]
        said, others, because = f"`{deciding}`", [], by.key_span
        if isinstance(by.value, Scalar) and deciding in ("type", "kind"):
            said, others, because = quoted(f"{deciding}: {by.value.text}"), self._other_types(error), by.value.span
        elif by.key_start > first.key_start and len(keys) == 1:
            # Of two keys that exclude each other the later one is the likelier fault.
            by, first, said, keys, because = first, by, f"`{first.key}`", [deciding], first.key_span
        place, label, remedy = first.key_span, Label(because, "because of this"), None
        message = f"{listed(keys, 'and')} {'does' if len(keys) == 1 else 'do'} not go with {said}"
        if others:
            place, label, remedy = (
                because,
                Label(first.key_span, "beside this"),
                f"did you mean {listed(others, 'or')}?",
            )
            message = f"{said} does not go with {listed(keys, 'and')}"
        self.findings.bag.add("P0207", message, place, secondary=[label], help=remedy)
        self.findings.poison(self.path)

    def _other_types(self, error: Any) -> list[str]:
        """The values of the deciding key with which all the keys of this mapping would be right."""
        route = list(error.absolute_schema_path)
        if "allOf" not in route:
            return []
        branches = len(route) - 1 - route[::-1].index("allOf")
        names = set(self.node.entries)
        fitting: list[str | None] = []
        for branch in _follow(self.findings.document, route[: branches + 1]):
            test = branch.get("if", {}).get("properties", {}).get(error.schema["x-with"], {})
            then = branch.get("then", {})
            allowed = then.get("propertyNames", {}).get("enum", ())
            if names <= set(allowed) and names >= set(then.get("required", ())):
                fitting += test.get("enum", [test.get("const")])
        return [word for word in fitting if isinstance(word, str)]


def _follow(document: Schema, route: list[str | int]) -> Any:
    """The part of the schema that a path of jsonschema leads to; such paths step through references silently."""
    part: Any = document
    for step in route:
        while isinstance(part, dict) and step not in part and "$ref" in part:
            part = document["$defs"][part["$ref"].removeprefix("#/$defs/")]
        part = part[step]
    return part
