"""What the reading functions share: the bag, the files read so far, the folder that paths are relative to.

``Files`` is one session of reading. Each file is read once however many steps name it, so a component that two
hundred steps share is one object in the IR, and a fault in it is reported once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from compiler.diagnostics.model import Bag
from compiler.diagnostics.span import Span
from compiler.ir.model import LocalPath, Value
from compiler.source.reader import Dialect, load, read
from compiler.source.tree import Mapping, Node, Scalar, describe

if TYPE_CHECKING:
    from compiler.ir.model import Component

# A folder of component files that name each other may be deep, never this deep.
DEEPEST = 50

_ADDRESS = re.compile(r"azureml:|[A-Za-z][\w+.\-]*://|/subscriptions/|//registries/")


@dataclass(frozen=True, slots=True)
class ParentOutput:
    """An output of the pipeline that a step's output is bound to."""

    output: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """What was read is wrong, and has been reported."""


UNUSABLE = Unusable()

Bound: TypeAlias = "Value | ParentOutput | Unusable | None"
# The binding that a text is; None when it holds none, UNUSABLE when it was one and has been reported.
Binding: TypeAlias = Callable[[Scalar, Bag], Bound]


def no_binding(scalar: Scalar, bag: Bag) -> Bound:
    """For what a component says about itself: its ``${{inputs.x}}`` are text for the service."""
    return None


@dataclass(frozen=True, slots=True)
class Scope:
    """``folder`` is where relative paths start; ``binding`` reads bindings in the dialect at hand.

    ``spec`` says that the text is of a spec, which may say a little more than Azure ML's files.
    """

    bag: Bag
    files: Files
    folder: str
    binding: Binding = no_binding
    spec: bool = False

    def within(self, path: str) -> Scope:
        """The scope of what another file says about itself."""
        return replace(self, folder=os.path.dirname(path), binding=no_binding, spec=False)

    def path(self, text: str) -> LocalPath:
        """A local path as written, made absolute."""
        return LocalPath(os.path.normpath(os.path.join(self.folder, text)), text)


@dataclass(slots=True)
class Files:
    """One session of reading. With ``local_environments`` a component file may call its environment by a bare name,

    which stays an ``Environment`` whose reference is that name, for the caller to look up.
    """

    bag: Bag
    local_environments: bool = False
    components: dict[str, Component | None] = field(default_factory=dict)
    opened: dict[str, Span | None] = field(default_factory=dict)
    _documents: dict[str, Mapping | None] = field(default_factory=dict)

    def document(
        self, path: str, at: Span | None = None, what: str = "P0130", name: str | None = None
    ) -> Mapping | None:
        """The mapping that a YAML file holds, read as Azure ML reads it; None when that was reported.

        A file that is not there is reported with code ``what`` at ``at``, wherever it is named.
        """
        if not os.path.isfile(path):
            state = "is a folder" if os.path.isdir(path) else "is not there"
            self.bag.add(what, f"`{name or path}` {state}", at)
            return None
        if path not in self._documents:
            self._documents[path] = self._read(path, at, name)
        return self._documents[path]

    def _read(self, path: str, at: Span | None, name: str | None) -> Mapping | None:
        source = load(path, self.bag, at, _shown(path, at, name))
        node: Node | None = None if source is None else read(source, self.bag, Dialect.AZURE)
        if node is None or isinstance(node, Mapping):
            return node
        self.bag.add("P0203", f"`{name or path}` holds {describe(node)}, not a mapping", node.span)
        return None


def _shown(path: str, at: Span | None, name: str | None) -> str | None:
    """How a person would write the path: from where the file that names it was reached."""
    if at is None or name is None or os.path.isabs(name):
        return name
    return os.path.normpath(os.path.join(os.path.dirname(at.source.name), name))


def is_address(text: str) -> bool:
    """Whether a text is a URI or an asset reference rather than a path on this machine."""
    return _ADDRESS.match(text) is not None and not text.startswith("file:")


def local_part(text: str) -> str:
    """The path of ``file:./x`` and ``./x`` alike."""
    return text.removeprefix("file://").removeprefix("file:") if text.startswith("file:") else text
