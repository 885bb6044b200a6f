"""A source-measure unit as one voltage output, on which a heater hangs.

Before its output goes on for the first time, and again after the connection was lost, it is a
source of volts whose compliance is the heater's largest current, with its over-voltage protection
at the next step above the heater's largest voltage, both read back. A heater that draws its
largest current is a short or was given too much: it is switched off, and an error is raised.
"""

from __future__ import annotations

import asyncio
import math
from abc import abstractmethod
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from drivers.arguments import channel_numbers, real_numbers
from drivers.errors import InstrumentError, LimitError, OutputFault
from drivers.limited_source import VOLTS
from drivers.quantity import Quantity, Value
from drivers.roles import OutputLayout
from drivers.source_accuracy import Accuracy
from drivers.source_limits import MOST_AMPERES, MOST_VOLTS, SourceLimits
from drivers.source_meter import SourceMeter
from drivers.source_quantities import LEVEL_VOLTS, OUTPUT
from drivers.transport.link import ByteLink

FULL_VOLTS = (0.21, 2.1, 21.0, MOST_VOLTS)
FULL_AMPERES = (1.05e-6, 1.05e-5, 1.05e-4, 1.05e-3, 1.05e-2, 0.105, MOST_AMPERES)
"""What the ranges hold that both models have, V and A."""
WRITE_BYTES = 64
"""Of a level that is set, with the questions that go with it, and of half their answers."""
_HARMLESS = (LEVEL_VOLTS, OUTPUT)
"""What may be set without a change of the limits in the hardware."""
_AT_LEVEL = 1e-4
"""V: what a unit may round a level to."""
_CLOSE = 1e-6
"""Relative: the rounding of a setting that is told with seven digits."""


class SourceOutput(SourceMeter):
    """A source-measure unit as `VoltageOutputs` of one channel, 0. Negative volts are refused."""

    roles = ("VoltageOutputs", "WeightBank")
    layout = OutputLayout(
        1, 1, MOST_VOLTS, {"": MOST_AMPERES}, level="level_volts", at_limit="held"
    )
    # Of the base it is the channels of quantities, which have none here.
    channels: int = 1  # type: ignore[assignment]
    limited: ClassVar[Quantity]
    protection: ClassVar[Quantity]
    volts_accuracy: ClassVar[Accuracy]
    amperes_accuracy: ClassVar[Accuracy]
    _unit_limits: SourceLimits | None = None
    _held = math.nan
    """V last acknowledged; NaN where that is not known"""
    _guarded = False
    """Whether the limits are known to be in the hardware."""

    @cached_property
    def _writing(self) -> asyncio.Lock:
        return asyncio.Lock()

    @abstractmethod
    def protecting(self, volts: float) -> Value:
        """The setting of the over-voltage protection that leaves room for `volts` V."""

    # -- limits ------------------------------------------------------------------------------------

    @property
    def v_max(self) -> NDArray[np.float64]:
        """Highest voltage (1,), V."""
        return np.array([self._limits.max_volts])

    @property
    def i_max(self) -> NDArray[np.float64]:
        """Highest current (1,), A."""
        return np.array([self._limits.max_amperes])

    @property
    def v_full(self) -> float:
        """Full scale of the output, V: of the range that its limit needs, or the bench's."""
        most = self._limits.max_volts
        allowed = (self._unit_limits or self._limits).max_volts
        return min(next(full for full in FULL_VOLTS if most <= full), allowed)

    @property
    def i_full(self) -> NDArray[np.float64]:
        """Full scale of the current readings (1,), A, as `v_full`."""
        most = self._limits.max_amperes
        allowed = (self._unit_limits or self._limits).max_amperes
        return np.array([min(next(full for full in FULL_AMPERES if most <= full), allowed)])

    def set_limits(self, v_max: NDArray[np.float64], i_max: NDArray[np.float64]) -> None:
        """Narrow the limits to v_max (1,) V and i_max (1,) A; sends nothing.

        All that this driver sets holds to them from now on. Raises `ValueError` for a wrong shape,
        `LimitError` for NaN, a negative limit, or more power than the unit has.
        """
        for what, given in (("v_max", v_max), ("i_max", i_max)):
            if np.shape(given) != (1,):
                raise ValueError(f"{self.name}: {what} has shape {np.shape(given)}, not (1,)")
            if not given[0] >= 0.0:
                raise LimitError(self.name, "", float(given[0]), f"{what} of 0 or more")
        if self._unit_limits is None:
            self._unit_limits = self._limits
        narrow = self._unit_limits.narrowed(float(v_max[0]), float(i_max[0]))
        narrow.check_power(self.volts, narrow.max_volts, narrow.max_amperes)
        self._limits = narrow
        self._guarded = False

    async def apply_limits(self) -> None:
        """Compliance and over-voltage protection into the hardware, read back; the output is off.

        Nothing happens where they are there already, or where no current is allowed at all. Done
        again after the connection was lost. Raises `InstrumentError` for what is not kept.
        """
        async with self._writing:
            if self._limits.max_amperes > 0.0:
                await self._guard_load()

    async def _guard_load(self) -> None:
        if self._guarded and not self._link.doubtful:
            return
        if self._chosen != VOLTS or not await self._keeps():
            await self.source_volts(self._limits.max_amperes)
            await super().set(self.protection, self.protecting(self._limits.max_volts))
            if not await self._keeps():
                told = f"{await self.get(self.limit_amperes)} A"
                told += f", protection {await self.get(self.protection)}"
                hint = f"it does not keep the limits of {self._limits.max_amperes:g} A and "
                hint += f"{self._limits.max_volts:g} V: leave its output off"
                raise InstrumentError(self.name, self.limit_amperes.query(), told, hint)
        self._guarded = True

    async def _keeps(self) -> bool:
        """Whether the instrument tells that it is a source of volts with these limits."""
        if await self.get(self.function) != VOLTS:
            return False
        amperes = float(await self.get(self.limit_amperes))
        protection = await self.get(self.protection)
        wanted = self.protecting(self._limits.max_volts)
        if isinstance(wanted, float):
            kept = math.isclose(float(protection), wanted, rel_tol=_CLOSE)
        else:
            kept = protection == wanted
        return kept and math.isclose(amperes, self._limits.max_amperes, rel_tol=_CLOSE)

    @property
    def imposed(self) -> frozenset[str]:
        """What a bench file decides: the source and its limits."""
        guarded = (self.function, self.limit_amperes, self.limit_volts, self.protection)
        return frozenset(quantity.name for quantity in guarded)

    # -- writing -----------------------------------------------------------------------------------

    async def write_volts(self, channels: NDArray[np.intp], volts: NDArray[np.float64]) -> int:
        """Set channel 0 to volts (1,) by the ramp; returns whether it had to be written.

        The output is switched on where it is off. Raises `LimitError` before a byte leaves,
        `InstrumentError` also where the output has gone off by itself, or gives its largest
        current (it is switched off then), `LinkError`.
        """
        channels = channel_numbers(channels, instrument=self.name)
        volts = real_numbers(volts, instrument=self.name)
        if channels.ndim != 1 or channels.shape != volts.shape:
            raise ValueError(
                f"{self.name}: {channels.shape} channels do not match {volts.shape} volts"
            )
        if (channels != 0).any() or channels.size > 1:
            raise LimitError(self.name, "channel", int(channels[-1]), "channel 0 alone")
        if not channels.size:
            return 0
        level, most = float(volts[0]), self._limits.max_volts
        if not 0.0 <= level <= most:  # NaN, too
            raise LimitError(self.name, "", level, f"0 to {most:.9g} V", "V")
        async with self._writing:
            if self._link.doubtful:
                self._held = math.nan
            if level == self._held:
                return 0
            await self._write(level)
        return 1

    async def _write(self, level: float) -> None:
        if self._limits.max_amperes == 0.0:  # nothing hangs on it: 0 V is all that was let through
            await self._switch_off()
            return
        await self._guard_load()
        if math.isnan(self._held) or not self._lit:
            await self.on()
            self._lit = True
            self._held = float(await self.get(self.volts))
        present, self._held = self._held, math.nan  # until it is acknowledged
        await self._steps(self.volts, present, level, "write")
        on, limited = await self.ask(
            self.output.query(), self.limited.query(), kind="write", received=4
        )
        await self._see_on(on, limited, level)
        self._held = level

    async def _see_on(self, on: bytes, limited: bytes, level: float) -> None:
        """Raise `OutputFault` for an output that is off, or at its limit (it is switched off)."""
        if on.strip() != b"1":
            self._lit, self._held = False, math.nan
            hint = (
                "its output went off by itself, or by hand: see to its interlock, protection and "
            )
            hint += "temperature"
            raise OutputFault(self.name, self.output.query(), on.decode("latin-1"), hint)
        if limited.strip() != b"0":
            await self._switch_off()
            hint = f"{level:g} V takes {1e3 * self._limits.max_amperes:g} mA or more: a short, or "
            hint += "i_max below what v_max needs; the output is off"
            raise OutputFault(self.name, self.limited.query(), limited.decode("latin-1"), hint)

    async def check_held(self, *, every: bool = False) -> None:
        """Raise `InstrumentError` where the output is off, at its limit, or at another level than
        was acknowledged last; `every` asks no more. An output that is off as it should be is not
        asked. Raises `LinkError`.
        """
        del every
        async with self._writing:
            held, lit = self._held, self._lit  # a link that is made anew forgets them
            if not lit or math.isnan(held):
                return
            asked = (self.output.query(), self.limited.query(), self.volts.query())
            on, limited, told = await self.ask(*asked, kind="poll", received=20)
            await self._see_on(on, limited, held)
            level = float(self._parse(asked[2], told, 1)[0, 0])
            if not math.isclose(level, held, rel_tol=_CLOSE, abs_tol=_AT_LEVEL):
                self._held = math.nan
                hint = f"{held:g} V was set: its level was changed by hand or by another program; "
                hint += "see to that, then start again"
                raise OutputFault(self.name, asked[2], told.decode("latin-1").strip(), hint)

    def planned_write(self, changed: int) -> float:
        """Seconds to write the channel by the link model; a ramp comes on top."""
        return self.link.cost(2 * WRITE_BYTES, 4 * WRITE_BYTES, 2) if changed else 0.0

    async def off(self) -> None:
        """Abort what runs, ramp to 0, output off, both levels 0. Raises as `LimitedSource.off`."""
        async with self._writing:
            await self._switch_off()

    async def _switch_off(self) -> None:
        self._held, self._lit = math.nan, False
        await super()._switch_off()
        self._held = 0.0

    async def set(
        self,
        quantity: Quantity,
        value: Value,
        channel: int | str = "",
        *,
        kind: str = "set",
        wait: float = 0.0,
    ) -> None:
        """Set a declared quantity, within all limits; `write_volts` looks anew after it.

        Raises as `LimitedSource.set`.
        """
        self._held, self._guarded = math.nan, self._guarded and quantity in _HARMLESS
        await super().set(quantity, value, channel, kind=kind, wait=wait)

    # -- reading -----------------------------------------------------------------------------------

    async def read_volts(self) -> NDArray[np.float64]:
        """Measure the output's volts (1,), V; 0 while it is off. See `read_outputs`."""
        return (await self.read_outputs())[:, 0]

    async def read_amps(self) -> NDArray[np.float64]:
        """Measure the output's current (1,), A; 0 while it is off. See `read_outputs`."""
        return (await self.read_outputs())[:, 1]

    async def read_outputs(self) -> NDArray[np.float64]:
        """Measure volts and amperes at once: (1, 2), V and A; 0 while the output is off.

        Of an output that somebody else switched on, nothing is changed to measure it: the most that
        its level and its limit allow is told. Raises as `measure`.
        """
        if not await self.get(self.output):
            return np.zeros((1, 2))
        if not self._chosen:
            return np.array([await self._as_found()])
        found = await self.measure()
        return np.array([[found.volts, found.amperes]])

    def reading_errors(
        self, volts: NDArray[np.float64], amps: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Most that readings (n,) V and (n,) A may be off within a year, by the maker."""
        return self.volts_accuracy.errors(volts), self.amperes_accuracy.errors(amps)

    async def _as_found(self) -> tuple[float, float]:
        sources_volts = await self.get(self.function) == VOLTS
        level = float(await self.get(self.volts if sources_volts else self.amperes))
        if level == 0.0:
            return 0.0, 0.0
        limit = self.limit_amperes if sources_volts else self.limit_volts
        other = float(await self.get(limit))
        return (level, other) if sources_volts else (other, level)

    # -- link --------------------------------------------------------------------------------------

    _lit = False
    """Whether the output is known to be on."""

    def _forget(self) -> None:
        super()._forget()
        self._lose()

    async def _resynchronise(self, link: ByteLink) -> None:
        self._lose()
        await super()._resynchronise(link)

    def _lose(self) -> None:
        """What is set is not known any more."""
        self._held, self._guarded, self._lit = math.nan, False, False
