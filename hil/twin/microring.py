"""The twin of a slot through a microring weight bank: powers instead of fields.

    x_ij = resonance + shift p (1 + curvature p) + crosstalk        half-widths, ring j of output i
    w_ij = 1 - 2 prod over m of (1 - A_im / (1 + (x_im + spacing (m - j))^2))
    I = 1 + sin(pi/2 kappa u + b)             modulators at quadrature, powers in units of that
    y = gain * saturate(W_k (I + memory * I_before)) + zero
    W_k = (w_k + leak of the others) / sqrt N

What undriven modulators read, W_k 1, is measured with every frame and subtracted (see
`hil.control.referenced`); the twin does the same with its own, so that what it predicts is what the
machine returns and saturation by the pedestal is in its gradient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from calibration.record import CalibrationRecord
from hil.twin.crosstalk import kernel_of
from hil.twin.parameters import (
    LEAST_SOFTNESS,
    TwinParameters,
    copy_parameters,
    described,
)

#: name -> (shape in words, unit, meaning).
MEANING: dict[str, tuple[str, str, str]] = {
    "resonance": ("(n_banks, N*N)", "half-widths", "detuning of each ring at zero level"),
    "shift": ("(n_banks, N*N)", "half-widths per p_pi", "detuning per level"),
    "curvature": ("(n_banks, N*N)", "1 per p_pi", "x = resonance + shift p (1 + curvature p)"),
    "crosstalk": ("(n_banks, 2)", "1", "c1 at one pitch, cg everywhere, of the aggressor's shift"),
    "amplitude": ("(n_banks, N*N)", "1", "share of its light that a ring drops at resonance"),
    "leak": ("(n_banks, n_banks)", "1", "power of bank j that leaks into k; diagonal zero"),
    "kappa": ("(N,)", "1", "modulator gain"),
    "bias": ("(N,)", "rad", "modulator bias about quadrature"),
    "gain": ("(N,)", "1", "detector gain"),
    "zero": ("(N,)", "signal units", "detector offset; subtracted with the pedestal"),
    "softness": ("()", "1 / signal units^2", "1 / y_sat^2 of the soft saturation"),
    "memory": ("()", "1", "share of the preceding sample's power"),
}


def ring_positions(ports: int) -> np.ndarray:
    """Positions (elements, 2) of a bank's heaters in pitches: wavelength, output."""
    row, column = np.divmod(np.arange(ports * ports), ports)
    return np.stack([column, row], axis=1).astype(np.float64)


def parameters_from_record(
    record: CalibrationRecord, p_pi: float, n_banks: int | None = None
) -> TwinParameters:
    """Start parameters (float64) of a twin of the first `n_banks` banks (default: of all)."""
    banks = record.banks[:n_banks]

    def stack(name: str, scale: float = 1.0) -> Tensor:
        return torch.tensor(np.stack([np.asarray(b.array(name)) for b in banks]) * scale)

    def port(name: str) -> Tensor:
        return torch.tensor(record.port_array(name))

    known, used = len(record.banks), len(banks)
    saturation = record.saturation
    return {
        "resonance": stack("resonance_offset"),
        "shift": stack("shift", p_pi),
        "curvature": stack("curvature", p_pi),
        "crosstalk": torch.tensor(
            [[b.crosstalk_c1, b.crosstalk_cg] for b in banks], dtype=torch.float64
        ),
        "amplitude": stack("amplitude"),
        "leak": torch.tensor(record.leak.reshape(known, known, 2)[:used, :used, 0].copy()),
        "kappa": port("modulator_gain"),
        "bias": port("modulator_bias"),
        "gain": port("detector_gain"),
        "zero": port("detector_offset"),
        "softness": torch.tensor(
            LEAST_SOFTNESS if saturation is None else saturation**-2, dtype=torch.float64
        ),
        "memory": torch.tensor(record.memory, dtype=torch.float64),
    }


#: Largest weight that training begins with, the powers (p_pi) that it may begin at, and rounds in
#: which heaters are set against their neighbours' heat.
START_WEIGHT = 0.9
START_RANGE = (0.1, 1.9)
SETTLING = 4


class MicroringTwin:
    """A differentiable model of a bench of microring weight banks; see `SlotTwin`.

    Parameters
    ----------
    parameters : start values; kept as `prior` and copied to `parameters`, which refits replace.
    p_pi : W, the unit of powers.
    decay : (n_banks,) d0 of each bank's crosstalk law, in heater pitches; not refitted.
    spacing : (n_banks,) half-widths from one laser to the next; infinite: rings see their own only.
    """

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = ("parameters",)

    def __init__(
        self,
        parameters: TwinParameters,
        p_pi: float,
        decay: Sequence[float],
        spacing: Sequence[float],
    ) -> None:
        self.prior = copy_parameters(parameters)
        self.parameters = copy_parameters(parameters)
        self.p_pi = p_pi
        self.n_banks = parameters["resonance"].shape[0]
        self.ports = int(parameters["kappa"].shape[0])
        self.decay, self.spacing = tuple(decay), tuple(spacing)
        where = ring_positions(self.ports)
        # (n_banks, elements, elements), or one for all banks of one make.
        kernels = {d0: kernel_of(where, d0) for d0 in self.decay}
        same = len(kernels) == 1
        self._near = kernels[decay[0]] if same else torch.stack([kernels[d] for d in decay])
        number = torch.arange(self.ports, dtype=torch.float64)
        steps = number[:, None] - number[None, :]
        # (n_banks, m, j): from ring m's own laser to laser j.
        self._apart = torch.stack(
            [torch.where(steps == 0.0, 0.0, steps * spaced) for spaced in self.spacing]
        )

    @classmethod
    def from_record(
        cls, record: CalibrationRecord, p_pi: float, n_banks: int | None = None
    ) -> Self:
        """The twin of a record's first `n_banks` banks (default: of all)."""
        banks = record.banks[:n_banks]
        return cls(
            parameters_from_record(record, p_pi, n_banks),
            p_pi,
            [b.crosstalk_d0 for b in banks],
            [math.inf if b.spacing is None else b.spacing for b in banks],
        )

    def detuning(self, powers: Tensor, parameters: TwinParameters | None = None) -> Tensor:
        """Detunings in half-widths (..., n_banks, elements) for powers in units of p_pi."""
        q = self.parameters if parameters is None else parameters
        driven = q["shift"] * powers
        own = q["resonance"] + driven * (1.0 + q["curvature"] * powers)
        near, everywhere = q["crosstalk"][..., 0:1], q["crosstalk"][..., 1:2]
        neighbours = (
            driven @ self._near
            if self._near.ndim == 2
            else (driven.unsqueeze(-2) @ self._near).squeeze(-2)
        )
        return own + near * neighbours + everywhere * (driven.sum(dim=-1, keepdim=True) - driven)

    def start_powers(self, rng: np.random.Generator) -> Tensor:
        """Powers (n_banks, elements) at which training begins: those of random weights.

        Random powers would leave most rings off their lasers, with weights near -1 alike: a matrix
        of rank one, through which nothing is learnt. Weights are those that the start parameters
        believe in.
        """
        q = self.prior
        shape = (self.n_banks, self.ports**2)
        weights = torch.from_numpy(rng.uniform(-START_WEIGHT, START_WEIGHT, shape))
        # w = -1 + 2 A / (1 + x^2), on either side of the resonance: where a heater is rather in
        # the middle of its range.
        size = (2.0 * q["amplitude"] / (1.0 + weights) - 1.0).clamp_min(0.0).sqrt()
        shift = torch.where(q["shift"].abs() > 1e-6, q["shift"], 1e-6)
        sides = torch.stack([(side * size - q["resonance"]) / shift for side in (1.0, -1.0)])
        nearer = (sides - 1.0).abs().argmin(dim=0, keepdim=True)
        target = torch.where(nearer[0] == 0, size, -size)
        powers = sides.gather(0, nearer)[0].clamp(*START_RANGE)
        for _ in range(SETTLING):  # neighbours heat each other
            powers = powers + (target - self.detuning(powers, q)) / shift
            powers = powers.clamp(*START_RANGE)
        return powers

    def weights(self, powers: Tensor, parameters: TwinParameters | None = None) -> Tensor:
        """Weights (..., n_banks, N, N), output by wavelength, for powers in units of p_pi."""
        q = self.parameters if parameters is None else parameters
        square = (self.ports, self.ports)
        x = self.detuning(powers, q).unflatten(-1, square)
        amplitude = q["amplitude"].unflatten(-1, square)
        # (..., n_banks, i, m, j): ring m of output i at laser j.
        # A laser infinitely far away has no gradient, which infinity less itself would make NaN of.
        sees = torch.isfinite(self._apart)
        apart = x.unsqueeze(-1) + torch.where(sees, self._apart, 0.0)[:, None]
        dropped = torch.where(sees[:, None], amplitude.unsqueeze(-1) / (1.0 + apart**2), 0.0)
        passed = 1.0 - dropped
        return 1.0 - 2.0 * passed.prod(dim=-2)

    def matrices(self, powers: Tensor, parameters: TwinParameters | None = None) -> Tensor:
        """Slot matrices (..., n_banks, N, N) for powers in units of p_pi."""
        q = self.parameters if parameters is None else parameters
        coupling = q["leak"] + torch.eye(self.n_banks, dtype=q["leak"].dtype)
        own = self.weights(powers, q) / math.sqrt(self.ports)
        return torch.einsum("kj,...jno->...kno", coupling, own)

    def modulate(self, sent: Tensor, parameters: TwinParameters | None = None) -> Tensor:
        """Modulated powers for `sent` (..., N) in units of V_pi."""
        q = self.parameters if parameters is None else parameters
        return 1.0 + torch.sin(0.5 * torch.pi * q["kappa"] * sent + q["bias"])

    def slot(
        self,
        sent: Tensor,
        before: Tensor,
        matrix: Tensor,
        parameters: TwinParameters | None = None,
    ) -> Tensor:
        """What will be left (..., batch, N) of what is measured, the pedestal subtracted.

        Arguments as `SlotTwin.slot`.
        """
        return self.detect(self.modulate(sent, parameters), before, matrix, parameters)

    def detect(
        self,
        amplitudes: Tensor,
        before: Tensor,
        matrix: Tensor,
        parameters: TwinParameters | None = None,
    ) -> Tensor:
        """As `slot`, for modulated powers `amplitudes`."""
        q = self.parameters if parameters is None else parameters
        undriven = (1.0 + torch.sin(q["bias"])).unsqueeze(0)
        return self.reading(amplitudes, before, matrix, q) - self.reading(
            undriven, undriven, matrix, q
        )

    def reading(
        self,
        amplitudes: Tensor,
        before: Tensor,
        matrix: Tensor,
        parameters: TwinParameters | None = None,
    ) -> Tensor:
        """What the detectors read (..., batch, N), pedestal and all."""
        q = self.parameters if parameters is None else parameters
        signal = (amplitudes + q["memory"] * before) @ matrix.transpose(-1, -2)
        r = torch.sqrt(q["softness"].clamp_min(1e-12))
        return q["gain"] * torch.tanh(r * signal) / r + q["zero"]

    def ideal(self) -> Self:
        """The same network of rings that drop all at resonance and see their own laser only.

        Offsets are those of the record, so that powers begin at the same place; every ring has its
        bank's mean shift per power.
        """
        p = {name: torch.zeros_like(value) for name, value in self.prior.items()}
        p["resonance"] = self.prior["resonance"].clone()
        p["shift"] = self.prior["shift"].mean(dim=1, keepdim=True).expand_as(p["shift"]).clone()
        p["amplitude"] = torch.ones_like(p["amplitude"])
        p["kappa"] = torch.ones_like(p["kappa"])
        p["gain"] = torch.ones_like(p["gain"])
        return type(self)(p, self.p_pi, self.decay, [math.inf] * self.n_banks)

    def describe(self) -> dict[str, Any]:
        """Shapes, units and meaning of the parameters."""
        return described(MEANING)
