"""All that a run left, but for its large arrays: what `show`, `compare` and reports are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hil.browsing.facts import RunFacts, read_facts
from hil.record import folder as files
from hil.record.folder import RunFolder, RunFolderError
from hil.record.history import history
from hil.telemetry.event import Event, Stamped
from hil.telemetry.events import (
    Baselines,
    BenchDescribed,
    CommandAnswered,
    EpochEnded,
    Fault,
    Noted,
    RunEnded,
    RunResumed,
    RunStarted,
    Spent,
    StateChanged,
    Step,
    Watched,
)

E = TypeVar("E", bound=Event)
Floats = NDArray[np.float64]

#: What a story is told from: everything without large arrays.
KINDS = (
    RunStarted,
    RunResumed,
    BenchDescribed,
    StateChanged,
    Step,
    Baselines,
    EpochEnded,
    Watched,
    Spent,
    Fault,
    Noted,
    CommandAnswered,
    RunEnded,
)


@dataclass(frozen=True)
class Told:
    """An event of one kind, with its times: bench_time in s, wall_time in s since 1970."""

    bench_time: float
    wall_time: float
    event: Any


@dataclass(frozen=True)
class Answers:
    """What a network answered on the test part: logits (items, classes), labels (items,)."""

    logits: Floats
    labels: NDArray[np.int64]

    @property
    def right(self) -> NDArray[np.bool_]:
        """(items,) whether each was answered right."""
        return self.logits.argmax(axis=1) == self.labels


@dataclass(frozen=True)
class Story:
    """A run, as far as it has come. Tables that it has not left (yet) are empty.

    instruments : identity, firmware and settings of each by name, when the run began; at_end : the
    same at its end.
    twin : effective parameters by name; meaning : shape, unit and meaning of each, by name.
    """

    facts: RunFacts
    events: Sequence[Stamped]
    summary: Mapping[str, Any]
    bench: Mapping[str, Any]
    calibration: Mapping[str, Any]
    instruments: Mapping[str, Any] = field(default_factory=dict)
    at_end: Mapping[str, Any] = field(default_factory=dict)
    answers: Answers | None = None
    twin: Mapping[str, Floats] = field(default_factory=dict)
    meaning: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.facts.path

    @property
    def configuration(self) -> Mapping[str, Any]:
        """As written."""
        return self.facts.configuration

    def all_of(self, kind: type[E]) -> list[Told]:
        """Events of a kind, in order."""
        return [
            Told(one.bench_time, one.wall_time, one.event)
            for one in self.events
            if isinstance(one.event, kind)
        ]

    def last_of(self, kind: type[E]) -> E | None:
        """The newest event of a kind."""
        found = self.all_of(kind)
        return found[-1].event if found else None

    @property
    def test_items(self) -> int | None:
        """How many items the accuracy was measured on."""
        return self.summary.get("test_items")

    @property
    def sampling_error(self) -> float:
        """Standard error of the accuracy for want of more test items; NaN where unknown."""
        items, accuracy = self.test_items, self.facts.accuracy
        if not items or math.isnan(accuracy):
            return math.nan
        return math.sqrt(max(accuracy * (1.0 - accuracy), 0.0) / items)

    @property
    def ledger(self) -> Mapping[str, Any]:
        """What was spent so far: `bench_seconds`, `seconds`, `device_passes`, `counts`."""
        if found := self.summary.get("ledger"):
            return found
        spent = self.last_of(Spent)
        return {} if spent is None else dict(vars(spent))


def read_story(folder: Path) -> Story:
    """Read a run folder.

    Raises
    ------
    RunFolderError
        Where it is none; files beside its events may be missing.
    """
    facts = read_facts(folder)
    files_ = RunFolder(folder)
    parameters, meaning = _tensors(files_, files.TWIN)
    return Story(
        facts=facts,
        events=list(history(folder, *KINDS)),
        summary=_table(files_, files.SUMMARY),
        bench=_table(files_, files.BENCH),
        calibration=_table(files_, files.RECORD),
        instruments=_table(files_, files.SNAPSHOT_START).get("instruments", {}),
        at_end=_table(files_, files.SNAPSHOT_END).get("instruments", {}),
        answers=_answers(files_),
        twin={name: value.double().numpy() for name, value in parameters.items()},
        meaning=meaning.get("parameters", {}),
    )


def _answers(folder: RunFolder) -> Answers | None:
    found, _ = _tensors(folder, files.ANSWERS)
    if not {"logits", "labels"} <= found.keys():
        return None
    return Answers(found["logits"].double().numpy(), found["labels"].long().numpy())


def _tensors(folder: RunFolder, name: str) -> tuple[Mapping[str, Tensor], Mapping[str, Any]]:
    try:
        return folder.read_tensors(name)
    except (RunFolderError, ValueError):
        return {}, {}


def _table(folder: RunFolder, name: str) -> Mapping[str, Any]:
    try:
        found = folder.read_json(name)
    except RunFolderError:
        return {}
    return found if isinstance(found, dict) else {}
