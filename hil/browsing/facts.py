"""What is known of one run at a glance, from its folder, while it goes on or after."""

from __future__ import annotations

import json
import math
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from hil.record import folder as files
from hil.record.folder import RunFolder, RunFolderError
from hil.record.guardian import word_of
from hil.record.holding import is_held
from hil.record.journal import Entry, Journal
from hil.telemetry.coding import CodingError, from_fields
from hil.telemetry.event import Event
from hil.telemetry.events import EpochEnded, RunEnded, RunStarted, Spent

E = TypeVar("E", bound=Event)


class State(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    """A process of this machine writes it now."""
    FINISHED = "finished"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    KILLED = "killed"
    """It told no end, and nobody writes it any more."""
    UNKNOWN = "unknown"
    """It told no end on another machine: it may go on there."""

    @property
    def text(self) -> str:
        """The word, and what it means where that is not plain."""
        if self is State.KILLED:
            return "killed (told no end, and no process writes it)"
        if self is State.UNKNOWN:
            return "unknown (told no end where it was written, which is another machine)"
        return str(self)


@dataclass(frozen=True)
class RunFacts:
    """A run at a glance.

    id : 32 hexadecimal digits, the same wherever its folder is. began, last : s since 1970, of its
    first and its newest event. epochs : that have ended, of `planned`. accuracy : share of the test
    items answered right, held_out : of the held-out ones in the last epoch; NaN where not measured.
    bench_seconds : of bench time. size : bytes on disk. configuration : as written, or empty.
    """

    path: Path
    id: str
    host: str
    state: State
    why: str
    began: float
    last: float
    started: RunStarted
    epochs: int
    planned: int
    accuracy: float
    held_out: float
    measured_on: str
    bench_seconds: float
    size: int
    configuration: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @property
    def seed(self) -> int | None:
        """Seed of training, where it is known."""
        return self.configuration.get("settings", {}).get("seed")

    def as_row(self) -> dict[str, Any]:
        """Plain data, in SI units."""
        started = self.started
        return {
            "id": self.id,
            "path": str(self.path),
            "began": self.began,
            "last": self.last,
            "state": str(self.state),
            "why": self.why,
            "task": started.task,
            "method": started.method,
            "bench": started.bench,
            "backend": started.backend,
            "bench_path": started.path,
            "seed": self.seed,
            "epochs": self.epochs,
            "planned_epochs": self.planned,
            "accuracy": _or_none(self.accuracy),
            "held_out_accuracy": _or_none(self.held_out),
            "measured_on": self.measured_on,
            "bench_seconds": self.bench_seconds,
            "bytes": self.size,
            "host": self.host,
            "code_version": started.code_version,
        }


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def read_facts(folder: Path) -> RunFacts:
    """Look at a run folder; some queries, however long the run was.

    Raises
    ------
    RunFolderError
        Where it is none, saying why.
    """
    journal = Journal(folder)
    try:
        about = dict(journal.about)
        first = next(iter(journal.after(0, most=1, kinds=[RunStarted.KIND])), None)
        started = _event(first, RunStarted)
        if first is None or started is None:
            raise RunFolderError(f"{folder}: no run has begun in it")
        newest = journal.last_of() or first
        bounds = journal.last_of(RunStarted.KIND, RunEnded.KIND)
        ended = _event(bounds, RunEnded)
        epoch = _event(journal.last_of(EpochEnded.KIND), EpochEnded)
        spent = _event(journal.last_of(Spent.KIND), Spent)
        word = word_of(journal)
    finally:
        journal.close()
    configuration = _table(RunFolder(folder), files.CONFIGURATION)
    state, why = _state(folder, ended, about.get("host", ""))
    if word:
        why = f"{why}; {word}" if why else word
    planned = started.epochs
    if started.method == "in-silico-refit":
        planned += int(configuration.get("settings", {}).get("readout_epochs", 0))
    accuracy = ended.accuracy if ended is not None else None
    return RunFacts(
        path=folder,
        id=about.get("run", ""),
        host=about.get("host", ""),
        state=state,
        why=why,
        began=first.wall_time,
        last=newest.wall_time,
        started=started,
        epochs=_lines(folder / files.METRICS),
        planned=planned,
        accuracy=math.nan if accuracy is None else accuracy,
        held_out=math.nan if epoch is None else epoch.held_out_accuracy,
        measured_on="bench" if epoch is None else epoch.measured_on,
        bench_seconds=0.0 if spent is None else spent.bench_seconds,
        size=size_of(folder),
        configuration=configuration,
    )


def size_of(folder: Path) -> int:
    """Bytes of the files of a folder."""
    total = 0
    for entry in os.scandir(folder):
        try:
            if entry.is_file(follow_symlinks=False):
                total += entry.stat(follow_symlinks=False).st_size
        except OSError:  # it has gone meanwhile
            continue
    return total


def _state(folder: Path, ended: RunEnded | None, host: str) -> tuple[State, str]:
    if ended is not None:
        known = ended.outcome in tuple(State)
        return (State(ended.outcome) if known else State.UNKNOWN), ended.why
    if is_held(folder):
        return State.RUNNING, ""
    if host and host != socket.gethostname():
        return State.UNKNOWN, f"written on {host}"
    return State.KILLED, ""


def _event(entry: Entry | None, kind: type[E]) -> E | None:
    """The event of an entry, if it is of that kind and whole."""
    if entry is None or entry.kind != kind.KIND:
        return None
    try:
        found = from_fields(entry.kind, json.loads(entry.fields))
    except (CodingError, ValueError):
        return None
    return found if isinstance(found, kind) else None


def _table(folder: RunFolder, name: str) -> Mapping[str, Any]:
    try:
        found = folder.read_json(name)
    except RunFolderError:
        return {}
    return found if isinstance(found, dict) else {}


def _lines(path: Path) -> int:
    try:
        return path.read_bytes().count(b"\n")
    except OSError:
        return 0
