"""What an output of the generator plays."""

from __future__ import annotations

import numpy as np
import pytest

from sim_backends.red_pitaya.clock import BoxClock, Debouncer
from sim_backends.red_pitaya.generator import Output, quantise

DWELL = 512e-9


def output(**settings) -> Output:
    made = Output(BoxClock(grid=False), 14)
    made.function, made.mode, made.source = "ARBITRARY", "BURST", "EXT_PE"
    made.frequency = 1 / (16384 * DWELL)
    for name, value in settings.items():
        setattr(made, name, value)
    made.enable(True, 0.0)
    return made


def test_a_burst_holds_one_point_a_dwell_then_the_last_value() -> None:
    made = output(last_value=0.25, initial_value=-0.5)
    made.upload(np.array([0.1, -0.2, 2.0]))
    idle = made.waveform(1.0, 1.0, 1.1)
    assert (idle.before, idle.values.tolist(), idle.after) == (-0.5, [-0.5], -0.5)
    made.trigger(1.0)
    played = made.waveform(0.9, 1.0, 1.1)
    assert played.start == pytest.approx(0.1)
    assert played.dwell == pytest.approx(DWELL, rel=1e-9)
    steps = np.rint(np.array([0.1, -0.2]) * 8192) / 8192
    assert played.values.tolist() == [*steps, 8191 / 8192]
    assert (played.before, played.after) == (-0.5, 0.25)
    made.trigger(2.0)
    assert made.waveform(0.0, 2.0, 2.1).before == 0.25


def test_a_trigger_during_a_burst_is_ignored() -> None:
    made = output()
    made.upload(np.zeros(100))
    made.trigger(1.0)
    made.trigger(1.0 + 50 * DWELL)
    assert made.last_run is not None
    assert made.last_run.start == 1.0


def test_cycles_and_repetitions() -> None:
    made = output(cycles=2, repetitions=2, period_us=4)
    made.upload(np.array([0.5, -0.5]))
    made.trigger(0.0)
    assert made.last_run is not None
    values = made.last_run.values
    assert values.tolist() == [0.5, -0.5, 0.5, -0.5, 0, 0, 0, 0, 0.5, -0.5, 0.5, -0.5]


def test_amplitude_offset_clipping_and_state() -> None:
    made = output(amplitude=0.5, offset=0.25)
    made.upload(np.array([1.0, -1.0]))
    made.trigger(0.0)
    assert made.waveform(0.0, 0.0, 1e-6).values.tolist() == [0.75, -0.25]
    made.enable(False, 1.0)
    assert made.waveform(0.0, 1.0, 1.1).values.tolist() == [0.0]
    made.enable(True, 2.0)
    assert made.waveform(0.0, 2.0, 2.1).values.tolist() == [0.0]
    assert quantise(np.array([1.5, -1.5]), None).tolist() == [1.0, -1.0]
    assert quantise(np.array([1.5, -1.5]), 8).tolist() == [127 / 128, -1.0]


def test_an_arbitrary_table_wraps_at_its_own_length() -> None:
    made = output(mode="CONTINUOUS")
    made.upload(np.array([0.5, 0.0, -0.5]))
    played = made.waveform(0.0, 10 * DWELL, 16 * DWELL)
    index = np.rint(played.start / DWELL).astype(int) % 3
    expected = np.tile([0.5, 0.0, -0.5], 4)[index : index + played.values.size]
    assert played.values.tolist() == expected.tolist()
    assert played.start <= 10 * DWELL
    assert played.start + played.dwell * played.values.size >= 16 * DWELL


def test_a_continuous_sine_has_its_frequency() -> None:
    made = output(mode="CONTINUOUS", function="SINE", frequency=1e6)
    played = made.waveform(0.0, 0.0, 4e-6)
    assert played.dwell == 8e-9
    crossings = np.sum((played.values[:-1] < 0) & (played.values[1:] >= 0))
    assert crossings in (3, 4)
    assert np.abs(played.values).max() > 0.99


@pytest.mark.parametrize(
    ("function", "level"), [("DC", 8191 / 8192), ("DC_NEG", -1.0), ("SQUARE", -1.0), ("PWM", -1.0)]
)
def test_other_functions(function, level) -> None:
    made = output(mode="CONTINUOUS", function=function, frequency=1000.0)
    assert made.waveform(0.0, 0.6e-3, 0.61e-3).values[0] == level


def test_a_boxs_own_grid_and_clock_error() -> None:
    clock = BoxClock(error=20e-6, phase=3e-9, latency=100e-9)
    start = clock.start_after(1.0)
    ticks = (start - clock.phase) / clock.tick
    assert ticks == pytest.approx(round(ticks), abs=1e-3)
    assert 0.0 <= start - 1.0 - 100e-9 <= clock.tick + 1e-12
    made = Output(clock, 14)
    made.function, made.mode, made.frequency = "ARBITRARY", "BURST", 1 / (16384 * DWELL)
    made.enable(True, 0.0)
    made.trigger(start)
    assert made.last_run is not None
    assert made.last_run.dwell == pytest.approx(DWELL * (1 + 20e-6), rel=1e-9)


def test_the_debouncer_gives_each_edge_once() -> None:
    edges = [1.0, 1.0002, 1.0005, 1.0011, 2.0]
    ear = Debouncer()

    def following(after: float, rising: bool) -> float | None:
        return next((edge for edge in edges if edge > after), None)

    assert ear.hear(following, True, 1.0) == [1.0]
    assert ear.hear(following, True, 1.0) == []
    assert ear.hear(following, True, 1.5) == [1.0005, 1.0011]
    assert ear.hear(following, True, 3.0) == [2.0]
