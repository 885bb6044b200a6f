"""What the guardian of a bench did, in the record of the run that it found without a controller."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from hil.record.journal import NAME, Entry, Journal
from hil.telemetry.coding import as_json
from hil.telemetry.event import Event
from hil.telemetry.events import Fault, RunResumed, RunStarted, StateChanged

DRIVEN_OFF = "driven off by the guardian"


def enter_outcome(folder: Path, why: str, failed: Sequence[str]) -> None:
    """Enter that a bench was driven off, or what of it is not safe; nothing where no record is.

    Raises
    ------
    RunFolderError
        Where the record cannot be written.
    """
    if not (folder / NAME).is_file():
        return
    outcome = f"NOT {DRIVEN_OFF}: {'; '.join(failed)}" if failed else DRIVEN_OFF
    events: list[Event] = [Fault(source="guardian", text=line) for line in failed]
    # Of a light that may not have gone off, nobody is told that it is.
    events.append(
        StateChanged(
            state="tripped" if failed else "off", light=bool(failed), why=f"{outcome}: {why}"
        )
    )
    journal = Journal(folder, mode="write")
    try:
        bench_time = journal.last_bench_time()
        then = float("nan") if bench_time is None else bench_time
        now = time.time()
        # Numbered 0: these are no events of the run's own.
        journal.add([Entry(0, 0, then, now, one.KIND, as_json(one)) for one in events])
    finally:
        journal.close()


def last_word(folder: Path) -> str:
    """What a guardian said of a run since it began or went on; empty where it had no part in it.

    Raises
    ------
    RunFolderError
        Where there is no record, or it cannot be read.
    """
    journal = Journal(folder)
    try:
        return word_of(journal)
    finally:
        journal.close()


def word_of(journal: Journal) -> str:
    """As `last_word`, of a record that is open."""
    word, last = "", 0
    kinds = [RunStarted.KIND, RunResumed.KIND, StateChanged.KIND]
    while entries := journal.after(last, kinds=kinds):
        last = entries[-1].id
        for entry in entries:
            if entry.kind != StateChanged.KIND:
                word = ""
            elif entry.number == 0:
                with suppress(ValueError, KeyError, TypeError):
                    when = datetime.fromtimestamp(entry.wall_time, UTC)
                    why = json.loads(entry.fields)["why"]
                    word = f"{why}, {when.isoformat(' ', 'seconds')}"
    return word
