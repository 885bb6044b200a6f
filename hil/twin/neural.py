"""A small neural residual: what a slot reads beyond the physics of the twin. Off by default.

    y = physics + V tanh(U s + b),   s the modulated amplitudes

V starts at zero, so that nothing is added until something is learnt. The training gradient runs
through the twin's Jacobian: the residual's own, V diag(1 - tanh^2) U, is penalised, so that it
explains what is left without rewriting that of the physics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hil.twin.machine import Twin
from hil.twin.replay import Remembered, slot_error

#: Weights at most.
MOST_WEIGHTS = 2000


@dataclass(frozen=True)
class NeuralSettings:
    """hidden : units; rate : of Adam; penalty : of the mean square of the Jacobian's entries,
    relative to the one-slot error, signal units squared.
    """

    hidden: int = 16
    rate: float = 1e-3
    penalty: float = 0.1


class NeuralResidual:
    """Adds a residual to a twin and fits it. `seed` draws its first layer.

    Raises
    ------
    ValueError
        When it would have more than `MOST_WEIGHTS` weights.
    """

    #: What a resumed run needs of it (`hil.record.state`).
    STATE: ClassVar = ("_weights", "_optimiser")

    def __init__(self, twin: Twin, settings: NeuralSettings, seed: int) -> None:
        hidden, ports = settings.hidden, twin.ports
        weights = hidden * (2 * ports + 1)
        if weights > MOST_WEIGHTS:
            raise ValueError(
                f"a neural residual of {hidden} hidden units has {weights} weights at {ports} "
                f"ports; at most {MOST_WEIGHTS}: fewer hidden units are needed"
            )
        draw = torch.Generator().manual_seed(seed)
        first = torch.randn(hidden, ports, generator=draw, dtype=torch.float64)
        self.twin = twin
        self._settings = settings
        self._weights = {
            "hidden_weight": first,
            "hidden_bias": torch.randn(hidden, generator=draw, dtype=torch.float64),
            "output_weight": torch.zeros(ports, hidden, dtype=torch.float64),
        }
        for value in self._weights.values():
            value.requires_grad_()
        self._optimiser = torch.optim.Adam(list(self._weights.values()), lr=settings.rate)
        self._publish()

    def fit(self, entries: list[Remembered]) -> None:
        """One step on these settings."""
        error = slot_error(self.twin, entries, {**self.twin.parameters, **self._weights})
        if not bool(torch.isfinite(error)):
            return  # data beyond all measure: a step would spoil the optimiser's memory for good
        light = self.twin.modulate(entries[-1].sent).flatten(0, 1)
        square = jacobian(self._weights, light).square().mean()
        self._optimiser.zero_grad()
        (error + self._settings.penalty * square).backward()
        self._optimiser.step()
        self._publish()

    def _publish(self) -> None:
        fitted = {name: value.detach().clone() for name, value in self._weights.items()}
        self.twin.parameters.update(fitted)


def jacobian(weights: Mapping[str, Tensor], light: Tensor) -> Tensor:
    """Derivatives (samples, N, N) of a residual's output with respect to light (samples, N)."""
    inner = torch.tanh(light @ weights["hidden_weight"].mT + weights["hidden_bias"])
    slope = weights["output_weight"] * (1.0 - inner**2).unsqueeze(-2)
    return slope @ weights["hidden_weight"]
