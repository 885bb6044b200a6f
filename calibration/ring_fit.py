"""Least squares for microring banks: laws of all rings and what they share, from random settings.

Of each ring: offset, shift, curvature and amplitude. Shared: detector gains, crosstalk (c1, d0,
cg), spacing of the lasers, leak of the other banks, slow thermal tail. A ring's parameters turn its
own weight alone (what they do to its neighbours' is a thousandth, and is computed anew in each
iteration), so the normal equations are an arrow: a block a ring and one shared border. Drift is
filtered out (`ring_drift`) at the rate that the residuals show.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.model import effective, lagging
from calibration.ring_drift import Filtered, filtered, likeliest_rate
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
Bools = NDArray[np.bool_]

#: Prior uncertainties of what rings share: gain (relative), c1, d0 (pitches), cg, spacing
#: (relative), tail's share and time constant (relative), leak.
GAIN, C1, DECAY, EVERYWHERE, SPACING, SHARE, TAU, LEAK = 0.1, 0.03, 0.5, 2e-3, 0.3, 0.02, 0.5, 0.02
#: A model is never believed better than this, of a weight: laws beyond quadratic, converters.
MODEL_ERROR = 1e-3
_LOCAL = 4  # offset, shift, curvature, amplitude


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


@dataclass(frozen=True, eq=False)
class _State:
    """The model at some parameters: seen, its derivatives by ring, all (S, rings)."""

    left: Floats
    slope: Floats
    noise: Floats
    local: Floats
    shared: Floats


class _Problem:
    """Film, prior and bookkeeping of the unknowns."""

    def __init__(self, knowledge: Knowledge, film: Film, moves: Bools) -> None:
        self.film, self.moves = film, moves
        self.banks, self.ports = knowledge.n_banks, knowledge.ports
        self.prior = deepcopy(knowledge)
        elements = knowledge.elements
        bank = np.repeat(np.arange(self.banks), elements)
        row = np.tile(np.repeat(np.arange(self.ports), self.ports), self.banks)
        own = self.ports + bank * (4 + self.banks)
        tail = self.ports + self.banks * (4 + self.banks)
        #: (rings, columns) which shared unknown each shared column of a ring is.
        self.index = np.stack(
            [row, own, own + 1, own + 2, own + 3]
            + [own + 4 + j for j in range(self.banks)]
            + [np.full_like(own, tail), np.full_like(own, tail + 1)],
            axis=1,
        )
        self.count = tail + 2
        one = np.array([C1, DECAY, EVERYWHERE, SPACING * 12.0] + [LEAK] * self.banks)
        gains = np.full(self.ports, GAIN)
        spread = np.concatenate([gains, np.tile(one, self.banks), [SHARE, TAU]])
        self.weight_shared = 1.0 / spread**2
        sigma = knowledge.sigma
        spreads = [
            sigma["resonance_offset"],
            sigma["shift"],
            sigma["curvature"] * knowledge.p_pi,
            sigma["amplitude"],
        ]
        local = np.stack(spreads, axis=-1).reshape(-1, _LOCAL)
        #: A heater that moves nothing has no law: its ring stands somewhere.
        local[~moves.ravel(), 1:3] = 1e-9
        self.weight_local = 1.0 / np.maximum(local, 1e-9) ** 2

    def shared_of(self, knowledge: Knowledge) -> Floats:
        """The shared unknowns (count,)."""
        parts = [knowledge.value["detector_gain"]]
        for k in range(self.banks):
            parts += [knowledge.crosstalk[k], knowledge.spacing[k : k + 1], knowledge.leak[k].real]
        return np.concatenate([*parts, knowledge.tail])

    def local_of(self, knowledge: Knowledge) -> Floats:
        """The rings' unknowns (rings, 4): offset, ln shift, curvature a p_pi, amplitude."""
        value = knowledge.value
        shift = np.log(np.where(self.moves, np.maximum(value["shift"], 1e-9), 1.0))
        parts = [
            value["resonance_offset"],
            shift,
            value["curvature"] * knowledge.p_pi,
            value["amplitude"],
        ]
        return np.stack(parts, axis=-1).reshape(-1, _LOCAL)

    def with_unknowns(self, knowledge: Knowledge, local: Floats, shared: Floats) -> Knowledge:
        """A copy of the knowledge with other values."""
        new = deepcopy(knowledge)
        offset, shift, bend, amplitude = np.moveaxis(
            local.reshape(*self.moves.shape, _LOCAL), -1, 0
        )
        new.value["resonance_offset"] = offset
        new.value["shift"] = np.where(self.moves, np.exp(shift), 0.0)
        new.value["curvature"] = bend / knowledge.p_pi
        new.value["amplitude"] = np.clip(amplitude, 0.05, 1.0)
        new.value["detector_gain"] = np.maximum(shared[: self.ports], 0.1)
        width = 4 + self.banks
        for k in range(self.banks):
            own = shared[self.ports + k * width : self.ports + (k + 1) * width]
            new.crosstalk[k] = own[0], np.clip(own[1], 0.2, 10.0), own[2]
            new.spacing[k] = max(float(own[3]), 1.0)
            new.leak[k] = own[4:]
        np.fill_diagonal(new.leak, 0.0)
        new.tail = (float(np.clip(shared[-2], 0.0, 0.2)), float(np.clip(shared[-1], 0.02, 5.0)))
        return new

    def state(self, knowledge: Knowledge) -> _State:
        """Residuals and derivatives at some knowledge."""
        film, ports = self.film, self.ports
        count = len(film)
        x = effective(knowledge, film.times, film.levels)
        plain = film.levels / knowledge.p_pi
        share, tau = knowledge.tail
        lag = plain - lagging(film.times, plain, tau)
        longer = plain - lagging(film.times, plain, 1.05 * tau)
        square = (count, ports, ports)
        views = []
        for k in range(self.banks):
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
            shared += self._leaked(views, gain, k, flat)
            # A slow tail of its neighbours is a hundredth of a hundredth.
            shared += [bent * (per_power * one) for one in tails]
            parts[4].append(np.stack(shared, axis=-1))
        return _State(*(np.concatenate(part, axis=1) for part in parts))

    def _leaked(
        self, views: list[Weighted], gain: Floats, bank: int, flat: tuple[int, int]
    ) -> list[Floats]:
        return [
            (gain * view.weights).reshape(flat) * float(j != bank) for j, view in enumerate(views)
        ]

    def penalty(self, local: Floats, shared: Floats) -> float:
        """Twice the prior's cost."""
        off_local = local - self.local_of(self.prior)
        off_shared = shared - self.shared_of(self.prior)
        return float(
            (self.weight_local * off_local**2).sum() + (self.weight_shared * off_shared**2).sum()
        )


def refine(
    knowledge: Knowledge, film: Film, moves: Bools, *, iterations: int = 12, rounds: int = 3
) -> RingFit:
    """Fit everything to a film; values, sigmas and what is shared are written into `knowledge`.

    moves : (n_banks, N^2) whether a ring's own heater moves it; others only stand somewhere. The
    offsets are those at the film's last setting.
    """
    problem = _Problem(knowledge, film, moves)
    local, shared = problem.local_of(knowledge), problem.shared_of(knowledge)
    current = problem.with_unknowns(knowledge, local, shared)
    state = problem.state(current)
    rate, damping = 1e-4, 1e-3
    sieved = _sieve(problem, state, rate)
    for number in range(rounds):
        if number:
            rate = likeliest_rate(state.left, state.slope, state.noise, film.times)
            sieved = _sieve(problem, state, rate)
        cost = _cost(problem, sieved, local, shared)
        for _ in range(iterations):
            step_local, step_shared, _ = _solve(problem, sieved, local, shared, damping)
            trial = problem.with_unknowns(current, local + step_local, shared + step_shared)
            new_local, new_shared = problem.local_of(trial), problem.shared_of(trial)
            new_state = problem.state(trial)
            new_sieved = _sieve(problem, new_state, rate)
            new_cost = _cost(problem, new_sieved, new_local, new_shared)
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
    return _conclude(problem, knowledge, current, state, sieved, rate, local, shared)


def _sieve(problem: _Problem, state: _State, rate: float) -> Filtered:
    """Residuals, local and shared columns, freed of drift."""
    columns = np.concatenate([state.left[..., None], state.local, state.shared], axis=-1)
    return filtered(columns, state.slope, state.noise, problem.film.times, rate)


def _cost(problem: _Problem, sieved: Filtered, local: Floats, shared: Floats) -> float:
    left = float((sieved.white[..., 0] ** 2).sum()) + 2.0 * sieved.log_scale
    return left + problem.penalty(local, shared)


def _solve(
    problem: _Problem, sieved: Filtered, local: Floats, shared: Floats, damping: float
) -> tuple[Floats, Floats, tuple[Floats, Floats, Floats]]:
    """A damped step of rings and of what they share; and what uncertainties are made of."""
    white = sieved.white
    left, own, common = white[..., 0], white[..., 1 : 1 + _LOCAL], white[..., 1 + _LOCAL :]
    blocks = np.einsum("sra,srb->rab", own, own, optimize=True)
    number = np.arange(_LOCAL)
    blocks[:, number, number] += problem.weight_local
    blocks[:, number, number] *= 1.0 + damping
    pulled = np.einsum("sra,sr->ra", own, left)
    pulled += problem.weight_local * (problem.local_of(problem.prior) - local)
    mixed = np.einsum("sra,srb->rab", own, common, optimize=True)
    squares = np.einsum("sra,srb->rab", common, common, optimize=True)
    border = np.diag(problem.weight_shared)
    index = problem.index
    both = np.concatenate([mixed, pulled[..., None]], axis=-1)
    solved: Floats = np.linalg.solve(blocks, both).astype(np.float64)
    squares = squares - np.swapaxes(mixed, 1, 2) @ solved[..., :-1]
    np.add.at(border, (index[:, :, None], index[:, None, :]), squares)
    right = problem.weight_shared * (problem.shared_of(problem.prior) - shared)
    rest = np.einsum("sra,sr->ra", common, left) - np.einsum("rab,ra->rb", mixed, solved[..., -1])
    np.add.at(right, index, rest)
    diagonal = np.arange(problem.count)
    border[diagonal, diagonal] *= 1.0 + damping
    step_shared: Floats = np.linalg.solve(border, right).astype(np.float64)
    step_local = solved[..., -1] - np.einsum("rab,rb->ra", solved[..., :-1], step_shared[index])
    return step_local, step_shared, (blocks, solved[..., :-1], border)


def _conclude(
    problem: _Problem,
    knowledge: Knowledge,
    found: Knowledge,
    state: _State,
    sieved: Filtered,
    rate: float,
    local: Floats,
    shared: Floats,
) -> RingFit:
    """Write values and uncertainties."""
    _, _, (blocks, mixed, border) = _solve(problem, sieved, local, shared, 0.0)
    inverse = np.linalg.inv(border)
    spread = inverse[problem.index[:, :, None], problem.index[:, None, :]]
    own = np.linalg.inv(blocks) + mixed @ spread @ np.swapaxes(mixed, 1, 2)
    # Model errors and drift make neighbouring settings alike: never better than the scatter says.
    residual = float(np.sqrt((sieved.white[..., 0] ** 2).mean()))
    scale = max(1.0, residual)
    shape = problem.moves.shape
    sigma = scale * np.sqrt(np.diagonal(own, axis1=1, axis2=2)).reshape(*shape, _LOCAL)
    drift = sieved.drift[:, 0].reshape(shape)
    now = np.hypot(sigma[..., 0], np.sqrt(sieved.variance).reshape(shape))
    knowledge.value = found.value
    knowledge.value["resonance_offset"] = found.value["resonance_offset"] + drift
    knowledge.sigma["resonance_offset"] = now
    knowledge.sigma["shift"] = sigma[..., 1]
    knowledge.sigma["curvature"] = sigma[..., 2] / knowledge.p_pi
    knowledge.sigma["amplitude"] = sigma[..., 3]
    errors = scale * np.sqrt(np.diag(inverse))
    knowledge.sigma["detector_gain"] = errors[: problem.ports]
    knowledge.crosstalk, knowledge.spacing = found.crosstalk, found.spacing
    knowledge.leak, knowledge.tail = found.leak, found.tail
    left = state.left.reshape(len(problem.film), *shape)
    square = (*left.shape[:2], problem.ports, problem.ports)
    return RingFit(residual, rate, drift, left.reshape(square))
