"""All free parameters of a twin as one vector, each entry in units of its own step.

An optimiser's step on such a vector moves every parameter by its own scale, and the whole twin is
copied, checked and pulled in one operation.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from hil.twin.parameters import TwinParameters


class FlatView:
    """Lays the free parameters of a twin out in one vector, and back.

    Parameters
    ----------
    parameters : whose shapes are laid out.
    step : unit of each free parameter, by name, in the parameter's own unit; a parameter whose
        step is 0 is not free.
    """

    def __init__(self, parameters: Mapping[str, Tensor], step: Mapping[str, float]) -> None:
        self._names = [name for name in parameters if step[name] > 0.0]
        self._shapes = [parameters[name].shape for name in self._names]
        self._sizes = [parameters[name].numel() for name in self._names]
        self._step = self.spread(step)

    def spread(self, by_name: Mapping[str, float]) -> Tensor:
        """A number of each parameter, repeated for its entries: (entries,)."""
        return torch.cat(
            [
                torch.full((size,), by_name[name], dtype=torch.float64)
                for name, size in zip(self._names, self._sizes, strict=True)
            ]
        )

    def sizes(self) -> dict[str, int]:
        """Entries of each free parameter."""
        return dict(zip(self._names, self._sizes, strict=True))

    def pack(self, parameters: Mapping[str, Tensor]) -> Tensor:
        """The vector (entries,) of parameters."""
        flat = torch.cat([parameters[name].detach().reshape(-1) for name in self._names])
        return flat / self._step

    def unpack(self, vector: Tensor) -> TwinParameters:
        """The free parameters of a vector, differentiable in it."""
        parts = torch.split(vector * self._step, self._sizes)
        return {
            name: part.view(shape)
            for name, part, shape in zip(self._names, parts, self._shapes, strict=True)
        }
