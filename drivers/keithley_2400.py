"""Keithley 2400 SourceMeter (classic), over GPIB or RS-232.

Source of the commands: 2400 Series SourceMeter User's Manual 2400S-900-01 (sections 17 and 18),
limits and times: SPEC-2400 Rev L. While it measures, the instrument carries out nothing but an
abort, a reset, a trigger or a device clear; so every query waits for a reading under way, and
getting back into step begins with an abort.

Not sure in the manuals, and not relied upon: whether a setting is told with a leading `+`, and what
the source does between the end of a sweep and the next command (this driver sets its level again).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivers.errors import InstrumentError
from drivers.protocol.scpi_numbers import special_values
from drivers.quantity import Quantity
from drivers.source_accuracy import Accuracy
from drivers.source_meter import PATIENCE, Measurement
from drivers.source_output import SourceOutput
from drivers.source_quantities import (
    FUNCTION,
    LEVEL_AMPERES,
    LEVEL_VOLTS,
    OUTPUT,
    RANGES_AUTO,
    TERMINALS,
)
from drivers.transport.link import ByteLink
from drivers.transport.resource import SerialResource, parse

LIMIT_AMPERES = Quantity(
    "amperes_limit", "SENS:CURR:PROT",
    "Control the compliance of a source of volts in A (1e-09 to 1.05).",
    unit="A", low=1e-9, high=1.05,
)  # fmt: skip
LIMIT_VOLTS = Quantity(
    "volts_limit", "SENS:VOLT:PROT",
    "Control the compliance of a source of amperes in V (0.0002 to 210).",
    unit="V", low=2e-4, high=210.0,
)  # fmt: skip
NPLC = Quantity(
    "nplc", "SENS:CURR:NPLC",
    "Control the integration time of all functions in line cycles (0.01 to 10).",
    low=0.01, high=10.0,
)  # fmt: skip
REMOTE_SENSE = Quantity(
    "remote_sense", "SYST:RSEN", "Control whether volts are sensed by four wires.", kind=bool
)
AUTO_ZERO = Quantity(
    "auto_zero", "SYST:AZER", "Control whether each reading has its own zero.", kind=bool
)
SOURCE_DELAY = Quantity(
    "source_delay", "SOUR:DEL",
    "Control the time between a level and its reading in s (0 to 9999.999).",
    unit="s", low=0.0, high=9999.999,
)  # fmt: skip
SOURCE_DELAY_AUTO = Quantity(
    "source_delay_auto", "SOUR:DEL:AUTO", "Control whether that time is chosen by range.",
    kind=bool,
)  # fmt: skip
AUTO_CLEAR = Quantity(
    "auto_clear", "SOUR:CLE:AUTO", "Control whether the output goes off after each reading.",
    kind=bool,
)  # fmt: skip
OFF_STATE = Quantity(
    "off_state", "OUTP:SMOD", "Control what the output does when it is off.", kind=str,
    choices=("HIMP", "NORM", "ZERO", "GUAR"),
)  # fmt: skip
FILTER = Quantity("filter", "SENS:AVER", "Control whether readings are averaged.", kind=bool)
FILTER_KIND = Quantity(
    "filter_kind", "SENS:AVER:TCON", "Control whether averages repeat or move (REP, MOV).",
    kind=str, choices=("REP", "MOV"),
)  # fmt: skip
FILTER_COUNT = Quantity(
    "filter_count", "SENS:AVER:COUN", "Control how many readings are averaged (1 to 100).",
    kind=int, low=1, high=100,
)  # fmt: skip

LIMITED_AMPERES = Quantity(
    "limited_amperes", "SENS:CURR:PROT:TRIP",
    "Measure whether a source of volts is at its limit.", kind=bool,
)  # fmt: skip
PROTECTION = Quantity(
    "volts_protection", "SOUR:VOLT:PROT",
    "Control the over-voltage protection in V (20 to 210).", unit="V", low=20.0, high=210.0,
)  # fmt: skip

PROTECTION_STEPS = (20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 160.0, 210.0)
"""What the protection can be; 210 is none. It takes the next step at or above what is asked for."""
VOLTS_ACCURACY = Accuracy(
    (0.21, 2.1, 21.0, 210.0), (1.2e-4, 1.2e-4, 1.5e-4, 1.5e-4), (3e-4, 3e-4, 1.5e-3, 1e-2)
)
AMPERES_ACCURACY = Accuracy(
    (1.05e-6, 1.05e-5, 1.05e-4, 1.05e-3, 1.05e-2, 0.105, 1.05),
    (2.9e-4, 2.7e-4, 2.5e-4, 2.7e-4, 3.5e-4, 5.5e-4, 2.2e-3),
    (3e-10, 7e-10, 6e-9, 6e-8, 6e-7, 6e-6, 5.7e-4),
)
"""Of readings, one year: SPEC-2400 Rev L."""
MOST_POINTS = 2500
LIMITED = 1 << 3 | 1 << 4 | 1 << 16
"""Bits of the status word: real compliance, over-voltage protection, range compliance."""
NUMBER_BYTES = 14
"""Bytes of a number of a reading, its comma included."""
AUTO_DELAY = 3e-3
"""Longest delay that the instrument chooses by itself, s."""
COMMAND_SECONDS = 10e-3
"""What a reading takes beside its conversions, s, with autorange."""
CONVERSIONS = 4
"""Volts, amperes and two zeros."""


class Keithley2400(SourceOutput):
    """A 2400. Sweeps come as text over RS-232, and as 32-bit floats elsewhere."""

    quantities = (
        OUTPUT, LEVEL_VOLTS, LEVEL_AMPERES, FUNCTION, LIMIT_AMPERES, LIMIT_VOLTS, NPLC,
        REMOTE_SENSE, AUTO_ZERO, SOURCE_DELAY, SOURCE_DELAY_AUTO, AUTO_CLEAR, TERMINALS, OFF_STATE,
        *RANGES_AUTO, LIMITED_AMPERES, PROTECTION, FILTER_KIND, FILTER, FILTER_COUNT,
    )  # fmt: skip
    models = ("2400",)
    links = ("serial", "gpib", "hislip", "vxi11")
    error_bit = 4  # EAV (user's manual, status byte)
    baud = 9600
    limit_amperes, limit_volts = LIMIT_AMPERES, LIMIT_VOLTS
    integration = NPLC
    limited, protection = LIMITED_AMPERES, PROTECTION
    volts_accuracy, amperes_accuracy = VOLTS_ACCURACY, AMPERES_ACCURACY
    most_points = MOST_POINTS

    def reading_seconds(self) -> float:
        """Conversions, filter and delays of one reading at most, s."""
        cycles = self._told(NPLC, self.nplc) / self.line_frequency
        repeats = self._told(FILTER_COUNT, 10) if self._told(FILTER, 0.0) else 1.0
        delay = max(AUTO_DELAY, self._told(SOURCE_DELAY, 0.0))
        return repeats * CONVERSIONS * cycles + delay + COMMAND_SECONDS

    def protecting(self, volts: float) -> float:
        """The lowest step of the protection that leaves room for `volts`, V."""
        return next(step for step in PROTECTION_STEPS if volts <= step)

    def _configuration(self) -> list[str]:
        sense = "ON" if self.four_wire else "OFF"
        return [
            "SENS:FUNC:CONC ON",
            "SENS:FUNC 'VOLT','CURR'",
            "SENS:FUNC:OFF 'RES'",
            NPLC.setting(self.nplc, instrument=self.name),
            f"SYST:RSEN {sense}",
            "SYST:AZER ON",
            "SENS:AVER OFF",
            "SENS:VOLT:RANG:AUTO ON",
            "SENS:CURR:RANG:AUTO ON",
            f"SOUR:{self._chosen}:RANG:AUTO ON",
            "SOUR:DEL:AUTO ON",
            "SOUR:CLE:AUTO OFF",
        ]

    def _measuring(self) -> list[str]:
        return [
            f"SOUR:{self._chosen}:MODE FIX",
            "FORM ASC",
            "FORM:ELEM VOLT,CURR,STAT",
            "ARM:COUN 1",
            "ARM:SOUR IMM",
            "TRIG:COUN 1",
            "TRIG:SOUR IMM",
            "TRIG:DEL 0",
        ]

    async def _take(self) -> Measurement:
        output, reading = await self.ask(
            "OUTP?", "READ?", kind="measure", received=3 * NUMBER_BYTES + 2,
            wait=PATIENCE * self.reading_seconds(),
        )  # fmt: skip
        if output.strip() != b"1":
            raise InstrumentError(self.name, "OUTP?", output.decode("latin-1"), "call on() first")
        (row,) = self._rows("READ?", reading, 1)
        volts, amperes, status = (float(value) for value in row)
        return Measurement(volts, amperes, bool(int(status) & LIMITED))

    async def _swept(
        self, start: float, stop: float, points: int, delay: float
    ) -> NDArray[np.float64]:
        binary = not isinstance(parse(self.resource), SerialResource)
        await self.tell(
            f"SOUR:VOLT:STAR {LEVEL_VOLTS.text(start)}",
            f"SOUR:VOLT:STOP {LEVEL_VOLTS.text(stop)}",
            f"SOUR:SWE:POIN {points}",
            "SOUR:SWE:SPAC LIN",
            "SOUR:SWE:DIR UP",
            "SOUR:SWE:RANG BEST",
            "SOUR:SWE:CAB NEV",
            "SOUR:VOLT:MODE SWE",
            f"TRIG:COUN {points}",
            f"TRIG:DEL {SOURCE_DELAY.text(delay)}",
            *(("FORM REAL,32", "FORM:BORD NORM") if binary else ()),
            kind="configure",
        )
        numbers = 3 * points
        wait = points * (delay + PATIENCE * self.reading_seconds())
        if binary:
            (block,) = await self.ask(
                "READ?", kind="measure", received=4 * numbers, size=4 * numbers, wait=wait
            )
            found = special_values(np.frombuffer(block, dtype=">f4")).reshape(points, 3)
        else:
            (text,) = await self.ask(
                "READ?", kind="measure", received=NUMBER_BYTES * numbers, wait=wait
            )
            found = self._rows("READ?", text, points)
        return found[:, :2]

    def _rows(self, command: str, reply: bytes, rows: int) -> NDArray[np.float64]:
        """Readings (rows, 3). Raises `InstrumentError` for another number of them."""
        found = self._parse(command, reply, 3)
        if found.shape[0] != rows or not np.isfinite(found[:, 2]).all():
            self._link.doubt()
            shown = reply[:60].decode("latin-1")
            raise InstrumentError(self.name, command, shown, f"{rows} readings were due")
        return found

    async def _resynchronise(self, link: ByteLink) -> None:
        # what runs would hold the question for the identity until it has ended
        await link.write(b":ABOR" + self.end_out)
        await super()._resynchronise(link)
