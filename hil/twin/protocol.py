"""What training and refitting ask of a twin, whatever the core of the bench."""

from __future__ import annotations

from typing import Any, Protocol, Self

import numpy as np
from torch import Tensor

from hil.twin.parameters import TwinParameters


class SlotTwin(Protocol):
    """A differentiable model of one slot, built once for a setting and used by all its slots.

    prior : start values; parameters : those believed now, which refits replace. p_pi : W, the unit
    of powers.
    """

    prior: TwinParameters
    parameters: TwinParameters
    p_pi: float
    n_banks: int
    ports: int

    def start_powers(self, rng: np.random.Generator) -> Tensor:
        """Powers (n_banks, elements) in p_pi at which training begins; draws from `rng`."""
        ...

    def matrices(self, powers: Tensor, parameters: TwinParameters | None = None) -> Tensor:
        """Real slot matrices (..., n_banks, N, N) for powers in units of p_pi."""
        ...

    def modulate(self, sent: Tensor, parameters: TwinParameters | None = None) -> Tensor:
        """What the modulators make of `sent` (..., N) in V_pi: what the matrices act on."""
        ...

    def slot(
        self,
        sent: Tensor,
        before: Tensor,
        matrix: Tensor,
        parameters: TwinParameters | None = None,
    ) -> Tensor:
        """What will be measured (..., batch, N) for `sent`, in signal units.

        before : (..., batch, N) modulated light of the sample before in time, 0 after dark.
        matrix : (..., N, N) of the slot's bank.
        """
        ...

    def detect(
        self,
        amplitudes: Tensor,
        before: Tensor,
        matrix: Tensor,
        parameters: TwinParameters | None = None,
    ) -> Tensor:
        """What will be measured (..., batch, N) for modulated light; others as `slot`."""
        ...

    def ideal(self) -> Self:
        """The same network without loss, error, crosstalk, curvature or saturation."""
        ...

    def describe(self) -> dict[str, Any]:
        """Shapes, units and meaning of the parameters."""
        ...
