"""Rendering in time: against the settled slot, against closed forms, and where timing is off."""

from __future__ import annotations

import numpy as np
import pytest

from sim_backends.plant import FrameSignals, LineTimeline, Plant, SampleGrid, Waveform
from sim_backends.plant.numbers import IMPERFECTIONS
from tests.sim_backends.plant.documents import bench_document
from tests.sim_backends.plant.frames import (
    BANK_0,
    DWELL,
    GUARD_POINTS,
    LO,
    POINT,
    POINTS,
    SIGNAL,
    START,
    all_points,
    held_frame,
)


def _plant(ports: int, n_banks: int = 2, **numbers: object) -> Plant:
    plant = Plant.from_document(bench_document(ports, n_banks, **numbers))
    rng = np.random.default_rng(5)
    for bank in range(n_banks):
        plant.set_volts(bank, np.arange(ports**2), rng.uniform(2, 5, ports**2), at=0.0)
    return plant


def _only(*kept: str) -> list[str]:
    """Everything switched off but these."""
    return [name for name in IMPERFECTIONS if name not in kept]


def _volts(samples: int, ports: int) -> np.ndarray:
    return np.random.default_rng(9).uniform(-1, 1, (samples, ports))


@pytest.mark.parametrize("ports", [2, 3, 16])
@pytest.mark.parametrize("bank", [0, 1])
@pytest.mark.parametrize("severity", ["std", "harsh"])
def test_settled_points_are_the_slot(ports: int, bank: int, severity: str) -> None:
    plant = _plant(ports, severity=severity, switch_off=["noise"])
    volts = _volts(9, ports)
    points = plant.render(held_frame(volts, bank), [all_points(volts)])[0]
    points = points.reshape(9, POINTS, ports)
    slot = plant.slot(bank, volts[1:], at=0.1)
    for point in range(GUARD_POINTS, POINTS):
        np.testing.assert_allclose(points[1:, point], slot, atol=1e-9)
    dark = plant.detectors.volts(np.zeros(ports))
    np.testing.assert_allclose(points[0, GUARD_POINTS:], dark + np.zeros((12, 1)), atol=1e-9)


def test_values_and_means_agree_with_a_fine_sampling() -> None:
    plant = _plant(4, switch_off=["noise"])
    volts = _volts(4, 4)
    frame = held_frame(volts)
    mean = plant.render(frame, [all_points(volts)])[0]
    fine = 400
    grid = SampleGrid((0, 1, 2, 3), START + POINT / fine / 2, POINT / fine, 64 * fine, False)
    sampled = plant.render(frame, [grid])[0].reshape(64, fine, 4).mean(axis=1)
    np.testing.assert_allclose(mean, sampled, atol=2e-6)


def test_grids_do_not_disturb_each_other() -> None:
    plant = _plant(4, switch_off=["noise"])
    volts = _volts(5, 4)
    frame = held_frame(volts)
    whole = plant.render(frame, [all_points(volts)])[0]
    grids = [
        SampleGrid((2, 0), START, POINT, 80, True),
        SampleGrid((3,), START + 10 * POINT, POINT, 7, True),
        SampleGrid((1,), START, POINT, 80, True),
    ]
    first, second, third = plant.render(frame, grids)
    np.testing.assert_allclose(first, whole[:, [2, 0]], atol=1e-12)
    np.testing.assert_allclose(second, whole[10:17, [3]], atol=1e-12)
    np.testing.assert_allclose(third, whole[:, [1]], atol=1e-12)


def test_the_detector_is_a_single_pole() -> None:
    plant = _plant(2, 1, switch_off=_only("bandwidth"), bandwidth=2e6)
    tau = 1 / (2 * np.pi * 2e6)
    volts = np.array([[0.0, 0.0], [0.0, 0.0], [0.8, -0.3]])
    grid = SampleGrid((0, 1), START, 8e-9, 3 * 64, False)
    points = plant.render(held_frame(volts), [grid])[0]
    times = START + 8e-9 * np.arange(192) - (START + 2 * DWELL + 25e-9)
    final = plant.slot(0, volts[2:], at=0.1)[0]
    expected = np.where(times[:, None] < 0, 0.0, final * (1 - np.exp(-times[:, None] / tau)))
    np.testing.assert_allclose(points, expected, atol=1e-9)


def test_a_gate_rises_from_10_to_90_percent_in_the_stated_time() -> None:
    plant = _plant(2, 1, switch_off=_only("switch_rise"), switch_rise=20e-9)
    volts = np.full((3, 2), 0.5)
    grid = SampleGrid((0,), START + DWELL + 25e-9, 0.05e-9, 4000, False)
    points = plant.render(held_frame(volts), [grid])[0][:, 0]
    share = points / points[-1]
    low, high = np.searchsorted(share, [0.1, 0.9]) * 0.05e-9
    # The exponential is divided into parts of a quarter of its time constant at first.
    assert high - low == pytest.approx(20e-9, rel=0.15)
    assert share[0] < 0.2
    assert share[-1] == 1.0


def test_without_local_oscillator_the_intensity_is_seen() -> None:
    plant = _plant(4, switch_off=["all"])
    volts = _volts(4, 4)
    points = plant.render(held_frame(volts, lo=False), [all_points(volts)])[0]
    field = plant.modulators.amplitudes(volts[1:]) @ plant.matrix(0, at=0.1).T
    expected = np.abs(field) ** 2 / 3.2
    np.testing.assert_allclose(points.reshape(4, POINTS, 4)[1:, 8], expected, atol=1e-12)


def _two_bank_frame(volts: np.ndarray, late: float) -> FrameSignals:
    """Bank 0 for the first half of the samples, bank 1 after; the switch may be late."""
    change = START + DWELL * (len(volts) // 2) + late
    base = SIGNAL | LO
    return FrameSignals(
        origin=0.1,
        drives=tuple(Waveform(START, DWELL, column, 0.0, 0.0) for column in volts.T),
        lines=LineTimeline(
            np.array([change]), np.array([base | BANK_0, base | BANK_0 << 1], dtype=np.uint8)
        ),
    )


def test_a_late_bank_line_mixes_banks() -> None:
    plant = _plant(4, switch_off=_only("bandwidth", "switch_rise", "leak"))
    volts = _volts(4, 4)
    slots = [plant.slot(bank, volts, at=0.1) for bank in (0, 1)]

    def mean_of_sample_2(late: float) -> np.ndarray:
        points = plant.render(_two_bank_frame(volts, late), [all_points(volts)])[0]
        return points.reshape(4, POINTS, 4)[2, GUARD_POINTS:].mean(axis=0)

    np.testing.assert_allclose(mean_of_sample_2(0.0), slots[1][2], atol=1e-9)
    # 320 ns late: of the 384 ns that are read, 192 + 25 ns still see the wrong bank.
    mixed = mean_of_sample_2(320e-9)
    share = (192 + 25) / 384
    expected = share * slots[0][2] + (1 - share) * slots[1][2]
    np.testing.assert_allclose(mixed, expected, atol=0.02)
    assert np.abs(mixed - slots[1][2]).max() > 0.05
    np.testing.assert_allclose(mean_of_sample_2(-320e-9), slots[1][2], atol=1e-9)


def test_memory_crosses_a_change_of_banks() -> None:
    plant = _plant(4, switch_off=_only("memory"), memory=0.1)
    volts = _volts(4, 4)
    points = plant.render(_two_bank_frame(volts, 0.0), [all_points(volts)])[0]
    light = plant.modulators.amplitudes(volts)
    before, after = (light @ plant.matrix(bank, at=0.1).real.T for bank in (0, 1))
    expected = (after[2] + 0.1 * before[1]) / 3.2
    np.testing.assert_allclose(points.reshape(4, POINTS, 4)[2, 8], expected, atol=1e-9)


def test_no_bank_selected_is_dark_and_two_lines_open_two_banks() -> None:
    plant = _plant(3, switch_off=["all"])
    volts = _volts(3, 3)

    def settled(mask: int) -> np.ndarray:
        lines = LineTimeline(np.zeros(0), np.array([mask], dtype=np.uint8))
        drives = tuple(Waveform(START, DWELL, column, 0.0, 0.0) for column in volts.T)
        points = plant.render(FrameSignals(0.1, drives, lines), [all_points(volts)])[0]
        return points.reshape(3, POINTS, 3)[2, 8]

    first, second = (plant.slot(bank, volts, at=0.1)[2] for bank in (0, 1))
    np.testing.assert_array_equal(settled(SIGNAL | LO), np.zeros(3))
    both = settled(SIGNAL | LO | BANK_0 | BANK_0 << 1)
    np.testing.assert_allclose(both, first + second, atol=1e-12)


@pytest.mark.parametrize("detection", ["homodyne", "quadrature", "intensity"])
@pytest.mark.parametrize("lit", [True, False])
def test_a_slot_reads_as_the_lines_would_have_it(detection: str, lit: bool) -> None:
    document = bench_document(3, 2, switch_off=["noise", "memory"], lo_drift_rms=0.3)
    document["wiring"]["lines"]["lo_quadrature"] = 6
    plant = Plant.from_document(document)
    volts = _volts(3, 3)
    mask = BANK_0 << 1 | (SIGNAL if lit else 0) | (0 if detection == "intensity" else LO)
    mask |= 1 << 6 if detection == "quadrature" else 0
    lines = LineTimeline(np.zeros(0), np.array([mask], dtype=np.uint8))
    drives = tuple(Waveform(START, DWELL, column, 0.0, 0.0) for column in volts.T)
    points = plant.render(FrameSignals(0.1, drives, lines), [all_points(volts)])[0]
    slot = plant.slot(1, volts, 0.1, detection, lit=lit)
    np.testing.assert_allclose(points.reshape(3, POINTS, 3)[:, 8], slot, atol=1e-9)


def test_binary_coding_of_many_banks() -> None:
    plant = _plant(2, 7, switch_off=["all"])
    volts = _volts(2, 2)
    for bank in range(7):
        lines = LineTimeline(np.zeros(0), np.array([SIGNAL | LO | bank << 3], dtype=np.uint8))
        drives = tuple(Waveform(START, DWELL, column, 0.0, 0.0) for column in volts.T)
        points = plant.render(FrameSignals(0.1, drives, lines), [all_points(volts)])[0]
        slot = plant.slot(bank, volts, at=0.1)
        np.testing.assert_allclose(points.reshape(2, POINTS, 2)[1, 8], slot[1], atol=1e-12)


def test_read_noise_after_averaging_a_sample() -> None:
    noisy, quiet = _plant(8, switch_off=_only("noise")), _plant(8, switch_off=["all"])
    volts = _volts(200, 8)
    frame, grid = held_frame(volts), all_points(volts)
    noise = noisy.render(frame, [grid])[0] - quiet.render(frame, [grid])[0]
    means = 3.2 * noise.reshape(200, POINTS, 8)[:, GUARD_POINTS:].mean(axis=1)
    assert means.std() == pytest.approx(0.01, rel=0.06)
    assert (3.2 * noise).std() == pytest.approx(0.01 * np.sqrt(12), rel=0.02)
    np.testing.assert_array_equal(noisy.render(frame, [grid])[0], noisy.render(frame, [grid])[0])
    other = noisy.render(held_frame(volts, origin=0.2), [grid])[0]
    assert np.abs(other - noisy.render(frame, [grid])[0]).max() > 0.01


def test_a_frame_must_drive_every_port() -> None:
    volts = _volts(3, 3)
    with pytest.raises(ValueError, match="3 drives for 4 ports"):
        _plant(4).render(held_frame(volts), [all_points(volts)])
    with pytest.raises(ValueError, match="2 masks for 2 edges"):
        LineTimeline(np.zeros(2), np.zeros(2, dtype=np.uint8))
