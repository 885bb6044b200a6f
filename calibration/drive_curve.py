"""V_pi, bias and extinction of a modulator, from a sweep of its drive.

The field behind a Mach-Zehnder modulator is sin(pi/2 kappa u + b), u in units of the nominal V_pi.
If its two arms are not of equal strength it is, up to a factor,

    sin(t + b) + i e cos(t + b),   t = pi/2 kappa u,

never dark: e is the field ratio of darkest to brightest. What a detector sees of it, after any mesh
and beside any light from elsewhere, is a constant plus multiples of sin t and cos t. So for a
given kappa everything else is linear, in all detectors at once, and kappa alone is searched for.
The multiple of cos t is (tan b + i e) / (1 - i e tan b) times that of sin t, at every detector.

That the sign of the field is free, with the phase at the input, is a gauge: |b| <= pi / 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: kappa searched for, and values tried before the fine search.
LEAST, MOST, _TRIED = 0.5, 1.6, 45


@dataclass(frozen=True)
class DriveCurve:
    """A modulator.

    gain : kappa = nominal V_pi / V_pi. bias : b, rad. leak : e; NaN where one quadrature only was
    seen. *_sigma : standard uncertainties. strength : rms over the sweep of the light that it
    sends to all detectors, signal units. left : rms of what is not explained, a detector.
    """

    gain: float
    gain_sigma: float
    bias: float
    bias_sigma: float
    leak: float
    leak_sigma: float
    strength: float
    left: float

    @property
    def extinction_db(self) -> float:
        """DB of intensity between brightest and darkest, or what noise lets be said of it."""
        return float(-20.0 * np.log10(np.hypot(self.leak, self.leak_sigma)))


def fit_drive(drive: Floats, before: Floats, seen: Complexes, memory: float, noise: float,
              *, both: bool) -> DriveCurve:  # fmt: skip
    """Fit a modulator to what all detectors saw while it was swept.

    Parameters
    ----------
    drive, before : (n,) u of each sample and of the one before it.
    seen : (n, detectors) complex light; its imaginary part is the other quadrature.
    memory : share of the preceding sample's light. noise : rms of a sample and quadrature.
    both : whether both quadratures were seen; else `seen` is real.
    """

    def design(gain: float) -> Floats:
        turn, past = 0.5 * np.pi * gain * drive, 0.5 * np.pi * gain * before
        return np.column_stack(
            [
                np.ones_like(turn),
                np.sin(turn) + memory * np.sin(past),
                np.cos(turn) + memory * np.cos(past),
            ]
        )

    def cost(gain: float) -> float:
        basis = np.linalg.qr(design(gain))[0]
        return float(total - (np.abs(basis.T @ seen) ** 2).sum())

    total = float((np.abs(seen) ** 2).sum())
    tried = np.linspace(LEAST, MOST, _TRIED)
    lowest = tried[int(np.argmin([cost(gain) for gain in tried]))]
    step = tried[1] - tried[0]
    found: Any = minimize_scalar(
        cost, bounds=(lowest - step, lowest + step), method="bounded", options={"xatol": 1e-7}
    )
    gain = float(found.x)
    columns = design(gain)
    weights, *_ = np.linalg.lstsq(columns, seen, rcond=None)
    left = seen - columns @ weights
    parts = 2 if both else 1
    freedom = parts * left.size - parts * weights.size - 3
    rms = float(np.sqrt((np.abs(left) ** 2).sum() / max(freedom, 1)))
    sines, cosines = weights[1], weights[2]
    power = float((np.abs(sines) ** 2).sum() + (np.abs(cosines) ** 2).sum())
    # The common ratio of two vectors of numbers that both carry noise: from their joint power.
    ratio = _common_ratio(sines, cosines)
    bias, leak = _angles(ratio) if both else (float(np.arctan(ratio.real)), float("nan"))
    sigma = max(rms, noise)
    spread = np.linalg.inv(_information(columns, drive, bias, gain))
    unit = sigma / np.sqrt(power) if power > 0.0 else float("inf")
    swing = columns[:, 1:] - columns[:, 1:].mean(axis=0)
    own = np.cos(bias) * swing[:, 0] + np.sin(bias) * swing[:, 1]
    return DriveCurve(
        gain=gain,
        gain_sigma=unit * float(np.sqrt(spread[0, 0])),
        bias=bias,
        bias_sigma=unit * float(np.sqrt(spread[1, 1])),
        leak=abs(leak),
        leak_sigma=unit * float(np.sqrt(spread[1, 1])) if both else float("nan"),
        strength=float(np.sqrt((own**2).mean() * power)),
        left=rms,
    )


def _common_ratio(sines: Complexes, cosines: Complexes) -> complex:
    """Complex r with cosines = r sines at all detectors: largest share of their joint power."""
    pair = np.stack([sines, cosines])
    _, vectors = np.linalg.eigh(pair @ pair.conj().T)
    first = vectors[:, -1]
    return complex(first[1] / first[0]) if abs(first[0]) > 1e-12 else complex(1e12)


def _angles(ratio: complex) -> tuple[float, float]:
    """B and e of (tan b + i e) / (1 - i e tan b) = tan(b + i artanh e)."""
    whole = np.arctan(ratio)
    return float(whole.real), float(np.tanh(whole.imag))


def _information(columns: Floats, drive: Floats, bias: float, gain: float) -> Floats:
    """Information on (kappa, b), for light of unit power and noise 1, the rest being free."""
    turn = 0.5 * np.pi * gain * drive + bias
    by_bias = np.cos(turn)
    by_gain = 0.5 * np.pi * drive * by_bias
    free = np.column_stack([np.ones_like(turn), np.sin(turn)])
    both = np.column_stack([by_gain, by_bias])
    both = both - free @ np.linalg.lstsq(free, both, rcond=None)[0]
    return both.T @ both
