"""What a QDAC-II tells: voltages and currents of all its outputs at once, and its settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from drivers.errors import InstrumentError
from drivers.qdevil_qdac2.settings import (
    AMPS,
    APERTURE,
    CHANNELS,
    NUMBERS,
    QUANTITIES,
    listed,
    parse_values,
    parse_words,
)
from drivers.quantity import Quantity, Value
from drivers.scpi_instrument import ScpiInstrument

ALL = listed(NUMBERS)
EACH = 0.02
"""s that a command may take the instrument (qkit waits 0.01 s)."""
LONGEST_APERTURE = 1.0


class QdacReading(ScpiInstrument):
    """A QDAC-II that is asked: of all outputs in one exchange. It sets none."""

    quantities: ClassVar[tuple[Quantity, ...]] = QUANTITIES

    async def read_volts(self) -> NDArray[np.float64]:
        """What the generators give out (channels,), V; where a ramp is while it ramps."""
        return await self._ask_values(f"SOUR:VOLT? {ALL}")

    async def read_amps(self) -> NDArray[np.float64]:
        """Measure the current of all outputs (channels,), A; takes their aperture."""
        return await self._ask_values(f"READ? {ALL}", LONGEST_APERTURE)

    async def read_settings(self) -> dict[str, Any]:
        """All settings that are told, `{number: value}` each: one exchange a setting."""
        found: dict[str, Any] = {}
        for quantity in QUANTITIES:
            if quantity is AMPS:
                continue
            try:
                values = await self._ask_words(quantity)
            except InstrumentError as error:
                found[quantity.name] = {"refused": error.reply}
                continue
            found[quantity.name] = dict(zip(map(str, NUMBERS), values, strict=True))
        return found

    async def set_aperture(self, seconds: float) -> None:
        """Measure all currents over so many s from now on. Raises `LimitError` before it leaves."""
        APERTURE.check(seconds, instrument=self.name)
        await self._tell_lines([f"SENS:APER {APERTURE.text(seconds)},{ALL}"], "set")

    async def _ask_values(self, query: str, wait: float = 0.0) -> NDArray[np.float64]:
        text = await self.ask_text(query, wait=wait)
        try:
            return np.array(parse_values(text, CHANNELS))
        except ValueError as error:
            self._link.doubt()
            raise InstrumentError(self.name, query, text, str(error)) from None

    async def _ask_words(self, quantity: Quantity) -> list[Value]:
        query = f"{quantity.header()}? {ALL}"
        text = await self.ask_text(query)
        try:
            return parse_words(quantity, text, CHANNELS)
        except ValueError as error:
            self._link.doubt()
            raise InstrumentError(self.name, query, text, str(error)) from None

    async def _tell_lines(self, lines: Sequence[str], kind: str) -> None:
        """Send commands in lines of their own, all at once; errors are read behind them."""
        await self.tell("\n".join(lines).encode("ascii"), kind=kind, wait=EACH * len(lines))
