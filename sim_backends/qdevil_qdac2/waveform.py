"""The waveform generators of an output: sine, square, triangle and AWG, added to its DC.

All run side by side. Words of the commands are the maker's driver's. Our own choice: limits and
defaults, that a generator adds nothing before its start, after its last period and while it is
stopped, that a change of its settings acts at once, and where a waveform begins: a sine at its
offset, rising; a square high; a triangle low.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

ENDLESS = -1
SAMPLE = 1e-6
"""s of a value of the AWG: the generators run at 1 MS/s."""
KINDS = ("SIN", "SQU", "TRI", "AWG")


@dataclass
class Wave:
    """One of the four generators of one output."""

    kind: str
    trace: Callable[[str], np.ndarray] = field(repr=False, default=lambda name: np.zeros(0))
    """The values of a trace, for the AWG."""
    frequency: float = 1000.0
    duty: float = 50.0
    form: str = "SYMM"
    """Of a square: SYMM, POS or NEG of its offset."""
    inverted: bool = False
    span: float = 0.2
    offset: float = 0.0
    slew: float = math.inf
    """V/s, which is told and not kept to"""
    delay: float = 0.0
    count: int = ENDLESS
    name: str = ""
    scale: float = 1.0
    trigger: str = "IMM"
    continuous: bool = False
    armed: bool = False
    markers: dict[str, int] = field(default_factory=dict)
    since: float | None = None
    """Bench time of its start, s"""
    told: tuple[int, bool] | None = None

    @property
    def period(self) -> float:
        """S of one period; of the AWG's trace."""
        if self.kind == "AWG":
            return max(1, self.trace(self.name).size) * SAMPLE
        return 1.0 / self.frequency

    def periods(self, now: float) -> int:
        """Periods that have been played, -1 before the first."""
        if self.since is None or now < self.since:
            return -1
        return math.floor((now - self.since) / self.period * (1.0 + 1e-12) + 1e-9)

    def runs(self, now: float) -> bool:
        """Whether it adds anything now."""
        done = self.periods(now)
        return done >= 0 and (self.count == ENDLESS or done < self.count)

    def ended(self, now: float) -> bool:
        """Whether it has played all that it was to."""
        return self.since is not None and self.count not in (ENDLESS, 0) and (
            self.periods(now) >= self.count
        )  # fmt: skip

    def left(self, now: float) -> int:
        """Periods still to be played, the present one among them."""
        if self.since is None or self.count == ENDLESS:
            return ENDLESS if self.since is not None else 0
        return max(0, self.count - max(0, self.periods(now)))

    # -- what it adds -----------------------------------------------------------------------------

    def value(self, now: float) -> float:
        """V at this moment."""
        if not self.runs(now):
            return 0.0
        assert self.since is not None
        turn = ((now - self.since) / self.period) % 1.0
        if self.kind == "AWG":
            points = self.trace(self.name)
            place = min(int(turn * points.size + 1e-6), points.size - 1)
            return self.offset + self.scale * float(points[place]) if points.size else 0.0
        shape = self._shape(turn)
        return self.offset + 0.5 * self.span * (-shape if self.inverted else shape) + self._shift()

    def _shape(self, turn: float) -> float:
        """-1 to 1 at a part of the period."""
        high = 0.01 * self.duty
        if self.kind == "SIN":
            return math.sin(2.0 * math.pi * turn)
        if self.kind == "SQU":
            return 1.0 if turn < high else -1.0
        if turn < high:
            return 2.0 * turn / high - 1.0
        return 1.0 - 2.0 * (turn - high) / (1.0 - high)

    def _shift(self) -> float:
        """V by which a square of one side is moved."""
        return 0.5 * self.span * {"SYMM": 0.0, "POS": 1.0, "NEG": -1.0}[self.form]

    def effective(self, now: float) -> tuple[float, float]:
        """Mean in V and variance in V^2 over a period, where it runs."""
        if not self.runs(now):
            return 0.0, 0.0
        if self.kind == "AWG":
            points = self.trace(self.name)
            if not points.size:
                return 0.0, 0.0
            return self.offset + self.scale * float(points.mean()), self.scale**2 * points.var()
        half, high = 0.5 * self.span, 0.01 * self.duty
        if self.kind == "SQU":
            mean = (2.0 * high - 1.0) * (-half if self.inverted else half)
            return self.offset + mean + self._shift(), 4.0 * half**2 * high * (1.0 - high)
        return self.offset, half**2 / (2.0 if self.kind == "SIN" else 3.0)

    # -- starting ---------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """From its first period on, after its delay."""
        self.since, self.told = now + self.delay, None

    def initiate(self, now: float) -> None:
        """Start at once, or be ready for the trigger."""
        if self.trigger == "IMM":
            self.start(now)
        else:
            self.armed = True

    def repeat(self, on: bool) -> None:
        """Be ready for the trigger again and again; or no more after the next one."""
        self.continuous = on
        self.armed |= on

    def triggered(self, source: str, now: float) -> None:
        """A trigger of some source has come."""
        if source == self.trigger and self.armed:
            self.armed = self.continuous
            self.start(now)

    def abort(self) -> None:
        """Add nothing more, and wait for no trigger."""
        self.armed, self.since = False, None

    def passed(self, now: float) -> list[int]:
        """Internal triggers of what has come since the last time, in order."""
        here = (self.periods(now), self.ended(now))
        if self.since is None or here[0] < 0:
            return []
        before, self.told = self.told, here
        names = ["START", "PSTART"] if before is None else []
        if before is not None and here[0] != before[0] and not before[1]:
            names = ["PEND"] if here[1] else ["PEND", "PSTART"]
        if here[1] and not (before and before[1]):
            names += ["END"]
        return [number for name in names if (number := self.markers.get(name, 0))]
