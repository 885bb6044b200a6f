"""Visits of the health setting: how far have the elements themselves moved, whatever the twin did?

The setting that training began with is written again now and then, and its reading compared with
its own recording. Nothing of the twin enters but how large a change of the reading a change of the
elements makes.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from hil.learn.diagnosis import sensitivities
from hil.learn.reference import Look
from hil.learn.repairs import square
from hil.twin.protocol import SlotTwin


@dataclass(frozen=True)
class Health:
    """A setting (n_banks, elements) in p_pi, and what was read there (n_banks, samples, N)."""

    setting: Tensor
    recorded: Tensor

    def moved(self, twin: SlotTwin, seen: Look, noise: float) -> tuple[float, float]:
        """How far elements have moved by a later look there, and what the twin has wrong there.

        noise : rms read noise, signal units.

        Returns
        -------
        rad rms (half-widths of rings), and the twin's rms residual.
        """
        change = (seen.measured - self.recorded)[seen.usable].square().mean()
        # The recording is a mean of two looks.
        beyond = (change - 1.5 * noise**2).clamp_min(0.0)
        drive2 = twin.modulate(seen.sent).square().mean()
        each = sensitivities(twin, self.setting).square().sum() / (twin.n_banks * twin.ports)
        left = square(twin, seen, self.setting, twin.parameters)
        return float((beyond / (drive2 * each)).sqrt()), left**0.5
