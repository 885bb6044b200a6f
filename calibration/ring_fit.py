"""Least squares for microring banks: laws of all rings and what they share, from random settings.

What a ring's parameters do to other rings' weights being left out (`ring_linearised`), the normal
equations are an arrow: a block a ring and one shared border. Drift is filtered out (`ring_drift`)
at the rate that the residuals show.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.ring_drift import Filtered, filtered, likeliest_rate
from calibration.ring_linearised import Linearised, linearised
from calibration.ring_unknowns import LOCAL, RingUnknowns
from calibration.ring_view import Film

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class RingFit:
    """What a fit came to.

    residual : rms of the filtered residuals over what noise and drift explain; 1 is perfect. rate :
    half-widths^2 / s of drift. drift : (n_banks, N^2) half-widths since the first setting, already
    in the offsets. left : (S, n_banks, N, N) what is seen less what is believed, drift included.
    """

    residual: float
    rate: float
    drift: Floats
    left: Floats


def refine(
    knowledge: Knowledge, film: Film, moves: Bools, *, iterations: int = 12, rounds: int = 3
) -> RingFit:
    """Fit everything to a film; values, sigmas and what is shared are written into `knowledge`.

    moves : (n_banks, N^2) whether a ring's own heater moves it; others only stand somewhere. The
    offsets are those at the film's last setting.
    """
    unknowns = RingUnknowns(knowledge, moves)
    local, shared = unknowns.local_of(knowledge), unknowns.shared_of(knowledge)
    current = unknowns.with_unknowns(knowledge, local, shared)
    state = linearised(current, film)
    rate, damping = 1e-4, 1e-3
    sieved = _sieve(film.times, state, rate)
    for number in range(rounds):
        if number:
            rate = likeliest_rate(state.left, state.slope, state.noise, film.times)
            sieved = _sieve(film.times, state, rate)
        cost = _cost(unknowns, sieved, local, shared)
        for _ in range(iterations):
            step_local, step_shared, _ = _solve(unknowns, sieved, local, shared, damping)
            trial = unknowns.with_unknowns(current, local + step_local, shared + step_shared)
            new_local, new_shared = unknowns.local_of(trial), unknowns.shared_of(trial)
            new_state = linearised(trial, film)
            new_sieved = _sieve(film.times, new_state, rate)
            new_cost = _cost(unknowns, new_sieved, new_local, new_shared)
            if new_cost > cost:
                damping *= 10.0
                if damping > 1e6:
                    break
                continue
            gained, cost = cost - new_cost, new_cost
            current, local, shared, state = trial, new_local, new_shared, new_state
            sieved, damping = new_sieved, max(damping / 10.0, 1e-9)
            if gained < 1e-5 * cost:
                break
    return _conclude(unknowns, knowledge, current, state, sieved, rate, local, shared)


def _sieve(times: Floats, state: Linearised, rate: float) -> Filtered:
    """Residuals, local and shared columns, freed of drift."""
    columns = np.concatenate([state.left[..., None], state.local, state.shared], axis=-1)
    return filtered(columns, state.slope, state.noise, times, rate)


def _cost(unknowns: RingUnknowns, sieved: Filtered, local: Floats, shared: Floats) -> float:
    left = float((sieved.white[..., 0] ** 2).sum()) + 2.0 * sieved.log_scale
    return left + unknowns.penalty(local, shared)


def _solve(
    unknowns: RingUnknowns, sieved: Filtered, local: Floats, shared: Floats, damping: float
) -> tuple[Floats, Floats, tuple[Floats, Floats, Floats]]:
    """A damped step of rings and of what they share; and what uncertainties are made of."""
    white = sieved.white
    left, own, common = white[..., 0], white[..., 1 : 1 + LOCAL], white[..., 1 + LOCAL :]
    blocks = np.einsum("sra,srb->rab", own, own, optimize=True)
    number = np.arange(LOCAL)
    blocks[:, number, number] += unknowns.weight_local
    blocks[:, number, number] *= 1.0 + damping
    pulled = np.einsum("sra,sr->ra", own, left)
    pulled += unknowns.weight_local * (unknowns.local_of(unknowns.prior) - local)
    mixed = np.einsum("sra,srb->rab", own, common, optimize=True)
    squares = np.einsum("sra,srb->rab", common, common, optimize=True)
    border = np.diag(unknowns.weight_shared)
    index = unknowns.index
    both = np.concatenate([mixed, pulled[..., None]], axis=-1)
    solved: Floats = np.linalg.solve(blocks, both).astype(np.float64)
    squares = squares - np.swapaxes(mixed, 1, 2) @ solved[..., :-1]
    np.add.at(border, (index[:, :, None], index[:, None, :]), squares)
    right = unknowns.weight_shared * (unknowns.shared_of(unknowns.prior) - shared)
    rest = np.einsum("sra,sr->ra", common, left) - np.einsum("rab,ra->rb", mixed, solved[..., -1])
    np.add.at(right, index, rest)
    diagonal = np.arange(unknowns.count)
    border[diagonal, diagonal] *= 1.0 + damping
    step_shared: Floats = np.linalg.solve(border, right).astype(np.float64)
    step_local = solved[..., -1] - np.einsum("rab,rb->ra", solved[..., :-1], step_shared[index])
    return step_local, step_shared, (blocks, solved[..., :-1], border)


def _conclude(
    unknowns: RingUnknowns,
    knowledge: Knowledge,
    found: Knowledge,
    state: Linearised,
    sieved: Filtered,
    rate: float,
    local: Floats,
    shared: Floats,
) -> RingFit:
    """Write values and uncertainties."""
    _, _, (blocks, mixed, border) = _solve(unknowns, sieved, local, shared, 0.0)
    inverse = np.linalg.inv(border)
    spread = inverse[unknowns.index[:, :, None], unknowns.index[:, None, :]]
    own = np.linalg.inv(blocks) + mixed @ spread @ np.swapaxes(mixed, 1, 2)
    # Model errors and drift make neighbouring settings alike: never better than the scatter says.
    residual = float(np.sqrt((sieved.white[..., 0] ** 2).mean()))
    scale = max(1.0, residual)
    shape = unknowns.moves.shape
    sigma = scale * np.sqrt(np.diagonal(own, axis1=1, axis2=2)).reshape(*shape, LOCAL)
    drift = sieved.drift[:, 0].reshape(shape)
    now = np.hypot(sigma[..., 0], np.sqrt(sieved.variance).reshape(shape))
    knowledge.value = found.value
    knowledge.value["resonance_offset"] = found.value["resonance_offset"] + drift
    knowledge.sigma["resonance_offset"] = now
    knowledge.sigma["shift"] = sigma[..., 1]
    knowledge.sigma["curvature"] = sigma[..., 2] / knowledge.p_pi
    knowledge.sigma["amplitude"] = sigma[..., 3]
    errors = scale * np.sqrt(np.diag(inverse))
    knowledge.sigma["detector_gain"] = errors[: unknowns.ports]
    knowledge.crosstalk, knowledge.spacing = found.crosstalk, found.spacing
    knowledge.leak, knowledge.tail = found.leak, found.tail
    left = state.left.reshape(-1, *shape)
    square = (*left.shape[:2], unknowns.ports, unknowns.ports)
    return RingFit(residual, rate, drift, left.reshape(square))
