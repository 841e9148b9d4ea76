"""The code of each step, frozen when the run begins and copied for each process.

The service takes its snapshot when a job is submitted; so here too a script that is edited while a sweep runs is
the same for all its trials. The rules of what belongs to a snapshot are those of a build, so that what runs here is
what would be sent. Frozen code lies under its hash, once for all runs: `.amlc/code/HASH/`.
"""

from __future__ import annotations

import os
import shutil
import zlib
from pathlib import Path

from compiler.azureml.snapshot import Snapshot, Snapshots
from compiler.ir.model import Component, LocalPath


class FrozenCode:
    """The code of a run's components, by component."""

    def __init__(self, state: Path) -> None:
        """``state`` is the `.amlc` folder."""
        self._store = state / "code"
        self._snapshots = Snapshots()
        self._folders: dict[tuple[str, ...], Path] = {}

    def freeze(self, component: Component) -> None:
        """Keep the component's code as it is now. Raises OSError."""
        key = _key(component)
        if key and key not in self._folders:
            code = component.code if isinstance(component.code, LocalPath) else None
            self._folders[key] = self._frozen(self._snapshots.take(code, component.additional_includes))

    def folder(self, component: Component) -> Path | None:
        """Where its code is to be copied from; None for a component without any."""
        return self._folders.get(_key(component))

    def _frozen(self, snapshot: Snapshot) -> Path:
        target = self._store / f"{snapshot.name}{_executables(snapshot)}"
        if target.exists():
            return target
        side = self._store / f".{target.name}.{os.getpid()}"
        shutil.rmtree(side, ignore_errors=True)
        side.mkdir(parents=True)
        for name, source in snapshot.files.items():
            place = side / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, place)
        try:
            side.rename(target)
        except OSError:
            if not target.exists():
                raise
            shutil.rmtree(side, ignore_errors=True)  # another run was quicker
        return target


def _executables(snapshot: Snapshot) -> str:
    """Tells snapshots apart that differ only in which files may be executed: the hash is of names and contents."""
    names = [name for name, path in snapshot.files.items() if os.access(path, os.X_OK)]
    return f"-{zlib.crc32(repr(names).encode()):08x}" if names else ""


def _key(component: Component) -> tuple[str, ...]:
    code = (component.code.path,) if isinstance(component.code, LocalPath) else ()
    return (*code, *(include.path for include in component.additional_includes))
