"""An extended Kalman filter of the phases of each bank, with their covariance.

State: the phase offsets of a bank. Between batches they walk, by drift of the bench and, when
levels move, by what the twin's slopes do not know. A batch measures the slot matrix, of which the
derivative with respect to each phase is known in closed form. The filter works in information form
on the moments of a batch, so its cost does not grow with the number of samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hil.twin.machine import Twin
from hil.twin.moments import Moments
from hil.twin.sensitivity import phase_sensitivity


@dataclass(frozen=True)
class FilterSettings:
    """Settings of the phase filter.

    Attributes
    ----------
    walk : rad^2/s, growth of the variance of each phase by drift.
    moved : rad of doubt per p_pi that a level moves.
    widest : rad, the doubt of a phase that nothing measures.
    noise : signal units, the least noise floor that is believed.
    memory : share of the noise floor's running mean that a batch leaves.
    """

    walk: float = 1e-3
    moved: float = 0.1
    widest: float = 0.5
    noise: float = 0.004
    memory: float = 0.9
    tries: int = 3


@dataclass(frozen=True)
class Innovation:
    """What a batch said against what had been expected.

    normalised : (n_banks,) mean square of the innovation in units of its expected variance.
    residual, floor : signal units, rms one-slot error before the update, and of the noise.
    """

    normalised: Tensor
    residual: Tensor
    floor: Tensor
    shift: Tensor


class PhaseFilter:
    def __init__(self, twin: Twin, sigma: Tensor, settings: FilterSettings) -> None:
        self.twin = twin
        self.settings = settings
        self.covariance = torch.diag_embed(sigma**2).to(torch.float64)
        self.floor2 = torch.full((twin.n_banks,), float("nan"), dtype=torch.float64)
        self._powers: Tensor | None = None
        self._time = 0.0
        self.scale = torch.ones(twin.n_banks, dtype=torch.float64)

    def predict(self, powers: Tensor, time: float) -> None:
        if self._powers is not None:
            s = self.settings
            growth = s.walk * max(time - self._time, 0.0)
            grown = growth + (s.moved * (powers - self._powers)) ** 2
            grown = self.scale.unsqueeze(-1) * grown
            diagonal = self.covariance.diagonal(dim1=-2, dim2=-1)
            diagonal += grown
            shrink = (s.widest / diagonal.sqrt()).clamp_max(1.0)
            self.covariance *= shrink.unsqueeze(-1) * shrink.unsqueeze(-2)
        self._powers, self._time = powers.clone(), time

    @torch.no_grad()
    def update(self, powers: Tensor, moments: Moments, time: float) -> Innovation:
        twin, ports = self.twin, self.twin.ports
        self.predict(powers, time)
        matrices, moved = phase_sensitivity(twin, powers)
        misfit = moments.misfit(matrices)
        squares = moments.squares(matrices)
        eye = torch.eye(ports, dtype=torch.float64)
        ridge = 1e-9 * moments.aa.diagonal(dim1=-2, dim2=-1).mean(-1)
        explained = (
            misfit * torch.linalg.solve(moments.aa + ridge[:, None, None] * eye, misfit, left=False)
        ).sum(dim=(-1, -2))
        free = moments.count * ports - ports * ports
        floor2 = ((squares - explained) / free).clamp_min(self.settings.noise**2)
        first = torch.isnan(self.floor2)
        keep = self.settings.memory
        self.floor2 = torch.where(first, floor2, keep * self.floor2 + (1 - keep) * floor2)
        sigma2 = self.floor2[:, None, None]
        flat = moved.flatten(-2)
        weighed = (moved @ moments.aa.unsqueeze(1)).flatten(-2)
        information = weighed @ flat.transpose(-1, -2) / sigma2
        known = flat @ misfit.flatten(-2).unsqueeze(-1) / sigma2
        before = torch.cholesky_inverse(torch.linalg.cholesky(self.covariance))
        root = torch.linalg.cholesky(before + information)
        shift = torch.cholesky_solve(known, root)
        normalised = (explained / self.floor2 - (known * shift).sum(dim=(-1, -2))) / ports**2
        self.covariance = torch.cholesky_inverse(root)
        shift = shift.squeeze(-1)
        offset = twin.parameters["offset"]
        factor = torch.ones(twin.n_banks, 1, dtype=torch.float64)
        for _ in range(self.settings.tries):
            twin.parameters["offset"] = offset + factor * shift
            now = moments.squares(twin.matrices(powers))
            worse = now > squares
            if not bool(worse.any()):
                break
            factor = torch.where(worse.unsqueeze(-1), 0.5 * factor, factor)
        n = moments.count * ports
        return Innovation(
            normalised, (squares / n).clamp_min(0).sqrt(), self.floor2.sqrt(), factor * shift
        )
