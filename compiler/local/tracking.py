"""MLflow's view of a run: a run for the pipeline, one below it for each step, one below that for each trial.

An unmodified script that calls `mlflow.log_metric` lands in its own run, because its environment names it. How a
run ended is always set from here: a script that dies by a signal leaves its run open, and one that exits with an
error marks it as finished.

All of MLflow lives in one thread: importing it takes about a second, a call to a server may take long, and neither
may hold up the processes. What needs no answer is queued there.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import re
import socket
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies

from compiler.local.metrics import MetricsFile, number
from compiler.local.model import Status

T = TypeVar("T")

_STATUS = {Status.COMPLETED: "FINISHED", Status.FAILED: "FAILED", Status.CANCELED: "KILLED"}
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}


class TrackingError(Exception):
    """MLflow could not do what was asked; the message is for the person who runs the pipeline."""


class Tracker:
    """The MLflow runs of one pipeline run. `open` first, `close` last."""

    def __init__(self, state: Path, environ: Mapping[str, str]) -> None:
        """``state`` is the `.amlc` folder; MLFLOW_TRACKING_URI in ``environ`` sends everything elsewhere."""
        self._state = state
        uri = environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{state / 'mlflow.db'}"
        self._file = _sqlite_file(uri)
        self.uri = f"sqlite:///{self._file}" if self._file else uri
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mlflow")
        self._client: Any = None
        self._experiment = ""
        self._metrics: MetricsFile | None = None
        self._pending: list[Future[None]] = []
        self._begun: set[str] = set()

    @property
    def poll_seconds(self) -> float:
        """How often it is cheap to ask for metrics: a file is read in no time, a server is not."""
        return 0.5 if self._file else 5.0

    def variables(self, run: str) -> dict[str, str]:
        """What a process needs in its environment for its logging to land in ``run``."""
        names = {"MLFLOW_TRACKING_URI": self.uri, "MLFLOW_RUN_ID": run, "MLFLOW_EXPERIMENT_ID": self._experiment}
        return {**names, **_QUIET}

    async def open(self, experiment: str, run_name: str, tags: Mapping[str, str]) -> str:
        """Reach the store, make it if need be, and start the pipeline's run. Returns its id."""
        return await self._call(self._open, experiment, run_name, tags)

    async def begin(self, run_name: str, parent: str, tags: Mapping[str, str]) -> str:
        """Start a run below ``parent`` and return its id."""
        return await self._call(self._begin, run_name, {**tags, "mlflow.parentRunId": parent})

    def end(self, run: str, status: Status, parameters: Mapping[str, str] | None = None) -> None:
        """Set how a run ended, without waiting. ``parameters`` are added where the script logged none of that name:
        MLflow refuses a second value, so they must not be there before it."""
        self._pending.append(self._thread.submit(self._end, run, status, parameters or {}))

    async def metrics(self, run: str) -> dict[str, list[float]]:
        """Every value that was logged to a run, by metric, in the order of logging."""
        return await self._call(self._metrics.of_run if self._metrics else self._history, run)

    async def reports(self, runs: Sequence[str], metric: str) -> dict[str, list[float]]:
        """What each of some runs has reported of one metric so far, in the order of logging."""
        if self._metrics:
            return await self._call(self._metrics.of_runs, runs, metric)
        return {run: await self._call(self._one_history, run, metric) for run in runs}

    async def close(self) -> None:
        """Wait for what is queued, and end what nobody ended, such as a run that was asked for and not waited for.

        Raises TrackingError for the first thing that did not succeed.
        """
        self._pending.append(self._thread.submit(self._end_rest))
        try:
            for pending in self._pending:
                await self._result(asyncio.wrap_future(pending))
        finally:
            if self._metrics:
                self._thread.submit(self._metrics.close)
            self._thread.shutdown(wait=True)

    async def _call(self, function: Callable[..., T], *arguments: object) -> T:
        loop = asyncio.get_running_loop()
        return await self._result(loop.run_in_executor(self._thread, function, *arguments))

    async def _result(self, future: asyncio.Future[T]) -> T:
        try:
            return await future
        except TrackingError:
            raise
        except ImportError as error:
            raise TrackingError(f"{error}; install amlc[local]") from error
        except Exception as error:  # whatever the store's driver, the file system or the network raises
            first = str(error).strip().splitlines() or [type(error).__name__]
            raise TrackingError(f"{self.uri}: {first[0]}") from error

    # ------------------------------------------------------------------------------------------ in MLflow's thread

    def _open(self, experiment: str, run_name: str, tags: Mapping[str, str]) -> str:
        _reach(self.uri)
        os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET.items()})
        from mlflow import MlflowClient  # about a second

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        if self._file is not None:
            _make_store(self._file)
        self._client = MlflowClient(tracking_uri=self.uri)
        self._experiment = self._experiment_id(experiment)
        if self._file is not None:
            self._metrics = MetricsFile(self._file)
        return self._begin(run_name, dict(tags))

    def _experiment_id(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        known = self._client.get_experiment_by_name(name)
        if known is None:
            # without a place of their own, artifacts go to a folder in whatever directory a script starts in
            folder = re.sub(r"[^\w-]", "_", name)
            place = (self._state / "artifacts" / folder).as_uri() if self._file else None
            try:
                return str(self._client.create_experiment(name, artifact_location=place))
            except MlflowException:
                known = self._client.get_experiment_by_name(name)  # another run was quicker
                if known is None:
                    raise
        if known.lifecycle_stage != "active":
            raise TrackingError(f"the experiment `{name}` was deleted: restore it, or set another experiment_name")
        return str(known.experiment_id)

    def _begin(self, run_name: str, tags: Mapping[str, str]) -> str:
        run = self._client.create_run(self._experiment, run_name=run_name, tags=dict(tags))
        self._begun.add(str(run.info.run_id))
        return str(run.info.run_id)

    def _end_rest(self) -> None:
        for run in list(self._begun):
            self._end(run, Status.CANCELED, {})

    def _end(self, run: str, status: Status, parameters: Mapping[str, str]) -> None:
        if parameters:
            from mlflow.entities import Param

            logged = self._client.get_run(run).data.params
            missing = [Param(name, value) for name, value in parameters.items() if name not in logged]
            self._client.log_batch(run, params=missing)
        self._client.set_terminated(run, _STATUS[status])
        self._begun.discard(run)

    def _history(self, run: str) -> dict[str, list[float]]:
        names = self._client.get_run(run).data.metrics
        return {name: self._one_history(run, name) for name in names}

    def _one_history(self, run: str, metric: str) -> list[float]:
        return [number(report.value) for report in self._client.get_metric_history(run, metric)]


def _reach(uri: str) -> None:
    """Raise OSError at once when no server answers; MLflow itself would try for minutes."""
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https") and parts.hostname and parts.scheme not in getproxies():
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        socket.create_connection((parts.hostname, port), timeout=10).close()


def _sqlite_file(uri: str) -> Path | None:
    """The file of a SQLite store: absolute, since steps run in folders of their own."""
    path = uri.removeprefix("sqlite:///")
    return Path(path).absolute() if path != uri and path else None


def _make_store(path: Path) -> None:
    """Make the database before any process opens it: two that find none spoil it for each other.

    Made on the side and renamed, in the journal mode in which readers and writers do not wait for each other.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return
        side = path.with_name(f".{path.name}.new")
        side.unlink(missing_ok=True)
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        SqlAlchemyStore(f"sqlite:///{side}", (path.parent / "artifacts").as_uri()).engine.dispose()
        connection = sqlite3.connect(side)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
        side.replace(path)
