"""When a pattern of switched light arrives, and how fast it rises, from recorded points.

A pseudo-random pattern of chips is compared with what a port recorded. A point is a mean over its
width, so the pattern's own mean over the same width, at any delay, is known exactly: the
correlation with it has a rounded peak, whose place a parabola through three delays tells to a small
part of a point. With a rise of first order the law is exact again, and is fitted to all edges of
all ports at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Taps of shift registers whose output repeats after 2^order - 1 chips only.
_TAPS = {4: (4, 3), 5: (5, 3), 6: (6, 5), 7: (7, 6), 8: (8, 6, 5, 4), 9: (9, 5), 10: (10, 7)}
#: 10 to 90 % of a first-order rise, in time constants.
RISE = float(np.log(9.0))


def pseudo_random(order: int) -> NDArray[np.bool_]:
    """A maximal-length sequence of 2^order - 1 chips.

    Raises
    ------
    ValueError
        For an order other than 4 to 10.
    """
    if order not in _TAPS:
        raise ValueError(f"order {order}: known are {', '.join(map(str, _TAPS))}")
    register = [1] * order
    chips = []
    for _ in range(2**order - 1):
        chips.append(register[-1])
        bit = 0
        for tap in _TAPS[order]:
            bit ^= register[tap - 1]
        register = [bit, *register[:-1]]
    return np.array(chips, dtype=np.bool_)


def parabolic_peak(lags: Floats, values: Floats) -> float:
    """Place of a maximum, by the parabola through the highest value and its neighbours.

    At an end of the lags it is that end.
    """
    top = int(np.argmax(values))
    if top in (0, len(values) - 1):
        return float(lags[top])
    before, peak, after = (float(values[top + k]) for k in (-1, 0, 1))
    bend = before - 2.0 * peak + after
    shift = 0.5 * (before - after) / bend if bend < 0.0 else 0.0
    return float(lags[top] + shift * (lags[top + 1] - lags[top]))


@dataclass(frozen=True, eq=False)
class Pattern:
    """A pattern in time: `levels` (chips,), each for `chip` s, the first and last one held."""

    levels: Floats
    chip: float

    def seen(self, times: Floats, width: float, tau: float = 0.0) -> Floats:
        """Means over points (...,) of `width` s about `times`, after a rise of time constant tau.

        The pattern begins at time 0.
        """
        return (self._area(times + 0.5 * width, tau) - self._area(times - 0.5 * width, tau)) / width

    def _area(self, times: Floats, tau: float) -> Floats:
        """Integral of the filtered pattern up to `times`, from a time well before it."""
        jumps = np.diff(self.levels)
        edges = np.flatnonzero(jumps)
        when, sizes = (edges + 1) * self.chip, jumps[edges]
        area = self.levels[0] * times
        # By edge, not by point: few of the points are near any one.
        total = np.concatenate([[0.0], np.cumsum(sizes)])
        moment = np.concatenate([[0.0], np.cumsum(sizes * when)])
        passed = np.searchsorted(when, times, side="right")
        area = area + total[passed] * times - moment[passed]
        if tau > 0.0 and edges.size:
            left = np.zeros_like(area)
            # Of edges long past the whole of tau is missing; of near ones, less.
            for back in range(1, 4):
                edge = passed - back
                near = edge >= 0
                since = times - when[np.maximum(edge, 0)]
                rest = sizes[np.maximum(edge, 0)] * np.exp(-np.maximum(since, 0.0) / tau)
                left += np.where(near, rest, 0.0)
            area = area - tau * (total[passed] - left)
        return area


@dataclass(frozen=True)
class Arrival:
    """When a pattern arrived.

    delay : (ports,) s, by the correlation's parabolic peak: of the middle of the rise. contrast :
    (ports,) signal by which the pattern switches, with its sign. share : (ports,) of the signal's
    variance that the pattern explains.
    """

    delay: Floats
    contrast: Floats
    share: Floats


def arrival(
    pattern: Pattern, times: Floats, signal: Floats, width: float, farthest: float
) -> Arrival:
    """Delay of a pattern at each port, searched within +-`farthest` s.

    times, signal : (points, ports). width : s of a point.
    """
    steps = int(np.ceil(2.0 * farthest / width))
    coarse = np.linspace(-0.5 * steps * width, 0.5 * steps * width, 2 * steps + 1)
    delay = np.zeros(times.shape[1])
    contrast, share = np.zeros_like(delay), np.zeros_like(delay)
    for port in range(times.shape[1]):

        def explained(lags: Floats, port: int = port) -> Floats:
            shifted = times[:, port][None, :] - lags[:, None]
            return _explained(pattern.seen(shifted, width), signal[:, port])[0]

        rough = parabolic_peak(coarse, explained(coarse))
        fine = rough + np.linspace(-0.5 * width, 0.5 * width, 5)
        delay[port] = parabolic_peak(fine, explained(fine))
        here = pattern.seen(times[:, port] - delay[port], width)[None]
        power, slope = _explained(here, signal[:, port])
        contrast[port] = slope[0]
        share[port] = power[0]
    return Arrival(delay, contrast, share)


def _explained(templates: Floats, signal: Floats) -> tuple[Floats, Floats]:
    """Share of a signal's variance (lags,) that templates (lags, points) explain; their factors."""
    centred = templates - templates.mean(axis=1, keepdims=True)
    own = signal - signal.mean()
    power = (centred**2).sum(axis=1)
    overlap = centred @ own
    total = float(own @ own)
    if total == 0.0:
        return np.zeros(len(templates)), np.zeros(len(templates))
    safe = np.where(power > 0.0, power, 1.0)
    return np.where(power > 0.0, overlap**2 / (safe * total), 0.0), overlap / safe


@dataclass(frozen=True)
class Rise:
    """tau, sigma : s, time constant of a first-order rise and its standard uncertainty.

    delay_sigma : (ports,) s, of each port's delay.
    """

    tau: float
    sigma: float
    delay_sigma: Floats


def fit_rise(
    pattern: Pattern,
    times: Floats,
    signal: Floats,
    width: float,
    found: Arrival,
    ports: Sequence[int],
    start: float = 3e-9,
    rounds: int = 12,
) -> Rise:
    """Time constant that all ports share, each port's delay and levels being free.

    Gauss-Newton in tau and the delays, everything else solved for. Ports not in `ports` say
    nothing and get an infinite uncertainty.
    """
    tau, shortest, longest = start, 0.02 * width, 2.0 * pattern.chip / 3.0
    delay = found.delay - tau
    step = 1e-3 * width
    gain = offset = 0.0
    curvature, left_square, freedom = 0.0, 0.0, 0
    sigma_delay = np.full(times.shape[1], np.inf)
    for _ in range(rounds):
        curvature, pull, left_square, freedom = 0.0, 0.0, 0.0, -1
        moves: list[tuple[int, float, float]] = []
        for port in ports:
            at = times[:, port] - delay[port]
            shape = pattern.seen(at, width, tau)
            base = np.column_stack([np.ones_like(shape), shape])
            (offset, gain), *_ = np.linalg.lstsq(base, signal[:, port], rcond=None)
            later = pattern.seen(at - step, width, tau) - pattern.seen(at + step, width, tau)
            slower = pattern.seen(at, width, tau + step) - pattern.seen(at, width, tau - step)
            moving = gain / (2.0 * step) * np.column_stack([later, slower])
            moving = moving - base @ np.linalg.lstsq(base, moving, rcond=None)[0]
            left = signal[:, port] - offset - gain * shape
            gram, right = moving.T @ moving, moving.T @ left
            if gram[0, 0] <= 0.0:
                continue
            own = gram[1, 1] - gram[0, 1] ** 2 / gram[0, 0]
            curvature += own
            pull += right[1] - gram[0, 1] / gram[0, 0] * right[0]
            moves.append((port, right[0] / gram[0, 0], gram[0, 1] / gram[0, 0]))
            sigma_delay[port] = gram[0, 0] ** -0.5
            left_square += float(left @ left)
            freedom += len(left) - 3
        change = pull / curvature if curvature > 0.0 else 0.0
        newer = float(np.clip(tau + np.clip(change, -0.5 * tau, 0.5 * width), shortest, longest))
        for port, alone, with_tau in moves:
            move = alone - with_tau * (newer - tau)
            delay[port] += float(np.clip(move, -0.5 * width, 0.5 * width))
        done = abs(newer - tau) < 1e-3 * tau
        tau = newer
        if done:
            break
    rms = float(np.sqrt(left_square / max(freedom, 1)))
    sigma = rms * curvature**-0.5 if curvature > 0.0 else float("inf")
    return Rise(tau, sigma, rms * sigma_delay)
