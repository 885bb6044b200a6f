"""What comes out of a channel: its DC generator and its waveform generators together.

The loads are told steps. A waveform is followed in 32 steps a period as long as these last 50 us or
more; a faster one is given to them by its effective value, which is what a heater feels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .waveform import Wave

STEPS = 32
FINEST = 50e-6
"""s of the shortest step that the loads are told."""


@dataclass(frozen=True)
class Mixed:
    """V at this moment, or the mean of what is too fast; V^2 of variance about it."""

    mean: float
    variance: float = 0.0

    @property
    def effective(self) -> float:
        """V that heat as much."""
        if not self.variance:
            return self.mean
        return math.copysign(math.sqrt(self.mean**2 + self.variance), self.mean or 1.0)


def followed(wave: Wave) -> bool:
    """Whether a waveform is slow enough to be told in steps."""
    return wave.period >= STEPS * FINEST


def mixed(constant: float, waves: Sequence[Wave], now: float, full: float) -> Mixed:
    """A channel whose DC generator gives `constant` V, within +-`full` V, where it ends."""
    mean, variance = constant, 0.0
    for wave in waves:
        if wave.since is None:
            continue
        if followed(wave):
            mean += wave.value(now)
        else:
            part, spread = wave.effective(now)
            mean, variance = mean + part, variance + spread
    mean = min(max(mean, -full), full)
    return Mixed(mean, min(variance, full**2 - mean**2))


def next_step(wave: Wave, now: float) -> float | None:
    """Seconds until a waveform should be looked at again, None where it rests."""
    if wave.since is None or wave.ended(now):
        return None
    if now < wave.since:
        return wave.since - now + 1e-9
    end = math.inf if wave.count < 0 else wave.since + wave.count * wave.period - now
    if not followed(wave):
        # Only its end changes anything, and its markers.
        left = min(end, 1e-3) if wave.markers else end
        return None if math.isinf(left) else max(left, 0.0) + 1e-9
    if wave.kind == "SQU":
        turn = (now - wave.since) / wave.period
        high = 0.01 * wave.duty
        part = turn - math.floor(turn + 1e-9)
        left = ((high if part < high - 1e-9 else 1.0) - part) * wave.period
        return min(left, end) + 1e-9
    return min(wave.period / STEPS, end) + 1e-9
