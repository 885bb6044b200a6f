"""`hil.Slots`: the bench as a torch module, for networks of one's own.

The forward pass is measured on the bench, slot by slot; the backward pass is the twin's, at the
measured states (the per-slot rule of physics-aware training).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from hil.bench.faces import Bench
from hil.control.electronics import Electronics
from hil.control.schedule import Schedule, ScheduleError
from hil.control.trace import Trace
from hil.learn.limits import Limits
from hil.learn.network import GAIN_START
from hil.learn.pat import measured_pass
from hil.twin.machine import twin_of
from hil.twin.protocol import SlotTwin


def twin_from_record(bench: Bench, record: str | Path, n_banks: int | None = None) -> SlotTwin:
    """A twin of an open bench, started from a calibration record.

    n_banks : as many as the schedule uses, the first of the bench; by default all.

    Raises
    ------
    RecordError
        When the file is missing, malformed or of another bench.
    """
    return twin_of(bench.core.read_record(Path(record)), bench.file.chip.p_pi, n_banks)


class Slots(nn.Module):
    """All slots of a schedule on a bench: inputs (batch, n_steps, N) to final state (batch, N).

    Trainable: `powers` (n_banks, elements) in units of p_pi, `gain` (n_banks,), `bias`
    (n_banks, N). After a forward pass `trace` holds what was sent and measured; give it to
    the `observe` of a `hil.new_refit` with `powers` to keep the twin true.

    Raises
    ------
    ScheduleError
        When the twin is not of as many banks as the schedule uses.
    """

    def __init__(
        self,
        bench: Bench,
        twin: SlotTwin,
        schedule: Schedule | None = None,
        *,
        skip: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.schedule = schedule or Schedule(bench.n_banks, bench.n_banks)
        if twin.n_banks != self.schedule.n_banks:
            raise ScheduleError(
                f"the schedule uses {self.schedule.n_banks} banks, the twin has {twin.n_banks}; "
                f"make it with twin_from_record(..., n_banks={self.schedule.n_banks})"
            )
        self.twin = twin
        self.skip = skip
        self.trace: Trace | None = None
        self._bench = bench
        self._limits = Limits.of(bench.file, self.schedule.n_banks)
        self.powers = nn.Parameter(twin.start_powers(np.random.default_rng([seed, 0x57A27])))
        self.gain = nn.Parameter(
            torch.full((self.schedule.n_banks,), GAIN_START, dtype=torch.float64)
        )
        self.bias = nn.Parameter(
            torch.zeros(self.schedule.n_banks, bench.ports, dtype=torch.float64)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Measured final state (batch, N), differentiable in inputs and parameters.

        inputs : (batch, n_steps, N) float64 in V_pi, or (batch, N), which enter at t = 0.
        """
        if inputs.ndim == 2:
            later = inputs.new_zeros(len(inputs), self.schedule.n_steps - 1, inputs.shape[1])
            inputs = torch.cat([inputs.unsqueeze(1), later], dim=1)
        self.clamp()
        self.trace = self._bench.run(
            self.powers.detach().numpy() * self.twin.p_pi,
            inputs.detach().numpy(),
            schedule=self.schedule,
            electronics=Electronics(
                self.gain.detach().numpy().copy(), self.bias.detach().numpy().copy(), self.skip
            ),
        )
        return measured_pass(
            self.twin, self.powers, self.gain, self.bias, self.skip, inputs, self.trace
        )

    def clamp(self) -> None:
        """Hold powers within the elements' and chips' limits, before asking the bench for them."""
        self._limits.clamp(self.powers)
