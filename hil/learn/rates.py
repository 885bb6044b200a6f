"""The optimiser of training, and its rates: a cosine that keeps up with drift."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from hil.learn.guard import Guard
from hil.learn.network import Network
from hil.learn.settings import TrainingSettings
from hil.twin.refitting import Refit

#: Drift that is believed of a refit, in units of the walk seen at the health setting: drift that
#: comes back to where it was has walked farther than it shows.
BEYOND_WALKED = 1.5
#: Most of the first rates that drift may keep training at.
MOST_LATE = 0.5


class Rates:
    """Adam for what of a network is trained, its rates falling along a cosine.

    Parameters
    ----------
    steps : in which they fall to zero.
    least : share of the first rates that they do not fall below, asked at each step.
    """

    def __init__(
        self,
        network: Network,
        settings: TrainingSettings,
        steps: int,
        least: Callable[[], float],
    ) -> None:
        electronics = [network.gain, network.bias, network.readout]
        groups = [{"params": electronics, "lr": settings.electronics_rate}]
        if network.powers.requires_grad:
            groups.append({"params": [network.powers], "lr": settings.power_rate})
        self.optimiser = torch.optim.Adam(groups, foreach=True)
        self._steps, self._least = steps, least
        self._annealing = torch.optim.lr_scheduler.LambdaLR(self.optimiser, self._share)

    @property
    def steps(self) -> int:
        """Steps for which the rates have been annealed."""
        return self._annealing.last_epoch

    @steps.setter
    def steps(self, steps: int) -> None:
        self._annealing.last_epoch = steps

    def learn(self, loss: Tensor) -> None:
        """One step down the gradient of a loss; the rates stay."""
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()

    def anneal(self) -> None:
        """The rates of the next batch."""
        self._annealing.step()

    def _share(self, step: int) -> float:
        cosine = 0.5 * (1.0 + math.cos(math.pi * step / self._steps))
        return max(cosine, min(self._least(), MOST_LATE))


def drift_share(settings: TrainingSettings, refit: Refit | None, guard: Guard | None) -> float:
    """The steps that keep up with the drift, as a share of the first ones."""
    if refit is None:
        return 0.0
    drift = refit.drift
    walked = None if guard is None else guard.watch.walked
    if walked is not None:
        # A refit may take errors of its law for drift; a setting that is read again cannot.
        drift = min(drift, BEYOND_WALKED * walked)
    return settings.follow * drift / (math.pi * settings.power_rate)
