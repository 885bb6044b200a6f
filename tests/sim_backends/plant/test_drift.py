"""Drift: a function of seed and time, with the stated statistics."""

from __future__ import annotations

import numpy as np
import pytest

from sim_backends.plant import Plant
from sim_backends.plant.drift import HeaterDrift, OrnsteinUhlenbeck
from tests.sim_backends.plant.documents import bench_document


def test_zero_at_the_start_and_before() -> None:
    process = OrnsteinUhlenbeck((1,), 5, tau=25.0)
    assert (process.at(0.0) == 0).all()
    assert (process.at(-3.0) == 0).all()
    assert 0 < np.abs(process.at(0.01)).max() < 0.1


def test_the_order_of_asking_does_not_matter() -> None:
    times = [0.1, 24.0, 25.0, 26.0, 999.0, 1000.0, 1001.0, 2600.0, 30.0, 1.0e6]
    forward = OrnsteinUhlenbeck((1,), 3, tau=25.0)
    values = {time: forward.at(time).copy() for time in times}
    backward = OrnsteinUhlenbeck((1,), 3, tau=25.0)
    for time in reversed(times):
        np.testing.assert_array_equal(backward.at(time), values[time])
    for time in times:
        np.testing.assert_array_equal(OrnsteinUhlenbeck((1,), 3, tau=25.0).at(time), values[time])
    assert np.abs(OrnsteinUhlenbeck((2,), 3, tau=25.0).at(30.0) - values[30.0]).min() > 1e-3


def test_continuous_where_blocks_and_eras_meet() -> None:
    process = OrnsteinUhlenbeck((7,), 100, tau=1.0)
    for edge in (1.0, 2.0, 40.0, 80.0):
        before, after = process.at(edge - 1e-9).copy(), process.at(edge + 1e-9)
        np.testing.assert_allclose(before, after, atol=1e-6)


def test_variance_and_correlation() -> None:
    process = OrnsteinUhlenbeck((3,), 20_000, tau=10.0)
    early, start, later = (process.at(t).copy() for t in (5.0, 100.0, 107.0))
    assert early.var() == pytest.approx(1 - np.exp(-1.0), rel=0.04)
    assert start.var() == pytest.approx(1.0, rel=0.04)
    assert np.mean(start * later) == pytest.approx(np.exp(-0.7), abs=0.03)


def test_common_share() -> None:
    drift = HeaterDrift((4,), 100, rms=0.03, tau=1.0, common=0.3)
    values = np.array([drift.at(time) for time in np.arange(20.0, 2420.0, 3.0)])
    assert values.std() == pytest.approx(0.03, rel=0.02)
    common = values.mean(axis=1)
    assert common.var() / 0.03**2 == pytest.approx(0.09 + 0.91 / 100, abs=0.015)


def test_the_plant_drifts_with_bench_time_alone() -> None:
    def matrix(seed: int, at: float, looks: list[float]) -> np.ndarray:
        plant = Plant.from_document(bench_document(4, 1, seed=seed))
        for time in looks:
            plant.matrix(0, at=time)
        return plant.matrix(0, at=at)

    np.testing.assert_array_equal(matrix(1, 100.0, []), matrix(1, 100.0, [3.0, 700.0]))
    still = bench_document(4, 1, switch_off=["drift"])
    np.testing.assert_array_equal(
        matrix(1, 0.0, []), Plant.from_document(still).matrix(0, at=500.0)
    )
    assert np.abs(matrix(1, 100.0, []) - matrix(1, 0.0, [])).max() > 0.005
