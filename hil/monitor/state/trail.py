"""A curve of bounded length: over a long run its points become means of more and more values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Trail:
    """Values over steps, the whole run in `most` points.

    When all points are taken, neighbours are merged by their mean, and from then on each point is
    the mean of `stride` values; the newest may be a mean of fewer.

    Parameters
    ----------
    width : values of one point. most : points kept, an even number.
    """

    def __init__(self, width: int = 1, most: int = 2048) -> None:
        if most < 2 or most % 2:
            raise ValueError(f"most is {most}; it must be an even number from 2 on")
        self.stride = 1
        self._x = np.empty(most)
        self._y = np.empty((most, width))
        self._points = 0
        self._in_last = 0

    @property
    def x(self) -> Floats:
        """Where the points are, (points,); a view."""
        return self._x[: self._points]

    @property
    def y(self) -> Floats:
        """The points, (points, width); a view."""
        return self._y[: self._points]

    def __len__(self) -> int:
        return self._points

    @property
    def width(self) -> int:
        """Values of one point."""
        return self._y.shape[1]

    def add(self, x: float, y: float | Floats) -> None:
        """Add a value, or (width,) of them, at x."""
        if 0 < self._in_last < self.stride:
            at, self._in_last = self._points - 1, self._in_last + 1
            share = 1.0 / self._in_last
            self._x[at] += share * (x - self._x[at])
            self._y[at] += share * (y - self._y[at])
            return
        if self._points == len(self._x):
            self._merge()
        self._x[self._points] = x
        self._y[self._points] = y
        self._points += 1
        self._in_last = 1

    def cut(self, x: float) -> None:
        """Forget what lies beyond x; points of a trail lie in the order of their x."""
        self._points = int(np.searchsorted(self.x, x, side="right"))
        self._in_last = self.stride  # what comes next is a point of its own

    def _merge(self) -> None:
        half = self._points // 2
        self._x[:half] = 0.5 * (self._x[0::2] + self._x[1::2])
        self._y[:half] = 0.5 * (self._y[0::2] + self._y[1::2])
        self._points = half
        self.stride *= 2
