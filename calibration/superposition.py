"""How a detector bends, told from light that adds up.

Fields add, whatever the modulators before the mesh do: a detector that is lit from several ports
at once sees the sum of what each alone would give it. If every port is in one of a few states
(dark, full, full and reversed), what arrives is linear in indicators of these states, and whatever
is not linear in them is the detector's own (the method of superposition of photometry). Nothing of
mesh or modulators has to be known.

The law is y = Z tanh(z / Z), fitted in the curvature q = 1 / Z^2, in which no saturation is
nothing special: y = z - q z^3 / 3 + ... A detector that expands has q < 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Floats = NDArray[np.float64]

#: |q z^2| below which the law is taken from its series.
_SMALL = 1e-4
#: Most that the argument of the tangent of an expanding detector may be.
_MOST_TANGENT = 1.4


def bent(light: Floats, curvature: float) -> tuple[Floats, Floats, Floats]:
    """Signal y of light z, dy/dz and dy/dq, at a curvature q = 1 / Z^2."""
    square = curvature * light**2
    small = np.abs(square) < _SMALL
    if curvature >= 0.0:
        root = np.sqrt(max(curvature, 1e-300))
        signal = np.tanh(root * light) / root
    else:
        root = np.sqrt(-curvature)
        signal = np.tan(np.clip(root * light, -_MOST_TANGENT, _MOST_TANGENT)) / root
    signal = np.where(small, light * (1.0 - square / 3.0), signal)
    slope = 1.0 - curvature * signal**2
    divisor = np.where(small, 1.0, 2.0 * curvature)
    by_curvature = np.where(
        small,
        -(light**3) / 3.0 * (1.0 - 0.8 * square),
        (light * slope - signal) / divisor,
    )
    return signal, slope, by_curvature


def straightened(signal: Floats, curvature: float) -> Floats:
    """Light z of a signal y: the inverse of `bent`; signals beyond the law's end are held there."""
    if curvature > 0.0:
        root = np.sqrt(curvature)
        return np.arctanh(np.clip(root * signal, -0.995, 0.995)) / root
    if curvature < 0.0:
        root = np.sqrt(-curvature)
        return np.arctan(root * signal) / root
    return signal


@dataclass(frozen=True, eq=False)
class Bend:
    """A fitted detector.

    curvature, sigma : q = 1 / Z^2 and its standard uncertainty, 1 / signal^2. weights : (p,) light
    of each indicator. light : (n,) z of each sample. left : (n,) signal that is not explained.
    """

    curvature: float
    sigma: float
    weights: Floats
    light: Floats
    left: Floats

    @property
    def limit(self) -> float:
        """Z, signal units; infinite where the detector does not saturate."""
        return float(1.0 / np.sqrt(self.curvature)) if self.curvature > 0.0 else float("inf")


def fit_bend(design: Floats, signal: Floats, noise: float) -> Bend:
    """Fit light and curvature to a detector's signals.

    Parameters
    ----------
    design : (n, p) indicators of the states of the ports, a column of ones among them.
    signal : (n,) with the detector's offset taken out.
    noise : rms of a sample, for the uncertainty where the misfit says less.

    Raises
    ------
    ValueError
        When there are not more samples than unknowns.
    """
    samples, unknowns = design.shape
    if samples <= unknowns + 1:
        raise ValueError(f"{samples} samples for {unknowns + 1} unknowns; send more")
    largest = float(np.abs(signal).max())
    if largest == 0.0:
        return Bend(0.0, float("inf"), np.zeros(unknowns), np.zeros(samples), signal.copy())

    def residual(x: Floats) -> Floats:
        return bent(design @ x[:-1], float(x[-1]))[0] - signal

    def jacobian(x: Floats) -> Floats:
        _, slope, by_curvature = bent(design @ x[:-1], float(x[-1]))
        return np.column_stack([slope[:, None] * design, by_curvature])

    best, lowest = None, np.inf
    # A detector near its end sees little but the sign of the light: two starts.
    for start in (0.1, 0.95):
        curvature = start / largest**2
        weights = np.linalg.lstsq(design, straightened(signal, curvature), rcond=None)[0]
        x = np.append(weights, curvature)
        found = least_squares(residual, x, jac=cast(Any, jacobian), method="lm")
        if found.cost < lowest:
            best, lowest = found, float(found.cost)
    assert best is not None
    weights, curvature = best.x[:-1], float(best.x[-1])
    jac = jacobian(best.x)
    rms = max(noise, float(np.sqrt(2.0 * lowest / (samples - unknowns - 1))))
    spread = np.linalg.pinv(jac.T @ jac)[-1, -1]
    return Bend(
        curvature=curvature,
        sigma=rms * float(np.sqrt(max(spread, 0.0))),
        weights=weights,
        light=design @ weights,
        left=-best.fun,
    )


def residual_nonlinearity(light: Floats, left: Floats, order: int = 5) -> float:
    """Largest value of a polynomial of `order` through what a law left, where nine tenths of the
    light lie: at its very ends there are few samples, and noise.
    """
    span = float(np.abs(light).max())
    if span == 0.0 or len(light) <= order + 1:
        return float("nan")
    fitted = np.polynomial.Polynomial.fit(light / span, left, order, domain=[-1, 1])
    low, high = np.quantile(light / span, [0.05, 0.95])
    return float(np.abs(fitted(np.linspace(low, high, 101))).max())


def echo_share(before: Floats, own: Floats, light: Floats) -> tuple[float, float]:
    """Share m of the preceding sample's light that is still there, and its standard uncertainty.

    Of a sample that has been sent twice in a row, the second reading holds its own echo, (1 + m)
    times its light; the first holds (light + m before): so it is m / (1 + m) (before - own) off.

    Parameters
    ----------
    before, own : (n,) what second readings of the preceding and of this sample are expected to be.
    light : (n,) what the first readings were, straightened.
    """
    change, off = before - own, light - own
    power = float(change @ change)
    if power == 0.0:
        return 0.0, float("inf")
    share = float(change @ off) / power
    left = off - share * change
    sigma = float(np.sqrt(left @ left / max(left.size - 1, 1) / power))
    return share / (1.0 - share), sigma / (1.0 - share) ** 2
