"""Heaters: self-heating, curvature, crosstalk and their approach to a new value."""

from __future__ import annotations

import numpy as np
import pytest

from sim_backends.plant import Plant
from sim_backends.plant.heaters import HeaterBank
from sim_backends.plant.layout import crosstalk_matrix, element_positions
from sim_backends.plant.numbers import IMPERFECTIONS
from sim_backends.plant.spec import PlantSpec
from tests.sim_backends.plant.documents import bench_document, mesh_places


def _bank(**plant: float) -> HeaterBank:
    spec = PlantSpec.from_document(bench_document(2, 1, **plant))
    return HeaterBank(spec, np.full(4, 800.0), np.full(4, 0.020))


def test_resistance_rises_with_the_power() -> None:
    bank = _bank(resistance_rise=0.1)
    volts = np.array([0.0, 1.0, 4.0, 6.5])
    x = bank.settled_power(np.arange(4), volts)
    resistance = 800.0 * (1.0 + 0.1 * x)
    np.testing.assert_allclose(x * 0.020, volts**2 / resistance, rtol=1e-14)
    np.testing.assert_allclose(bank.amps(np.arange(4), volts), volts / resistance, rtol=1e-14)


def test_a_step_is_approached_with_two_time_constants() -> None:
    bank = _bank(tail_share=0.02, tail_tau=0.2, heater_tau=10e-6)
    one = np.array([1])
    bank.step(one, np.array([3.0]), at=0.0)
    bank.step(one, np.array([5.0]), at=10.0)
    low, high = (float(bank.settled_power(one, np.array([v]))[0]) for v in (3.0, 5.0))
    for after in (0.0, 3e-6, 50e-6, 0.05, 1.0):
        state = bank.state_at(10.0 + after)
        left = 0.98 * np.exp(-after / 10e-6) + 0.02 * np.exp(-after / 0.2)
        expected = high + (low - high) * left
        assert bank.power(state, 10.0 + after)[1] == pytest.approx(expected, rel=1e-8)


def test_the_past_is_remembered() -> None:
    bank = _bank()
    bank.step(np.array([0]), np.array([3.0]), at=1.0)
    bank.step(np.array([0]), np.array([5.0]), at=2.0)
    before = bank.state_at(1.5)
    assert before.time == 1.0
    assert bank.state_at(0.5).settled[0] == 0.0
    assert bank.state_at(2.0).settled[0] == bank.settled_power(np.array([0]), np.array([5.0]))[0]


def test_a_frame_rendered_late_still_sees_the_old_heaters() -> None:
    plant = Plant.from_document(bench_document(4, 1))
    plant.set_volts(0, np.arange(16), np.full(16, 4.0), at=1.0)
    early = plant.matrix(0, at=1.5)
    plant.set_volts(0, np.arange(16), np.full(16, 5.0), at=2.0)
    np.testing.assert_array_equal(plant.matrix(0, at=1.5), early)
    assert np.abs(plant.matrix(0, at=2.5) - early).max() > 0.1


def test_one_write_or_many_at_one_time_are_the_same() -> None:
    volts = np.random.default_rng(0).uniform(2, 5, 16)
    together, singly = (Plant.from_document(bench_document(4, 1)) for _ in range(2))
    together.set_volts(0, np.arange(16), volts, at=1.0)
    for i in range(16):
        singly.set_volts(0, np.array([i]), volts[i : i + 1], at=1.0)
    np.testing.assert_allclose(
        together.matrix(0, at=1.0001), singly.matrix(0, at=1.0001), atol=1e-14
    )


def test_positions_follow_the_record_document() -> None:
    places = element_positions(5)
    for place, (column, row, kind) in zip(places, mesh_places(5), strict=True):
        expected = {
            "theta": (2 * column, 2 * row + column % 2),
            "phi": (2 * column + 1, 2 * row + column % 2),
            "out": (10, row),
        }[kind]
        assert tuple(place) == expected


def test_crosstalk_law() -> None:
    matrix = crosstalk_matrix(4, 0.01, 1.0, 2e-4)
    assert (np.diag(matrix) == 0).all()
    np.testing.assert_array_equal(matrix, matrix.T)
    # theta and phi of one cell are one pitch apart.
    assert matrix[0, 1] == pytest.approx(0.01 + 2e-4)
    # The next cell of the column is two modes below.
    assert matrix[0, 2] == pytest.approx(0.01 * np.exp(-1.0) + 2e-4)


def test_crosstalk_turns_the_neighbours_of_a_hot_heater() -> None:
    off = [name for name in IMPERFECTIONS if name != "crosstalk"]
    plant = Plant.from_document(bench_document(2, 1, switch_off=off))
    cold = plant.matrix(0, at=0.0)
    plant.set_volts(0, np.array([2]), np.array([4.0]), at=0.0)
    hot = plant.matrix(0, at=0.0)
    # 4 V on 800 ohm is 20 mW: pi on the first output, c at distance 1 on the second, and the
    # cell's own two turn as well.
    x, y = element_positions(2).T
    turn = 0.01 * np.exp(-(np.hypot(x - x[2], y - y[2]) - 1.0)) + 2e-4
    turn[2] = 1.0
    theta, phi, first, second = np.pi * turn
    own = plant.devices.phase[0]
    cell = (np.exp(1j * (own[0] + theta)) - 1) / 2 * np.exp(1j * (own[1] + phi))
    assert hot[0, 0] == pytest.approx(cell * np.exp(1j * (own[2] + first)), abs=1e-12)
    assert np.angle(hot[1, 1] / cold[1, 1]) == pytest.approx(
        np.angle((1 - np.exp(1j * (own[0] + theta))) / (1 - np.exp(1j * own[0]))) + second,
        abs=1e-9,
    )
