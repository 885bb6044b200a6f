"""Step `lock`: takes hold of all rings at random weights, and renews where they stand.

What the law sets is seen first; then the lock (`ring_lock`) pulls every ring to its set-point and
holds it there. The offsets found on the way are written: this is what to run before a job.
"""

from __future__ import annotations

import numpy as np

from calibration.knowledge import Knowledge
from calibration.ring_lock import RingLock
from calibration.ring_precision import bits, common_range, span_gate
from calibration.setup import Setup
from calibration.step import Gate, Outcome, Watch
from calibration.sweeping import sweeping

#: Least precision of held weights, bit.
BITS = 6.5
#: Rest, s, before the lock begins: the model of the slow tail counts from levels held.
_CREEP = 1.0


class Lock:
    """The lock, tried.

    seconds : bench time that each set of weights is held for; the first half is for pulling in.
    sets : sets of weights, so that every ring is seen on a slope.
    """

    name = "lock"
    needs = ("weights",)
    summary = "holds all rings at random weights against drift; where resonances stand now"

    def __init__(self, seconds: float = 1.5, sets: int = 4, seed: int = 0) -> None:
        self.seconds = seconds
        self.sets = sets
        self.seed = seed

    async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
        """Lock, hold, and write offsets."""
        rng = np.random.default_rng([self.seed, setup.ports, 0x10CC])
        low, high = common_range(setup, knowledge)
        span = span_gate(low, high)
        if not span.passed:
            return Outcome(
                (span,), (), ("nothing was asked of the rings: a step before is wanting",)
            )
        shape = (setup.n_banks, setup.ports, setup.ports)
        first, last, counted = [], [], []
        moved = 0.0
        async with sweeping(setup, _middle(setup), _CREEP):
            lock = RingLock(setup, knowledge, seed=self.seed)
            for number in range(self.sets):
                weights = rng.uniform(low, high, shape)
                held = await lock.hold(weights, self.seconds, least=8)
                moved = float(held.moved[-1])
                late = slice(len(held.errors) // 2, None)
                first.append(held.errors[0])
                last.append(held.errors[late].mean(axis=0))
                counted.append(lock.setting(weights).reached & lock.moves.reshape(shape))
                watch.progress(number + 1, self.sets, "sets of weights")
        known = np.array(counted)
        before = bits(np.array(first), known, high - low)
        after = bits(np.array(last), known, high - low)
        gates = (
            Gate("precision of held weights", after.precision, BITS, "bit", least=True),
            Gate("accuracy of held weights", after.accuracy, BITS, "bit", least=True),
        )
        notes = (
            f"weights {low:+.3f} to {high:+.3f}: set by the law {before.accuracy:.2f} bit, held "
            f"{after.accuracy:.2f} bit ({after.error:.4f} rms, as seen)",
            f"resonances stand {moved:.4f} half-widths rms off where the record had them",
        )
        return Outcome(gates, (), notes, {"first": np.array(first), "held": np.array(last)})


def _middle(setup: Setup) -> np.ndarray:
    return np.clip(np.full(setup.level_max.shape, 0.6 * setup.p_pi),
                   setup.level_idle, setup.level_max)  # fmt: skip
