"""A machine that is nothing but a twin: for training in silico, and for the ideal reference."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from hil.control.ledger import Ledger
from hil.control.machine import Reading
from hil.twin.machine import samples_before
from hil.twin.protocol import SlotTwin

Floats = NDArray[np.float64]


class DigitalMachine:
    """Runs frames through a twin, free of noise, rounding and cost in bench time."""

    def __init__(self, twin: SlotTwin) -> None:
        self.twin = twin
        self.ledger = Ledger(lambda: 0.0)
        self._levels: Floats | None = None
        self._matrices = torch.zeros(0)

    @property
    def ports(self) -> int:
        """Ports of the twin."""
        return self.twin.ports

    @property
    def n_banks(self) -> int:
        """Banks of the twin."""
        return self.twin.n_banks

    def now(self) -> float:
        """Digital passes take no bench time."""
        return 0.0

    async def program(self, levels: Floats) -> None:
        """Set levels (n_banks, elements) in W."""
        if not np.isfinite(levels).all():
            raise ValueError("levels hold NaN or infinity")
        if self._levels is None or not np.array_equal(levels, self._levels):
            self._levels = levels.copy()
            with torch.no_grad():
                self._matrices = self.twin.matrices(torch.from_numpy(levels / self.twin.p_pi))

    async def rest(self, seconds: float) -> None:
        """A twin has no thermal tail."""

    async def frame(self, bank: int, values: Floats) -> Reading:
        """What the twin believes that the bench would read."""
        sent = torch.from_numpy(values)
        after_dark = torch.zeros(len(values), dtype=torch.bool)
        after_dark[:1] = True
        with torch.no_grad():
            before = samples_before(self.twin.modulate(sent), after_dark)
            signal = self.twin.slot(sent, before, self._matrices[bank])
        return Reading(
            sent=values,
            measured=signal.numpy(),
            clipped=np.zeros(values.shape, dtype=bool),
            after_dark=after_dark.numpy(),
        )
