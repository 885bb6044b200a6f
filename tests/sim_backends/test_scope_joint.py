"""What an oscilloscope of a bench sees: detectors, the trigger line, and what is over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim_backends.oscilloscope.acquisition import Acquisition, Plan
from sim_backends.oscilloscope.inputs import EXTERNAL
from sim_backends.pulse_streamer.program import Playback, Program
from sim_backends.scope_joint import ScopeJoint
from sim_backends.trigger_lines import HIGH, PatternLine

START = 1000.0
"""s of bench time at which the pattern begins: 1 us low, 1 us high on line 2, 8 us low."""


class Detectors:
    """Two detectors: `level` V plus a step of 1 V (2 V) at 4.5 us of the pattern."""

    def __init__(self) -> None:
        program = Program(np.array([1000, 1000, 8000]), np.array([0, 4, 0], np.uint8))
        self.playback = Playback(START, program, 1, 0, 0)
        self.trigger_line = 2
        self.level = 0.0
        self.time = START + 20e-6
        self.rendered: list[int] = []

    def now(self) -> float:
        return self.time

    def trigger_of(self, name: str) -> PatternLine:
        assert name == "scope"
        return PatternLine(self)  # type: ignore[arg-type]

    def ports_at(self, name: str) -> dict[int, int]:
        assert name == "scope"
        return {1: 0, 3: 1}

    def volts(self, start: float, step: float, count: int) -> np.ndarray:
        self.rendered.append(count)
        late = start + step * np.arange(count) - START >= 4.5e-6
        return self.level + np.stack([1.0 * late, 2.0 * late], axis=1)


@pytest.fixture
def bench() -> Detectors:
    return Detectors()


def joined(bench: Any, triggered: int = 4) -> ScopeJoint:
    return ScopeJoint(bench, "scope", triggered)


TIMES = START + 1e-6 * np.arange(10)


def test_inputs_see_their_detectors_the_line_or_nothing(bench: Detectors) -> None:
    joint = joined(bench)
    np.testing.assert_array_equal(joint.volts(1, TIMES), [0.0] * 5 + [1.0] * 5)
    np.testing.assert_array_equal(joint.volts(3, TIMES), [0.0] * 5 + [2.0] * 5)
    assert bench.rendered == [10]  # once for all
    np.testing.assert_array_equal(joint.volts(4, TIMES + 1e-9), HIGH * (np.arange(10) == 1))
    assert not joint.volts(2, TIMES).any()
    assert joint.volts(1, TIMES[:0]).size == 0


def test_instants_that_are_not_evenly_apart(bench: Detectors) -> None:
    at = START + 1e-6 * np.array([0.0, 1.0, 1.0, 4.0, 5.0, 5.0, 9.0])
    np.testing.assert_array_equal(joined(bench).volts(1, at), [0, 0, 0, 0, 1, 1, 1])


def test_edges_of_the_line_and_of_a_detector(bench: Detectors) -> None:
    joint = joined(bench)
    for source in (EXTERNAL, 4):
        assert joint.next_edge(source, 1.0, True, START) == pytest.approx(START + 1e-6)
        assert joint.next_edge(source, 1.0, False, START) == pytest.approx(START + 2e-6)
        assert joint.next_edge(source, 3.4, True, START) is None
        assert joint.next_edge(source, 1.0, True, START + 3e-6) is None
    found = joint.next_edge(3, 1.0, True, START)
    assert found == pytest.approx(START + 4.5e-6, abs=5e-9)
    assert joint.next_edge(3, 1.0, False, START) is None
    assert joint.next_edge(2, 0.5, True, START) is None  # nothing is there
    bench.time = START + 4e-6  # what is to come is not known
    assert joint.next_edge(3, 1.0, True, START) is None


def test_a_line_at_ext_alone_leaves_its_inputs_to_others(bench: Detectors) -> None:
    assert not joined(bench, triggered=0).volts(4, TIMES).any()


def test_what_was_recorded_is_kept_when_the_bench_moves_on(bench: Detectors) -> None:
    """Also what was not looked at before the change; what comes after it is the new bench's."""
    joint = joined(bench)
    plan = Plan(1e6, 40, 2, EXTERNAL, 1.0, (True,))
    acquisition = Acquisition(bench.now, joint, lambda: plan)
    joint.follow(acquisition, acquisition.advance)
    bench.time = START - 1e-3
    acquisition.start(single=True)
    bench.time = START + 7.2e-6
    joint.settle()  # a heater steps, while the pattern plays
    bench.level = 10.0
    bench.time = START + 60e-6
    acquisition.advance()
    (record,) = acquisition.records
    times = record.start(record.triggers[0]) + np.arange(40) / plan.rate
    seen = joint.volts(1, times)
    since = np.round((times - START) * 1e6)
    kept = (since >= 0) & (since <= 6)
    np.testing.assert_array_equal(seen[kept], 1.0 * (since[kept] >= 5))
    np.testing.assert_array_equal(seen[since > 8], 11.0)


def test_what_was_read_is_not_worked_out_again(bench: Detectors) -> None:
    joint = joined(bench)
    plan = Plan(1e6, 12, 2, EXTERNAL, 1.0, (True,))
    acquisition = Acquisition(bench.now, joint, lambda: plan)
    joint.follow(acquisition, acquisition.advance)
    bench.time = START - 1e-3
    acquisition.start(single=True)
    bench.time = START + 60e-6
    acquisition.advance()
    (record,) = acquisition.records
    times = record.start(record.triggers[0]) + np.arange(12) / plan.rate
    before = joint.volts(1, times)
    joint.settle()
    bench.level = 10.0
    np.testing.assert_array_equal(joint.volts(1, times), before)
    assert len(bench.rendered) == 1
