"""Whatever comes in is counted and left out, or taken as far as it makes sense: never a crash."""

from __future__ import annotations

import random
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

import numpy as np
import pytest

from hil.monitor.state.run_state import RunState
from hil.telemetry.event import Event, Severity, told_of
from hil.telemetry.events import KINDS
from tests.hil.monitor import made
from tests.hil.monitor.hostile import NASTY, REFUSED, STRANGE


def _running() -> RunState:
    state = RunState()
    state.take(made.stamped(made.a_run(6, ended=False)))
    assert not state.ignored
    return state


@pytest.mark.parametrize(
    ("event", "why"), [row[1:] for row in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_nonsense_is_counted_and_changes_nothing(event: Event, why: str) -> None:
    state = _running()
    levels, residual = state.heaters.levels, state.twin.residual
    traces, step, pace = state.ports.traces, state.facts.step, state.lifecycle.pace
    steps, bench = len(state.learning.steps), state.facts.bench
    state.take(made.stamped([event]))
    assert sum(state.ignored.values()) == 1
    assert state.ignored[event.KIND] == 1
    assert why in state.why_ignored
    assert state.heaters.levels is levels
    assert state.twin.residual is not None
    np.testing.assert_array_equal(state.twin.residual, residual)
    assert state.ports.traces is traces
    assert (state.facts.step, len(state.learning.steps)) == (step, steps)
    assert state.facts.bench is bench
    assert state.lifecycle.pace == pace
    state.take(made.stamped([made.step(7), made.levels(7), made.slots(7)]))
    assert sum(state.ignored.values()) == 1
    assert state.facts.step == 7


@pytest.mark.parametrize("event", [row[1] for row in STRANGE], ids=[row[0] for row in STRANGE])
def test_the_strange_is_taken_as_far_as_it_goes(event: Event) -> None:
    state = _running()
    state.take(made.stamped([event]))
    assert not state.ignored
    for trail in (state.learning.steps, state.learning.epochs, state.ports.power):
        assert np.nanmax(np.abs(trail.y), initial=0.0) <= 1e12


def test_levels_of_a_bench_that_nobody_described_are_not_guessed_at() -> None:
    state = RunState()
    state.take(made.stamped([made.started(), made.levels(1)]))
    assert state.heaters.levels is None
    assert "not been described" in state.why_ignored


def test_what_is_written_can_do_no_harm_and_is_short() -> None:
    state = _running()
    state.take(made.stamped([row[1] for row in STRANGE]))
    for line in state.log.lines:
        assert len(line.text) <= 400
        assert line.text.isprintable()
    assert len(state.condition.links) <= 32


def test_no_end_of_kinds_is_counted() -> None:
    state = RunState()
    for number in range(1000):
        state.ignore(f"kind-{number}{NASTY}", "unknown")
    assert len(state.ignored) <= 41
    assert sum(state.ignored.values()) == 1000


def _any_value(type_: Any, rng: random.Random) -> Any:
    if get_origin(type_) is UnionType:
        inner = [one for one in get_args(type_) if one is not NoneType]
        return None if rng.random() < 0.3 else _any_value(inner[0], rng)
    if get_origin(type_) is np.ndarray:
        shape = tuple(rng.choice([0, 1, 2, 3, 4, 16]) for _ in range(rng.choice([1, 2, 3])))
        dtype = rng.choice(["float64", "float32", "int64", "bool", "uint8"])
        scale = rng.choice([0.0, 0.01, 1.0, -1.0, 1e300, np.inf, np.nan])
        with np.errstate(all="ignore"):
            return (np.ones(shape) * scale).astype(dtype)
    if get_origin(type_) is Mapping:
        keys = ["ratio", "moved", "write", "heaters-0", NASTY]
        values = [None, True, -1, 1e308, float("nan"), NASTY, {"open": 1, "busy": []}, [[]]]
        return {key: rng.choice(values) for key in rng.sample(keys, rng.randint(0, 5))}
    if type_ is float:
        return rng.choice([0.0, -1.0, 0.5, 1e308, float("inf"), float("nan")])
    if type_ is int:
        return rng.choice([-1, 0, 1, 2, 4, 16, 2**40, -(2**70)])
    if type_ is bool:
        return rng.random() < 0.5
    if type_ is Severity:
        return rng.choice(list(Severity))
    return rng.choice(["", "off", "running", "tripped", "alarm", "health", "gate", NASTY])


def any_events(number: int, seed: int) -> list[Event]:
    """Events of all kinds, of the right types and with any content."""
    rng = random.Random(seed)
    made_up = []
    for _ in range(number):
        of = rng.choice(list(KINDS.values()))
        values = {name: _any_value(type_, rng) for name, (type_, _) in told_of(of).items()}
        made_up.append(of(**values))
    return made_up


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_anything_at_all_is_survived() -> None:
    state = _running()
    state.take(made.stamped(any_events(3000, seed=1)))
    state.take(made.stamped(made.a_run(6)))
    assert state.facts.step == 6
    assert sum(state.ignored.values()) > 100
