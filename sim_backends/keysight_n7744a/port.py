"""One port: its detector, range, averaging, and its data acquisition function."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sim_backends.engine.errors import ScpiError

Floats = NDArray[np.float64]
RANGES_DBM = (-30.0, -20.0, -10.0, 0.0, 10.0)
OVER_RANGE = 9.9e37
"""What a reading above 1.9999 times the range is told as."""
HEADROOM = 1.9999
NO_POWER_DBM = -200.0
#: Of the range, rms, averaged over a microsecond; and W that no averaging removes.
_NOISE, _FLOOR = 2e-4, 1e-12
LOGGING, MINMAX, NONE = "LOGGING_STABILITY", "MINMAX", "NONE"


class Light(Protocol):
    """What falls on the ports."""

    def watts(self, port: int, start: float, step: float, count: int) -> Floats:
        """Mean power (count,) in W at a port (from 1) in windows of `step` s from bench time
        `start` on.
        """
        ...


def watts_of(dbm: float) -> float:
    """W of a range in dBm."""
    return 1e-3 * 10.0 ** (0.1 * dbm)


class Port:
    """Port `number`. `noise` scales its noise, `offset` is what zeroing removes, W."""

    def __init__(self, number: int, light: Light, seed: int, noise: float, offset: float) -> None:
        self.number = number
        self._light = light
        self._noise = noise
        self._offset = offset
        self._random = np.random.default_rng(np.random.SeedSequence([seed, 0x7744, number]))
        self._zero = 0.0
        self.dead = False
        """Its detector sees nothing."""
        self.reset()

    def reset(self) -> None:
        """*RST; the zero stays."""
        self.range_dbm = 10.0
        self.automatic = True
        self.averaging = 0.2
        self.in_watts = False
        self.correction = 0.0
        self.reference = 0.0
        self.relative = False
        self.stop()
        self.last: float | None = None
        self.values: Floats = np.empty(0)

    # -- one reading ------------------------------------------------------------------------------

    def measure(self, start: float, step: float, count: int = 1) -> Floats:
        """Readings (count,) in W of windows of `step` s from `start` on; over-range as 9.9E37."""
        seen = self._seen(start, step, count) + self._offset - self._zero
        full = watts_of(self.range_dbm)
        if self.automatic and count == 1:
            full = self._choose(float(seen[0]))
        over = seen > HEADROOM * full
        sigma = self._noise * math.hypot(full * _NOISE * math.sqrt(1e-6 / step), _FLOOR)
        readings = seen + sigma * self._random.standard_normal(count)
        readings *= 10.0 ** (0.1 * self.correction)
        readings[over] = OVER_RANGE
        return readings

    def _seen(self, start: float, step: float, count: int) -> Floats:
        return np.zeros(count) if self.dead else self._light.watts(self.number, start, step, count)

    def _choose(self, watts: float) -> float:
        fitting = (dbm for dbm in RANGES_DBM if watts <= HEADROOM * watts_of(dbm))
        self.range_dbm = next(fitting, RANGES_DBM[-1])
        return watts_of(self.range_dbm)

    def told(self, watts: Floats) -> Floats:
        """Readings (n,) in the unit that is set."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.relative:
                shown = 10.0 * np.log10(watts / watts_of(self.reference))
            elif self.in_watts:
                return watts
            else:
                shown = 10.0 * np.log10(watts * 1e3)
        shown = np.where(watts > 0.0, shown, NO_POWER_DBM)
        return np.where(watts >= 0.99 * OVER_RANGE, OVER_RANGE, shown)

    def zero(self, at: float) -> bool:
        """Take what is there now for nothing; False where it is too much to be dark."""
        dark = float(self._seen(at, 1e-3, 1)[0])
        if dark > watts_of(-60.0):
            return False
        self._zero = self._offset + dark
        return True

    # -- functions --------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether a function takes data."""
        return self.function != NONE and not self.complete

    @property
    def complete(self) -> bool:
        """Whether a function has taken all its data."""
        return self.function == LOGGING and self._taken >= self._count

    @property
    def taken(self) -> int:
        """Samples that the function has."""
        return self._taken

    def begin(
        self, function: str, count: int, averaging: float, period: float, mode: str, now: float
    ) -> None:
        """Start a function: `count` samples, `period` s from one to the next; at once, at the
        first trigger (CME, MME) or one sample a trigger (SME).
        """
        self.function = function
        self.automatic = False
        self._count, self._average, self._period = count, averaging, period
        self._single = mode == "SME"
        self._taken = 0
        self._ready = now if mode == "IGN" else math.inf
        self._busy_until = now
        self._starts: list[float] = []
        self.values = np.zeros(count)
        self._extremes: list[float] = []

    def stop(self) -> None:
        """End the function; what it has taken can still be read."""
        if getattr(self, "function", NONE) == LOGGING:
            self.values = self.values[: self._taken]
        self.function = NONE
        self._count = self._taken = 0

    def trigger(self, start: float) -> None:
        """A trigger that counts from bench time `start` on; one during a sample is lost."""
        if not self.running:
            return
        if not self._single:
            self._ready = min(self._ready, start)
        elif start >= self._busy_until and self._taken + len(self._starts) < self._count:
            self._starts.append(start)
            self._busy_until = start + self._average

    def collect(self, now: float) -> None:
        """Take the samples whose windows have ended by `now`."""
        if not self.running:
            return
        if self.function == MINMAX:
            self._watch(now)
        elif self._single:
            while self._starts and self._starts[0] + self._average <= now:
                start = self._starts.pop(0)
                self.values[self._taken] = self.measure(start, self._average)[0]
                self._taken += 1
        elif now >= self._ready:
            done = math.floor((now - self._ready - self._average) / self._period + 1.0 + 1e-9)
            fresh = min(done, self._count) - self._taken
            if fresh > 0:
                self._take(fresh)

    def _take(self, fresh: int) -> None:
        begin = self._ready + self._taken * self._period
        until = self._taken + fresh
        if math.isclose(self._period, self._average):
            self.values[self._taken : until] = self.measure(begin, self._average, fresh)
        else:
            for at in range(fresh):
                reading = self.measure(begin + at * self._period, self._average)
                self.values[self._taken + at] = reading[0]
        self._taken = until

    def _watch(self, now: float) -> None:
        done = math.floor((now - self._ready) / self._average) if now >= self._ready else 0
        fresh = min(done - self._taken, 100_000)
        if fresh > 0:
            begin = self._ready + self._taken * self._average
            seen = self.measure(begin, self._average, fresh)
            self._extremes = [
                min([*self._extremes[:1], float(seen.min())]),
                max([*self._extremes[1:], float(seen.max())]),
            ]
            self._taken = done

    def result(self) -> Floats:
        """What the last function has taken, (n,) in W. Raises `ScpiError` -231 if nothing."""
        if self.function == MINMAX:
            found = np.array(self._extremes)
        else:
            found = self.values[: self._taken] if self.function == LOGGING else self.values
        if not found.size:
            raise ScpiError(-231)
        return found
