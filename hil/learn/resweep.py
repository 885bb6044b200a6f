"""A short sweep of one element on the bench: where does it stand now?

The element is moved through a few levels about the present one, all others stand still, and the
reference inputs show how its bank's signals follow. Only their differences to those at the present
level are compared with the twin's, so that what the twin does not know of the other elements drops
out. The element's place is the only unknown.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hil.control.machine import Machine
from hil.learn.diagnosis import element_parameter
from hil.learn.limits import Limits
from hil.learn.reference import Look, look_at_bank
from hil.twin.protocol import SlotTwin

Floats = NDArray[np.float64]

#: Levels of a sweep relative to the present one, p_pi.
SPAN = (-0.6, -0.4, -0.2, 0.2, 0.4, 0.6)
#: Places tried over a whole turn, then about the best.
COARSE, FINE = 64, 33


def swept_powers(
    limits: Limits, powers: Tensor, bank: int, element: int, span: tuple[float, ...] = SPAN
) -> list[Tensor]:
    """Settings (n_banks, elements) of a sweep, those that no limit forbids."""
    own = float(powers[bank, element])
    low, high = float(limits.smallest[bank, element]), float(limits.largest[bank, element])
    room = limits.total - float(powers[bank].sum())
    settings = []
    for by in span:
        if low <= own + by <= high and by <= room:
            settings.append(powers.clone())
            settings[-1][bank, element] += by
    return settings


async def resweep(
    machine: Machine,
    values: Floats,
    twin: SlotTwin,
    limits: Limits,
    powers: Tensor,
    bank: int,
    element: int,
) -> tuple[list[Tensor], list[Look]]:
    """Sweep one element; levels end where they were, whatever happens.

    powers : (n_banks, elements) in p_pi, those that the bench holds.

    Returns
    -------
    The settings, the present one first, and the looks at the element's bank.
    """
    settings = [powers, *swept_powers(limits, powers, bank, element)]
    looks = []
    try:
        for setting in settings:
            await machine.program(setting.numpy() * twin.p_pi)
            looks.append(await look_at_bank(machine, values, bank))
    finally:
        await machine.program(powers.numpy() * twin.p_pi)
    return settings, looks


@torch.no_grad()
def fit_place(
    twin: SlotTwin, settings: list[Tensor], looks: list[Look], bank: int, element: int
) -> tuple[float, float]:
    """How far the element stands from where the twin believes it.

    Returns
    -------
    The change of its place (rad, or half-widths), and the share of the sweep's residual that it
    explains.
    """
    q, own = twin.parameters, element_parameter(twin)
    measured = torch.stack([one.measured[0] for one in looks])
    usable = torch.stack([one.usable[0] for one in looks])
    usable = usable[1:] & usable[0]
    seen = (measured[1:] - measured[0])[usable]

    def misfit(change: float) -> float:
        place = q[own].clone()
        place[bank, element] += change
        moved = {**q, own: place}
        believed = torch.stack(
            [
                one.believed(twin, setting, moved, bank)[0]
                for setting, one in zip(settings, looks, strict=True)
            ]
        )
        return float(((believed[1:] - believed[0])[usable] - seen).square().sum())

    still = misfit(0.0)
    coarse = np.linspace(-np.pi, np.pi, COARSE, endpoint=False)
    best = min((misfit(float(change)), float(change)) for change in coarse)
    width = 2 * np.pi / COARSE
    fine = np.linspace(best[1] - width, best[1] + width, FINE)
    best = min(best, *((misfit(float(change)), float(change)) for change in fine))
    return best[1], 1.0 - best[0] / max(still, 1e-30)
