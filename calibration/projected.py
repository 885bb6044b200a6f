"""A fringe with everything that enters linearly projected out: slope and curvature are left.

Golub and Pereyra, SIAM J. Numer. Anal. 10, 413 (1973).
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Largest turn that is searched for by default, rad over the whole sweep.
_LARGEST_TURN = 12.0 * np.pi
#: Starts that are followed to their minimum, and curvatures that each is followed from.
_STARTS, _CURVATURES = 4, (0.0, -0.08, 0.08)
#: Starts that turn alike, to this many rad over the sweep, are one.
_SAME_TURN = 0.6


class Law(StrEnum):
    """How the phase depends on the abscissa."""

    LINEAR = "linear"
    QUADRATIC = "quadratic"


class ProjectedFringe:
    """The projected problem: channels that lack the same points are projected together."""

    def __init__(self, power: Floats, data: Floats, usable: Bools, law: Law) -> None:
        finite = np.isfinite(power)
        self.scale = float(np.abs(power[finite]).max()) or 1.0
        self.x = np.where(finite, power, 0.0) / self.scale
        seen = usable.any(axis=1)
        self.distinct = len(np.unique(self.x[seen]))
        self.low, self.high = float(self.x[seen].min()), float(self.x[seen].max())
        self.span = self.high - self.low
        self.law, self.data, self.usable = law, data, usable
        self.unknowns = 4 + (law is Law.QUADRATIC)
        self.groups: list[tuple[Bools, NDArray[np.intp], Floats]] = []
        for mask in np.unique(usable.T, axis=0):
            if mask.any():
                channels = np.flatnonzero((mask == usable.T).all(axis=1))
                self.groups.append((mask, channels, compressed(data[np.ix_(mask, channels)])))
        self.q = np.zeros(2)
        self.jacobian = np.zeros((0, 2))
        self.cost = np.inf

    def basis(self, q: Floats, mask: Bools) -> Floats:
        """(points, 3): 1, cos and sin of the law's phase."""
        phase = self.turn(q)[mask]
        return np.stack([np.ones_like(phase), np.cos(phase), np.sin(phase)], axis=1)

    def turn(self, q: Floats) -> Floats:
        """Phases (points,) above the offset; q: slope and curvature of the scaled power."""
        curvature = q[1] if len(q) > 1 else 0.0
        return q[0] * self.x * (1.0 + curvature * self.x)

    def left(self, q: Floats) -> Floats:
        """What no A, B and offset explain, over the noise."""
        parts = []
        for mask, _, data in self.groups:
            orthonormal = np.linalg.qr(self.basis(q, mask))[0]
            parts.append((data - orthonormal @ (orthonormal.T @ data)).ravel())
        return np.concatenate(parts)

    def _costs(self, slopes: Floats, curvature: float) -> Floats:
        """Sums of squares left at slopes (G,), all at once."""
        total = np.zeros(len(slopes))
        for mask, _, data in self.groups:
            x = self.x[mask]
            phase = slopes[:, None] * (x * (1.0 + curvature * x))
            basis = np.stack([np.ones_like(phase), np.cos(phase), np.sin(phase)], axis=1)
            pulled = basis @ data
            found = np.linalg.solve(basis @ basis.transpose(0, 2, 1), pulled)
            total += (data**2).sum() - (found * pulled).sum(axis=(1, 2))
        return total

    def search(self, slopes: tuple[float, float] | None) -> None:
        """Follow the most promising starts to their minima and keep the lowest."""
        if slopes is None:
            finest = np.pi * (self.distinct - 1) / 2.0
            low, high = 0.5 * np.pi, max(np.pi, min(_LARGEST_TURN, finest))
            low, high = low / self.span, high / self.span
        else:
            low, high = slopes[0] * self.scale, slopes[1] * self.scale
        step = 0.35 / self.span
        grid = np.linspace(low, high, max(3, int((high - low) / step) + 2))
        curvatures = _CURVATURES if self.law is Law.QUADRATIC else (0.0,)
        tried = []
        for curvature in curvatures:
            costs = self._costs(grid, curvature)
            padded = np.concatenate([[np.inf], costs, [np.inf]])
            minima = np.flatnonzero((costs <= padded[:-2]) & (costs <= padded[2:]))
            tried += [(float(costs[i]), float(grid[i]), curvature) for i in minima]
        free = 2 if self.law is Law.QUADRATIC else 1
        followed: list[float] = []
        for _, slope, curvature in sorted(tried)[: _STARTS * len(curvatures)]:
            start = np.array([slope, curvature])[:free]
            turned = slope * self.high * (1.0 + curvature * self.high)
            if any(abs(turned - other) < _SAME_TURN for other in followed):
                continue  # a start with another curvature leads to the same minimum
            followed.append(turned)
            found = least_squares(self.left, start, x_scale=[0.1, 0.02][:free], method="lm")
            if found.x[0] > 0.0 and found.cost < self.cost:
                self.cost, self.q, self.jacobian = float(found.cost), found.x, found.jac

    def freedom(self) -> int:
        """Data less unknowns."""
        channels = sum(len(group[1]) for group in self.groups)
        return max(1, int(self.usable.sum()) - 3 * channels - len(self.q))

    def strength(self) -> float:
        """Size of the cosines against what noise alone would show of them."""
        turned, channels = 0.0, 0
        for mask, members, _ in self.groups:
            data = self.data[np.ix_(mask, members)]
            flat = data - data.mean(axis=0)
            turned += float((flat**2).sum())
            channels += len(members)
        turned -= 2.0 * self.cost
        scatter = max(1.0, 2.0 * self.cost / self.freedom())
        return float(np.sqrt(max(turned, 0.0) / scatter / (2 * channels + 2)))


def compressed(data: Floats) -> Floats:
    """The same sum of squares under any projection over points, in at most as many channels."""
    if data.shape[1] <= data.shape[0]:
        return data
    _, triangle = np.linalg.qr(data.T)
    return triangle.T
