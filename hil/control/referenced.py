"""A machine whose undriven modulators are bright: what they read is measured and subtracted.

A microring weight bank takes powers, so its modulators are biased at quadrature and give 1 + s in
units of their power there. What is read is W (1 + s): a pedestal W 1 rides on the weighted signal.
It is known no better than the weights are, and drifts with them, so it is measured: each frame ends
with samples of undriven modulators, whose mean reading is subtracted from all the others. What is
left is W s, as the machine's equation has it; saturation still acts on the whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hil.control.ledger import Ledger
from hil.control.machine import Machine, Reading

Floats = NDArray[np.float64]

#: Undriven samples that are averaged; they add 1 / REFERENCES to the variance of the read noise.
REFERENCES = 16
#: Undriven samples before them, in which the echo of the last data sample dies away.
LEAD = 1


class Referenced:
    """`whole`, less what its undriven modulators read.

    most : samples that one of its frames can hold.
    """

    def __init__(self, whole: Machine, most: int) -> None:
        self._whole = whole
        self._most = most - LEAD - REFERENCES
        if self._most < 1:
            raise ValueError(f"a frame of {most} samples has no room for the reference samples")

    @property
    def ports(self) -> int:
        """Optical ports."""
        return self._whole.ports

    @property
    def n_banks(self) -> int:
        """Banks that can be selected."""
        return self._whole.n_banks

    @property
    def ledger(self) -> Ledger:
        """The whole machine's ledger."""
        return self._whole.ledger

    def now(self) -> float:
        """Bench time, s."""
        return self._whole.now()

    async def program(self, levels: Floats) -> None:
        """As the whole machine's."""
        await self._whole.program(levels)

    async def rest(self, seconds: float) -> None:
        """As the whole machine's."""
        await self._whole.rest(seconds)

    async def frame(self, bank: int, values: Floats) -> Reading:
        """Pass samples (samples, ports) in V_pi through one bank, in as many frames as needed.

        A port whose reference clipped counts as clipped throughout: nothing sure is left of it.
        """
        read = [
            await self._one_frame(bank, values[i : i + self._most])
            for i in range(0, len(values), self._most)
        ]
        return Reading(
            sent=np.concatenate([one.sent for one in read]),
            measured=np.concatenate([one.measured for one in read]),
            clipped=np.concatenate([one.clipped for one in read]),
            after_dark=np.concatenate([one.after_dark for one in read]),
            dark=read[-1].dark,
        )

    async def _one_frame(self, bank: int, values: Floats) -> Reading:
        count = len(values)
        undriven = np.zeros((LEAD + REFERENCES, values.shape[1]))
        whole = await self._whole.frame(bank, np.concatenate([values, undriven]))
        pedestal = whole.measured[count + LEAD :].mean(axis=0)
        lost = whole.clipped[count + LEAD :].any(axis=0)
        return Reading(
            sent=whole.sent[:count],
            measured=whole.measured[:count] - pedestal,
            clipped=whole.clipped[:count] | lost,
            after_dark=whole.after_dark[:count],
            dark=whole.dark,
        )
