"""What is folded from events is what they said, in the units of the screen."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hil.monitor.state.run_state import RunState
from hil.monitor.state.words import (
    change_words,
    duration,
    left_words,
    light_word,
    progress_words,
    stale_words,
    state_word,
)
from hil.telemetry.commands import Verb
from hil.telemetry.event import Event, Severity, Stamped
from hil.telemetry.events import (
    CommandAnswered,
    Cusum,
    Fault,
    Noted,
    Readings,
    RunEnded,
    RunResumed,
    StateChanged,
)
from tests.hil.monitor import made
from tests.hil.monitor.made import WALL, Clock


def _state(*events: Event) -> RunState:
    state = RunState(Clock(WALL + 1000), Clock())
    state.take(made.stamped(events))
    return state


def _answer(id_: str, verb: str = "pause", *, accepted: bool = True) -> CommandAnswered:
    return CommandAnswered(id=id_, verb=verb, issuer="me", accepted=accepted, text="as you say")


def test_volts_and_amperes_follow_from_power_and_resistance() -> None:
    state = _state(made.bench(), made.levels(1, 0.02), made.levels(2, 0.032))
    heaters = state.heaters
    np.testing.assert_allclose(heaters.volts, np.sqrt(0.032 * 800.0))
    np.testing.assert_allclose(heaters.amperes, np.sqrt(0.032 / 800.0))
    np.testing.assert_allclose(heaters.volts * heaters.amperes, 0.032)
    np.testing.assert_allclose(heaters.margin, 1.0 - 0.032 / 0.05)
    np.testing.assert_allclose(heaters.change, 0.012)
    np.testing.assert_allclose(heaters.chip_power.y, [[0.32, 0.32], [0.512, 0.512]])


@pytest.mark.parametrize(
    ("outcome", "severity"),
    [
        ("finished", Severity.NONE),
        ("stopped", Severity.NONE),
        ("interrupted", Severity.MINOR),
        ("failed", Severity.MAJOR),
    ],
)
def test_an_end_that_was_asked_for_is_no_alarm(outcome: str, severity: Severity) -> None:
    state = _state(made.started(), RunEnded(outcome=outcome, why="a word"))
    assert state.log.lines[-1].severity is severity


def test_sums_of_the_watch_are_shares_of_their_alarms() -> None:
    state = _state(
        made.started(),
        made.step(10),
        Cusum(step=10, whole=0.25, new=0.5, element=0.125),
        made.step(20),
        Cusum(step=20, whole=1.5, new=0.0, element=None),
        Cusum(step=-3, whole=0.0, new=0.0, element=None),
    )
    np.testing.assert_array_equal(state.drift.sums.x, [10, 20])
    np.testing.assert_array_equal(
        state.drift.sums.y, [[0.25, 0.5, 0.125], [1.5, 0.0, float("nan")]]
    )
    assert sum(state.ignored.values()) == 1


def test_who_came_late_sees_epochs_where_they_ended() -> None:
    """A broker tells of epochs that are over, not of their steps."""
    late = _state(made.started(), made.epoch(1), made.epoch(2), made.step(13), made.epoch(3))
    np.testing.assert_array_equal(late.learning.epochs.x, [5, 10, 13])


def test_headroom_and_clipping_are_by_port() -> None:
    told = made.slots(1)
    told.measured[2, 1, 3] = -1.8
    told.clipped[:4, :, 2] = True
    state = _state(made.bench(), told, made.slots(2))
    ports = state.ports
    assert ports.least_headroom is not None
    assert ports.headroom is not None
    assert ports.least_headroom[3] == pytest.approx(0.1)
    assert ports.headroom[3] > 0.4
    assert ports.clipped_points.tolist() == [0, 0, 12, 0]
    assert ports.clipped.tolist() == [0.0, 0.0, 0.0, 0.0]
    np.testing.assert_allclose(ports.power.y[0], np.mean(told.measured**2, axis=(0, 1)))


def test_the_twin_is_wrong_where_it_is_wrong() -> None:
    told = made.believed(5, 0.0)
    told.believed[:, 2, 1] += 0.3
    state = _state(made.bench(), told)
    assert state.twin.worst is not None
    slot, port, residual = state.twin.worst
    assert (slot, port) == (2, 1)
    assert residual == pytest.approx(0.3)
    assert state.twin.trail.y[-1, 0] == pytest.approx(0.3 / np.sqrt(12))
    assert state.twin.pairs is not None
    assert len(state.twin.pairs.banks) == 6 * 3 * 4


def test_bench_time_is_the_ledgers_difference_a_step() -> None:
    state = _state(*made.a_run(15))
    (first, last) = state.spending.intervals
    assert (first.first, first.last, last.first, last.last) == (5, 10, 10, 15)
    assert last.a_step == pytest.approx({"write": 0.375, "run": 0.125})


def test_links_have_a_rate_and_a_share_of_time() -> None:
    state = RunState()
    state.take([Stamped(1, 10.0, WALL, made.health(100)), Stamped(2, 20.0, WALL, made.health(150))])
    (link,) = state.condition.links
    assert (link.rate, link.busy) == (pytest.approx(5.0), pytest.approx(0.5))
    state.take([Stamped(3, 30.0, WALL, made.health(150, is_open=False, dropped=7))])
    assert state.condition.closed == ["heaters-0"]
    assert state.condition.dropped == 7


def test_the_banner_says_where_the_run_is() -> None:
    clock, wall = Clock(), Clock(WALL)
    state = RunState(wall, clock)
    assert (state_word(state), light_word(state)) == ("NO STATE", "LIGHT ?")
    told = made.stamped(made.a_run(10, ended=False), every=0.1)
    wall.now = told[-1].wall_time
    state.take(told)
    assert (state_word(state), light_word(state)) == ("RUNNING", "LIGHT ON")
    assert progress_words(state) == "step 10 of 20, epoch 2 of 4"
    # A step takes what passes between two steps, whatever else is told between them.
    steps = [one.wall_time for one in told if one.event.KIND == "step"]
    pace = (steps[-1] - steps[0]) / 9
    assert state.lifecycle.left == pytest.approx(10 * pace)
    assert left_words(state) == f"{duration(10 * pace)} left"
    assert change_words(state).startswith("running since ")
    state.take(made.stamped([RunEnded(outcome="failed", why="a fuse blew")]))
    assert left_words(state) == "failed"


def test_what_was_there_before_is_as_old_as_it_says() -> None:
    clock, wall = Clock(), Clock(WALL + 3600.0)
    state = RunState(wall, clock)
    told = made.stamped(made.a_run(5, ended=False))
    state.take(told)
    assert state.stale
    assert stale_words(state) == f"STALE {duration(WALL + 3600.0 - told[-1].wall_time)}"
    assert left_words(state) == "time left ?"


def test_what_comes_while_one_looks_on_is_fresh_whatever_the_other_clock_says() -> None:
    clock, wall = Clock(), Clock(WALL + 3600.0)
    state = RunState(wall, clock)
    state.take(())
    state.take(made.stamped(made.a_run(5, ended=False)))
    assert not state.stale
    clock.now += 9.0
    assert not state.stale
    clock.now += 2.0
    assert stale_words(state) == "STALE 11 s"
    state.take(made.stamped([made.step(6)]))
    assert stale_words(state) == ""


def test_nothing_heard_is_stale_and_a_finished_run_is_not() -> None:
    state = RunState(Clock(WALL + 1e6), Clock())
    assert stale_words(state) == "NOTHING HEARD"
    state.take(made.stamped(made.a_run(5)))
    assert not state.stale
    assert state_word(state) == "OFF"


def test_a_pause_holds_until_steps_go_on() -> None:
    state = _state(made.started(), made.step(1), _answer("x"))
    assert state.lifecycle.paused
    state.take(made.stamped([made.step(2)]))  # was under way
    assert state.lifecycle.paused
    state.take(made.stamped([_answer("y", "resume"), made.step(3)]))
    assert not state.lifecycle.paused
    state.take(made.stamped([_answer("z"), made.step(4), made.step(5)]))
    assert not state.lifecycle.paused
    state.take(made.stamped([_answer("n", accepted=False)]))
    assert not state.lifecycle.paused


def test_the_first_cause_stays_first() -> None:
    state = _state(
        made.started(),
        Fault(source="box-3", text="no reply within 2 s"),
        StateChanged(state="tripped", light=False, why="lost heartbeat"),
        Fault(source="heaters-0", text="link closed", severity=Severity.MINOR),
    )
    condition = state.condition
    assert condition.first is not None
    assert (condition.first.source, condition.tripped) == ("box-3", "lost heartbeat")
    assert [one.source for one in condition.faults] == ["box-3", "interlock", "heaters-0"]
    assert [one.source for one in condition.followed] == ["interlock", "heaters-0"]
    state.take(made.stamped([StateChanged(state="off", light=False)]))
    assert condition.tripped == ""
    assert condition.first.source == "box-3"  # whoever comes to look finds it
    state.take(made.stamped([StateChanged(state="armed", light=True)]))
    assert (condition.first, condition.followed) == (None, [])
    assert len(condition.faults) == 3


def test_a_trip_that_is_told_twice_is_one() -> None:
    trip = StateChanged(state="tripped", light=False, why="lid open")
    state = _state(made.started(), trip, trip)
    assert state.condition.counted == 1
    # Who came late may hear of no arming.
    state.take(made.stamped([StateChanged(state="running", light=True)]))
    assert state.condition.first is None


def test_readings_of_instruments_are_bounded_and_make_sense() -> None:
    state = _state(made.started(), made.stage(25.0), made.stage(25.5))
    beside = state.beside
    assert beside.trends["thermal stage"].y[:, 0].tolist() == [25.0, 25.5]
    assert beside.unit("thermal stage") == "°C"
    values: dict[str, Any] = {"actual": math.nan, "set": "hot", "output": 1e300}
    for number in range(100):
        odd = Readings(source=f"box-{number}", role="laser", values={"power": 1.0}, units={})
        state.take(made.stamped([odd]))
    assert len(beside.last) == 32
    before = sum(state.ignored.values())
    state.take(made.stamped([Readings(source="stage-0", role="x", values=values, units={})]))
    assert sum(state.ignored.values()) == before + 1
    assert len(beside.trends["laser"]) == 1  # of the first laser alone


def test_a_new_run_begins_anew_and_the_log_goes_on() -> None:
    state = _state(*made.a_run(10))
    before = state.log.total
    other = replace(made.started(ports=2), run="another")
    state.take(made.stamped([other, made.bench(ports=2), made.step(1)]))
    assert state.facts.step == 1
    assert len(state.learning.steps) == 1
    assert state.heaters.levels is None
    assert state.lifecycle.ended is None
    assert state.log.total == before + 1
    assert state.ignored == {}


def test_a_run_that_is_resumed_goes_on_where_it_was() -> None:
    state = _state(*made.a_run(10))
    assert state.lifecycle.ended is not None
    state.take(made.stamped([made.started(), RunResumed(step=8, epochs=1), made.bench()]))
    assert state.lifecycle.ended is None
    # What was told after the checkpoint is void.
    assert state.learning.steps.x.tolist() == list(range(1, 9))
    assert state.learning.epochs.x.tolist() == [5]
    assert progress_words(state) == "step 8 of 20, epoch 2 of 4"
    state.take(made.stamped([made.step(9), made.levels(9), made.slots(9)]))
    assert state.learning.steps.x.tolist() == list(range(1, 10))
    assert len(state.heaters.chip_power) == len(state.ports.power) == 9
    assert state.twin.residual is not None
    assert state.ports.traces is not None


def test_a_command_is_waited_for_and_its_answer_shown() -> None:
    clock = Clock()
    state = RunState(Clock(WALL), clock)
    state.ask("mine", Verb.PAUSE)
    assert state.asked == "pause asked for; waiting for the answer"
    clock.now += 4.0
    assert state.asked == "pause: NO ANSWER for 4 s; nothing is known to have happened"
    state.take(made.stamped([_answer("another's")]))
    assert "NO ANSWER" in state.asked
    state.take(made.stamped([_answer("mine")]))
    assert state.asked == "pause taken: as you say"
    state.ask("again", Verb.OFF)
    state.take(made.stamped([_answer("again", "off", accepted=False)]))
    assert state.asked == "off REFUSED: as you say"


def test_notes_and_alarms_are_in_the_log_with_how_bad_they_are() -> None:
    state = _state(*made.a_run(10), Noted(text="fibre moved\nby hand", author="ada"))
    lines = [(line.source, line.severity, line.text) for line in state.log.lines]
    assert lines[-1] == ("note", Severity.NONE, "ada: fibre moved by hand")
    (alarm,) = [line for line in lines if line[1] is Severity.MINOR]
    assert alarm[2].startswith("step 8: alarm: residual 4.0 times")
    assert [line.text for line in state.log.since(state.log.total - 1)] == [lines[-1][2]]
    assert state.log.since(state.log.total) == []


def test_memory_stays_flat() -> None:
    state = RunState()
    state.take(made.stamped([made.started(), made.bench()]))

    def go_on(first: int, last: int) -> int:
        for number in range(first, last):
            told = [made.step(number), made.levels(number), made.alarm(number), made.health(number)]
            state.take(made.stamped([*told, made.spent(number)]))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = go_on(1, 2500)  # all that is bounded is full
        after = go_on(2500, 4000)
    finally:
        tracemalloc.stop()
    assert abs(after - before) < 40_000
    assert state.taken == 2 + 5 * 3999


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0 s"),
        (99.4, "99 s"),
        (125.0, "2 min 05 s"),
        (7325.0, "2 h 02 min"),
        (1e6, "11 days"),
        (float("inf"), "?"),
        (float("nan"), "?"),
    ],
)
def test_time_spans_are_for_people(seconds: float, said: str) -> None:
    assert duration(seconds) == said
