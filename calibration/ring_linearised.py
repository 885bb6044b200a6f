"""What a film of microring banks says of the unknowns, to first order.

A ring's parameters turn its own weight alone: what they do to its neighbours' is a thousandth, and
is computed anew in each iteration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.model import effective, lagging
from calibration.ring_model import (
    Weighted,
    detunings,
    driven,
    leaks,
    near,
    ring_distances,
    weigh,
)
from calibration.ring_view import Film

Floats = NDArray[np.float64]

#: A model is never believed better than this, of a weight: laws beyond quadratic, converters.
MODEL_ERROR = 1e-3


@dataclass(frozen=True, eq=False)
class Linearised:
    """The model at some knowledge, arrays (S, rings, ...).

    left : seen less believed. slope : of what is seen, per half-width. noise : rms. local, shared :
    (..., columns) derivatives by the unknowns of each ring, and by those that it shares.
    """

    left: Floats
    slope: Floats
    noise: Floats
    local: Floats
    shared: Floats


def linearised(knowledge: Knowledge, film: Film) -> Linearised:
    """Residuals and derivatives of a film at some knowledge.

    Columns of a ring are in the order of `RingUnknowns`.
    """
    ports, count = knowledge.ports, len(film)
    x = effective(knowledge, film.times, film.levels)
    plain = film.levels / knowledge.p_pi
    share, tau = knowledge.tail
    lag = plain - lagging(film.times, plain, tau)
    longer = plain - lagging(film.times, plain, 1.05 * tau)
    square = (count, ports, ports)
    views = []
    for k in range(knowledge.n_banks):
        amplitude = knowledge.value["amplitude"][k].reshape(ports, ports)
        turned = detunings(knowledge, k, x[:, k]).reshape(square)
        views.append(weigh(turned, amplitude, float(knowledge.spacing[k])))
    gain = knowledge.value["detector_gain"][:, None]
    coupling = leaks(knowledge)
    parts: list[list[Floats]] = [[], [], [], [], []]
    for k, own in enumerate(views):
        believed = sum(coupling[k, j] * view.weights for j, view in enumerate(views))
        bend = knowledge.value["curvature"][k] * knowledge.p_pi
        heat = driven(knowledge, k, x[:, k])
        slope = gain * own.per_detuning
        local = [heat * 0.0 + 1.0, heat * (1.0 + bend * x[:, k]), heat * x[:, k]]
        law = knowledge.crosstalk[k]
        kernel = near(ports, float(law[1]))
        farther = law[0] * kernel * (ring_distances(ports) - 1.0) / law[1] ** 2
        per_power = knowledge.value["shift"][k] * knowledge.p_pi * (1.0 + 2.0 * bend * x[:, k])
        tails = [-lag[:, k], -share * (longer[:, k] - lag[:, k]) / (0.05 * tau)]
        moved = [heat @ kernel, heat @ farther, heat.sum(axis=1, keepdims=True) - heat]
        flat = (count, ports * ports)
        bent = slope.reshape(flat)
        parts[0].append((film.seen[:, k] - gain * believed).reshape(flat))
        parts[1].append(bent)
        error = np.hypot(film.sigma[:, k], MODEL_ERROR)
        parts[2].append(np.repeat(error, ports, axis=1))
        columns = [bent * one for one in local] + [(gain * own.per_amplitude).reshape(flat)]
        parts[3].append(np.stack(columns, axis=-1))
        shared = [np.asarray(believed).reshape(flat)] + [bent * one for one in moved]
        shared.append((gain * own.per_spacing).reshape(flat))
        shared += _leaked(views, gain, k, flat)
        # A slow tail of its neighbours is a hundredth of a hundredth.
        shared += [bent * (per_power * one) for one in tails]
        parts[4].append(np.stack(shared, axis=-1))
    return Linearised(*(np.concatenate(part, axis=1) for part in parts))


def _leaked(views: list[Weighted], gain: Floats, bank: int, flat: tuple[int, int]) -> list[Floats]:
    return [(gain * view.weights).reshape(flat) * float(j != bank) for j, view in enumerate(views)]
