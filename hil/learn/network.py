"""What is trained: heater powers, one gain a bank, biases, and the digital read-out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hil.control.electronics import Electronics
from hil.learn.limits import Limits

#: Start of the powers, in units of p_pi, and of the gain of every bank.
POWER_START = (0.4, 1.6)
GAIN_START = 1.5


@dataclass
class Network:
    """Trainable numbers of a ReLaX-Net over a schedule.

    powers : (n_banks, elements) in units of p_pi; gain : (n_banks,); bias : (n_banks, N);
    readout : (classes, N); skip : alpha, fixed.
    """

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = ("powers", "gain", "bias", "readout")

    powers: Tensor
    gain: Tensor
    bias: Tensor
    readout: Tensor
    p_pi: float
    skip: float = 0.0

    @classmethod
    def start(
        cls, n_banks: int, ports: int, classes: int, p_pi: float, seed: int, skip: float = 0.0
    ) -> Network:
        """The seeded start: powers uniform, unit-variance-preserving read-out, no bias."""
        rng = np.random.default_rng([seed, 0x57A27])
        powers = rng.uniform(*POWER_START, (n_banks, ports * ports))
        readout = rng.normal(0.0, 1.0 / np.sqrt(ports), (classes, ports))
        return cls(
            powers=torch.tensor(powers).requires_grad_(),
            gain=torch.full((n_banks,), GAIN_START, dtype=torch.float64).requires_grad_(),
            bias=torch.zeros(n_banks, ports, dtype=torch.float64).requires_grad_(),
            readout=torch.tensor(readout).requires_grad_(),
            p_pi=p_pi,
            skip=skip,
        )

    def tensors(self) -> dict[str, Tensor]:
        """The trainables by name, detached copies: what a checkpoint holds."""
        names = ("powers", "gain", "bias", "readout")
        return {name: getattr(self, name).detach().clone() for name in names}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        with torch.no_grad():
            for name, value in tensors.items():
                getattr(self, name).copy_(value)

    def levels(self) -> NDArray[np.float64]:
        """Levels (n_banks, elements) in W."""
        return self.powers.detach().numpy() * self.p_pi

    def electronics(self) -> Electronics:
        """Settings of the feedback between slots."""
        return Electronics(
            gain=self.gain.detach().numpy().copy(),
            bias=self.bias.detach().numpy().copy(),
            skip=self.skip,
        )

    def clamp(self, limits: Limits) -> int:
        """Hold `powers` as `Limits.clamp` does."""
        return limits.clamp(self.powers)
