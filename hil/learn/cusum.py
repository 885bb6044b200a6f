"""When a residual has changed: a one-sided cumulative sum of its square.

Page, Biometrika 41, 100 (1954):

    g = max(0, g + r^2 - 1 - k),  alarm at g >= h,  r^2 = mean square residual / expected

What is expected is no constant: the read noise of the bench, and above it what the twin does not
know yet, which shrinks as it learns. So the expected square follows what is seen, on a logarithmic
scale, slowly, and more slowly upward than downward: a step stands out long before it is believed.
It never rises beyond `ceiling` times the best that was reached: what refitting does not follow is
an alarm however slowly it grows.

Every state is an array, so that the same code watches one bench and simulates run lengths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """Constants of the sum; run lengths: tests/hil/learn/test_cusum.py.

    Attributes
    ----------
    slack : k. limit : h.
    up, down : share of a surprise, on the logarithm, that the expected square takes over.
    surprise : largest surprise upward that it takes over a share of, as a factor.
    ceiling : factor above its best that the expected square never passes.
    """

    slack: float = 0.5
    limit: float = 8.0
    up: float = 0.1
    down: float = 0.2
    surprise: float = 2.0
    ceiling: float = 4.0


class ResidualCusum:
    """Sums over residuals of some benches at once (`shape`), or of one (shape ()).

    floor : mean square of the read noise, below which nothing is expected.
    """

    def __init__(self, rule: Rule, floor: float | Floats) -> None:
        self.rule = rule
        self.floor = np.asarray(floor, dtype=np.float64)
        self.sum = np.zeros(self.floor.shape)
        self.expected = np.full(self.floor.shape, np.nan)
        self.ratio = np.ones(self.floor.shape)
        self._best = np.full(self.floor.shape, np.inf)

    def update(self, square: float | Floats) -> NDArray[np.bool_]:
        """Take in mean squares of a look; tell where the alarm stands."""
        rule = self.rule
        square = np.maximum(np.asarray(square, dtype=np.float64), 1e-3 * self.floor)
        first = np.isnan(self.expected)
        expected = np.where(first, np.maximum(square, self.floor), self.expected)
        self.ratio = square / expected
        self.sum = np.maximum(0.0, self.sum + self.ratio - 1.0 - rule.slack)
        surprise = np.minimum(np.log(self.ratio), np.log(rule.surprise))
        share = np.where(surprise > 0.0, rule.up, rule.down)
        expected = np.maximum(expected * np.exp(share * surprise), self.floor)
        self._best = np.minimum(self._best, expected)
        self.expected = np.minimum(expected, rule.ceiling * self._best)
        return np.asarray(self.sum >= rule.limit)

    def restart(self) -> None:
        """Forget the sum, after something was done; what is expected stays."""
        self.sum = np.zeros(self.floor.shape)

    def accept(self, square: float | Floats) -> None:
        """Take a mean square for what is to be expected from now on, and forget the best."""
        self.restart()
        self.expected = np.maximum(np.asarray(square, dtype=np.float64), self.floor)
        self._best = self.expected.copy()
