"""What a look at the reference inputs allows to put right in the twin, at no cost on the bench.

- `rezero`: gains, offsets and the numbers that are one for all, by least squares;
- `place_elements`: where every element stands (phases, resonances), by Gauss-Newton steps with the
  prior that none has moved much. N^2 elements face N^2 entries of each bank's matrix.

Both propose parameters; whoever asks compares them with the bench again before believing them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hil.learn.diagnosis import (
    COMMON,
    Diagnosis,
    element_parameter,
    matrix_residual,
    port_numbers,
    sensitivities,
)
from hil.learn.reference import Look
from hil.twin.parameters import TwinParameters, copy_parameters
from hil.twin.protocol import SlotTwin

#: Rounds of least squares at most: patterns are linear in small changes only.
ROUNDS = 8
#: Share of a residual that is left to what a linear step cannot say.
CURVED = 0.3
#: A mean square of so many times the noise's leaves nothing to fit.
ENOUGH = 1.05


def square(twin: SlotTwin, look: Look, powers: Tensor, parameters: TwinParameters) -> float:
    """Mean square of a look's residual against parameters, signal units squared."""
    residual = look.residual(twin, powers, parameters)
    return float((residual**2).sum() / look.usable.sum().clamp_min(1))


@torch.no_grad()
def rezero(twin: SlotTwin, look: Look, powers: Tensor, found: Diagnosis) -> TwinParameters:
    """Parameters with common numbers (of a common cause) or ports' gains and offsets renewed."""
    before = twin.parameters
    if found.kind == COMMON:
        return copy_parameters(found.common.applied(twin))
    try:
        for _ in range(2):
            gain, zero, _ = port_numbers(twin, look, powers, look.residual(twin, powers))
            q = twin.parameters
            twin.parameters = {**q, "gain": q["gain"] * (1.0 + gain), "zero": q["zero"] + zero}
        return copy_parameters(twin.parameters)
    finally:
        twin.parameters = before


@torch.no_grad()
def place_elements(
    twin: SlotTwin, look: Look, powers: Tensor, sigma: float, noise: float
) -> TwinParameters:
    """Parameters with the place of every element renewed: Gauss-Newton steps.

    One look at one setting leaves directions of which it shows nothing: there the prior holds. They
    show as training moves the levels on, which is for the refit to see. Steps that do not lessen
    the residual are halved, and given up when they are small.

    Parameters
    ----------
    powers : (n_banks, elements), of the look.
    sigma : how far an element may have moved (rad, or half-widths).
    noise : rms read noise, signal units.
    """
    own, before = element_parameter(twin), twin.parameters
    drive2 = float(twin.modulate(look.sent).square().mean())
    place, noise2 = before[own], noise**2
    prior = torch.eye(place.shape[1], dtype=place.dtype) / sigma**2
    try:
        best = square(twin, look, powers, before)
        for _ in range(ROUNDS):
            change = matrix_residual(twin, look, look.residual(twin, powers)).flatten(1)
            moved = sensitivities(twin, powers).flatten(2)
            entry2 = noise2 + CURVED**2 * max(best - noise2, 0.0)
            entry2 /= drive2 * look.sent.shape[1]
            gone = (twin.parameters[own] - place).unsqueeze(-1)
            known = moved @ change.unsqueeze(-1) / entry2 - gone / sigma**2
            root = torch.linalg.cholesky(moved @ moved.mT / entry2 + prior)
            step = torch.cholesky_solve(known, root).squeeze(-1)
            start = twin.parameters
            best, twin.parameters = _shorten(twin, own, step, look, powers, best)
            if twin.parameters is start or best < ENOUGH * noise2:
                break
        return copy_parameters(twin.parameters)
    finally:
        twin.parameters = before


def _shorten(
    twin: SlotTwin, own: str, step: Tensor, look: Look, powers: Tensor, best: float
) -> tuple[float, TwinParameters]:
    """The first of a step, its half, quarter, … that lessens the residual, or where it began."""
    start = twin.parameters
    for factor in (1.0, 0.5, 0.25, 0.125):
        tried = {**start, own: start[own] + factor * step}
        now = square(twin, look, powers, tried)
        if now < best:
            return now, tried
    return best, start
