"""Modulation and sweeps of one channel: what comes out as a function of time.

AM leaves half the amplitude without depth, all of it at 100 %; with DSSC (suppressed carrier) none
without depth. FM, PM, FSK and BPSK turn the carrier's phase, PWM moves the width of a pulse, SUM
adds the modulating waveform. A sweep goes from start to stop, holds, and returns. Frequencies are
integrated over a table of one period, so that no shape jumps in phase.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim_backends.engine.errors import ScpiError

from .playing import Floats

SWEPT = "SWEEP"
HEADERS = {
    "AM": "AM", "FM": "FM", "PM": "PM", "FSK": "FSKey", "BPSK": "BPSK", "PWM": "PWM", "SUM": "SUM",
}  # fmt: skip
NEVER = {
    "AM": ("DC",), "FM": ("DC", "NOIS"), "PM": ("DC", "NOIS"), "FSK": ("DC", "NOIS"),
    "BPSK": ("DC", "NOIS"), "SUM": ("DC",), SWEPT: ("DC", "NOIS"),
}  # fmt: skip
"""Functions that cannot be modulated so; PWM takes pulses alone."""
_TABLE = 8192
Carrier = Callable[[Floats], Floats]
"""Turns (n,) -> values (n,) in units of full scale."""


def shape_of(word: str, turns: Floats, arb: Floats) -> Floats:
    """A modulating shape, -1 to 1, at turns (n,)."""
    part = turns % 1.0
    if word == "SIN":
        return np.sin(2.0 * np.pi * part)
    if word == "SQU":
        return np.where(part < 0.5, 1.0, -1.0)
    if word == "RAMP":
        return 2.0 * part - 1.0
    if word == "NRAM":
        return 1.0 - 2.0 * part
    if word == "TRI":
        return 1.0 - 4.0 * np.abs((part + 0.25) % 1.0 - 0.5)
    if word == "ARB":
        return arb[np.minimum((part * arb.size).astype(np.int64), arb.size - 1)]
    drawn = np.random.default_rng(7 if word == "PRBS" else 11)
    steps = np.floor(turns * (128 if word == "PRBS" else 1024)).astype(np.int64)
    if word == "PRBS":
        return np.where(drawn.random(127) < 0.5, -1.0, 1.0)[steps % 127]
    return np.clip(drawn.standard_normal(65536) / 3.3, -1.0, 1.0)[steps % 65536]


@dataclass(frozen=True)
class Integral:
    """Turns that a frequency course of `period` s adds up to, from its values (n,) in Hz."""

    period: float
    turns: Floats
    """(n + 1,) from the start of a period on"""

    @staticmethod
    def of(period: float, hertz: Floats) -> Integral:
        """Each value holds for an equal part of the period."""
        steps = np.concatenate([[0.0], np.cumsum(hertz)]) * (period / hertz.size)
        return Integral(period, steps)

    def at(self, times: Floats) -> Floats:
        """Turns (n,) at times (n,) since the first period began."""
        cycles = np.floor(times / self.period)
        part = times / self.period - cycles
        grid = np.linspace(0.0, 1.0, self.turns.size)
        return cycles * self.turns[-1] + np.interp(part, grid, self.turns)


@dataclass(frozen=True)
class Modulated:
    """A carrier under modulation, from bench time `start` (s) on."""

    start: float
    top: float
    """Highest frequency of the carrier, Hz; of an arbitrary one, of its points"""
    value: Callable[[Floats], Floats]
    """Times (n,) since the start -> values (n,) in units of full scale."""

    def at(self, times: Floats) -> Floats:
        """Values (n,) at bench times (n,); before the start what it starts with."""
        return self.value(np.maximum(times - self.start, 0.0))


def centres() -> Floats:
    """Parts of a period at which a table of a course is looked at."""
    return (np.arange(_TABLE, dtype=np.float64) + 0.5) / _TABLE


def swept(
    begin: float, end: float, seconds: float, hold: float, back: float, logarithmic: bool
) -> tuple[float, Floats]:
    """Duration in s of a sweep and its course in Hz."""
    total = seconds + hold + back
    at = centres() * total
    up = np.minimum(at / seconds, 1.0)
    down = (at - seconds - hold) / back if back > 0.0 else np.zeros(at.shape)
    part = np.where(at < seconds + hold, up, 1.0 - np.clip(down, 0.0, 1.0))
    if logarithmic:
        return total, begin * (end / begin) ** part
    return total, begin + (end - begin) * part


def once(integral: Integral, start: float) -> Carrier:
    """Turns of a course that is gone through once, and then stays at `start` Hz."""

    def turns(times: Floats) -> Floats:
        inside = integral.at(np.minimum(times, integral.period * (1.0 - 1e-12)))
        return inside + np.maximum(times - integral.period, 0.0) * start

    return turns


def hopping(rate: float, low: float, high: float) -> Integral:
    """Frequencies that take turns, half a period of `rate` (Hz) each."""
    return Integral.of(1.0 / rate, np.where(centres() < 0.5, low, high))


def unable(mode: str, function: str, sequence: bool) -> ScpiError | None:
    """The refusal of a mode for a function, if it is one; a sequence can be put to none."""
    fits = function == "PULS" if mode == "PWM" else function not in NEVER[mode]
    if fits and not sequence:
        return None
    verb = "sweep" if mode == SWEPT else "modulate"
    return ScpiError(-221, f"Settings conflict; not able to {verb} this function")
