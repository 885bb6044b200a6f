"""Reference inputs: the same few samples again and again, to see whether the bench has changed.

Each bank is looked at by itself, one frame a bank, at the levels that training holds just then: no
heater is written. The samples are orthogonal patterns of signs and their negatives. So all ports
drive all outputs equally, the mean over a pair shows the detectors' offsets, and the differences
show the whole matrix of the bank.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from calibration.tomography import sign_patterns
from hil.control.machine import Machine, Reading
from hil.twin.machine import samples_before
from hil.twin.parameters import TwinParameters
from hil.twin.protocol import SlotTwin

Floats = NDArray[np.float64]

#: Drive of a reference sample, V_pi: large against noise, small against saturation.
DRIVE = 0.5
#: Least and most samples of a look; a pattern and its negative are two.
LEAST, MOST = 16, 32


def reference_inputs(ports: int) -> Floats:
    """Drives (samples, ports) in V_pi, the same on every bench of so many ports."""
    signs = sign_patterns(ports)[: MOST // 2]
    both = np.concatenate([signs, -signs])
    return DRIVE * np.tile(both, (-(-LEAST // len(both)), 1))


@dataclass(frozen=True)
class Look:
    """What the reference inputs read in each bank.

    sent, measured : (n_banks, samples, N), V_pi and signal units; usable : same, bool, neither
    clipped nor lost; after_dark : (samples,) bool; time : bench s.
    """

    sent: Tensor
    measured: Tensor
    usable: Tensor
    after_dark: Tensor
    time: float

    @torch.no_grad()
    def believed(
        self,
        twin: SlotTwin,
        powers: Tensor,
        parameters: TwinParameters | None = None,
        bank: int | None = None,
    ) -> Tensor:
        """What a twin expects of this look, (n_banks, samples, N); powers (n_banks, elements).

        bank : the one that a look at a single bank looked at.
        """
        q = twin.parameters if parameters is None else parameters
        before = samples_before(twin.modulate(self.sent, q), self.after_dark)
        matrices = twin.matrices(powers, q)
        seen = matrices if bank is None else matrices[bank : bank + 1]
        return twin.slot(self.sent, before, seen, q)

    def residual(
        self, twin: SlotTwin, powers: Tensor, parameters: TwinParameters | None = None
    ) -> Tensor:
        """Measured less believed, (n_banks, samples, N) in signal units; 0 where not usable."""
        wrong = self.measured - self.believed(twin, powers, parameters)
        return torch.where(self.usable, wrong, torch.zeros_like(wrong))


async def look(machine: Machine, values: Floats, n_banks: int, n_steps: int) -> Look:
    """Pass reference inputs (samples, ports) through each bank at the present levels.

    In the ledger a device pass is a sample through all `n_steps` slots: these are counted as the
    share of it that they are, rounded up.
    """
    read = [await machine.frame(bank, values) for bank in range(n_banks)]
    machine.ledger.count_pass(-(-len(values) * n_banks // n_steps))
    return _look(read, machine.now())


async def look_at_bank(machine: Machine, values: Floats, bank: int) -> Look:
    """Pass reference inputs (samples, ports) through one bank; counts them as passes in full."""
    reading = await machine.frame(bank, values)
    machine.ledger.count_pass(len(values))
    return _look([reading], machine.now())


def _look(read: list[Reading], time: float) -> Look:
    measured = np.stack([one.measured for one in read])
    usable = np.isfinite(measured) & ~np.stack([one.clipped for one in read])
    return Look(
        torch.from_numpy(np.stack([one.sent for one in read])),
        torch.from_numpy(np.where(usable, measured, 0.0)),
        torch.from_numpy(usable),
        torch.from_numpy(read[0].after_dark),
        time,
    )
