"""A finished run again: at its own pace or any other, held, and from any place."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.monitor.replay import Replay
from hil.telemetry.commands import Verb
from hil.telemetry.event import Stamped
from hil.telemetry.events import Noted
from hil.telemetry.source import SourceError
from tests.hil.monitor import made
from tests.hil.monitor.made import Clock, Scripted


def _replay(speed: float = 1.0, number: int = 40) -> tuple[Replay, Clock]:
    clock = Clock()
    events = [Noted(text=str(k), author="") for k in range(number)]
    return Replay(Scripted(made.stamped(events), at_once=7), speed, clock), clock


def _texts(events: object) -> list[str]:
    assert isinstance(events, list)
    return [one.event.text for one in events if isinstance(one, Stamped)]


def test_events_come_at_the_pace_at_which_they_came() -> None:
    replay, clock = _replay()
    assert _texts(replay.poll()) == ["0"]
    clock.now += 0.4
    assert replay.poll() == []
    clock.now += 0.2
    assert _texts(replay.poll()) == ["1"]
    clock.now += 1.45  # 2.05 s in all: up to the one at 2.0
    assert _texts(replay.poll()) == ["2", "3", "4"]


def test_ten_times_as_fast() -> None:
    replay, clock = _replay(10.0)
    replay.poll()
    clock.now += 0.5
    assert len(replay.poll()) == 10
    replay.set_speed(1.0)
    clock.now += 0.5
    assert len(replay.poll()) == 1


def test_held_it_stands_still_and_goes_on_where_it_was() -> None:
    replay, clock = _replay()
    replay.poll()
    replay.pause(True)
    clock.now += 100.0
    assert replay.poll() == []
    replay.pause(False)
    clock.now += 0.6
    assert _texts(replay.poll()) == ["1"]


def test_a_place_further_on_is_reached_through_all_that_lies_between() -> None:
    replay, clock = _replay()
    replay.poll()
    replay.seek(0.5)
    assert _texts(replay.poll()) == [str(k) for k in range(1, 20)]
    assert replay.share == pytest.approx(0.5)
    assert not replay.take_restart()
    clock.now += 0.6
    assert len(replay.poll()) in (1, 2)


def test_a_place_before_is_reached_from_the_beginning() -> None:
    replay, _ = _replay()
    replay.seek(0.9)
    replay.poll()
    replay.seek(0.25)
    assert replay.take_restart()
    assert _texts(replay.poll()) == [str(k) for k in range(10)]
    assert not replay.take_restart()


def test_a_night_between_two_events_passes_quickly() -> None:
    clock = Clock()
    events = [
        Stamped(1, 0.0, 1000.0, Noted(text="evening", author="")),
        Stamped(2, 1.0, 40_000.0, Noted(text="morning", author="")),
        Stamped(3, 2.0, 30_000.0, Noted(text="a clock was set back", author="")),
    ]
    replay = Replay(Scripted(events), 1.0, clock)
    assert _texts(replay.poll()) == ["evening"]
    clock.now += 3.1
    assert _texts(replay.poll()) == ["morning", "a clock was set back"]
    assert replay.share == 1.0


def test_a_replay_obeys_nobody_and_keeps_notes(tmp_path: Path) -> None:
    record = Scripted(made.stamped(made.a_run(2)))
    replay = Replay(record)
    with pytest.raises(SourceError, match="replay"):
        replay.command(Verb.OFF)
    replay.note("seen again")
    assert record.notes == ["seen again"]
    for speed in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(SourceError, match="speed"):
            replay.set_speed(speed)
    replay.close()
    assert record.closed
