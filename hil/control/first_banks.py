"""A machine seen through its first banks only, for schedules that need fewer than a bench has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hil.control.ledger import Ledger
from hil.control.machine import Machine, Reading

Floats = NDArray[np.float64]


class FirstBanks:
    """The first `n_banks` of `whole`; the others are held at their rows of `rest`.

    rest : (banks of the whole, elements) W.
    """

    def __init__(self, whole: Machine, n_banks: int, rest: Floats) -> None:
        self._whole = whole
        self._n_banks = n_banks
        self._rest = rest[n_banks:]

    @property
    def ports(self) -> int:
        """Optical ports."""
        return self._whole.ports

    @property
    def n_banks(self) -> int:
        """Banks in use."""
        return self._n_banks

    @property
    def ledger(self) -> Ledger:
        """The whole machine's ledger."""
        return self._whole.ledger

    def now(self) -> float:
        """Bench time, s."""
        return self._whole.now()

    async def program(self, levels: Floats) -> None:
        """Write levels (n_banks, elements) in W; the other banks keep their rest levels."""
        needed = (self._n_banks, self._rest.shape[1])
        if levels.shape != needed:
            raise ValueError(f"levels have shape {levels.shape}; {needed} is needed")
        await self._whole.program(np.concatenate([levels, self._rest]))

    async def rest(self, seconds: float) -> None:
        """As the whole machine's."""
        await self._whole.rest(seconds)

    async def frame(self, bank: int, values: Floats) -> Reading:
        """As the whole machine's."""
        return await self._whole.frame(bank, values)
