"""The optimiser of training, and its rates: a cosine that keeps up with drift."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from hil.learn.guard import Guard
from hil.learn.network import Network
from hil.learn.settings import TrainingSettings
from hil.twin.refitting import Refit

#: Drift that is believed of a refit, in units of the walk seen at the health setting: drift that
#: comes back to where it was has walked farther than it shows.
BEYOND_WALKED = 1.5
#: Most of the first rates that drift may keep training at.
MOST_LATE = 0.5


def annealed(
    network: Network, settings: TrainingSettings, steps: int, least: Callable[[], float]
) -> tuple[torch.optim.Adam, torch.optim.lr_scheduler.LambdaLR]:
    """Adam for what of a network is trained, its rates falling along a cosine in so many steps.

    least : share of the first rates that they do not fall below, asked at each step.
    """
    groups = [
        {"params": [network.gain, network.bias, network.readout], "lr": settings.electronics_rate}
    ]
    if network.powers.requires_grad:
        groups.append({"params": [network.powers], "lr": settings.power_rate})
    optimiser = torch.optim.Adam(groups, foreach=True)

    def share(step: int) -> float:
        cosine = 0.5 * (1.0 + math.cos(math.pi * step / steps))
        return max(cosine, min(least(), MOST_LATE))

    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, share)


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
