"""What is trained: heater powers, one gain a bank, biases, and the digital read-out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hil.control.electronics import Electronics
from hil.learn.limits import Limits
from hil.twin.protocol import SlotTwin

#: Start of the gain of every bank.
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
    def start(cls, twin: SlotTwin, classes: int, seed: int, skip: float = 0.0) -> Network:
        """The seeded start: powers as suit the twin, unit-variance-preserving read-out, no bias."""
        rng = np.random.default_rng([seed, 0x57A27])
        powers = twin.start_powers(rng)
        readout = rng.normal(0.0, 1.0 / np.sqrt(twin.ports), (classes, twin.ports))
        tensors = {
            "powers": powers,
            "gain": torch.full((twin.n_banks,), GAIN_START, dtype=torch.float64),
            "bias": torch.zeros(twin.n_banks, twin.ports, dtype=torch.float64),
            "readout": torch.tensor(readout),
        }
        return cls.of(tensors, twin.p_pi, skip)

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], p_pi: float, skip: float = 0.0) -> Network:
        """The network that `tensors` gave, or a checkpoint."""
        held = {name: tensors[name].clone().requires_grad_() for name in cls.STATE}
        return cls(**held, p_pi=p_pi, skip=skip)

    def tensors(self) -> dict[str, Tensor]:
        """The trainables by name, detached copies: what a checkpoint holds."""
        return {name: getattr(self, name).detach().clone() for name in self.STATE}

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
