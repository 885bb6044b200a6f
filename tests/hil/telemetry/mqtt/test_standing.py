"""What holds of a run: for late-comers, and which alarms stand."""

from __future__ import annotations

from itertools import count

import numpy as np

from hil.telemetry.event import Event, Severity, Stamped
from hil.telemetry.events import (
    Baselines,
    Fault,
    Levels,
    Readings,
    RunEnded,
    StateChanged,
    Step,
    Watched,
)
from hil.telemetry.mqtt.arrays import ArraysThrottle
from hil.telemetry.mqtt.standing import MOST_ALARMS, Life, Standing
from tests.hil.telemetry.made import epoch, started


def _watched(what: str, severity: Severity = Severity.NONE) -> Watched:
    return Watched(step=1, what=what, text=what, severity=severity, data={})


class Told:
    """A `Standing` that is told events."""

    def __init__(self, *events: Event) -> None:
        self.standing = Standing()
        self._numbers = count(1)
        self.tell(*events)

    def tell(self, *events: Event) -> Standing:
        for event in events:
            self.standing.take(Stamped(next(self._numbers), 0.0, 0.0, event))
        return self.standing


def test_life_follows_the_run() -> None:
    told = Told()
    assert told.standing.life is Life.SLEEPING
    assert told.tell(started()).life is Life.READY
    assert told.tell(RunEnded(outcome="finished")).life is Life.SLEEPING
    assert told.tell(started("second")).life is Life.READY
    assert told.standing.run == started("second")


def test_the_last_of_a_kind_and_all_epochs_hold_until_the_next_run() -> None:
    idle, running = (StateChanged(state=s, light=True) for s in ("idle", "running"))
    told = Told(started(), idle, running, Baselines(accuracy={}), epoch(1), epoch(2))
    assert [e.event for e in told.standing.events()] == [
        started(),
        running,
        Baselines(accuracy={}),
        epoch(1),
        epoch(2),
    ]
    told.tell(RunEnded(outcome="finished"))
    assert [e.event for e in told.tell(started("2")).events()] == [running, started("2")]


def test_the_last_readings_of_each_instrument_hold() -> None:
    def stage(name: str, actual: float) -> Readings:
        values = {"set": 25.0, "actual": actual}
        return Readings(source=name, role="thermal stage", values=values, units={"set": "degC"})

    told = Told(stage("a", 24.0), stage("b", 24.5), stage("a", 25.0))
    assert [e.event for e in told.standing.events()] == [stage("b", 24.5), stage("a", 25.0)]


def test_steps_change_nothing_that_holds() -> None:
    told = Told(started())
    told.standing.changed = False
    told.tell(
        Step(
            step=1,
            epoch=1,
            loss=1.0,
            accuracy=0.1,
            residual=None,
            clamped=0,
            measured_on="bench",
            seconds=0.1,
        )
    )
    assert not told.standing.changed


def test_alarms_stand_until_they_are_over() -> None:
    told = Told(started(), _watched("alarm", Severity.MINOR), _watched("gate", Severity.MAJOR))
    assert {a.id: a.severity for a in told.standing.alarms.values()} == {
        "watch-alarm": Severity.MINOR,
        "watch-gate": Severity.MAJOR,
    }
    assert set(told.tell(_watched("look")).alarms) == {"watch-alarm", "watch-gate"}
    assert set(told.tell(_watched("action")).alarms) == {"watch-gate"}
    assert not told.tell(_watched("gate")).alarms
    told.tell(Fault(source="box 1/x", text="silent"))
    assert set(told.standing.alarms) == {"fault-box-1-x"}
    assert not told.tell(RunEnded(outcome="finished")).alarms


def test_tripped_outlives_its_run() -> None:
    told = Told(started(), StateChanged(state="tripped", light=True))
    assert told.standing.alarms["tripped"].severity is Severity.INVALID
    assert set(told.tell(RunEnded(outcome="failed")).alarms) == {"tripped"}
    assert not told.tell(StateChanged(state="off", light=False)).alarms


def test_alarms_are_not_without_end() -> None:
    told = Told(*(Fault(source=f"s{n}", text="x") for n in range(MOST_ALARMS + 50)))
    assert len(told.standing.alarms) == MOST_ALARMS


def _levels(step: int) -> Stamped:
    return Stamped(step, 0.0, 0.0, Levels(step=step, levels=np.zeros((1, 1))))


def _taken(throttle: ArraysThrottle) -> list[int]:
    numbers = []
    while throttle.first is not None:
        numbers.append(throttle.first.number)
        throttle.pass_on()
    return numbers


def test_arrays_of_so_many_steps_a_second_pass() -> None:
    times = iter([0.0, 0.1, 0.3, 0.6])
    throttle = ArraysThrottle(2.0, lambda: next(times))
    for step in (1, 1, 2, 3, 4):
        throttle.offer(_levels(step))
    assert _taken(throttle) == [1, 1, 4]
    assert throttle.first is None


def test_no_arrays_pass_where_none_are_wanted_and_few_wait() -> None:
    none = ArraysThrottle(0.0)
    none.offer(_levels(1))
    assert none.first is None
    times = count()
    all_ = ArraysThrottle(1e9, lambda: float(next(times)))
    for step in range(1000):
        all_.offer(_levels(step))
    waiting = _taken(all_)
    assert waiting[-1] == 999
    assert len(waiting) <= 6
