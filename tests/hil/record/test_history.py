"""What a run told is read as it is gone through, without what was done again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hil.record import history as module
from hil.record.arrays import ArrayReader
from hil.record.history import history
from hil.record.recorder import Recorder
from hil.telemetry.bus import Bus
from hil.telemetry.commands import CommandDesk
from hil.telemetry.event import Event
from hil.telemetry.events import Fault, Levels, RunResumed


def told(folder: Path, events: Sequence[Event]) -> None:
    """Write a record."""
    bus = Bus()
    recorder = Recorder(folder, bus, CommandDesk(bus), {Levels: {"levels": (2, 4)}})
    bus.publish(*events)
    recorder.close()


def levels(step: int) -> Levels:
    """Levels of a step, which tell it."""
    return Levels(step=step, levels=np.full((2, 4), float(step)))


def steps(found: Any) -> list[int]:
    """Of which steps events are, by what stands in their arrays."""
    return [int(one.event.levels[0, 0]) for one in found]


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows of arrays that were read."""
    read, seen = ArrayReader.read, []

    def counted(self: ArrayReader, kind: str, row: int, *rest: Any) -> dict[str, Any]:
        seen.append(row)
        return read(self, kind, row, *rest)

    monkeypatch.setattr(ArrayReader, "read", counted)
    return seen


def test_arrays_are_read_when_they_are_come_to(
    tmp_path: Path, rows: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 5)
    told(tmp_path, [levels(step) for step in range(1, 31)])
    found = history(tmp_path, Levels)
    assert len(found) == 30
    assert not rows
    events = iter(found)
    assert steps([next(events)]) == [1]
    assert len(rows) == 5
    rows.clear()
    assert steps(found[-2:]) == [29, 30]
    assert steps(found[::10]) == [1, 11, 21]
    assert rows == [28, 29, 0, 10, 20]
    assert steps(found) == list(range(1, 31))


def test_what_was_done_again_is_left_out_of_any_part(tmp_path: Path) -> None:
    before = [levels(1), levels(2), Fault(source="box", text="silent"), levels(3)]
    told(tmp_path, before)
    told(tmp_path, [RunResumed(step=1, epochs=0), levels(2), levels(3)])
    found = history(tmp_path, Levels)
    assert steps(found) == [1, 2, 3]
    assert steps(found[1:]) == [2, 3]
    kinds = [type(one.event) for one in history(tmp_path)]
    assert kinds == [Levels, Fault, RunResumed, Levels, Levels]


def test_a_run_that_goes_on_is_read_as_it_was_when_it_was_asked_for(tmp_path: Path) -> None:
    told(tmp_path, [levels(1)])
    found = history(tmp_path, Levels)
    told(tmp_path, [levels(2)])
    assert steps(found) == [1]
    assert steps(history(tmp_path, Levels)) == [1, 2]
