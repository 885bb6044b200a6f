"""What one heater's sweep tells of the light around it.

While one phase turns, W = A + B e^{i phase}, and B is of rank one: the field that reaches the
heater from every input (a row) times what becomes of it at every output (a column). The row is a
direct measurement of the light INSIDE the mesh, at a heater, whatever the rest of the mesh does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from calibration.projected import compressed

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: Slopes tried, rad per p_pi: a heater on the other arm turns backwards.
_SLOPES = np.pi * np.linspace(0.55, 1.6, 64)
#: Prior uncertainty of the curvature, per p_pi.
_CURVATURE = 0.1
#: A heater whose sweep turns less than this many sigmas of noise does nothing.
_ALIVE = 8.0


@dataclass(frozen=True)
class Turning:
    """One heater's law and light.

    slope : rad per p_pi. curvature : per p_pi. sigma : their standard uncertainties (2,).
    strength : rms of the turning part over the noise of its estimate. row : (N,) unit vector, the
    field at the heater by input, with the phase it has at zero level. radius : size of B.
    residual : rms left over the noise.
    """

    slope: float
    curvature: float
    sigma: Floats
    strength: float
    row: Complexes
    radius: float
    residual: float

    @property
    def alive(self) -> bool:
        """Whether the heater turns anything."""
        return self.strength > _ALIVE


def turning(
    x: Floats,
    seen: Complexes,
    sigma: float,
    intensity: Floats | None = None,
    noise: float = 1.0,
) -> Turning:
    """Fit a sweep.

    Parameters
    ----------
    x : (M,) levels in units of p_pi. seen : (M, N, N) complex, noise `sigma` a real part.
    intensity : (M, channels) of samples without local oscillator, noise `noise`; the law is then
        fitted to these, which no phase of the oscillator can bend.
    """
    fields = seen.reshape(len(x), -1)
    complex_data = np.concatenate([fields.real, fields.imag], axis=1)
    law_data = complex_data / sigma if intensity is None else intensity / noise
    slope, curvature, cov, residual = _law(x, law_data, backwards=True, seen=fields)
    phase = slope * x * (1.0 + curvature * x)
    basis = np.stack([np.ones_like(x), np.exp(1j * phase)], axis=1)
    coefficients = np.linalg.lstsq(basis, fields, rcond=None)[0]
    turned = coefficients[1].reshape(seen.shape[1:])
    _, values, rows = np.linalg.svd(turned)
    spread = np.sqrt(len(x)) * values[0] / (sigma * np.sqrt(turned.size))
    return Turning(
        slope, curvature, np.sqrt(np.diag(cov)), float(spread), rows[0], float(values[0]), residual
    )


def _project(x: Floats, data: Floats, slope: float, curvature: float) -> Floats:
    """What cosine and sine of the law's phase, and a constant, leave of data (M, channels)."""
    phase = slope * x * (1.0 + curvature * x)
    basis, _ = np.linalg.qr(np.stack([np.ones_like(x), np.cos(phase), np.sin(phase)], axis=1))
    return data - basis @ (basis.T @ data)


def _law(
    x: Floats, data: Floats, *, backwards: bool, seen: Complexes
) -> tuple[float, float, Floats, float]:
    """Slope and curvature with their covariance (2, 2), and the residual over the noise."""
    reduced = compressed(data)
    tried = [float((_project(x, reduced, s, 0.0) ** 2).sum()) for s in _SLOPES]
    start = float(_SLOPES[int(np.argmin(tried))])

    def left(q: Floats) -> Floats:
        prior = q[1] / _CURVATURE
        return np.append(_project(x, reduced, q[0], q[1]).ravel(), prior)

    found = least_squares(left, [start, 0.0], x_scale=[0.1, 0.02], method="lm")
    # A sweep without a fringe has its least anywhere: at no turn at all, all is explained.
    sound = _SLOPES[0] / 1.5 < found.x[0] < 1.5 * _SLOPES[-1]
    slope, curvature = map(float, found.x) if sound else (start, 0.0)
    freedom = max(1, (len(x) - 3) * data.shape[1] - 2)
    rest = float((_project(x, data, slope, curvature) ** 2).sum()) / freedom
    cov = np.linalg.pinv(found.jac.T @ found.jac) * max(rest, 1.0)
    if backwards and _turns_backwards(x, seen, slope, curvature):
        slope = -slope
    return slope, curvature, cov, float(np.sqrt(rest))


def _turns_backwards(x: Floats, seen: Complexes, slope: float, curvature: float) -> bool:
    """Whether e^{-i phase} explains the complex sweep better than e^{+i phase}."""
    phase = slope * x * (1.0 + curvature * x)
    rest = []
    for sign in (1.0, -1.0):
        basis, _ = np.linalg.qr(np.stack([np.ones_like(x), np.exp(1j * sign * phase)], axis=1))
        rest.append(float((np.abs(seen - basis @ (basis.conj().T @ seen)) ** 2).sum()))
    return rest[1] < rest[0]
