"""What leads to trigger inputs: pulses of a delay generator, their levels, and an open wire."""

from __future__ import annotations

import numpy as np
import pytest

from sim_backends.srs_dg645 import Dg645
from sim_backends.trigger_lines import DelayedLine, OpenWire

T0 = 85e-9


class Line:
    """Rising edges at 1 s and 2 s."""

    def next_edge(self, after: float, rising: bool) -> float | None:
        return next((edge for edge in (1.0, 2.0) if edge > after and rising), None)


class Bench:
    """A generator at that line: AB is active from 1 us to 3 us after T0."""

    def __init__(self) -> None:
        self.time = 0.0
        self.device = Dg645(lambda: self.time, trigger_input=Line())
        self.device.state.values["TSRC"] = 1
        self.device.set_delay(2, 0, 1e-6)
        self.device.set_delay(3, 2, 2e-6)

    def line(self, ohms: float = 50.0) -> DelayedLine:
        return DelayedLine(self.device, 1, ohms)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_edges_come_after_each_trigger_and_none_before(bench: Bench) -> None:
    line = bench.line()
    assert line.next_edge(0.0, True) is None  # it has not been triggered yet
    bench.time = 2.5
    first = line.next_edge(0.0, True)
    assert first == pytest.approx(1.0 + T0 + 1e-6, abs=1e-12)
    assert line.next_edge(0.0, False) == pytest.approx(1.0 + T0 + 3e-6, abs=1e-12)
    assert line.next_edge(first or 0.0, True) == pytest.approx(2.0 + T0 + 1e-6, abs=1e-12)
    assert line.next_edge(2.1, True) is None


def test_a_negative_pulse_falls_first(bench: Bench) -> None:
    bench.device.state.values["LPOL1"] = 0
    bench.time = 1.5
    assert bench.line().next_edge(0.0, False) == pytest.approx(1.0 + T0 + 1e-6, abs=1e-12)
    assert bench.line().next_edge(0.0, True) == pytest.approx(1.0 + T0 + 3e-6, abs=1e-12)


@pytest.mark.parametrize(
    ("ohms", "amplitude", "offset", "level", "heard"),
    [
        (50.0, 2.5, 0.0, None, True),
        (50.0, 1.5, 0.0, None, False),  # no logic high
        (1e6, 1.5, 0.0, None, True),  # twice as much without a load
        (50.0, 2.5, 1.0, None, False),  # no logic low
        (50.0, 2.5, 0.0, 1.0, True),
        (50.0, 0.9, 0.0, 1.0, False),
        (50.0, 2.5, 1.0, 1.0, False),
        (50.0, 2.5, -1.0, -0.5, True),
    ],
)
def test_edges_must_pass_the_inputs_level(
    bench: Bench, ohms: float, amplitude: float, offset: float, level: float | None, heard: bool
) -> None:
    bench.device.state.values |= {"LAMP1": amplitude, "LOFF1": offset}
    bench.time = 1.5
    assert (bench.line(ohms).next_edge(0.0, True, level) is not None) == heard


def test_without_a_width_there_is_no_edge(bench: Bench) -> None:
    bench.device.set_delay(3, 2, 0.0)
    bench.time = 1.5
    assert bench.line().next_edge(0.0, True) is None


def test_volts_follow_the_pulse(bench: Bench) -> None:
    bench.device.state.values |= {"LAMP1": 2.0, "LOFF1": 0.5}
    bench.time = 1.5
    times = 1.0 + T0 + 1e-6 * np.array([0.5, 1.5, 2.5, 3.5])
    np.testing.assert_allclose(bench.line().volts(times), [0.5, 2.5, 2.5, 0.5])
    np.testing.assert_allclose(bench.line(150.0).volts(times), [0.75, 3.75, 3.75, 0.75])
    assert not bench.line().quiet()


def test_a_trigger_during_a_cycle_or_just_behind_it_is_lost(bench: Bench) -> None:
    bench.time = 1.0 + T0 + 3e-6 + 50e-9
    bench.device.advance()
    bench.device.external_edge(True)
    assert len(bench.device.cycles) == 1
    assert bench.device.take_events() & 2
    bench.time += 20e-9
    bench.device.external_edge(True)
    assert len(bench.device.cycles) == 2


def test_a_threshold_that_the_line_does_not_pass_triggers_nothing(bench: Bench) -> None:
    for volts in (-1.0, 0.0, 3.3, 3.4):
        bench.device.state.values["TLVL"] = volts
        bench.device.external_edge(True, 3.3)
    assert not bench.device.cycles


def test_nothing_leads_to_an_open_input() -> None:
    wire = OpenWire()
    assert wire.next_edge(0.0, True) is None
    assert not wire.volts(np.arange(3.0)).any()
    assert wire.quiet()
