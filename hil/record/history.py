"""What a run told, without what became void when it went on from a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.record.journal import Entry, Journal
from hil.record.reading import RunReader
from hil.telemetry.event import Event, Stamped
from hil.telemetry.events import (
    Believed,
    EpochEnded,
    Levels,
    RunResumed,
    Slots,
    Spent,
    Step,
    Watched,
)

#: Events of a step.
OF_STEPS = (Step, Levels, Slots, Believed, Watched)
#: Events that are read at once: those with traces of a large bench take megabytes.
AT_ONCE = 50


@dataclass(frozen=True)
class History:
    """Events of a run, in order, read as they are gone through. A slice of it is one, too.

    ids : of the events in the run's journal, of those that there were when it was asked for. Their
    number may be a little more than can be read: see `RunReader`.
    """

    folder: Path
    ids: Sequence[int]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, which: slice) -> History:
        return History(self.folder, self.ids[which])

    def __iter__(self) -> Iterator[Stamped]:
        reader = RunReader(self.folder)
        try:
            for first in range(0, len(self.ids), AT_ONCE):
                yield from reader.these(self.ids[first : first + AT_ONCE])
        finally:
            reader.close()


def history(folder: Path, *kinds: type[Event]) -> History:
    """Events of these kinds of a run (or all), in order; raises as `RunReader`, when read as well.

    Where the run was gone on with, what it had told of steps and epochs after the checkpoint is
    left out: those were done again.
    """
    journal = Journal(folder)
    try:
        ids = journal.ids([kind.KIND for kind in kinds])
        if journal.ids([RunResumed.KIND]):
            void = _void(journal)
            ids = [one for one in ids if one not in void]
    finally:
        journal.close()
    return History(folder, ids)


@dataclass(frozen=True)
class _Mark:
    """An event that may become void: its id, its kind, and the step or epoch it is of."""

    id: int
    kind: str
    number: int


def _void(journal: Journal) -> set[int]:
    """Ids of events that were told of what was done again."""
    kept: list[_Mark] = []
    void: set[int] = set()
    for entry, fields in _entries(journal):
        if entry.kind == RunResumed.KIND:
            stays = _before(kept, int(fields["step"]), int(fields["epochs"]))
            void |= {one.id for one in kept} - {one.id for one in stays}
            kept = stays
        else:
            number = fields.get("epoch") if entry.kind == EpochEnded.KIND else fields.get("step")
            kept.append(_Mark(entry.id, entry.kind, int(number or 0)))
    return void


def _entries(journal: Journal) -> Iterator[tuple[Entry, dict[str, Any]]]:
    """What tells of steps, epochs and resuming, with its fields; nothing of arrays."""
    kinds = [kind.KIND for kind in (*OF_STEPS, EpochEnded, Spent, RunResumed)]
    last = 0
    while entries := journal.after(last, kinds=kinds):
        last = entries[-1].id
        for entry in entries:
            try:
                fields = json.loads(entry.fields)
            except ValueError:
                continue
            if isinstance(fields, dict):
                yield entry, fields


def _before(told: list[_Mark], step: int, epochs: int) -> list[_Mark]:
    """What stays of what was told before a run was resumed after a step and some epochs.

    Numbers begin anew in each stage of a method: only the end of the last one can be void.
    """
    kept: list[_Mark] = []
    ended = False
    pending: list[_Mark] = []
    for one in reversed(told):
        if ended:
            kept.append(one)
        elif one.kind == Spent.KIND:
            pending.append(one)  # told with an epoch's end: it goes as that one does
        elif one.kind == EpochEnded.KIND:
            if one.number <= epochs:
                ended = True
                kept += [*pending, one]
            pending = []
        elif one.number <= step:
            ended = True
            kept.append(one)
    return kept[::-1]
