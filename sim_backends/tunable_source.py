"""The light of a tunable laser: warm-up, levelling, tuning, and who is told of it.

Not any vendor's numbers: a diode that takes a second or two to lase, a control loop that settles in
tenths of a second, a motor that tunes at a finite rate, and less power at the ends of the range.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np


class Emission(NamedTuple):
    """What leaves the laser: power (W), wavelength (m), and whether it is meant to."""

    power: float
    wavelength: float
    on: bool


Listener = Callable[[Emission], None]
"""Told each time that the light changes: when it is switched, tuned or set, and once settled."""


def dbm_to_watts(dbm: float) -> float:
    """Power in W of a level in dBm."""
    return 1e-3 * 10.0 ** (dbm / 10.0)


def watts_to_dbm(watts: float) -> float:
    """Level in dBm of a power in W; -100 dBm for anything below 1e-13 W."""
    return 10.0 * math.log10(max(watts, 1e-13) / 1e-3)


@dataclass
class TunableSource:
    """A diode in a tunable cavity, a shutter behind it.

    `low`, `high`: range in m; `peak_dbm`: most it gives in the middle of the range. `blocked`
    stands for whatever else keeps the light in (an interlock, a lock). Times in s, `tuning_rate` in
    m/s.
    """

    now: Callable[[], float]
    low: float
    high: float
    peak_dbm: float = 13.0
    edge_loss_db: float = 3.0
    start_time: float = 1.5
    levelling: float = 0.1
    tuning_rate: float = 100e-9
    tuning_floor: float = 0.05
    seed: int = 0
    listeners: list[Listener] = field(default_factory=list)
    blocked: bool = False
    sweeping: Callable[[], float | None] = field(default=lambda: None)
    """The wavelength of a sweep under way, m."""
    before_change: Callable[[], None] = field(default=lambda: None)
    """Called when the light is about to be switched, set or tuned."""

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(np.random.SeedSequence([self.seed, 0x7A5E]))
        # A laser is a few pm off, the same every day.
        self.error = 2e-12 * float(self._random.standard_normal())
        self._diode_since: float | None = None
        self._shutter_open = False
        self._level = dbm_to_watts(0.0)
        self._changed = -math.inf
        self._before = self._level
        self._set = self._from = 0.5 * (self.low + self.high)
        self._tuned_at = -math.inf

    # -- settings ---------------------------------------------------------------------------------

    @property
    def diode(self) -> bool:
        """Whether the diode is driven."""
        return self._diode_since is not None

    def drive(self, on: bool) -> float:
        """Switch the diode; the s until the light has settled."""
        self.before_change()
        if on and self._diode_since is None:
            self._diode_since = self.now()
        elif not on:
            self._diode_since = None
        return self._tell(self.start_time + 7.0 * self.levelling if on else 0.0)

    @property
    def shutter_open(self) -> bool:
        """Whether light can leave."""
        return self._shutter_open

    def open_shutter(self, is_open: bool) -> None:
        """Open or close the shutter."""
        self.before_change()
        self._shutter_open = is_open
        self._tell(0.0)

    def block(self, blocked: bool) -> None:
        """Something else keeps the light in, or no more."""
        self.before_change()
        self.blocked = blocked
        self._tell(0.0)

    def set_level(self, watts: float) -> float:
        """Set the level; the s until it has settled."""
        self.before_change()
        self._before, self._changed = self._levelled(), self.now()
        self._level = watts
        return self._tell(7.0 * self.levelling)

    def tune(self, wavelength: float) -> float:
        """Set the wavelength (m); the s until it is there."""
        self.before_change()
        self._from, self._tuned_at = self.setting_now, self.now()
        self._set = wavelength
        return self._tell(self.tuning_time(self._from, wavelength))

    def leave_at(self, wavelength: float) -> None:
        """A sweep has let go of the cavity at this wavelength (m)."""
        self._from = self._set = wavelength
        self._tuned_at = -math.inf

    def tuning_time(self, begin: float, end: float) -> float:
        """The s from one wavelength (m) to another."""
        return self.tuning_floor + abs(end - begin) / self.tuning_rate

    # -- the light --------------------------------------------------------------------------------

    @property
    def setting_now(self) -> float:
        """The wavelength that the cavity is tuned to by now, without its error, m."""
        swept = self.sweeping()
        if swept is not None:
            return swept
        whole = self.tuning_time(self._from, self._set)
        part = min(1.0, (self.now() - self._tuned_at) / whole)
        return self._from + (self._set - self._from) * part

    @property
    def wavelength(self) -> float:
        """The wavelength of the light, m."""
        return self.setting_now + self.error

    @property
    def power(self) -> float:
        """The power that leaves, W."""
        return self.power_inside if self._shutter_open else 0.0

    @property
    def power_inside(self) -> float:
        """The power in front of the shutter, W: what a built-in monitor sees."""
        if self._diode_since is None or self.blocked:
            return 0.0
        running = self.now() - self._diode_since - self.start_time
        if running <= 0.0:
            return 0.0
        started = 1.0 - math.exp(-running / self.levelling)
        return min(self._levelled() * started, self.available(self.setting_now))

    def available(self, wavelength: float) -> float:
        """The most power at a wavelength (m), W: `edge_loss_db` less at the ends of the range."""
        middle, half = 0.5 * (self.low + self.high), 0.5 * (self.high - self.low)
        off = (wavelength - middle) / half
        return dbm_to_watts(self.peak_dbm - self.edge_loss_db * off * off)

    def available_between(self, begin: float, end: float) -> float:
        """The most power that can be held from one wavelength (m) to another, W."""
        return min(self.available(begin), self.available(end))

    @property
    def emission(self) -> Emission:
        """The light as of now."""
        power = self.power
        return Emission(power, self.wavelength, power > 0.0)

    def noisy(self, watts: float) -> float:
        """A reading of the built-in monitor, good to 0.2 %, W."""
        return watts * (1.0 + 0.002 * float(self._random.standard_normal()))

    def logged(self, wavelengths: np.ndarray, spread: float = 3e-13) -> np.ndarray:
        """What the built-in wavelength meter logs at these wavelengths (n,), m."""
        return wavelengths + self.error + spread * self._random.standard_normal(wavelengths.shape)

    def changed(self) -> None:
        """The light has changed for a reason of the instrument's (a sweep begins or ends)."""
        self._tell(0.0)

    def _levelled(self) -> float:
        passed = (self.now() - self._changed) / self.levelling
        return self._level + (self._before - self._level) * math.exp(-max(passed, 0.0))

    def _tell(self, settles: float) -> float:
        for listener in self.listeners:
            listener(self.emission)
        if settles > 0.0 and self.listeners:
            asyncio.get_running_loop().call_later(settles, self._tell, 0.0)
        return settles
