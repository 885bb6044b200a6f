"""Step `verify` of microring banks: fresh random weights asked for, set, and then measured.

Weights are set through the calibrated law, crosstalk, neighbours and leak cancelled, on the side
below the laser. Nothing is fitted: without `locked` frames nothing is corrected either; with them
the lock (`ring_lock`) pulls each setting in on a copy of what is known.
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np

from calibration.knowledge import Knowledge
from calibration.ring_lock import RingLock
from calibration.ring_precision import bits, common_range, span_gate
from calibration.setup import Setup
from calibration.step import Gate, Outcome, Watch
from calibration.sweeping import sweeping

#: Rest, s, before the first setting.
_CREEP = 1.0


class VerifyRings:
    """Precision and accuracy of a weight bank.

    settings : sets of weights. looks : frames averaged for each. locked : frames of the lock before
    them; 0: by the law alone. bits : least precision and accuracy.
    """

    name = "verify"
    needs = ("weights",)
    summary = "fresh random weights asked for, set and measured: precision and accuracy in bits"

    def __init__(
        self,
        settings: int = 12,
        looks: int = 4,
        locked: int = 8,
        least: float = 6.5,
        seed: int = 0,
    ) -> None:
        self.settings = settings
        self.looks = looks
        self.locked = locked
        self.least = least
        self.seed = seed

    async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
        """Ask, set, measure, compare."""
        known = deepcopy(knowledge)
        rng = np.random.default_rng([self.seed, setup.ports, 0x7E52])
        low, high = common_range(setup, known)
        span = span_gate(low, high)
        if not span.passed:
            return Outcome(
                (span,), (), ("nothing was asked of the rings: a step before is wanting",)
            )
        shape = (setup.n_banks, setup.ports, setup.ports)
        gain = known.value["detector_gain"][:, None]
        asked, seen, counted = [], [], []
        middle = np.clip(0.6 * setup.p_pi, setup.level_idle, setup.level_max)
        async with sweeping(setup, middle, _CREEP):
            lock = RingLock(setup, known, seed=self.seed + 1)
            for number in range(self.settings):
                weights = rng.uniform(low, high, shape)
                for _ in range(self.locked):
                    await lock.frame(weights)
                views = [
                    (await lock.frame(weights, correct=self.locked > 0))[0]
                    for _ in range(self.looks)
                ]
                asked.append(weights)
                seen.append(np.mean([view.seen for view in views], axis=0) / gain)
                counted.append(lock.setting(weights).reached & lock.moves.reshape(shape))
                watch.progress(number + 1, self.settings, "settings")
        errors, reached = np.array(seen) - np.array(asked), np.array(counted)
        found = bits(errors, reached, high - low)
        how = f"held by the lock for {self.locked} frames" if self.locked else "by the law alone"
        gates = (
            Gate("precision", found.precision, self.least, "bit", least=True),
            Gate("accuracy", found.accuracy, self.least, "bit", least=True),
        )
        notes = (
            f"weights {low:+.3f} to {high:+.3f}, {how}: errors {found.error:.4f} rms, "
            f"{found.scatter:.4f} about each ring's mean",
            f"{reached.mean():.1%} of the weights asked for are within a ring's range",
        )
        raw = {"asked": np.array(asked), "seen": np.array(seen), "counted": reached}
        return Outcome(gates, (), notes, raw)
