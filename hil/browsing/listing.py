"""The catalogue of runs: all that are kept, chosen and sorted, as a table or as plain data."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hil.bench.tables import Table
from hil.browsing.facts import RunFacts, read_facts
from hil.record.finding import look_through
from hil.record.folder import RunFolderError

#: What runs can be sorted by.
KEYS: Mapping[str, Callable[[RunFacts], Any]] = {
    "time": lambda run: run.began,
    "name": lambda run: run.name,
    "accuracy": lambda run: -1.0 if math.isnan(run.accuracy) else run.accuracy,
    "bench-time": lambda run: run.bench_seconds,
    "size": lambda run: run.size,
}
#: Digits of an id that are shown.
DIGITS = 8
_UNITS = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


@dataclass
class Catalogue:
    """Runs, and the folders beside them that could not be read, with the reason."""

    runs: list[RunFacts] = field(default_factory=list)
    others: list[tuple[Path, str]] = field(default_factory=list)

    def copies(self) -> list[tuple[RunFacts, ...]]:
        """Runs that are there more than once."""
        by_id: dict[str, list[RunFacts]] = defaultdict(list)
        for run in self.runs:
            by_id[run.id].append(run)
        return [tuple(runs) for id_, runs in by_id.items() if id_ and len(runs) > 1]


@dataclass(frozen=True)
class Choice:
    """Which runs are wanted; what is None does not matter. since : s since 1970."""

    task: str | None = None
    method: str | None = None
    bench: str | None = None
    backend: str | None = None
    state: str | None = None
    since: float | None = None

    def takes(self, run: RunFacts) -> bool:
        """Whether a run is wanted."""
        started = run.started
        return (
            self.task in (None, started.task)
            and self.method in (None, started.method)
            and self.bench in (None, started.bench)
            and self.backend in (None, started.backend)
            and self.state in (None, str(run.state))
            and (self.since is None or run.began >= self.since)
        )


def catalogue(
    places: Sequence[Path],
    choice: Choice | None = None,
    key: str = "time",
    one_by_one: Callable[[Sequence[Path]], Iterable[Path]] = iter,
) -> Catalogue:
    """Runs under some folders, those that began last at the end (or by another of `KEYS`).

    one_by_one : gives the folders back as they are read, one after the other; may show how far.
    """
    found = look_through(places)
    kept = Catalogue(others=list(found.others))
    for path in one_by_one(found.runs):
        try:
            run = read_facts(path)
        except RunFolderError as error:
            kept.others.append((path, str(error)))
            continue
        if choice is None or choice.takes(run):
            kept.runs.append(run)
    kept.runs.sort(key=KEYS[key])
    return kept


def since(text: str) -> float:
    """A moment, s since 1970: a date or date and time (UTC), or how long ago: 12h, 7d, 4w.

    Raises
    ------
    ValueError
    """
    if text[-1:] in _UNITS and text[:-1].isdecimal():
        return time.time() - int(text[:-1]) * _UNITS[text[-1]]
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def table(runs: Iterable[RunFacts]) -> Table:
    """One row a run."""
    head = (
        *("id", "began, UTC", "run", "task", "method", "bench", "on", "state"),
        *("accuracy", "held-out", "epochs", "bench time", "size"),
    )
    return Table("", head, tuple(_row(run) for run in runs))


def _row(run: RunFacts) -> tuple[str, ...]:
    started = run.started
    # What a twin answered is not mistaken for what a bench did.
    mark = " (twin)" if run.measured_on == "twin" else ""
    return (
        run.id[:DIGITS],
        moment(run.began),
        str(run.path),
        started.task,
        started.method,
        started.bench,
        f"{started.backend}/{started.path}",
        str(run.state),
        "-" if math.isnan(run.accuracy) else f"{run.accuracy:.4f}{mark}",
        "-" if math.isnan(run.held_out) else f"{run.held_out:.4f}{mark}",
        f"{run.epochs}/{run.planned}",
        duration(run.bench_seconds),
        size(run.size),
    )


def moment(seconds: float) -> str:
    """A time, UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def duration(seconds: float) -> str:
    """A time span, to a second or better."""
    if seconds < 120.0:
        return f"{seconds:.1f} s"
    return str(timedelta(seconds=round(seconds)))


def size(bytes_: float) -> str:
    """Bytes for a person."""
    for unit in ("B", "kB", "MB"):
        if bytes_ < 1000.0:
            return f"{bytes_:.3g} {unit}"
        bytes_ /= 1000.0
    return f"{bytes_:.3g} GB"
