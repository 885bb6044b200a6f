"""What joins learning to the world: something that is programmed and runs frames.

The real wire, the simulated wire and the in-process plant all sit behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hil.control.ledger import Ledger

Floats = NDArray[np.float64]

#: Drive limit of the machine's equation, in V_pi.
DRIVE_LIMIT = 1.5


@dataclass(frozen=True)
class Reading:
    """One frame's samples through one bank.

    sent, measured : (samples, ports); clipped : same, bool; after_dark : (samples,) bool. dark :
    (ports,) signal units, read while the signal light was off; None where there is no such sample.
    """

    sent: Floats
    measured: Floats
    clipped: NDArray[np.bool_]
    after_dark: NDArray[np.bool_]
    dark: Floats | None = None


class Machine(Protocol):
    """A set of banks behind one set of ports."""

    @property
    def ports(self) -> int:
        """Optical ports N."""
        ...

    @property
    def n_banks(self) -> int:
        """Banks that can be selected."""
        ...

    @property
    def ledger(self) -> Ledger:
        """Where the cost of every call is entered."""
        ...

    def now(self) -> float:
        """Bench time, s."""
        ...

    async def program(self, levels: Floats) -> None:
        """Write levels (n_banks, elements) in W and wait until they have settled.

        Raises
        ------
        ValueError
            (a LimitError) when a level is out of range, NaN or infinite: nothing is written.
        """
        ...

    async def rest(self, seconds: float) -> None:
        """Hold the programmed levels for `seconds` of bench time (slow thermal tails)."""
        ...

    async def frame(self, bank: int, values: Floats) -> Reading:
        """Pass samples (samples, ports), in V_pi and within DRIVE_LIMIT, through one bank."""
        ...
