"""When a residual has changed: cumulative sums of its square, and of each element's score.

Page, Biometrika 41, 100 (1954), one-sided on the mean square over everything:

    g = max(0, g + r^2 - 1 - k),  alarm at g >= h,  r^2 = mean square residual / expected

and two-sided on the score z of each element (`hil.learn.scores`), which a mean over all dilutes:

    g+ = max(0, g+ + z - k),  g- = max(0, g- - z - k),  alarm where either >= h

What is expected is no constant: the read noise of the bench, and above it what the twin does not
know yet, which shrinks as it learns. So the expected square follows what is seen, on a logarithmic
scale, slowly, and more slowly upward than downward: a step stands out long before it is believed.
It never rises beyond `ceiling` times the best that was reached: what refitting does not follow is
an alarm however slowly it grows.

Every state is an array, so that the same code watches one bench and simulates run lengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = ("rule", "floor", "sum", "expected", "ratio", "_best")

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

    @property
    def height(self) -> float:
        """The largest sum as a share of where it alarms."""
        return float(self.sum.max()) / self.rule.limit

    def restart(self) -> None:
        """Forget the sum, after something was done; what is expected stays."""
        self.sum = np.zeros(self.floor.shape)

    def accept(self, square: float | Floats) -> None:
        """Take a mean square for what is to be expected from now on, and forget the best."""
        self.restart()
        self.expected = np.maximum(np.asarray(square, dtype=np.float64), self.floor)
        self._best = self.expected.copy()


@dataclass(frozen=True)
class ElementRule:
    """Constants of the elements' sums.

    Attributes
    ----------
    slack : k. limit : h. One look alarms at k + h, two at k + h / 2 each.
    usual : the largest score of a look at which no element has moved: of some hundreds of normal
        ones. What is usual on a bench is followed upward of it, and scores count in its unit.
    up, down : share of a surprise, on the logarithm, that this takes over.
    surprise : largest surprise upward that it takes over a share of, as a factor.
    first : looks after which alarms begin: a twin that knows little is wrong in some elements more
        than in others.
    """

    slack: float = 3.3
    limit: float = 2.9
    usual: float = 3.6
    up: float = 0.25
    down: float = 0.25
    surprise: float = 1.5
    first: int = 2


class ElementSums:
    """Sums over the scores of some elements, of any shape."""

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = ("rule", "up", "down", "usual", "looks")

    def __init__(self, rule: ElementRule, shape: tuple[int, ...]) -> None:
        self.rule = rule
        self.up = np.zeros(shape)
        self.down = np.zeros(shape)
        self.usual = rule.usual
        self.looks = 0

    def update(self, scores: Floats) -> NDArray[np.bool_]:
        """Take in the scores of a look; tell where the alarm stands."""
        rule = self.rule
        counted = scores * (rule.usual / self.usual)
        self.looks += 1
        if self.looks > rule.first:
            self.up = np.maximum(0.0, self.up + counted - rule.slack)
            self.down = np.maximum(0.0, self.down - counted - rule.slack)
        alarm = np.maximum(self.up, self.down) >= rule.limit
        if not alarm.any():  # else it is what an alarm is about
            surprise = min(float(np.abs(scores).max()) / self.usual, rule.surprise)
            share = rule.up if surprise > 1.0 else rule.down
            self.usual = max(rule.usual, self.usual * max(surprise, 1e-3) ** share)
        return alarm

    @property
    def height(self) -> float:
        """The largest sum as a share of where it alarms."""
        return float(np.maximum(self.up, self.down).max()) / self.rule.limit

    def restart(self) -> None:
        """Forget the sums, after something was done."""
        self.up = np.zeros(self.up.shape)
        self.down = np.zeros(self.down.shape)
