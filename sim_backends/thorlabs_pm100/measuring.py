"""Measuring: what is configured, a measurement under way, its value, and the zero.

A measurement takes 3 ms a sample; FETCh? waits for the one under way (the PM100D manual: *OPC? is
answered when it is back in idle).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.operations import Deferred, Operation
from sim_backends.engine.writing import nr3

from .sensor import TEMPERATURE

if TYPE_CHECKING:
    from .meter import ThorlabsPm100

SAMPLE = 3e-3
"""s a sample (PM100D manual, SENSe:AVERage:COUNt)."""
RANGES = tuple(5e-8 * 10.0**n for n in range(6))
"""Ends of the current ranges, A."""
ZEROING = 2.5
"""s that taking the zero takes."""
AVAILABLE = 512
"""Of STATus:OPERation: a measurement can be fetched."""
NUMBER = nr3(6, signed=False)
QUIETER = 3.0
"""By how much the low bandwidth of a photodiode's input lessens the noise."""
_OVER = 1.05
"""What a range still shows, over its end."""


class Measuring:
    """The measuring side of a meter."""

    def __init__(self, meter: ThorlabsPm100, seed: int) -> None:
        self._meter = meter
        self._random = np.random.default_rng(np.random.SeedSequence([seed, 0x9100]))
        # The amplifier's own offset, a little different in each meter.
        self._offset = 1e-11 * float(self._random.standard_normal())
        self.configured = "POW"
        self.auto = True
        self.range = RANGES[-1]
        self.zero = 0.0
        self._running: Operation | None = None
        self._zeroing: Operation | None = None
        self._value: float | None = None
        self._waiting: list[Callable[[], None]] = []

    # -- the trigger model ------------------------------------------------------------------------

    def configure(self, what: str) -> None:
        """CONFigure: what is measured from now on; what was measured is forgotten."""
        self._needs(what)
        self.abort()
        self.configured = what
        self._forget()

    def initiate(self) -> None:
        """INITiate. Raises `ScpiError` -213 while one is under way."""
        if self._running is not None:
            raise ScpiError(-213)
        if self._zeroing is not None:
            raise ScpiError(-221)
        self._needs(self.configured)
        self._forget()
        seconds = SAMPLE * self._meter.settings.value("count")
        self._running = self._meter.operations.begin_for(seconds, self._finish)

    def abort(self) -> None:
        """ABORt: idle, without a value."""
        if self._running is not None:
            running, self._running = self._running, None
            running.finish()
            self._answer()

    def fetch(self) -> str | Deferred:
        """FETCh?: the value, or the one that is on its way."""
        if self._running is None:
            return self._told()
        held = Deferred()

        def answer() -> None:
            try:
                held.resolve(self._told())
            except ScpiError as failure:
                held.fail(failure)

        self._waiting.append(answer)
        return held

    def read(self) -> str | Deferred:
        """READ?: a new measurement, and its value."""
        self.abort()
        self.initiate()
        return self.fetch()

    def measure(self, what: str) -> str | Deferred:
        """MEASure:...?"""
        self.configure(what)
        return self.read()

    def _finish(self) -> None:
        self._running = None
        self._value = self._measured()
        self._meter.status.operation.set(AVAILABLE, True)
        self._answer()

    def _answer(self) -> None:
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            answer()

    def _forget(self) -> None:
        self._value = None
        self._meter.status.operation.set(AVAILABLE, False)

    def _told(self) -> str:
        if self._value is None:
            raise ScpiError(-230)
        return NUMBER(self._value)

    # -- values -----------------------------------------------------------------------------------

    def _needs(self, what: str) -> None:
        sensor = self._meter.sensor
        if sensor is None:
            raise ScpiError(-241)
        if what in ("ENER", "EDEN") or (what in ("TEMP", "RES") and not sensor.flags & TEMPERATURE):
            raise ScpiError(-241)

    def _measured(self) -> float:
        what, power = self.configured, self.power
        if what == "POW":
            return self._told_power(power)
        if what == "PDEN":
            return power / (math.pi / 4.0 * (0.1 * self._meter.settings.value("beam")) ** 2)
        if what == "CURR":
            return self._amps() - self._reference("CURRent")
        if what == "TEMP":
            return 25.0 + 0.02 * float(self._random.standard_normal())
        if what == "RES":
            return 10e3 * (1.0 + 1e-4 * float(self._random.standard_normal()))
        return 0.0  # VOLT, FREQ: no voltage at a photodiode's input, no modulation

    def _reference(self, quantity: str) -> float:
        """What a delta is taken from, W or A; 0 where the readings are absolute."""
        settings = self._meter.settings
        return settings.value(f"{quantity} reference") * settings.on(f"{quantity} relative")

    def _told_power(self, power: float) -> float:
        """In the unit that is set: a power, or a delta (in dB where the unit is dBm)."""
        reference = self._reference("POWer")
        if self._meter.settings.word("unit") == "W" or not math.isfinite(power):
            return power - reference
        base = reference if self._meter.settings.on("POWer relative") else 1e-3
        return 10.0 * math.log10(power / base) if min(power, base) > 0.0 else math.nan

    @property
    def power(self) -> float:
        """A reading of the power, W; infinite above the range."""
        amps = self._amps()
        if not math.isfinite(amps):
            return amps
        gain = 10.0 ** (self._meter.settings.value("loss") / 10.0)
        return amps / self._meter.response * gain

    def _true_amps(self) -> float:
        sensor, light = self._meter.sensor, self._meter.light
        assert sensor is not None
        return light.power * sensor.response(light.wavelength) + sensor.dark + self._offset

    def _amps(self) -> float:
        true = self._true_amps()
        if self.auto:
            self.range = next((end for end in RANGES if true <= end), RANGES[-1])
        if true > _OVER * self.range:
            return math.inf
        count = self._meter.settings.value("count")
        noise = (1e-5 * self.range + 3e-12) / math.sqrt(count)
        if self._meter.settings.on("filter"):
            noise /= QUIETER
        return true - self.zero + noise * float(self._random.standard_normal())

    # -- ranges -----------------------------------------------------------------------------------

    def set_range(self, amps: float) -> None:
        """The smallest range that holds so much; ends automatic ranging."""
        if not 0.0 <= amps <= RANGES[-1] * (1.0 + 1e-6):
            raise ScpiError(-222)
        self.range = next(end for end in RANGES if amps <= end * (1.0 + 1e-6))
        self.auto = False

    # -- the zero ---------------------------------------------------------------------------------

    @property
    def zeroing(self) -> bool:
        """Whether the zero is being taken."""
        return self._zeroing is not None

    def take_zero(self) -> None:
        """Begin to take the zero. Raises `ScpiError` -221 while a measurement or a zero goes on."""
        self._needs("POW")
        if self._running is not None or self._zeroing is not None:
            raise ScpiError(-221)
        self._zeroing = self._meter.operations.begin_for(ZEROING, self._zeroed)

    def abort_zero(self) -> None:
        """Leave the zero as it was."""
        if self._zeroing is not None:
            zeroing, self._zeroing = self._zeroing, None
            zeroing.finish()

    def _zeroed(self) -> None:
        self._zeroing = None
        self.zero = self._true_amps() + 1e-12 * float(self._random.standard_normal())

    def reset(self) -> None:
        """*RST: power, automatic ranging; the zero stays."""
        self.abort()
        self.abort_zero()
        self.configured, self.auto = "POW", True
        self._forget()
