"""Waveforms of a QDAC-II: a sine, square or triangle that an output adds to its voltage.

Words and their order are those of the maker's QCoDeS driver, the only source. Not known, and not
relied upon: what an output does when a waveform has ended by itself (its share of the limits is
kept until `stop_waveform` or `off`), limits of frequency, how a waveform and a filter go together.
`read_volts` does not see a waveform, and no setting tells whether one is played.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from drivers.arguments import whole_number
from drivers.errors import LimitError
from drivers.qdevil_qdac2.reading import QdacReading
from drivers.qdevil_qdac2.settings import CHANNELS, V_FULL, spelled

WORDS = {"sine": "SINE", "square": "SQU", "triangle": "TRI"}
TRIGGER = "SOUR{number}:{word}:TRIG:SOUR {source}"
FREQUENCY = "SOUR{number}:{word}:FREQ {hertz}"
DUTY = "SOUR{number}:{word}:DCYC {percent}"
FORM = "SOUR{number}:SQU:TYP SYMM"
POLARITY = "SOUR{number}:{word}:POL NORM"
SPAN = "SOUR{number}:{word}:SPAN {volts}"
OFFSET = "SOUR{number}:{word}:OFFS {volts}"
SLEW = "SOUR{number}:{word}:SLEW INF"
DELAY = "SOUR{number}:{word}:DEL 0"
COUNT = "SOUR{number}:{word}:COUN {periods}"
REPEAT = "SOUR{number}:{word}:INIT:CONT OFF"
START = "SOUR{number}:{word}:INIT"
STOP = "SOUR{number}:{word}:ABOR"
MOST_PERIODS = 2**31 - 1
"""Periods that are counted: the sources give no limit."""
HERTZ = (1e-4, 500e3)
"""Hz that leave this driver: no source gives limits, and the generators run at 1 MS/s."""


@dataclass(frozen=True)
class Waveform:
    """`span` (V, peak to peak) about `offset` (V) at `frequency` (Hz); `duty` in percent: the part
    of a square that is high, of a triangle that rises.
    """

    kind: Literal["sine", "square", "triangle"]
    frequency: float
    span: float
    offset: float = 0.0
    duty: float = 50.0

    @property
    def low(self) -> float:
        """Least that it adds, V."""
        return self.offset - 0.5 * self.span

    @property
    def high(self) -> float:
        """Most that it adds, V."""
        return self.offset + 0.5 * self.span

    def check(self, instrument: str) -> None:
        """Raise `LimitError` for what no output can play, `ValueError` for an unknown kind."""
        if self.kind not in WORDS:
            raise ValueError(f"{instrument}: {self.kind!r} is none of {', '.join(WORDS)}")
        for what, value, low, high, unit in (
            ("frequency", self.frequency, *HERTZ, "Hz"),
            ("span", self.span, 0.0, 2.0 * V_FULL, "V"),
            ("offset", self.offset, -V_FULL, V_FULL, "V"),
            ("duty cycle", self.duty, 0.01, 99.99, "%"),
        ):
            if not low <= value <= high:  # NaN compares false
                raise LimitError(instrument, what, value, f"{low:g} to {high:g} {unit}", unit)

    def lines(self, number: int, periods: int) -> list[str]:
        """What sets an output (1 to 24) up to play it, and does not start it."""
        word = WORDS[self.kind]
        said = [TRIGGER.format(number=number, word=word, source="HOLD")]
        said.append(FREQUENCY.format(number=number, word=word, hertz=f"{self.frequency:.9g}"))
        if self.kind != "sine":
            said.append(DUTY.format(number=number, word=word, percent=f"{self.duty:.6g}"))
        if self.kind == "square":
            said.append(FORM.format(number=number))
        said.append(POLARITY.format(number=number, word=word))
        said.append(SPAN.format(number=number, word=word, volts=spelled(self.span)))
        said.append(OFFSET.format(number=number, word=word, volts=spelled(self.offset)))
        said += [form.format(number=number, word=word) for form in (SLEW, DELAY)]
        said.append(COUNT.format(number=number, word=word, periods=periods))
        said.append(REPEAT.format(number=number, word=word))
        said.append(TRIGGER.format(number=number, word=word, source="IMM"))
        return said


class QdacWaveforms(QdacReading):
    """Waveforms within the limits of each output, which constant voltages then share."""

    v_max: NDArray[np.float64]
    bipolar: bool

    def _begin_waveforms(self) -> None:
        """None is known to be played."""
        self._playing: dict[int, Waveform] = {}

    def _bounds(
        self, channels: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest constant V of channels (n,), from 0, beside what they play."""
        high = self.v_max[channels]
        low = -high if self.bipolar else np.zeros(high.shape)
        if not self._playing:
            return low, high
        waves = [self._playing.get(int(channel)) for channel in channels]
        below = np.array([wave.low if wave else 0.0 for wave in waves])
        above = np.array([wave.high if wave else 0.0 for wave in waves])
        return low - below, high - above

    async def play_waveform(self, number: int, waveform: Waveform, periods: int = -1) -> None:
        """Add a waveform to an output (1 to 24) from now on, `periods` times (-1: for ever).

        Raises `LimitError` before a byte leaves for what is out of range by itself, and, once the
        output was asked for its voltage and before anything is set, where that and the waveform
        together would leave its limits (below 0 V too, unless `bipolar`); `ValueError` for an
        output that plays one already, `InstrumentError` for a refusal: then it is not started.
        """
        number = whole_number(number, 1, CHANNELS, instrument=self.name, what="output")
        limit = f"1 to {MOST_PERIODS}, or -1 for ever"
        periods = whole_number(
            periods, -1, MOST_PERIODS, instrument=self.name, what="periods", limit=limit
        )
        if periods == 0:
            raise LimitError(self.name, "periods", periods, limit)
        waveform.check(self.name)
        place = number - 1
        span = 2.0 * float(self.v_max[place]) if self.bipolar else float(self.v_max[place])
        if waveform.span > span + 1e-6:  # whatever voltage it is added to
            limit = f"a span of {span:.9g} V"
            raise LimitError(self.name, f"output {number}", waveform.span, limit, "V")
        if place in self._playing:
            raise ValueError(f"{self.name}: output {number} plays one already; stop_waveform()")
        constant = float((await self.read_volts())[place])
        most = float(self.v_max[place])
        least = -most if self.bipolar else 0.0
        low, high = constant + waveform.low, constant + waveform.high
        if not (low >= least - 1e-6 and high <= most + 1e-6):
            value = high if high > most else low
            limit = f"{least:.9g} to {most:.9g} V, with its {constant:.6g} V"
            raise LimitError(self.name, f"output {number}", value, limit, "V")
        await self._tell_lines(waveform.lines(number, periods), "set")
        self._playing[place] = waveform  # before it starts: an answer may be lost
        await self._tell_lines([START.format(number=number, word=WORDS[waveform.kind])], "set")

    async def stop_waveform(self, number: int) -> None:
        """End what `play_waveform` began; the output's constant voltage stays.

        Raises `ValueError` for an output that plays none.
        """
        number = whole_number(number, 1, CHANNELS, instrument=self.name, what="output")
        waveform = self._playing.get(number - 1)
        if waveform is None:
            raise ValueError(f"{self.name}: output {number} plays no waveform of this driver's")
        await self._tell_lines([STOP.format(number=number, word=WORDS[waveform.kind])], "set")
        del self._playing[number - 1]
