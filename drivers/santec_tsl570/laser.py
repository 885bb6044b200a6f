"""The driver: light on and off, power, wavelength; sweeps are its `sweep`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from drivers.arguments import is_number
from drivers.errors import InstrumentError, LimitError
from drivers.instrument import ANY_IDENTITY
from drivers.link_model import LinkModel
from drivers.optical_power import dbm_of, watts_of
from drivers.quantity import Quantity, Value
from drivers.santec_tsl570.quantities import (
    COMMAND_SET,
    DIODE,
    INTERLOCKED,
    MONITORED_DBM,
    POWER_DBM,
    POWER_UNIT,
    QUANTITIES,
    SHUTTER_OPEN,
    SWEEP_STATE,
    WAVELENGTH,
    Length,
)
from drivers.santec_tsl570.sweep import SantecSweep
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.link import ByteLink, Connector, LinkError

DARK = b"POW:SHUT 1\rPOW:STAT 0\r"
"""What makes it dark when nothing can be read any more."""


class SantecTsl570(ScpiInstrument):
    """A TSL-570 or TSL-770. It fills `TunableSource`.

    Opening changes nothing: the laser may be lit. `off` closes the shutter and switches the diode
    off, whatever is believed, and sees that it has happened.
    """

    quantities: ClassVar[tuple[Quantity, ...]] = QUANTITIES
    shown: ClassVar[Mapping[str, Quantity]] = MappingProxyType({"wavelength": WAVELENGTH})
    roles: ClassVar[tuple[str, ...]] = ("TunableSource", "LightSource")
    models: ClassVar[tuple[str, ...]] = ("TSL-570", "TSL-770")
    links: ClassVar[tuple[str, ...]] = ("tcp", "gpib")
    end_out: ClassVar[bytes] = b"\r"
    end_in: ClassVar[bytes] = b"\r"
    bare_blocks: ClassVar[bool] = True
    default_port: ClassVar[int | None] = 5000

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
        warm_up: float = 30.0,
    ) -> None:
        """`warm_up`: s that the diode may take to give its power."""
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        if not warm_up > 0.0:
            raise ValueError(f"{name}: warm_up {warm_up!r} s must be positive")
        self._warm_up = warm_up
        self._scpi = False
        self._range: tuple[float, float] | None = None
        self.sweep = SantecSweep(self)

    @property
    def command_set(self) -> str:
        """`Legacy` or `SCPI`, as it was read when the laser was opened."""
        return "SCPI" if self._scpi else "Legacy"

    # -- light ------------------------------------------------------------------------------------

    async def on(self) -> None:
        """Diode on and shutter open; returns when the power has settled.

        Raises `InstrumentError` where no light comes of it, naming the interlock if it is that.
        """
        try:
            await self.set(DIODE, True)
            await self.set(SHUTTER_OPEN, True)
            if await self.get(SWEEP_STATE) == 0:
                await self.ask_text("*OPC?", wait=self._warm_up)
        except InstrumentError as refusal:
            hint = await self._why_dark()
            raise InstrumentError(self.name, refusal.command, refusal.reply, hint) from None
        if not await self.lit():
            hint = await self._why_dark()
            raise InstrumentError(self.name, "POW:STAT 1", "it stays dark", hint)

    async def off(self) -> None:
        """Shutter closed, diode off, a sweep ended; each sent whatever is believed.

        Raises the first refusal after all have been sent, and `InstrumentError` where the laser
        still tells of light.
        """
        refused: InstrumentError | None = None
        try:
            for quantity in (SHUTTER_OPEN, DIODE):
                try:
                    await self.set(quantity, False, kind="off")
                except InstrumentError as error:
                    refused = refused or error
            if await self.get(SWEEP_STATE, kind="off") != 0:
                await self.sweep.stop()
            lit = await self.lit()
        except LinkError:
            await self._link.blurt(DARK)
            raise
        if lit:
            hint = "close its shutter or turn its key at the front panel"
            raise InstrumentError(self.name, "POW:SHUT 1;POW:STAT 0", "there is still light", hint)
        if refused is not None:
            raise refused

    async def open_shutter(self) -> None:
        """Let the light out; the diode is as it is."""
        await self.set(SHUTTER_OPEN, True)

    async def close_shutter(self) -> None:
        """Keep the light in; the diode stays warm."""
        await self.set(SHUTTER_OPEN, False)

    async def lit(self) -> bool:
        """Whether the diode is on and the shutter open."""
        return bool(await self.get(DIODE)) and bool(await self.get(SHUTTER_OPEN))

    async def _why_dark(self) -> str:
        if await self.get(INTERLOCKED):
            return "the external interlock keeps the light off; close it"
        return "see to its key switch, and what its front panel says"

    # -- power ------------------------------------------------------------------------------------

    async def set_power_dbm(self, power_dbm: float) -> None:
        """Set the power in dBm (to 0.01 dB). Raises `LimitError` before a byte leaves."""
        await self.set(POWER_DBM, power_dbm)

    async def set_power(self, power: float) -> None:
        """Set the power in W. Raises `LimitError` before a byte leaves."""
        await self.set(POWER_DBM, self._dbm(power))

    async def read_power_dbm(self) -> float:
        """The power that is set, dBm."""
        return float(await self.get(POWER_DBM))

    async def read_power(self) -> float:
        """The power at the built-in monitor, W; 0 while diode or shutter keep the light in."""
        return watts_of(float(await self.get(MONITORED_DBM))) if await self.lit() else 0.0

    def _dbm(self, power: float) -> float:
        if not is_number(power):
            raise TypeError(f"{self.name} power: {power!r} is no number")
        if not 0.0 < power < 1e3:
            limit = f"{watts_of(POWER_DBM.low):.3g} to {watts_of(POWER_DBM.high):.3g} W"
            raise LimitError(self.name, "power", power, limit, "W")
        return dbm_of(power)

    # -- wavelength -------------------------------------------------------------------------------

    async def wavelength_range(self) -> tuple[float, float]:
        """Shortest and longest wavelength of this laser, m."""
        if self._range is None:
            ends = []
            for end in ("MIN", "MAX"):
                query = f"WAV? {end}" if self._scpi else f"WAV:{end}?"
                ends.append(await self._length(WAVELENGTH, query))
            self._range = ends[0], ends[1]
        return self._range

    async def set_wavelength(self, wavelength: float) -> None:
        """Tune to a wavelength in m (to 0.1 pm), and wait until it is there.

        Raises `LimitError` before it leaves where this laser does not reach it.
        """
        await self.set(WAVELENGTH, wavelength)
        await self.ask_text("*OPC?", wait=self._warm_up)

    async def read_wavelength(self) -> float:
        """The wavelength that is set, m."""
        return float(await self.get(WAVELENGTH))

    async def check_wavelength(self, name: str, wavelength: float) -> None:
        """Refuse a wavelength (m) that this laser does not reach. Raises `LimitError`."""
        low, high = await self.wavelength_range()
        # The laser tells its ends to 0.1 pm.
        if not low - 5e-14 <= wavelength <= high + 5e-14:
            raise LimitError(self.name, name, wavelength, f"{low:.9g} to {high:.9g} m", "m")

    async def _length(self, quantity: Length, query: str) -> float:
        text = await self.ask_text(query)
        try:
            return float(quantity.parse(text))
        except ValueError as error:
            self._link.doubt()
            raise InstrumentError(self.name, query, text, str(error)) from None

    # -- exchanges in the set that is set ---------------------------------------------------------

    async def set(
        self,
        quantity: Quantity,
        value: Value,
        channel: int | str = "",
        *,
        kind: str = "set",
        wait: float = 0.0,
    ) -> None:
        """Set a declared quantity, in its SI unit. Raises as `ScpiInstrument.set`."""
        self._check_channel(quantity, channel)
        if quantity is POWER_DBM:
            await self._set_level(float(quantity.check(value, instrument=self.name)), kind, wait)
            return
        spoken = quantity
        if isinstance(quantity, Length):
            quantity.check(value, instrument=self.name)
            if quantity.name in ("wavelength", "sweep_start", "sweep_stop"):
                await self.check_wavelength(quantity.name, float(value))
            if not self._scpi:
                spoken = quantity.in_legacy()
        await super().set(spoken, value, channel, kind=kind, wait=wait)

    async def get(
        self, quantity: Quantity, channel: int | str = "", *, kind: str = "read", wait: float = 0.0
    ) -> Value:
        """Read a declared quantity, in its SI unit. Raises as `ScpiInstrument.get`."""
        value = await super().get(quantity, channel, kind=kind, wait=wait)
        if isinstance(quantity, Length) and not abs(float(value)) < 1e-3:
            raise self._impossible(quantity, value)
        if quantity not in (POWER_DBM, MONITORED_DBM):
            return value
        if not abs(float(value)) < 1e3:
            raise self._impossible(quantity, value)
        unit = await super().get(POWER_UNIT, kind=kind)
        return dbm_of(1e-3 * float(value)) if unit == "mW" else value

    def _impossible(self, quantity: Quantity, value: Value) -> InstrumentError:
        self._link.doubt()
        shown = f"{value!r} {quantity.unit}"
        return InstrumentError(self.name, quantity.query(), shown, "no laser has that")

    async def _set_level(self, dbm: float, kind: str, wait: float) -> None:
        if self._scpi:
            await self.tell(f"POW {dbm:.2f}DBM", kind=kind, wait=wait)
        elif await super().get(POWER_UNIT) == "mW":
            await self.tell(f"POW {1e3 * watts_of(dbm):.2f}", kind=kind, wait=wait)
        else:
            await self.tell(f"POW {dbm:.2f}", kind=kind, wait=wait)

    async def _greet(self, link: ByteLink) -> None:
        """Identify, empty the error queue, and read which command set is set."""
        await super()._greet(link)
        query = COMMAND_SET.query()
        replies, errors = await self._dialogue.converse(
            link, [query], 1, self._deadline(32, 32), closing=self._closing
        )
        text = replies[0].decode("latin-1") if replies else "; ".join(map(str, errors))
        try:
            self._scpi = COMMAND_SET.parse(text) == "SCPI"
        except ValueError as error:
            raise InstrumentError(self.name, query, text, str(error)) from None

    def _forget(self) -> None:
        self._range = None
