"""The twin of the whole slot: levels and what was sent in, what will be measured out.

    s = sin(pi/2 kappa u + b);   field = W_k s + memory * W_k s_before
    y = gain * saturate(Re(e^{-i psi} field)) + zero,   saturate(z) = tanh(r z) / r, r^2 = softness

The inputs of the modulators are real, so only M_k = Re(e^{-i psi} W_k) matters: it is built once
for each setting and reused by all slots of that bank.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from calibration.record import MICRORING, CalibrationRecord
from hil.twin.crosstalk import crosstalk_kernel
from hil.twin.mesh import mesh_matrix
from hil.twin.microring import MicroringTwin
from hil.twin.parameters import (
    NEURAL_MEANING,
    TwinParameters,
    copy_parameters,
    describe_parameters,
    described,
    parameters_from_record,
    sigmas_from_record,
)
from hil.twin.protocol import SlotTwin

#: Powers that training begins at, p_pi.
START_RANGE = (0.4, 1.6)


class Twin:
    """A differentiable model of the bench.

    Parameters
    ----------
    parameters : start values; kept as `prior` and copied to `parameters`, which refits replace.
    p_pi : W, the bench's nominal power of a phase of pi.
    decay : (n_banks,) d0 of each bank's crosstalk law, in heater pitches; not refitted.
    sigma : standard uncertainties of start values, by name, where they are known.
    """

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = ("parameters",)

    def __init__(
        self,
        parameters: TwinParameters,
        p_pi: float,
        decay: Sequence[float],
        sigma: TwinParameters | None = None,
    ) -> None:
        self.prior = copy_parameters(parameters)
        self.sigma = copy_parameters(sigma or {})
        self.parameters = copy_parameters(parameters)
        self.p_pi = p_pi
        self.n_banks = parameters["offset"].shape[0]
        self.ports = int(parameters["kappa"].shape[0])
        self.decay = tuple(decay)
        kernels = {d0: crosstalk_kernel(self.ports, d0) for d0 in self.decay}
        # At 64 ports a kernel takes 134 MB: banks of one make share it.
        same = len(kernels) == 1
        self._near = kernels[self.decay[0]] if same else torch.stack([kernels[d] for d in decay])

    @classmethod
    def from_record(
        cls, record: CalibrationRecord, p_pi: float, n_banks: int | None = None
    ) -> Self:
        """The twin of a record's first `n_banks` banks (default: of all)."""
        parameters = parameters_from_record(record, p_pi, n_banks)
        sigma = sigmas_from_record(record, p_pi, n_banks)
        return cls(parameters, p_pi, [b.crosstalk_d0 for b in record.banks[:n_banks]], sigma)

    def phases(self, powers: Tensor, parameters: TwinParameters | None = None) -> Tensor:
        """Phases in rad (..., n_banks, elements) for powers in units of p_pi, same shape."""
        q = self.parameters if parameters is None else parameters
        driven = q["slope"] * powers
        own = q["offset"] + driven * (1.0 + q["curvature"] * powers)
        near, everywhere = q["crosstalk"][..., 0:1], q["crosstalk"][..., 1:2]
        neighbours = (
            driven @ self._near
            if self._near.ndim == 2
            else (driven.unsqueeze(-2) @ self._near).squeeze(-2)
        )
        rest = driven.sum(dim=-1, keepdim=True) - driven
        return own + near * neighbours + everywhere * rest

    def start_powers(self, rng: np.random.Generator) -> Tensor:
        """Powers (n_banks, elements) at which training begins: uniform over most of a fringe."""
        return torch.from_numpy(rng.uniform(*START_RANGE, (self.n_banks, self.ports**2)))

    def matrices(self, powers: Tensor, parameters: TwinParameters | None = None) -> Tensor:
        """Real slot matrices (..., n_banks, N, N) for powers in units of p_pi."""
        q = self.parameters if parameters is None else parameters
        own = mesh_matrix(self.phases(powers, q), q["alpha"], q["beta"], q["loss_db"])
        # Not a view: one needs an even place in what the parameters are a part of.
        leak = torch.complex(q["leak"][..., 0], q["leak"][..., 1])
        coupling = leak + torch.eye(self.n_banks, dtype=leak.dtype)
        turned = coupling * torch.polar(torch.ones_like(q["lo_phase"]), -q["lo_phase"])
        return torch.einsum("kj,...jno->...kno", turned, own).real

    def modulate(self, sent: Tensor, parameters: TwinParameters | None = None) -> Tensor:
        """Modulated field amplitudes for `sent` (..., N) in units of V_pi."""
        q = self.parameters if parameters is None else parameters
        return torch.sin(0.5 * torch.pi * q["kappa"] * sent + q["bias"])

    def slot(
        self,
        sent: Tensor,
        before: Tensor,
        matrix: Tensor,
        parameters: TwinParameters | None = None,
    ) -> Tensor:
        """What will be measured (..., batch, N), in signal units.

        Parameters
        ----------
        sent : (..., batch, N) in V_pi.
        before : (..., batch, N) modulated amplitudes of the sample before in time, 0 after dark.
        matrix : (..., N, N) of the slot's bank.
        """
        return self.detect(self.modulate(sent, parameters), before, matrix, parameters)

    def detect(
        self,
        amplitudes: Tensor,
        before: Tensor,
        matrix: Tensor,
        parameters: TwinParameters | None = None,
    ) -> Tensor:
        """What will be measured (..., batch, N) for modulated `amplitudes`; others as `slot`."""
        q = self.parameters if parameters is None else parameters
        signal = (amplitudes + q["memory"] * before) @ matrix.transpose(-1, -2)
        r = torch.sqrt(q["softness"].clamp_min(1e-12))
        return q["gain"] * torch.tanh(r * signal) / r + q["zero"] + self.beyond(amplitudes, q)

    def beyond(self, amplitudes: Tensor, parameters: TwinParameters | None = None) -> Tensor:
        """What a neural residual adds (..., batch, N), where there is one; else zero."""
        q = self.parameters if parameters is None else parameters
        if "output_weight" not in q:
            return amplitudes.new_zeros(())
        inner = torch.tanh(amplitudes @ q["hidden_weight"].mT + q["hidden_bias"])
        return inner @ q["output_weight"].mT

    def ideal(self) -> Self:
        """The same network without loss, error, crosstalk, curvature or saturation.

        Offsets are those of the record, so that powers begin at the same place; slopes are pi per
        p_pi.
        """
        p = {name: torch.zeros_like(value) for name, value in self.prior.items()}
        p["offset"] = self.prior["offset"].clone()
        p["slope"] = torch.full_like(p["slope"], torch.pi)
        p["kappa"] = torch.ones_like(p["kappa"])
        p["gain"] = torch.ones_like(p["gain"])
        return type(self)(p, self.p_pi, self.decay)

    def describe(self) -> dict[str, Any]:
        """Shapes, units and meaning of the parameters."""
        found = describe_parameters()
        return found | described(NEURAL_MEANING) if "output_weight" in self.parameters else found


def twin_of(record: CalibrationRecord, p_pi: float, n_banks: int | None = None) -> SlotTwin:
    """The twin of a record's first `n_banks` banks (default: of all), of whatever core."""
    kind = MicroringTwin if record.core == MICRORING else Twin
    return kind.from_record(record, p_pi, n_banks)


def samples_before(amplitudes: Tensor, after_dark: Tensor) -> Tensor:
    """Modulated amplitudes one sample earlier in time (..., batch, N).

    `after_dark` (batch,) bool marks samples that follow a dark one: nothing precedes them.
    """
    shifted = torch.roll(amplitudes, 1, dims=-2)
    return torch.where(after_dark.unsqueeze(-1), torch.zeros_like(shifted), shifted)
