"""The weight of one ring against the level of its heater, alone: fits of a Lorentz line.

    seen = base + height / (1 + (shift (p - peak))^2)

base and height follow linearly for any peak and shift, so that a grid of these two is tried for
every ring at once (a start anywhere finds the best), and the best few are refined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Shifts that are tried, half-widths per unit of level.
SHIFTS = np.geomspace(2.0, 18.0, 12)
#: Peaks tried for each range of levels swept.
_PEAKS = 49
#: Peaks are looked for this share of the range beyond either end.
_BEYOND = 0.3
#: Starts that are refined for each ring, and iterations of each.
_STARTS, _ITERATIONS = 3, 25


@dataclass(frozen=True, eq=False)
class Lines:
    """Fitted lines, arrays over rings.

    peak : level, in the unit of the sweep. shift : half-widths per unit. base, height : weight.
    explained : share of the scatter of what is seen that the line explains. residual : rms.
    """

    peak: Floats
    shift: Floats
    base: Floats
    height: Floats
    explained: Floats
    residual: Floats


def fit_lines(levels: Floats, seen: Floats) -> Lines:
    """Fit lines to what is seen (S, rings) at levels (S, rings), in units of p_pi."""
    low, high = levels.min(axis=0), levels.max(axis=0)
    span = np.maximum(high - low, 1e-9)
    shares = np.linspace(-_BEYOND, 1.0 + _BEYOND, _PEAKS)
    tried = []
    for share in shares:
        peak = low + share * span
        for shift in SHIFTS:
            start = np.stack([peak, np.full_like(peak, shift)], axis=1)
            tried.append((start, _linear(levels, seen, start)[1]))
    starts = np.stack([start for start, _ in tried])
    costs = np.stack([cost for _, cost in tried])
    best = np.full(costs.shape[1], np.inf)
    found = starts[0].copy()
    rings = np.arange(costs.shape[1])
    for order in np.argsort(costs, axis=0)[: _STARTS * 4 : 4]:
        refined, cost = _refine(levels, seen, starts[order, rings])
        better = cost < best
        best, found = np.where(better, cost, best), np.where(better[:, None], refined, found)
    (base, height), cost = _linear(levels, seen, found)
    scatter = ((seen - seen.mean(axis=0)) ** 2).sum(axis=0)
    return Lines(
        peak=found[:, 0],
        shift=found[:, 1],
        base=base,
        height=height,
        explained=1.0 - cost / np.maximum(scatter, 1e-30),
        residual=np.sqrt(cost / len(levels)),
    )


def _linear(levels: Floats, seen: Floats, shape: Floats) -> tuple[tuple[Floats, Floats], Floats]:
    """Best base and height for peaks and shifts (rings, 2), and the sum of squares left."""
    line = 1.0 / (1.0 + (shape[:, 1] * (levels - shape[:, 0])) ** 2)
    middle, mean = line.mean(axis=0), seen.mean(axis=0)
    off = line - middle
    height = (off * (seen - mean)).sum(axis=0) / np.maximum((off**2).sum(axis=0), 1e-12)
    base = mean - height * middle
    left = seen - base - height * line
    return (base, height), (left**2).sum(axis=0)


def _refine(levels: Floats, seen: Floats, start: Floats) -> tuple[Floats, Floats]:
    """Damped Gauss-Newton in peak and shift, base and height following; all rings at once."""
    shape = start.copy()
    (_, height), cost = _linear(levels, seen, shape)
    damping = np.full(len(shape), 1e-2)
    for _ in range(_ITERATIONS):
        (base, height), cost = _linear(levels, seen, shape)
        x = shape[:, 1] * (levels - shape[:, 0])
        line = 1.0 / (1.0 + x**2)
        falls = -2.0 * x * line**2 * height
        columns = np.stack(
            [np.ones_like(line), line, -falls * shape[:, 1], falls * (levels - shape[:, 0])], -1
        )
        left = seen - base - height * line
        normal = np.einsum("sra,srb->rab", columns, columns)
        number = np.arange(4)
        normal[:, number, number] *= 1.0 + damping[:, None]
        normal[:, number, number] += 1e-9
        pulled = np.einsum("sra,sr->ra", columns, left)
        step = np.linalg.solve(normal, pulled[..., None])[:, 2:, 0]
        trial = shape + np.clip(step, -0.3, 0.3) * [1.0, 10.0]
        trial[:, 1] = np.clip(trial[:, 1], 1.0, 30.0)
        _, new_cost = _linear(levels, seen, trial)
        better = new_cost < cost
        shape = np.where(better[:, None], trial, shape)
        damping = np.clip(np.where(better, damping / 5.0, damping * 5.0), 1e-9, 1e6)
    return shape, _linear(levels, seen, shape)[1]
