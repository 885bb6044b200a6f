"""A heater's resistance and how it grows with power, from volts and amperes at some levels.

A heater that is warmed by its own power P = V I has the resistance

    R = R0 (1 + k P),

P in W, k in 1/W: R0 is that of the cold heater. So V = R0 I + (R0 k) P I, which is linear in R0
and R0 k. What they are known by has three parts, added in squares:

- scatter: what is left of the fit;
- rest: how well the offsets are known that were read at 0 V and taken off;
- accuracy: what the maker lets the meter be off. Of it the whole may be common to all readings,
  which moves R0 and k by as much; and it may differ between the ranges of a meter, which bends the
  line. For the second it is taken as if half of the points had one error and half another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_POINTS = 3
"""Levels that a line with a scatter needs."""
_RECTANGLE = 3.0**-0.5
"""Standard deviation of what may be anywhere within +-1."""


@dataclass(frozen=True)
class HeaterCurve:
    """The law of one heater.

    r0 : ohm, cold; per_watt : 1/W, relative growth. *_sigma : standard uncertainties. scatter : V
    rms that the law leaves. points : levels that it stands on. bounded : whether the accuracy of
    the meter is known, and in the uncertainties.
    """

    r0: float
    r0_sigma: float
    per_watt: float
    per_watt_sigma: float
    scatter: float
    points: int
    bounded: bool

    def power(self, volts: Floats | float) -> Floats:
        """W that the warm heater draws at `volts`: the positive root of P (1 + k P) = V^2 / R0.

        NaN where the law has none, as for a large negative k.
        """
        cold = np.square(np.asarray(volts, dtype=np.float64)) / self.r0
        root = 1.0 + 4.0 * self.per_watt * cold
        return np.where(root < 0.0, np.nan, 2.0 * cold / (1.0 + np.sqrt(np.maximum(root, 0.0))))

    def resistance(self, watts: Floats | float) -> Floats:
        """Ohm at a power in W."""
        return self.r0 * (1.0 + self.per_watt * np.asarray(watts, dtype=np.float64))


def fit_heater(
    volts: Floats,
    amps: Floats,
    *,
    rest_sigma: tuple[float, float] = (0.0, 0.0),
    errors: tuple[Floats, Floats] | None = None,
) -> HeaterCurve:
    """Fit the law to readings (n,) in V and A, offsets taken off.

    Parameters
    ----------
    rest_sigma : V and A, standard uncertainty of the offsets.
    errors : (n,) V and (n,) A that the readings may be off, by the maker; None: not known.

    Raises
    ------
    ValueError
        For less than `LEAST_POINTS` levels, levels that are all alike, or what is not positive.
    """
    volts, amps = np.asarray(volts, np.float64), np.asarray(amps, np.float64)
    if volts.ndim != 1 or volts.shape != amps.shape:
        raise ValueError(f"volts {volts.shape} and amps {amps.shape} are not of one length")
    if volts.size < LEAST_POINTS:
        raise ValueError(f"{volts.size} levels; a heater's law needs {LEAST_POINTS}")
    if not (np.isfinite(volts) & np.isfinite(amps) & (volts > 0.0) & (amps > 0.0)).all():
        raise ValueError("a reading is not above 0 V and 0 A")
    watts = volts * amps
    if np.ptp(watts) < 1e-3 * watts.max():
        raise ValueError("all levels are alike: they tell no growth with power")
    design = np.column_stack([amps, watts * amps])
    inverse = np.linalg.pinv(design)
    r0, growth = (float(value) for value in inverse @ volts)
    left = volts - design @ np.array([r0, growth])
    scatter = float(np.sqrt(left @ left / (volts.size - 2)))
    spread = scatter**2 * (inverse @ inverse.T)
    ohms = volts / amps
    for part in (rest_sigma[0] * np.ones_like(volts), rest_sigma[1] * ohms):
        moved = inverse @ part
        spread += np.outer(moved, moved)
    common = 0.0
    if errors is not None:
        share = _RECTANGLE * np.hypot(errors[0] / volts, errors[1] / amps)
        common = float(share.mean())
        apart = inverse * (share * volts)
        spread += 0.5 * volts.size * (apart @ apart.T)
    k = growth / r0
    turn = np.array([-k / r0, 1.0 / r0])
    return HeaterCurve(
        r0=r0,
        r0_sigma=float(np.sqrt(spread[0, 0] + (common * r0) ** 2)),
        per_watt=k,
        per_watt_sigma=float(np.sqrt(turn @ spread @ turn + (common * k) ** 2)),
        scatter=scatter,
        points=int(volts.size),
        bounded=errors is not None,
    )
