"""What a hand does to a bench, seen on the simulated instruments themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from drivers.errors import InstrumentError, LimitError
from hil.bench.states import BenchError
from hil.control.schedule import Schedule
from hil.operating.dither import dither
from hil.operating.request import ElementName, RequestError

NAME = ElementName(0, 5)
WATTS_AT = 1.0 / 800.0


def test_a_bench_opens_cold(cold: Any, behind: Any) -> None:
    assert cold.hand.core.state == "off"
    assert behind(cold.held).is_safe()
    chain = behind(cold.held).simulated.instruments["heaters-0"]
    np.testing.assert_allclose(chain.v_max[:16], 6.5, atol=1e-3)  # limits are there from the first
    assert not chain.v_max[16:].any()


def test_arming_warms_by_the_ramp_and_lights(cold: Any, behind: Any) -> None:
    cold.do(cold.hand.arm())
    inside = behind(cold.held)
    assert cold.hand.core.state == "armed"
    np.testing.assert_allclose(inside.volts[:16], 4.0, atol=1e-3)
    assert inside.lines == 0b110
    assert cold.told[-3:] == [
        "heaters 0 -> 0.64 W in 10 steps over 0.5 s",
        "local oscillator on",
        "signal light on",
    ]
    before = cold.exchanges()
    cold.do(cold.hand.arm())  # again: nothing to do
    assert cold.exchanges() == before


@pytest.mark.parametrize(
    "work",
    [
        lambda hand: hand.set_level(NAME, 0.01),
        lambda hand: hand.frame(0, np.zeros((1, 4))),
        lambda hand: hand.hold(0),
        lambda hand: dither(hand, NAME, 0.0005, 2),
    ],
)
@pytest.mark.parametrize("state", ["off", "idle"])
def test_nothing_moves_before_it_is_armed(
    state: str, work: Callable[[Any], Any], cold: Any
) -> None:
    if state == "idle":
        cold.do(cold.hand.idle())
    before = cold.exchanges()
    with pytest.raises(RequestError, match=f"the bench is {state}; `arm` it first"):
        cold.do(work(cold.hand))
    assert cold.exchanges() == before


def test_an_element_is_moved_alone_and_in_steps(armed: Any, behind: Any) -> None:
    chain = behind(armed.held).simulated.instruments["heaters-0"]
    seen: list[np.ndarray] = [chain.volts.copy()]
    drive = chain.loads.drive

    def noted(channels: np.ndarray, volts: np.ndarray) -> None:
        seen.append(chain.volts.copy())
        drive(channels, volts)

    chain.loads.drive = noted
    armed.do(armed.hand.set_level(NAME, 0.045))
    watts = np.square(np.array(seen)) * WATTS_AT
    assert watts[-1, NAME.element] == pytest.approx(0.045, rel=1e-3)
    assert np.diff(watts[:, NAME.element]).max() <= 0.002 * 1.01
    assert len(seen) >= 13
    others = np.delete(watts, NAME.element, axis=1)
    np.testing.assert_array_equal(others, np.tile(others[0], (len(seen), 1)))
    assert armed.told == ["element 0:5: 20 -> 45 mW in 13 steps of at most 2 mW over 0.65 s"]


@pytest.mark.parametrize("level", [0.054, -1e-3, float("nan"), float("inf")])
def test_a_level_out_of_limits_is_refused_before_a_byte_leaves(level: float, armed: Any) -> None:
    before, levels = armed.exchanges(), armed.hand.levels.copy()
    with pytest.raises(LimitError, match=r"bank 0 element 5 \(heaters-0 channel 5\)"):
        armed.do(armed.hand.set_level(NAME, level))
    assert armed.exchanges() == before
    np.testing.assert_array_equal(armed.hand.levels, levels)


def test_a_frame_is_that_of_the_machine(armed: Any) -> None:
    values = np.random.default_rng(3).uniform(-1.5, 1.5, (5, 4))
    reading = armed.do(armed.hand.frame(1, values))
    assert armed.hand.core.state == "armed"
    levels = np.stack([armed.hand.levels[1]])
    del levels
    trace = armed.held.run(
        armed.hand.levels,
        np.stack([np.zeros_like(values), values], axis=1),
        schedule=Schedule(2, 2),
    )
    # The first slot's answer enters the second: only frames of the same drives are the same.
    again = armed.do(armed.hand.machine.frame(1, values))
    np.testing.assert_allclose(reading.measured, again.measured, atol=2e-3)
    assert trace.measured.shape == (5, 2, 4)


@pytest.mark.parametrize("drive", [1.51, -2.0, float("nan")])
def test_a_drive_out_of_range_is_refused_by_box_and_port(drive: float, armed: Any) -> None:
    values = np.zeros((1, 4))
    values[0, 2] = drive
    before = armed.exchanges()
    with pytest.raises(LimitError, match=r"box-1 output 1 \(port 2\): .*-1.5 to 1.5 V_pi"):
        armed.do(armed.hand.frame(0, values))
    assert armed.exchanges() == before


def test_holding_a_bank_selects_it_with_the_light_on(armed: Any, behind: Any) -> None:
    armed.do(armed.hand.hold(1))
    form = armed.hand.core.parts.form
    assert behind(armed.held).lines == form.select_masks[1] | form.signal_mask | form.lo_mask
    armed.do(armed.hand.frame(0, np.zeros((1, 4))))  # and a frame of another is none the worse
    assert behind(armed.held).lines == form.held_mask(0)
    armed.do(armed.hand.idle())
    assert behind(armed.held).lines == 0b110
    assert armed.hand.core.state == "idle"


def test_reading_back_measures_every_element(armed: Any, behind: Any) -> None:
    armed.do(armed.hand.set_level(ElementName(1, 15), 0.005))
    read = armed.do(armed.hand.read())
    assert read.volts[1, 15] == pytest.approx(2.0, abs=1e-3)
    assert read.levels[1, 15] == pytest.approx(0.005, rel=1e-3)
    np.testing.assert_allclose(read.volts[0], 4.0, atol=1e-3)
    true = behind(armed.held).simulated._plant.heater_amps(1, np.arange(16), read.volts[1])
    np.testing.assert_allclose(read.amps[1], true, rtol=1e-3)


def test_a_dither_finds_the_slope_of_every_output(armed: Any) -> None:
    level = float(armed.hand.levels[0, NAME.element])
    answer = armed.do(dither(armed.hand, NAME, 0.001, 4))
    assert armed.hand.levels[0, NAME.element] == level
    ends = []
    for sign in (1.0, -1.0):
        armed.do(armed.hand.set_level(NAME, level + sign * 0.001))
        ends.append(armed.do(armed.hand.frame(0, np.eye(4))).measured)
    expected = (ends[0] - ends[1]).T / 0.002
    assert np.abs(expected).max() > 10.0  # signal units per W
    np.testing.assert_allclose(answer.response, expected, atol=0.6)
    assert answer.error.max() < 0.6
    total, _ = answer.of_ports()
    np.testing.assert_allclose(total, np.sqrt((expected**2).sum(axis=1)), atol=1.0)


@pytest.mark.parametrize("amplitude", [0.0, -0.001, 0.00101, float("nan")])
def test_a_dither_never_jumps_by_more_than_the_ramp(amplitude: float, armed: Any) -> None:
    before = armed.exchanges()
    with pytest.raises(LimitError, match=r"dither of element 0:5 .*above 0 to 1 mW"):
        armed.do(dither(armed.hand, NAME, amplitude, 2))
    assert armed.exchanges() == before


def test_a_dither_at_the_limit_is_refused_before_it_begins(armed: Any) -> None:
    armed.do(armed.hand.set_level(NAME, 0.0005))
    before = armed.exchanges()
    with pytest.raises(LimitError, match=r"bank 0 element 5"):
        armed.do(dither(armed.hand, NAME, 0.001, 2))
    assert armed.exchanges() == before


def test_off_and_up_again(armed: Any, behind: Any) -> None:
    armed.do(armed.hand.set_level(NAME, 0.04))
    assert armed.do(armed.hand.off()) == []
    assert behind(armed.held).is_safe()
    assert armed.hand.core.state == "off"
    assert not armed.hand.levels.any()
    armed.do(armed.hand.arm())
    np.testing.assert_allclose(behind(armed.held).volts[:16], 4.0, atol=1e-3)


def test_what_could_not_be_driven_off_trips_and_is_not_armed(armed: Any, behind: Any) -> None:
    faults = behind(armed.held).simulated.faults["heaters-0"]
    faults.silence(10_000)
    failed = armed.do(armed.hand.off())
    assert any(line.startswith("heaters-0 off: ") for line in failed)
    assert armed.hand.core.state == "tripped"
    with pytest.raises(BenchError, match="has tripped: see what failed"):
        armed.do(armed.hand.arm())
    with pytest.raises(RequestError, match="has tripped"):
        armed.do(armed.hand.idle())
    faults.clear()
    assert armed.do(armed.hand.off()) == []
    assert armed.hand.core.state == "off"


def test_after_a_ramp_that_failed_nothing_is_heated_again(armed: Any, behind: Any) -> None:
    """The ramp down breaks once; the zeros that follow reach the chassis, as does a second off."""
    inside = behind(armed.held)
    chain = inside.simulated.instruments["heaters-0"]
    # One garbled reply is retried; an over-current report ends the ramp.
    chain.i_max[:16] = 1e-3
    armed.do(armed.hand.off())
    seen: list[float] = []
    drive = chain.loads.drive

    def noted(channels: np.ndarray, volts: np.ndarray) -> None:
        seen.append(float(volts.max()))
        drive(channels, volts)

    chain.loads.drive = noted
    armed.do(armed.hand.off())
    assert max(seen) == 0.0


def test_an_over_current_that_trips_is_raised_by_the_setting(armed: Any, behind: Any) -> None:
    chain = behind(armed.held).simulated.instruments["heaters-0"]
    chain.i_max[NAME.element] = 0.0052
    with pytest.raises(InstrumentError, match=r"over-current|a channel tripped"):
        armed.do(armed.hand.set_level(NAME, 0.05))
    chain.i_max[NAME.element] = 0.012
    assert armed.do(armed.hand.off())  # the ramp meets what the trip left; the zeros arrive
    assert behind(armed.held).is_safe()
    assert armed.do(armed.hand.off()) == []
