"""Drift of rings while they are measured: a random walk of each resonance, filtered out of a fit.

A ring's residuals are r_s = slope_s drift_s + noise_s, drift walking with a variance of `rate` a
second. A Kalman filter turns any column of numbers over time into its innovations, in units of
their standard deviation: what is left has no memory, so that least squares on filtered columns is
the generalised least squares of the whole. It is run for all rings and columns at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Rates that are tried, half-widths^2 / s: 0.03 half-widths with 25 s walk at 7e-5.
RATES = np.concatenate([[0.0], np.geomspace(1e-7, 1e-2, 11)])


@dataclass(frozen=True, eq=False)
class Filtered:
    """Columns over time, freed of drift.

    white : (S, rings, columns) innovations over their standard deviations. log_scale : sum of the
    logarithms of these deviations. drift : (rings, columns) the filter's last state. variance :
    (rings,) half-widths^2, of the last state.
    """

    white: Floats
    log_scale: float
    drift: Floats
    variance: Floats


def filtered(columns: Floats, slope: Floats, noise: Floats, times: Floats, rate: float) -> Filtered:
    """Filter columns (S, rings, columns) of rings.

    slope : (S, rings) of what is measured per half-width. noise : (S, rings) rms. times : (S,) s.
    The drift is nothing at the first time.
    """
    white = np.empty_like(columns)
    state = np.zeros(columns.shape[1:])
    variance = np.zeros(columns.shape[1])
    log_scale = 0.0
    for s, waited in enumerate(np.diff(times, prepend=times[0])):
        variance = variance + rate * waited
        own = slope[s]
        spread = own**2 * variance + noise[s] ** 2
        surprise = columns[s] - own[:, None] * state
        white[s] = surprise / np.sqrt(spread)[:, None]
        log_scale += 0.5 * float(np.log(spread).sum())
        gain = variance * own / spread
        state = state + gain[:, None] * surprise
        variance = (1.0 - gain * own) * variance
    return Filtered(white, log_scale, state, variance)


def likeliest_rate(residual: Floats, slope: Floats, noise: Floats, times: Floats) -> float:
    """The rate of `RATES` that explains residuals (S, rings) best, half-widths^2 / s."""

    def cost(rate: float) -> float:
        found = filtered(residual[..., None], slope, noise, times, rate)
        return found.log_scale + 0.5 * float((found.white**2).sum())

    return float(min(RATES, key=cost))
