"""The source of a source-measure unit: volts with a limit of amperes, or the other way round.

What is asked for is held against the unit's two rectangles (21 V at 1.05 A, 210 V at 105 mA) and
the bench's own limits before a byte leaves. The source goes to another level in steps.
"""

from __future__ import annotations

import asyncio
import logging
import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from drivers.errors import InstrumentError
from drivers.instrument import ANY_IDENTITY, Identity
from drivers.link_model import LinkModel
from drivers.quantity import Quantity, Value
from drivers.scpi_instrument import ScpiInstrument
from drivers.source_limits import LARGE_AMPERES, LARGE_VOLTS, SourceLimits
from drivers.source_quantities import FUNCTION, LEVEL_AMPERES, LEVEL_VOLTS, OUTPUT
from drivers.transport.link import ByteLink, Connector, LinkError

logger = logging.getLogger(__name__)

VOLTS, AMPERES = "VOLT", "CURR"
"""The words for what is sourced."""
FASTEST = 1e6
"""Largest rate of a ramp, V/s or A/s: none at all."""
RAMP_TICK = 0.02
"""Seconds between the steps of a ramp."""


class LimitedSource(ScpiInstrument):
    """A source of volts or amperes. Call `source_volts` or `source_amperes` first, then `on`.

    The source goes to another level in steps, `ramp_volts` (V/s) or `ramp_amperes` (A/s) at most.
    """

    function: ClassVar[Quantity] = FUNCTION
    output: ClassVar[Quantity] = OUTPUT
    volts: ClassVar[Quantity] = LEVEL_VOLTS
    amperes: ClassVar[Quantity] = LEVEL_AMPERES
    limit_amperes: ClassVar[Quantity]
    limit_volts: ClassVar[Quantity]
    integration: ClassVar[Quantity]

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
        baud: int | None = None,
        nplc: float = 1.0,
        four_wire: bool = False,
        line_frequency: float = 50.0,
        max_volts: float = 210.0,
        max_amperes: float = 1.05,
        ramp_volts: float = 50.0,
        ramp_amperes: float = 0.5,
    ) -> None:
        """`nplc`: integration time in line cycles; `max_volts` and `max_amperes` are what the bench
        allows, level and limit alike.

        Raises `LimitError`, `ValueError`, `ResourceError`.
        """
        super().__init__(
            name, resource, connector, link=link, expect=expect, timeout=timeout, baud=baud
        )
        self.integration.check(nplc, instrument=name)
        for what, most in (("max_volts", max_volts), ("max_amperes", max_amperes)):
            if most == 0.0:
                raise ValueError(f"{name}: {what} {most!r} must be above 0")
        self._limits = SourceLimits(name, max_volts, max_amperes)
        for what, rate in (("ramp_volts", ramp_volts), ("ramp_amperes", ramp_amperes)):
            if not 0.0 < rate <= FASTEST:
                raise ValueError(f"{name}: {what} {rate!r} must be above 0 and at most {FASTEST:g}")
        if line_frequency not in (50.0, 60.0):
            raise ValueError(f"{name}: line_frequency {line_frequency!r} Hz is neither 50 nor 60")
        self.nplc = nplc
        self.four_wire = four_wire
        self.line_frequency = line_frequency
        self.ramp_volts = ramp_volts
        self.ramp_amperes = ramp_amperes
        self._chosen = ""
        self._limit = 0.0
        self._prepared = False
        self._known: dict[str, Value] = {}

    @classmethod
    def parse_identity(cls, text: str) -> Identity:
        """Maker, model, serial number, firmware; the model without the word `MODEL`."""
        told = super().parse_identity(text)
        return replace(told, model=told.model.upper().removeprefix("MODEL ").strip())

    # -- what a model says -------------------------------------------------------------------------

    @abstractmethod
    def _configuration(self) -> Sequence[str]:
        """Commands, with the output off, that make it measure volts and amperes of `_chosen`."""

    @abstractmethod
    def _measuring(self) -> Sequence[str]:
        """Commands that make single readings of what is asked for; they leave the source alone."""

    # -- source ------------------------------------------------------------------------------------

    async def source_volts(self, limit: float) -> None:
        """Become a source of volts, at 0 V, that gives `limit` A at most; the output is off then.

        What was on is ramped down first. Raises `LimitError` before a byte leaves,
        `InstrumentError`, `LinkError`.
        """
        await self._become(VOLTS, limit)

    async def source_amperes(self, limit: float) -> None:
        """Become a source of amperes, at 0 A, with `limit` V at most. Raises as `source_volts`."""
        await self._become(AMPERES, limit)

    async def on(self) -> None:
        """Switch the output on, at level 0; nothing where it is on. Raises as `set_level`."""
        quantity = self._level()
        await self._ensure()
        if not await self.get(self.output):
            await self.set(quantity, 0.0)
            await self.set(self.output, True)

    async def set_level(self, level: float) -> None:
        """Ramp the source to `level` V or A.

        Raises `LimitError` before a byte leaves: beyond the unit's range, the bench's limits, or
        the power that this level and the limit allow together; `InstrumentError` when no source was
        chosen, `LinkError`.
        """
        quantity = self._level()
        self._check_level(level)
        await self._ensure()
        await self._ramp(quantity, level, "set")

    async def off(self) -> None:
        """Abort what runs, ramp to 0, switch the output off, set both levels to 0.

        Whatever is believed to be set is asked for first. When a step fails, or this is cancelled,
        the output is switched off at once; raises the first failure then.
        """
        await self._switch_off()

    async def _switch_off(self) -> None:
        try:
            await self.tell("ABOR", kind="off")
            if await self.get(self.output, kind="off"):
                function = await self.get(self.function, kind="off")
                level = self.volts if function == VOLTS else self.amperes
                await self._ramp(level, 0.0, "off")
            await super().set(self.output, False, kind="off")
            for quantity in (self.volts, self.amperes):
                await super().set(quantity, 0.0, kind="off")
        except (LinkError, InstrumentError) as failure:
            logger.error("%s: %s; the output is switched off without a ramp", self.name, failure)
            try:
                await super().set(self.output, False, kind="off")
            except (LinkError, InstrumentError):
                await self._blurt_off()
            raise failure from None
        except asyncio.CancelledError:
            await self._blurt_off()
            raise

    async def _blurt_off(self) -> None:
        """The last resort: abort and output off, without a ramp, an order or an answer."""
        await self._link.blurt(f":ABOR\n:{self.output.header()} OFF\n".encode("ascii"))

    # -- settings ----------------------------------------------------------------------------------

    async def set(
        self,
        quantity: Quantity,
        value: Value,
        channel: int | str = "",
        *,
        kind: str = "set",
        wait: float = 0.0,
    ) -> None:
        """Set a declared quantity; level and limit also against each other and the bench's limits.

        Raises as `ScpiInstrument.set`.
        """
        if quantity.kind is float:  # whatever kind of number it is: numpy's own are no float
            value = float(quantity.check(value, instrument=self.name))
            await self._check_pair(quantity, value)
        await super().set(quantity, value, channel, kind=kind, wait=wait)
        self._known[quantity.name] = value
        if quantity is self.function and value != self._chosen:
            self._chosen = ""  # what it measures now was not asked for
        if quantity in (self.limit_amperes, self.limit_volts):
            ours = self.limit_amperes if self._chosen == VOLTS else self.limit_volts
            if quantity is ours:
                self._limit = float(value)

    def _forget(self) -> None:
        self._prepared = False

    async def _resynchronise(self, link: ByteLink) -> None:
        self._prepared = False  # what made it fall out of step may have set anything
        await super()._resynchronise(link)

    def _level(self) -> Quantity:
        """The quantity that is sourced. Raises `InstrumentError` when none was chosen."""
        if not self._chosen:
            hint = "call source_volts() or source_amperes() first"
            raise InstrumentError(self.name, "source", "none was chosen", hint)
        return self.volts if self._chosen == VOLTS else self.amperes

    def _check_level(self, level: float) -> None:
        """Level of the chosen source, by all limits. Raises `LimitError`."""
        quantity = self._level()
        quantity.check(level, instrument=self.name)
        self._limits.check_bench(quantity, level)
        self._limits.check_power(quantity, level, self._limit)

    async def _check_pair(self, quantity: Quantity, value: float) -> None:
        partners = {
            self.volts.name: self.limit_amperes, self.limit_amperes.name: self.volts,
            self.amperes.name: self.limit_volts, self.limit_volts.name: self.amperes,
        }  # fmt: skip
        if quantity.name not in partners:
            return
        quantity.check(value, instrument=self.name)
        self._limits.check_bench(quantity, value)
        large = LARGE_VOLTS if quantity.unit == "V" else LARGE_AMPERES
        if abs(value) > large:  # only then can the partner be too large
            other = float(await self.get(partners[quantity.name]))
            self._limits.check_power(quantity, value, other)

    async def _become(self, function: str, limit: float) -> None:
        limited = self.limit_amperes if function == VOLTS else self.limit_volts
        limited.check(limit, instrument=self.name)
        self._limits.check_bench(limited, limit)
        await self._switch_off()
        self._chosen, self._prepared = "", False
        await super().set(self.function, function)
        self._chosen = function
        try:
            # ranges first: a fixed one may stand in the way of the limit
            await self.tell(*self._configuration(), kind="configure")
            await super().set(limited, limit)
            await self.tell(*self._measuring(), kind="configure")
        except BaseException:
            self._chosen = ""
            raise
        self._limit, self._known, self._prepared = limit, {}, True

    async def _ensure(self) -> None:
        """Bring the meter to what is wanted: after a reconnection, a sweep, a failure."""
        if self._prepared and not self._link.doubtful:
            return
        function = await self.get(self.function)
        if function != self._chosen:
            hint = "it was changed meanwhile; call source_volts() or source_amperes() again"
            raise InstrumentError(self.name, self.function.query(), str(function), hint)
        await self.tell(*self._measuring(), kind="configure")
        self._prepared = True

    async def _ramp(self, quantity: Quantity, target: float, kind: str) -> None:
        """Take the source from where it is to `target`, in steps."""
        present = float(await self.get(quantity, kind=kind))
        if not math.isfinite(present):
            raise InstrumentError(self.name, quantity.query(), str(present), "no level")
        await self._steps(quantity, present, target, kind)

    async def _steps(self, quantity: Quantity, present: float, target: float, kind: str) -> None:
        rate = self.ramp_volts if quantity is self.volts else self.ramp_amperes
        steps = max(1, math.ceil(abs(target - present) / (rate * RAMP_TICK) - 1e-9))
        for step in range(1, steps + 1):
            level = target if step == steps else present + (target - present) * step / steps
            await super().set(quantity, level, kind=kind)
            if step < steps:
                await asyncio.sleep(RAMP_TICK)

    def _told(self, quantity: Quantity, otherwise: float) -> float:
        """What a setting was last set to by `set`, since the source was chosen."""
        return float(self._known.get(quantity.name, otherwise))
