"""The control loop, ten times a second: ramp, PID, limits, stability."""

from __future__ import annotations

from dataclasses import dataclass, field

STEP = 0.1
"""s between two rounds of the loop: the vendor's 10 Hz."""
SLOWEST = 0.1
"""Share of the ramp's slope that is left at the target; how the real device slows down within the
proximity width is not in the sources.
"""


@dataclass
class Settings:
    """What a round of the loop needs to know."""

    target: float
    proximity: float
    slope: float
    gain: float
    integration: float
    differential: float
    amps_limit: float
    volts_limit: float
    window: float
    time: float


@dataclass
class Regulator:
    """State of the loop. Positive output cools."""

    ramp: float | None = None
    stable_for: float = 0.0
    _integral: float = field(default=0.0, repr=False)
    _last_error: float | None = field(default=None, repr=False)

    def stop(self) -> None:
        """The output has been switched off: the next start begins where the object is."""
        self.ramp = None
        self.stable_for = 0.0
        self._integral = 0.0
        self._last_error = None

    def round(self, measured: float, settings: Settings) -> float:
        """One round; returns the current to drive, A, before the voltage limit."""
        if self.ramp is None:
            self.ramp = measured
        left = settings.target - self.ramp
        slope = settings.slope
        if settings.proximity > 0.0:
            slope *= min(1.0, max(SLOWEST, abs(left) / settings.proximity))
        most = slope * STEP
        self.ramp += max(-most, min(most, left))
        error = measured - self.ramp
        slope_of_error = 0.0 if self._last_error is None else (error - self._last_error) / STEP
        self._last_error = error
        gain = settings.gain / 100.0
        integral = self._integral + gain * error * STEP / settings.integration
        wanted = gain * (error + settings.differential * slope_of_error) + integral
        if abs(wanted) <= 1.0 or wanted * error < 0.0:
            self._integral = min(1.0, max(-1.0, integral))  # held while the output is at its limit
        share = min(1.0, max(-1.0, wanted))
        near = abs(measured - settings.target) < settings.window
        self.stable_for = self.stable_for + STEP if near else 0.0
        return share * settings.amps_limit

    def stable(self, measured: float, settings: Settings) -> bool:
        """Whether the temperature is near the target, and has been for long enough."""
        near = abs(measured - settings.target) < settings.window
        return near and self.stable_for > 0.0 and self.stable_for >= settings.time
