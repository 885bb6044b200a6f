"""Run lengths of the drift watch's sum, over many benches at once."""

from __future__ import annotations

import numpy as np

from hil.learn.cusum import ResidualCusum, Rule

FLOOR = 1e-4


def _squares(rng: np.random.Generator, chains: int, looks: int) -> np.ndarray:
    """Mean squares (looks, chains): noise, and three times as much misfit that wanders.

    The logarithm of the misfit is a first-order process with the spread (0.3) and the memory of
    some looks that training runs on sixteen ports show.
    """
    log = 0.3 * rng.standard_normal(chains)
    rows = []
    for _ in range(looks):
        log = 0.8 * log + 0.6 * 0.3 * rng.standard_normal(chains)
        rows.append(FLOOR * (1.0 + 3.0 * np.exp(log)))
    return np.stack(rows)


def test_no_more_than_one_false_alarm_in_ten_thousand_batches() -> None:
    """A look every tenth batch: 2000 chains of 100 looks are two million batches."""
    squares = _squares(np.random.default_rng(0), 2000, 100)
    watch = ResidualCusum(Rule(), np.full(2000, FLOOR))
    alarms = 0
    for row in squares:
        alarm = watch.update(row)
        alarms += int(alarm.sum())
    assert alarms <= 200


def test_a_step_alarms_at_the_first_look() -> None:
    """0.2 rad of every element raises the square of sixteen ports some hundredfold."""
    squares = _squares(np.random.default_rng(1), 500, 60)
    watch = ResidualCusum(Rule(), np.full(500, FLOOR))
    for row in squares[:-1]:
        watch.update(row)
    assert watch.update(squares[-1] + 500 * FLOOR).all()


def test_slow_growth_that_refitting_does_not_follow_alarms() -> None:
    """Two per cent a look is believed at first, but not beyond the ceiling."""
    watch = ResidualCusum(Rule(), FLOOR)
    growing = 4 * FLOOR * 1.02 ** np.arange(200)
    alarmed = [bool(watch.update(square)) for square in growing]
    assert any(alarmed)
    assert not any(alarmed[:60])


def test_a_twin_that_learns_is_no_alarm() -> None:
    watch = ResidualCusum(Rule(), FLOOR)
    falling = FLOOR * (1.0 + 500.0 * np.exp(-0.3 * np.arange(40)))
    assert not any(bool(watch.update(square)) for square in falling)


def test_what_is_accepted_is_expected() -> None:
    watch = ResidualCusum(Rule(), FLOOR)
    for _ in range(5):
        watch.update(FLOOR)
    assert watch.update(50 * FLOOR)
    watch.accept(50 * FLOOR)
    assert not any(bool(watch.update(50 * FLOOR)) for _ in range(20))
