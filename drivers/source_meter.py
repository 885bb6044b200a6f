"""What drivers of source-measure units share: a source with a limit, ramped, and what it reads.

A source-measure unit gives volts and limits amperes, or the other way round. A bench uses it as a
precise source for a heater (`source_output`), and as the I-V meter of a calibration.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from drivers.arguments import real_number, whole_number
from drivers.errors import InstrumentError, LimitError
from drivers.limited_source import VOLTS, LimitedSource
from drivers.protocol.scpi_numbers import read_numbers

LONGEST_DELAY = 999.0
"""Longest delay at a level of a sweep, s."""
PATIENCE = 1.5
"""What a reading may take, over what it should."""


@dataclass(frozen=True)
class Measurement:
    """Volts and amperes measured together, and whether the source was at its limit."""

    volts: float
    amperes: float
    limited: bool


class SourceMeter(LimitedSource):
    """A source that measures volts and amperes, of one level or of a sweep."""

    most_points: ClassVar[int]
    least_delay: ClassVar[float] = 0.0
    """Shortest delay of a sweep that is none at all, s."""

    # -- what a model says -------------------------------------------------------------------------

    @abstractmethod
    def reading_seconds(self) -> float:
        """What one reading should take at most, s, from the settings made by this driver."""

    @abstractmethod
    async def _take(self) -> Measurement:
        """One reading."""

    @abstractmethod
    async def _swept(
        self, start: float, stop: float, points: int, delay: float
    ) -> NDArray[np.float64]:
        """Run a sweep of volts; (points, 2) V and A, and the source as it was, or its output off.

        `delay` s before each reading.
        """

    # -- meter -------------------------------------------------------------------------------------

    async def measure(self) -> Measurement:
        """Measure volts and amperes.

        Raises `InstrumentError` with the output off, with no source chosen, or when the reading is
        none; `LinkError`.
        """
        self._level()
        await self._ensure()
        found = await self._take()
        self._see(np.array([[found.volts, found.amperes]]))
        return found

    async def sweep_volts(
        self, start: float, stop: float, points: int, delay: float = 0.0
    ) -> NDArray[np.float64]:
        """Sweep the source from `start` to `stop` V, measuring at each of `points` levels.

        Returns (points, 2): V and A, both measured. `delay` s are waited at each level, beside the
        unit's own. The source is ramped to `start`, and back to where it was afterwards. The output
        must be on. Raises as `set_level` and `measure`.
        """
        if self._chosen != VOLTS:
            raise InstrumentError(
                self.name, "sweep", "no source of volts", "call source_volts() first"
            )
        for level in (start, stop):
            self._check_level(level)
        limit = f"2 to {self.most_points} points"
        points = whole_number(
            points, 2, self.most_points, instrument=self.name, what="points", limit=limit
        )
        limit = f"0, or {self.least_delay:g} to {LONGEST_DELAY:g} s"
        delay = real_number(
            delay, 0.0, LONGEST_DELAY, instrument=self.name, what="delay", unit="s", limit=limit
        )
        if 0.0 < delay < self.least_delay:
            raise LimitError(self.name, "delay", delay, limit, "s")
        await self._ensure()
        if not await self.get(self.output):
            raise InstrumentError(self.name, "sweep", "the output is off", "call on() first")
        before = float(await self.get(self.volts))
        await self._ramp(self.volts, start, "set")
        self._prepared = False  # until it is back in order
        found = await self._swept(start, stop, points, delay)
        if found.shape != (points, 2):
            self._link.doubt()
            shown = f"{found.shape[0]} rows of {found.shape[1]}"
            raise InstrumentError(self.name, "sweep", shown, f"{points} readings were due")
        self._see(found)
        await self._ensure()
        await self.on()
        await self._ramp(self.volts, before, "set")
        return found

    def _see(self, values: NDArray[np.float64]) -> None:
        """Raise `InstrumentError` for readings that are none."""
        if not np.isfinite(values).all():
            row = values[~np.isfinite(values).all(axis=1)][0]
            shown = f"{row[0]:g} V, {row[1]:g} A"
            hint = "out of the meter's range, or not measured; let it range by itself"
            raise InstrumentError(self.name, "reading", shown, hint)

    def _parse(self, command: str, reply: bytes, columns: int) -> NDArray[np.float64]:
        """Numbers of a reply. Raises `InstrumentError`, and puts the link in doubt."""
        text = reply.decode("latin-1").strip()
        try:
            return read_numbers(text, columns)
        except ValueError as error:
            self._link.doubt()
            raise InstrumentError(self.name, command, text[:80], str(error)) from None
