"""Run lengths of the drift watch's sums, over many benches at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from hil.learn.cusum import ElementRule, ElementSums, ResidualCusum, Rule

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


def _run_length(slack: float, limit: float, cells: int = 400) -> float:
    """Mean run length of a one-sided sum over standard normal numbers, from 0.

    By a Markov chain on cells of the sum (Brook and Evans, Biometrika 59, 539 (1972)).
    """
    width = 2.0 * limit / (2 * cells - 1)
    start, end = np.arange(cells)[:, None] * width, np.arange(cells)[None, :] * width
    above = norm.cdf(end + 0.5 * width + slack - start)
    below = norm.cdf(end - 0.5 * width + slack - start)
    below[:, 0] = 0.0
    return float(np.linalg.solve(np.eye(cells) - (above - below), np.ones(cells))[0])


@pytest.mark.parametrize(("slack", "limit"), [(1.0, 2.0), (2.0, 1.5)])
def test_run_lengths_of_elements_are_those_of_theory(slack: float, limit: float) -> None:
    """Two-sided sums alarm twice as often as one; no normal score is unusual to these."""
    chains = 3000
    sums = ElementSums(ElementRule(slack, limit, usual=1e9, first=0), (chains,))
    rng = np.random.default_rng(3)
    alarmed, looks, expected = 0, 0, _run_length(slack, limit) / 2
    while looks < 6 * expected:
        looks += 1
        alarm = sums.update(rng.standard_normal(chains))
        alarmed += int(alarm.sum())
        sums.up[alarm] = sums.down[alarm] = 0.0
    assert alarmed == pytest.approx(chains * looks / expected, rel=0.05)


def test_normal_scores_alarm_less_than_once_in_a_hundred_thousand_batches() -> None:
    """Two banks of 256 elements, a look every tenth batch."""
    rule = ElementRule()
    a_look = 2 * 512 / _run_length(rule.slack, rule.limit)
    assert 10_000 * a_look < 1.0
    sums = ElementSums(rule, (2, 256))
    rng = np.random.default_rng(4)
    assert not any(sums.update(rng.standard_normal((2, 256))).any() for _ in range(5000))


def test_scores_that_are_large_everywhere_become_usual_and_a_step_still_stands_out() -> None:
    """A twin that is still learning: its largest scores are twice those of normal numbers."""
    sums = ElementSums(ElementRule(), (2, 256))
    rng = np.random.default_rng(5)
    for look in range(60):
        alarm = sums.update(1.5 * rng.standard_normal((2, 256)))
        assert look < 3 or not alarm.any()
        if alarm.any():
            sums.restart()
    scores = 1.5 * rng.standard_normal((2, 256))
    scores[1, 7] = 12.0
    assert np.argwhere(sums.update(scores)).tolist() == [[1, 7]]
