"""Keithley 2450 SourceMeter in its own SCPI mode, over TCP, USB or VXI-11.

Source of the commands: Model 2450 Reference Manual 2450-901-01 (section 6); forms of identity and
error entries as captured from units. `open` asks for the language, and refuses another than SCPI.

Not sure, and not relied upon: whether a reading is refused with the output off (it is asked for),
the default byte order, the bits of a source status (the limit is asked for by its own query), the
text of an empty error queue. HiSLIP is not documented for this model; use VXI-11 on a network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivers.errors import InstrumentError
from drivers.limited_source import VOLTS
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
from drivers.transport.link import ByteLink, LinkTimeout

LIMIT_AMPERES = Quantity(
    "amperes_limit", "SOUR:VOLT:ILIM",
    "Control the limit of a source of volts in A (1e-09 to 1.05).",
    unit="A", low=1e-9, high=1.05,
)  # fmt: skip
LIMIT_VOLTS = Quantity(
    "volts_limit", "SOUR:CURR:VLIM",
    "Control the limit of a source of amperes in V (0.02 to 210).",
    unit="V", low=0.02, high=210.0,
)  # fmt: skip
LIMITED_AMPERES = Quantity(
    "limited_amperes", "SOUR:VOLT:ILIM:TRIP",
    "Measure whether a source of volts is at its limit.", kind=bool,
)  # fmt: skip
LIMITED_VOLTS = Quantity(
    "limited_volts", "SOUR:CURR:VLIM:TRIP",
    "Measure whether a source of amperes is at its limit.", kind=bool,
)  # fmt: skip
MEASURED = Quantity("measured_function", "SENS:FUNC", "Get what is measured.", kind=str)
NPLC_AMPERES = Quantity(
    "nplc_amperes", "SENS:CURR:NPLC",
    "Control the integration time of amperes in line cycles (0.01 to 10).", low=0.01, high=10.0,
)  # fmt: skip
NPLC_VOLTS = Quantity(
    "nplc_volts", "SENS:VOLT:NPLC",
    "Control the integration time of volts in line cycles (0.01 to 10).", low=0.01, high=10.0,
)  # fmt: skip
REMOTE_SENSE_AMPERES = Quantity(
    "remote_sense_amperes", "SENS:CURR:RSEN",
    "Control whether volts are sensed by four wires while amperes are measured.", kind=bool,
)  # fmt: skip
REMOTE_SENSE_VOLTS = Quantity(
    "remote_sense_volts", "SENS:VOLT:RSEN",
    "Control whether volts are sensed by four wires while they are measured.", kind=bool,
)  # fmt: skip
AUTO_ZERO_AMPERES = Quantity(
    "auto_zero_amperes", "SENS:CURR:AZER", "Control whether amperes have zeros of their own.",
    kind=bool,
)  # fmt: skip
AUTO_ZERO_VOLTS = Quantity(
    "auto_zero_volts", "SENS:VOLT:AZER", "Control whether volts have zeros of their own.",
    kind=bool,
)  # fmt: skip
FILTER_AMPERES = Quantity(
    "filter_amperes", "SENS:CURR:AVER", "Control whether readings of amperes are averaged.",
    kind=bool,
)  # fmt: skip
FILTER_VOLTS = Quantity(
    "filter_volts", "SENS:VOLT:AVER", "Control whether readings of volts are averaged.", kind=bool
)
FILTER_COUNT_AMPERES = Quantity(
    "filter_count_amperes", "SENS:CURR:AVER:COUN",
    "Control how many readings of amperes are averaged (1 to 100).", kind=int, low=1, high=100,
)  # fmt: skip
FILTER_COUNT_VOLTS = Quantity(
    "filter_count_volts", "SENS:VOLT:AVER:COUN",
    "Control how many readings of volts are averaged (1 to 100).", kind=int, low=1, high=100,
)  # fmt: skip
FILTERS = (FILTER_AMPERES, FILTER_VOLTS, FILTER_COUNT_AMPERES, FILTER_COUNT_VOLTS)
DELAY_VOLTS = Quantity(
    "delay_volts", "SOUR:VOLT:DEL",
    "Control the time between volts and their reading in s (0 to 10000).", unit="s", low=0.0,
    high=1e4,
)  # fmt: skip
DELAY_AMPERES = Quantity(
    "delay_amperes", "SOUR:CURR:DEL",
    "Control the time between amperes and their reading in s (0 to 10000).", unit="s", low=0.0,
    high=1e4,
)  # fmt: skip
COUNT = Quantity(
    "count", "SENS:COUN", "Control the readings of one measurement (1 to 300000).", kind=int, low=1,
    high=300000,
)  # fmt: skip
OFF_STATE_VOLTS = Quantity(
    "off_state_volts", "OUTP:VOLT:SMOD",
    "Control what the output of a source of volts does when it is off.", kind=str,
    choices=("NORM", "HIMP", "ZERO", "GUAR"),
)  # fmt: skip
OFF_STATE_AMPERES = Quantity(
    "off_state_amperes", "OUTP:CURR:SMOD",
    "Control what the output of a source of amperes does when it is off.", kind=str,
    choices=("NORM", "HIMP", "ZERO", "GUAR"),
)  # fmt: skip

PROTECTION_STEPS = (2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 80.0, 100.0, 120.0, 140.0, 160.0, 180.0)
"""V of the steps of the over-voltage protection, beside none."""
PROTECTION = Quantity(
    "volts_protection", "SOUR:VOLT:PROT",
    "Control the over-voltage protection: its step of V, or NONE.", kind=str,
    choices=(*(f"PROT{step:g}" for step in PROTECTION_STEPS), "NONE"),
)  # fmt: skip

VOLTS_ACCURACY = Accuracy(
    (0.021, 0.21, 2.1, 21.0, 210.0),
    (1e-3, 1.2e-4, 1.2e-4, 1.5e-4, 1.5e-4),
    (1.5e-4, 2e-4, 3e-4, 1e-3, 1e-2),
)
AMPERES_ACCURACY = Accuracy(
    (1.05e-8, 1.05e-7, 1.05e-6, 1.05e-5, 1.05e-4, 1.05e-3, 1.05e-2, 0.105, 1.05),
    (1e-3, 6e-4, 2.5e-4, 2.5e-4, 2e-4, 2e-4, 2e-4, 2.5e-4, 3e-4),
    (5e-11, 1e-10, 3e-10, 7e-10, 6e-9, 6e-8, 6e-7, 6e-6, 5e-4),
)
"""Of readings, one year: specifications of the Model 2450."""

LANGUAGE_QUERY = "*LANG?"
MOST_POINTS = 100_000
"""What `defbuffer1` holds."""
BUFFER = "defbuffer1"
NUMBER_BYTES = 14
"""Bytes of a number of a reading, its comma included."""
AUTO_DELAY = 50e-3
"""Longest delay that the instrument chooses by itself, s."""
COMMAND_SECONDS = 5e-3
"""What a reading takes beside its conversions, s."""
CONVERSIONS = 4
"""The value, its source read back, and two zeros."""


class Keithley2450(SourceOutput):
    """A 2450 that measures what it does not source, and reads back what it does."""

    quantities = (
        OUTPUT, LEVEL_VOLTS, LEVEL_AMPERES, FUNCTION, LIMIT_AMPERES, LIMIT_VOLTS, LIMITED_AMPERES,
        LIMITED_VOLTS, MEASURED, NPLC_AMPERES, NPLC_VOLTS, REMOTE_SENSE_AMPERES,
        REMOTE_SENSE_VOLTS, AUTO_ZERO_AMPERES, AUTO_ZERO_VOLTS, *RANGES_AUTO, *FILTERS,
        DELAY_VOLTS, DELAY_AMPERES, COUNT, TERMINALS, OFF_STATE_VOLTS, OFF_STATE_AMPERES,
        PROTECTION,
    )  # fmt: skip
    models = ("2450",)
    links = ("tcp", "usb", "vxi11", "gpib", "hislip")
    error_bit = 4  # EAV (reference manual, status byte)
    default_port = 5025
    limit_amperes, limit_volts = LIMIT_AMPERES, LIMIT_VOLTS
    integration = NPLC_AMPERES
    limited, protection = LIMITED_AMPERES, PROTECTION
    volts_accuracy, amperes_accuracy = VOLTS_ACCURACY, AMPERES_ACCURACY
    most_points = MOST_POINTS
    least_delay = 50e-6

    @property
    def _measured(self) -> str:
        """What is measured: what is not sourced."""
        return "CURR" if self._chosen == VOLTS else "VOLT"

    def reading_seconds(self) -> float:
        """Conversions, filter and delays of one measurement at most, s."""
        sources_volts = self._chosen == VOLTS
        nplc = self._told(NPLC_AMPERES if sources_volts else NPLC_VOLTS, self.nplc)
        delay = self._told(DELAY_VOLTS if sources_volts else DELAY_AMPERES, 0.0)
        kept, count = (
            (FILTER_AMPERES, FILTER_COUNT_AMPERES)
            if sources_volts
            else (FILTER_VOLTS, FILTER_COUNT_VOLTS)
        )
        repeats = self._told(count, 10) if self._told(kept, 0.0) else 1.0
        each = repeats * CONVERSIONS * nplc / self.line_frequency + COMMAND_SECONDS
        return self._told(COUNT, 1) * each + max(AUTO_DELAY, delay)

    def protecting(self, volts: float) -> str:
        """The lowest step of the protection that leaves room for `volts` V."""
        steps = (f"PROT{step:g}" for step in PROTECTION_STEPS if volts <= step)
        return next(steps, "NONE")

    def _configuration(self) -> list[str]:
        sense, nplc = ("ON" if self.four_wire else "OFF"), NPLC_AMPERES.text(self.nplc)
        measured, sourced = self._measured, self._chosen
        return [
            f'SENS:FUNC "{measured}"',
            f"SENS:{measured}:NPLC {nplc}",
            f"SENS:{measured}:RSEN {sense}",
            f"SENS:{measured}:AZER ON",
            f"SENS:{measured}:AVER OFF",
            f"SENS:{measured}:RANG:AUTO ON",
            f"SOUR:{sourced}:RANG:AUTO ON",
            f"SOUR:{sourced}:DEL:AUTO ON",
        ]

    def _measuring(self) -> list[str]:
        return [
            f'SENS:FUNC "{self._measured}"',
            f"SOUR:{self._chosen}:READ:BACK ON",
            "SENS:COUN 1",
            "FORM ASC",
        ]

    async def _take(self) -> Measurement:
        sources_volts = self._chosen == VOLTS
        limited = LIMITED_AMPERES if sources_volts else LIMITED_VOLTS
        read = f'READ? "{BUFFER}",SOUR,READ'
        output, reading, tripped = await self.ask(
            "OUTP?", read, limited.query(), kind="measure", received=2 * NUMBER_BYTES + 4,
            wait=PATIENCE * self.reading_seconds(),
        )  # fmt: skip
        if output.strip() != b"1":
            raise InstrumentError(self.name, "OUTP?", output.decode("latin-1"), "call on() first")
        found = self._parse(read, reading, 2)
        if found.shape[0] != 1 or tripped.strip() not in (b"0", b"1"):
            self._link.doubt()
            shown = (reading + b";" + tripped)[:60].decode("latin-1")
            raise InstrumentError(self.name, read, shown, "one reading was due")
        sourced, measured = (float(value) for value in found[0])
        volts, amperes = (sourced, measured) if sources_volts else (measured, sourced)
        return Measurement(volts, amperes, tripped.strip() == b"1")

    async def _swept(
        self, start: float, stop: float, points: int, delay: float
    ) -> NDArray[np.float64]:
        levels = f"{LEVEL_VOLTS.text(start)},{LEVEL_VOLTS.text(stop)}"
        pause = DELAY_VOLTS.text(delay)
        await self.tell(
            f'SOUR:SWE:VOLT:LIN {levels},{points},{pause},1,BEST,OFF,OFF,"{BUFFER}"',
            kind="configure",
        )
        wait = points * (delay + PATIENCE * self.reading_seconds())
        await self.tell("INIT", "*WAI", kind="measure", wait=wait)
        query = f'TRAC:DATA? 1,{points},"{BUFFER}",SOUR,READ'
        (reply,) = await self.ask(query, kind="fetch", received=2 * points * NUMBER_BYTES)
        return self._parse(query, reply, 2)

    async def _greet(self, link: ByteLink) -> None:
        try:
            await super()._greet(link)
        except LinkTimeout:
            # in TSP it tells who it is, but knows no error queue of SCPI
            self._refuse_language(await self._language(link))
            raise
        self._refuse_language(await self._language(link))

    async def _language(self, link: ByteLink) -> str:
        await link.write(LANGUAGE_QUERY.encode("ascii") + self.end_out)
        reply = await link.read_until(self.end_in, self._deadline(8, 16))
        return reply.decode("latin-1").strip()

    def _refuse_language(self, language: str) -> None:
        if language != "SCPI":
            hint = "choose SCPI with *LANG SCPI or in its menu, and switch it off and on"
            raise InstrumentError(self.name, LANGUAGE_QUERY, language, hint)
