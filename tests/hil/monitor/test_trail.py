"""A curve of bounded length keeps the whole run in it."""

from __future__ import annotations

import numpy as np
import pytest

from hil.monitor.state.trail import Trail


def test_a_long_run_stays_whole_in_few_points() -> None:
    trail = Trail(2, most=64)
    for number in range(1, 10_001):
        trail.add(number, np.array([float(number), -2.0 * number]))
    assert 32 <= len(trail) <= 64
    # A straight line stays one, from the first point to the last.
    np.testing.assert_allclose(trail.y[:, 0], trail.x, rtol=1e-9)
    np.testing.assert_allclose(trail.y[:, 1], -2.0 * trail.x, rtol=1e-9)
    assert trail.x[0] < 2 * trail.stride
    assert trail.x[-1] > 10_000 - trail.stride
    assert np.all(np.diff(trail.x) > 0)


def test_points_are_means_of_all_values_and_none_is_lost() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=256)
    trail = Trail(most=64)
    for number, value in enumerate(values):
        trail.add(number, value)
    assert trail.stride * len(trail) == 256
    assert trail.y.mean() == pytest.approx(values.mean(), abs=1e-12)


def test_a_short_run_is_kept_as_it_was() -> None:
    trail = Trail(most=8)
    for number in range(8):
        trail.add(number, number**2)
    assert trail.stride == 1
    assert trail.y[:, 0].tolist() == [0, 1, 4, 9, 16, 25, 36, 49]


def test_what_is_void_is_cut_off_and_it_goes_on_from_there() -> None:
    trail = Trail(most=8)
    for number in range(16):
        trail.add(number, 1.0)
    trail.cut(6.0)
    assert trail.x.tolist() == [0.5, 2.5, 4.5]
    for number in range(6, 10):
        trail.add(number, 2.0)
    assert trail.x.tolist() == [0.5, 2.5, 4.5, 6.5, 8.5]
    assert trail.y[-2:, 0].tolist() == [2.0, 2.0]
    trail.cut(-1.0)
    assert len(trail) == 0


def test_a_gap_stays_a_gap_and_spoils_no_more_than_its_own_point() -> None:
    trail = Trail(most=4)
    for number in range(16):
        trail.add(number, np.nan if number == 5 else 1.0)
    assert np.isnan(trail.y[:, 0]).sum() == 1


def test_an_odd_number_of_points_cannot_be_halved() -> None:
    with pytest.raises(ValueError, match="even"):
        Trail(most=5)
