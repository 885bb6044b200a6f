"""From points back to samples, with boxes that start late or early by a known time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hil.control.demultiplex import SPREAD, align, demultiplex
from hil.control.frame import HEADER, LATEST, SLACK_POINTS, TAIL, framed

POINTS, GUARD, LSB = 16, 4, 2.0 / 2**14
Floats = NDArray[np.float64]


def recorded(signal: Floats, late: Floats) -> Floats:
    """Points (count, ports) V, each the mean over its time, of samples (HEADER + n + TAIL, ports).

    `late` (ports,): points by which each port's first sample follows the first point.
    """
    samples, ports = signal.shape
    edges = np.arange(samples * POINTS + SLACK_POINTS + 1, dtype=np.float64)
    out = np.empty((len(edges) - 1, ports))
    knots = np.arange(samples + 1, dtype=np.float64) * POINTS
    for port in range(ports):
        area = np.concatenate([[0.0], np.cumsum(signal[:, port])]) * POINTS
        out[:, port] = np.diff(np.interp(edges - late[port], knots, area))
    return out


def detected(seed: int, ports: int, samples: int) -> Floats:
    """What detectors of a random interferometer show, (HEADER + samples + TAIL, ports) V."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(ports, ports)) / np.sqrt(ports)
    return 0.1 * framed(rng.uniform(-1.5, 1.5, (samples, ports))) @ mixing.T


@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 10_000),
    ports=st.integers(2, 8),
    samples=st.integers(1, 12),
    late=st.lists(st.floats(-3.0, 5.0), min_size=8, max_size=8),
)
def test_any_delay_is_found_and_no_sample_takes_in_its_neighbour(
    seed: int, ports: int, samples: int, late: list[float]
) -> None:
    signal, delay = detected(seed, ports, samples), np.array(late[:ports])
    taken = demultiplex(recorded(signal, delay), samples, POINTS, GUARD, np.ones(ports), LSB)
    wanted = signal[HEADER : HEADER + samples]
    size = np.abs(signal).max(axis=0)
    marks = np.abs(signal[1 : HEADER - 1]).max(axis=0)
    strong = marks > 0.1 * marks.max()
    # Early by up to a point is harmless (it begins in the guard); late would be wrong.
    assert (taken.shift <= delay - SPREAD + 0.1)[strong].all()
    assert (taken.shift >= delay - SPREAD - 1.1)[strong].all()
    assert (np.abs(taken.volts - wanted) <= 0.02 * size)[:, strong].all()
    assert not taken.clipped.any()


@pytest.mark.parametrize("late", [-3, -1, 0, 2, 5])
def test_whole_points_leave_the_samples_exact(late: int) -> None:
    signal = detected(3, 4, 6)
    taken = demultiplex(
        recorded(signal, np.full(4, float(late))), 6, POINTS, GUARD, np.ones(4), LSB
    )
    np.testing.assert_allclose(taken.volts, signal[HEADER:-TAIL], atol=1e-12)


@pytest.mark.parametrize("gate", [-4.0, -2.5, 0.0, 3.0])
@pytest.mark.parametrize("pedestal", [-3.0, -0.3, 0.3])
def test_light_that_goes_on_and_off_does_not_misalign(gate: float, pedestal: float) -> None:
    """Undriven modulators of a microring bank are bright: pedestals dwarf a port's markers.

    The light is the pattern generator's, `gate` points away from when samples change.
    """
    late = np.array([0.8, -1.5, 2.3, 0.0])
    signal = detected(3, 4, 6)
    volts = recorded(signal, late)
    edges = np.arange(len(volts) + 1)[:, None] - late - gate
    for on, off in ((1, HEADER - 1), (HEADER, HEADER + 6)):
        lit = np.clip(edges, on * POINTS, off * POINTS + LATEST)
        volts += pedestal * np.diff(lit, axis=0)
    shift = align(volts, POINTS)
    assert (shift <= late - SPREAD + 0.1).all()
    assert (shift >= late - SPREAD - 1.1).all()


def test_noise_of_the_detectors_does_not_misalign() -> None:
    signal, delay = detected(5, 8, 20), np.linspace(0.0, 3.5, 8)
    rng = np.random.default_rng(0)
    for _ in range(20):
        volts = recorded(signal, delay)
        shift = align(volts + rng.normal(0.0, 0.004, volts.shape), POINTS)
        late = delay - SPREAD - shift
        assert ((late > -0.2) & (late < 1.2)).all()


def test_a_port_whose_markers_are_dark_goes_with_the_others() -> None:
    signal = detected(7, 5, 4)
    signal[:HEADER, 2] *= 1e-4
    rng = np.random.default_rng(1)
    volts = recorded(signal, np.full(5, 3.0))
    volts[:, 2] += rng.normal(0.0, 1e-3, len(volts))
    taken = demultiplex(volts, 4, POINTS, GUARD, np.ones(5), LSB)
    assert taken.shift.tolist() == [2] * 5
    np.testing.assert_allclose(taken.volts[:, 2], signal[HEADER:-TAIL, 2], atol=2e-3)


def test_markers_of_a_port_read_in_watts_are_no_weaker_than_the_others() -> None:
    """A power meter reads 1 mW where others read 1 V: that is no port whose markers are dark."""
    signal, delay = detected(7, 4, 6), np.array([0.0, 0.0, 0.0, 3.0])
    units = np.array([3.2, 3.2, 1.0, 3200.0])
    taken = demultiplex(
        recorded(signal, delay) / units, 6, POINTS, GUARD, 2.0 / units, LSB / units, units
    )
    assert taken.shift.tolist() == [-1, -1, -1, 2]
    np.testing.assert_allclose(taken.volts * units, signal[HEADER:-TAIL], atol=2e-3)


def test_a_frame_without_any_light_reads_zero() -> None:
    volts = np.zeros(((HEADER + 3 + TAIL) * POINTS + SLACK_POINTS, 2))
    taken = demultiplex(volts, 3, POINTS, GUARD, np.ones(2), LSB)
    assert not taken.volts.any()
    assert not taken.clipped.any()


def test_dark_level_is_that_of_the_first_sample() -> None:
    signal = detected(2, 3, 2)
    signal += np.array([0.01, -0.02, 0.0])
    taken = demultiplex(recorded(signal, np.zeros(3)), 2, POINTS, GUARD, np.ones(3), LSB)
    np.testing.assert_allclose(taken.dark, [0.01, -0.02, 0.0], atol=1e-12)


@pytest.mark.parametrize("delay", [1.0, np.array([1.0, 2.0])])
@pytest.mark.parametrize(
    ("point", "volts", "flagged"),
    [
        (GUARD, 1.0 - LSB, True),
        (POINTS - 1, -1.0, True),
        (GUARD, 1.0 - 2 * LSB, False),
        (GUARD - 1, 1.0, False),
    ],
)
def test_clipped_points_are_flagged_unless_in_the_guard(
    delay: float | Floats, point: int, volts: float, flagged: bool
) -> None:
    signal = detected(11, 2, 3)
    points = recorded(signal, np.zeros(2) + delay)
    points[(HEADER + 1) * POINTS + point, 0] = volts
    taken = demultiplex(points, 3, POINTS, GUARD, np.ones(2), LSB)
    assert taken.clipped.tolist() == [[False, False], [flagged, False], [False, False]]
