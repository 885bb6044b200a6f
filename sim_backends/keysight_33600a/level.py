"""Amplitude, offset and load of one channel: what is shown, and the volts behind 50 ohm.

The generator believes in a load and shows the volts there: twice as many into an open circuit as
into 50 ohm. A change of the load changes what is shown, not what comes out.
"""

from __future__ import annotations

import math

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import number

SOURCE = 50.0
MOST_EMF = 10.0
"""V, largest magnitude behind 50 ohm: 5 V into 50 ohm."""
LEAST_EMF_PP = 2e-3
CRESTS = {
    "SIN": 2.0 * math.sqrt(2.0), "SQU": 2.0, "PULS": 2.0, "PRBS": 2.0,
    "TRI": 2.0 * math.sqrt(3.0), "RAMP": 2.0 * math.sqrt(3.0), "NOIS": 6.6,
}  # fmt: skip
"""Peak to peak over rms."""
UNITS = ("VPP", "VRMS", "DBM")


def clipped(upper: bool) -> ScpiError:
    """A value was taken at the limit."""
    which = "upper" if upper else "lower"
    return ScpiError(-222, f"Data out of range; value clipped to {which} limit")


class Level:
    """One channel's level."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """100 mVpp into 50 ohm, no offset."""
        self.emf_pp = 0.2
        self.emf_offset = 0.0
        self.load = SOURCE
        self.unit = "VPP"
        self.crest = CRESTS["SIN"]
        self.auto_range = True
        self.limited = False
        self.emf_lowest, self.emf_highest = -MOST_EMF, MOST_EMF

    @property
    def window(self) -> tuple[float, float]:
        """Lowest and highest V behind 50 ohm that may come out: VOLTage:LIMit, or all it can."""
        if self.limited:
            return self.emf_lowest, self.emf_highest
        return -MOST_EMF, MOST_EMF

    def limit(self, on: bool, swing: bool = True) -> None:
        """VOLTage:LIMit:STATe. Raises `ScpiError` -221 where what comes out is outside already."""
        half = 0.5 * self.emf_pp if swing else 0.0
        low, high = self.emf_offset - half, self.emf_offset + half
        spare = 1e-9 * MOST_EMF
        if on and not self.emf_lowest - spare <= low <= high <= self.emf_highest + spare:
            raise ScpiError(-221, "Settings conflict; output exceeds the voltage limits")
        self.limited = on

    def set_limit(self, volts: float, *, highest: bool, swing: bool = True) -> None:
        """Move the upper or lower limit (V shown); raises `ScpiError` -221 for one below the other,
        or, while limits are on, within what comes out.
        """
        was = self.emf_lowest, self.emf_highest
        emf = volts / self.share
        self.emf_lowest, self.emf_highest = (was[0], emf) if highest else (emf, was[1])
        try:
            if self.emf_lowest > self.emf_highest:
                raise ScpiError(-221, "Settings conflict; the voltage limits are crossed")
            self.limit(self.limited, swing)
        except ScpiError:
            self.emf_lowest, self.emf_highest = was
            raise

    @property
    def share(self) -> float:
        """Volts shown over volts behind 50 ohm."""
        return 1.0 if math.isinf(self.load) else self.load / (self.load + SOURCE)

    @property
    def amplitude(self) -> float:
        """Vpp shown."""
        return self.emf_pp * self.share

    @property
    def offset(self) -> float:
        """V shown."""
        return self.emf_offset * self.share

    def most_amplitude(self) -> float:
        """Largest Vpp that can be shown with this offset."""
        lowest, highest = self.window
        return 2.0 * min(highest - self.emf_offset, self.emf_offset - lowest) * self.share

    def least_amplitude(self) -> float:
        """Smallest Vpp that can be shown."""
        return LEAST_EMF_PP * self.share

    def most_offset(self) -> float:
        """Largest offset with this amplitude, V."""
        return (MOST_EMF - 0.5 * self.emf_pp) * self.share

    def set_amplitude(self, volts: float) -> None:
        """Set Vpp; raises `ScpiError` -222 after taking the limit."""
        least, most = self.least_amplitude(), max(self.least_amplitude(), self.most_amplitude())
        taken = min(max(volts, least), most)
        self.emf_pp = taken / self.share
        if not math.isclose(taken, volts, rel_tol=1e-9):
            raise clipped(volts > taken)

    def set_offset(self, volts: float, swing: bool = True) -> None:
        """Set the offset, beside the amplitude unless there is no `swing` (DC).

        Raises `ScpiError` -222 after taking the limit.
        """
        half = 0.5 * self.emf_pp if swing else 0.0
        lowest, highest = self.window
        taken = min(max(volts, (lowest + half) * self.share), (highest - half) * self.share)
        self.emf_offset = taken / self.share
        if not math.isclose(taken, volts, rel_tol=1e-9, abs_tol=1e-12):
            raise clipped(volts > taken)

    def fit(self) -> None:
        """Make room for the swing beside the offset that DC had. Raises `ScpiError` -221 if it
        must.
        """
        half = 0.5 * self.emf_pp
        lowest, highest = self.window
        fitting = min(max(self.emf_offset, lowest + half), highest - half)
        if not math.isclose(fitting, self.emf_offset, rel_tol=1e-12, abs_tol=1e-12):
            self.emf_offset = fitting
            raise ScpiError(-221, "Settings conflict; offset changed due to amplitude")

    def set_high(self, volts: float) -> None:
        """Move the upper level; the lower one stays."""
        self._set_ends(self.low, volts, moves_high=True)

    def set_low(self, volts: float) -> None:
        """Move the lower level; the upper one stays."""
        self._set_ends(volts, self.high, moves_high=False)

    @property
    def high(self) -> float:
        """V shown."""
        return self.offset + 0.5 * self.amplitude

    @property
    def low(self) -> float:
        """V shown."""
        return self.offset - 0.5 * self.amplitude

    def _set_ends(self, low: float, high: float, *, moves_high: bool) -> None:
        lowest, highest = self.window
        asked = high if moves_high else low
        lowest, highest = lowest * self.share, highest * self.share
        # The other end must find room beside it.
        lowest, highest = (
            (lowest + self.least_amplitude(), highest)
            if moves_high
            else (lowest, highest - self.least_amplitude())
        )
        taken = min(max(asked, lowest), highest)
        failure = None if taken == asked else clipped(asked > taken)
        low, high = (low, taken) if moves_high else (taken, high)
        if high - low < self.least_amplitude():
            failure = ScpiError(-221, "Settings conflict; high and low levels were adjusted")
            if moves_high:
                low = high - self.least_amplitude()
            else:
                high = low + self.least_amplitude()
        self.emf_pp = (high - low) / self.share
        self.emf_offset = 0.5 * (high + low) / self.share
        if failure is not None:
            raise failure

    def set_load(self, ohms: float) -> None:
        """Believe in another load; dBm means nothing into an open circuit."""
        self.load = ohms
        if math.isinf(ohms) and self.unit == "DBM":
            self.unit = "VPP"
            raise ScpiError(-221, "Settings conflict; amplitude units changed to Vpp")

    def set_unit(self, unit: str) -> None:
        """Raises `ScpiError` -221 for dBm into an open circuit."""
        if unit == "DBM" and math.isinf(self.load):
            raise ScpiError(-221, "Settings conflict; unable to set units to dBm")
        self.unit = unit

    def shown(self, volts_pp: float) -> float:
        """An amplitude in the unit that is set."""
        if self.unit == "VPP":
            return volts_pp
        rms = volts_pp / self.crest
        if self.unit == "VRMS":
            return rms
        return 10.0 * math.log10(max(rms * rms / self.load, 1e-30) * 1e3)

    def meant(self, value: float, unit: str) -> float:
        """Vpp of an amplitude in `unit`. Raises `ScpiError` -221 for dBm into an open circuit."""
        if unit == "VPP":
            return value
        if unit == "VRMS":
            return value * self.crest
        if math.isinf(self.load):
            raise ScpiError(-221, "Settings conflict; unable to set units to dBm")
        return math.sqrt(10.0 ** (0.1 * value) * 1e-3 * self.load) * self.crest

    def read(self, text: str) -> float:
        """Vpp of an amplitude as a client writes it: `1`, `500 MVPP`, `0.3VRMS`, `-3 DBM`, `1 V`.

        Raises `ScpiError`.
        """
        upper = text.upper()
        for unit in UNITS:
            if upper.endswith(unit):
                return self.meant(number(text, unit), unit)
        if upper[-1:].isalpha() and upper.endswith("V"):
            return self.meant(number(text, "V"), self.unit)
        return self.meant(number(text), self.unit)
