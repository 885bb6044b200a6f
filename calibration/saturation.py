"""One saturation for all detectors, as the record has it, from the bends of each.

A port ends at Z = g y_sat. Where its bend tells Z well, that tells its gain relative to the others
too, the record's law being that y_sat is the same everywhere; a port that ends far too early for
that is left out, and is the caller's to name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.superposition import Bend, bent

Floats = NDArray[np.float64]

#: A port that ends at less than this share of the others' Z is early.
_EARLY = 0.6
#: Relative uncertainty of Z beyond which a port's own bend tells nothing.
_VAGUE = 0.3


@dataclass(frozen=True, eq=False)
class Saturation:
    """limit, sigma : y_sat and its standard uncertainty, signal units; None and infinite where no
    bend is to be told from none. gain, gain_sigma : (ports,), what was known joined with what the
    bends say. correction : largest uncertainty of what saturation takes from the strongest light
    seen, signal units. early : ports left out.
    """

    limit: float | None
    sigma: float
    gain: Floats
    gain_sigma: Floats
    correction: float
    early: frozenset[int]


def common_saturation(bends: Mapping[int, Bend], gain: Floats, gain_sigma: Floats) -> Saturation:
    """Join the bends of ports; gain, gain_sigma : (ports,) as known otherwise."""
    early = early_ports(bends, gain)
    ports = [p for p, bend in bends.items() if np.isfinite(bend.sigma) and p not in early]
    if not ports:
        return Saturation(None, float("inf"), gain, gain_sigma, float("inf"), early)
    own = gain[ports]
    curvature = np.array([bends[port].curvature for port in ports])
    sigma = np.array([bends[port].sigma for port in ports])
    relative = gain_sigma[ports] / own
    # Each port's word on 1 / y_sat^2, whose gain is not certain either.
    spread = own**2 * np.hypot(sigma, 2.0 * relative * curvature)
    weight = np.maximum(spread, 1e-12) ** -2.0
    mean = float((weight * own**2 * curvature).sum() / weight.sum())
    error = float(weight.sum() ** -0.5)
    by_curvature = np.array([_leverage(bends[port]) for port in ports])
    if mean < 3.0 * error:
        correction = float((by_curvature * error / own**2).max())
        return Saturation(None, float("inf"), gain, gain_sigma, correction, early)
    limit, limit_sigma = mean**-0.5, 0.5 * error * mean**-1.5
    # ln g of a port: as known otherwise, and from its own bend where that is certain.
    bent_by = np.maximum(curvature, 1e-12)
    bend_sigma = 0.5 * sigma / bent_by
    other = np.hypot(relative, limit_sigma / limit)
    told = np.where(bend_sigma < _VAGUE, np.maximum(bend_sigma, 1e-9) ** -2.0, 0.0)
    left = (told + other**-2.0) ** -0.5
    move = told * left**2 * np.log(bent_by**-0.5 / limit / own)
    better, better_sigma = gain.copy(), gain_sigma.copy()
    better[ports] = own * np.exp(move)
    better_sigma[ports] = better[ports] * np.minimum(np.hypot(left, limit_sigma / limit), relative)
    ends = (better[ports] * limit) ** -2.0
    correction = float((by_curvature * 2.0 * ends * left).max())
    return Saturation(limit, limit_sigma, better, better_sigma, correction, early)


def _leverage(bend: Bend) -> float:
    """Change of the signal at the strongest light seen, by curvature."""
    strongest = np.array([np.abs(bend.light).max()])
    return float(np.abs(bent(strongest, bend.curvature)[2][0]))


def early_ports(bends: Mapping[int, Bend], gain: Floats) -> frozenset[int]:
    """Ports that end far below the others, beyond doubt."""
    if len(bends) < 2:
        return frozenset()
    usual = float(np.median([bend.curvature * gain[port] ** 2 for port, bend in bends.items()]))
    found = set()
    for port, bend in bends.items():
        own, sigma = bend.curvature * gain[port] ** 2, bend.sigma * gain[port] ** 2
        if own - 5.0 * sigma > max(usual, 0.0) / _EARLY**2 and own > 5.0 * sigma:
            found.add(port)
    return frozenset(found)
