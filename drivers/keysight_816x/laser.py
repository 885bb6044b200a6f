"""The driver: lock, light on and off, power, wavelength; sweeps are its `sweep`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from drivers.arguments import is_number
from drivers.errors import InstrumentError, LimitError
from drivers.instrument import ANY_IDENTITY
from drivers.keysight_816x.quantities import (
    EMISSION,
    LOCKED,
    POWER_DBM,
    POWER_UNIT,
    QUANTITIES,
    SWEEP_START,
    SWEEP_STATE,
    SWEEP_STOP,
    WAVELENGTH,
)
from drivers.keysight_816x.sweep import KeysightSweep
from drivers.link_model import LinkModel
from drivers.optical_power import dbm_of, watts_of
from drivers.quantity import Quantity, Value
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.link import Connector, LinkError

_WITHIN = (WAVELENGTH, SWEEP_START, SWEEP_STOP)


class Keysight816x(ScpiInstrument):
    """A tunable laser in slot `slot`. It fills `TunableSource`.

    Opening changes nothing: the laser may be lit. `off` switches it off whatever is believed, and
    sees that it has happened.
    """

    quantities: ClassVar[tuple[Quantity, ...]] = QUANTITIES
    shown: ClassVar[Mapping[str, Quantity]] = MappingProxyType({"wavelength": WAVELENGTH})
    roles: ClassVar[tuple[str, ...]] = ("TunableSource", "LightSource")
    models: ClassVar[tuple[str, ...]] = ("816[346][AB]", r"N777\dC")

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
        slot: int = 0,
        pin: str | None = None,
        warm_up: float = 30.0,
    ) -> None:
        """`slot`: of the laser (0: the back slot of an 8164, and an N777xC itself); `pin`: with
        which `on` may take the lock off; `warm_up`: s until the laser may give its power.
        """
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        if not 0 <= slot <= 17:
            raise ValueError(f"{name}: slot {slot!r} is not between 0 and 17")
        if not warm_up > 0.0:
            raise ValueError(f"{name}: warm_up {warm_up!r} s must be positive")
        self.slot = slot
        self.channels = (slot,)
        self._pin = pin
        self._warm_up = warm_up
        self._range: tuple[float, float] | None = None
        self.sweep = KeysightSweep(self)

    # -- light ------------------------------------------------------------------------------------

    async def on(self) -> None:
        """Switch the laser on; returns when the power has settled.

        A lock is taken off where the driver was given its `pin`. Raises `InstrumentError` where
        the laser is locked and it was not, and where the laser stays dark.
        """
        if await self.get(LOCKED):
            if self._pin is None:
                hint = "unlock() it, or give the option `pin`, if you may; it would stay dark"
                raise InstrumentError(self.name, "LOCK?", "the laser is locked", hint)
            await self.unlock(self._pin)
        await self.set(EMISSION, True)
        if await self.get(SWEEP_STATE) == 0:
            await self.ask_text("*OPC?", wait=self._warm_up)
        if not await self.lit():
            locked = "it is locked" if await self.get(LOCKED) else "see to its remote interlock"
            query = EMISSION.setting(True, instrument=self.name, channel=self.slot)
            raise InstrumentError(self.name, query, "no error, and it stays dark", locked)

    async def off(self) -> None:
        """Switch the laser off and end a sweep; sent whatever is believed.

        Raises the first refusal after all has been sent, and `InstrumentError` where the laser
        still tells that it is on.
        """
        refused: InstrumentError | None = None
        dark = EMISSION.setting(False, instrument=self.name, channel=self.slot)
        try:
            try:
                await self.set(EMISSION, False, kind="off")
            except InstrumentError as error:
                refused = error
            if await self.get(SWEEP_STATE, kind="off") != 0:
                await self.sweep.stop()
            lit = await self.get(EMISSION, kind="off")
        except LinkError:
            await self._link.blurt(dark.encode("ascii") + self.end_out)
            raise
        if lit:
            hint = "switch it off at its front panel, or lock it"
            raise InstrumentError(self.name, dark, "it is still on", hint)
        if refused is not None:
            raise refused

    async def lit(self) -> bool:
        """Whether the laser is on and no lock keeps its light in."""
        return bool(await self.get(EMISSION)) and not await self.get(LOCKED)

    async def lock(self, pin: str) -> None:
        """Keep the light in, until the lock is taken off. Raises as `unlock`."""
        await self._lock(True, pin)

    async def unlock(self, pin: str) -> None:
        """Take the lock off; the laser stays off. Raises `InstrumentError` for a wrong `pin`."""
        await self._lock(False, pin)

    async def _lock(self, on: bool, pin: str) -> None:
        if not (isinstance(pin, str) and pin.isascii() and pin.isalnum()):
            raise ValueError(f"{self.name}: a lock's pin is made of letters and digits")
        try:
            await self.tell(f"LOCK {on:d},{pin}")
        except InstrumentError as error:
            # A pin is nobody's business who reads a log.
            hint = "the pin is wrong, or the lock is the front panel's"
            raise InstrumentError(self.name, f"LOCK {on:d},***", error.reply, hint) from None
        if await self.get(LOCKED) != on:
            raise InstrumentError(self.name, f"LOCK {on:d},***", "no error, and nothing happened")

    # -- power ------------------------------------------------------------------------------------

    async def set_power_dbm(self, power_dbm: float) -> None:
        """Set the power in dBm (to 0.001 dB). Raises `LimitError` before a byte leaves."""
        await self.set(POWER_DBM, power_dbm)

    async def set_power(self, power: float) -> None:
        """Set the power in W. Raises `LimitError` before a byte leaves."""
        if not is_number(power):
            raise TypeError(f"{self.name} power: {power!r} is no number")
        if not 0.0 < power < 1e3:
            limit = f"{watts_of(POWER_DBM.low):.3g} to {watts_of(POWER_DBM.high):.3g} W"
            raise LimitError(self.name, "power", power, limit, "W")
        await self.set(POWER_DBM, dbm_of(power))

    async def read_power_dbm(self) -> float:
        """The power in dBm: what is set, or less where the laser has no more."""
        return float(await self.get(POWER_DBM))

    async def read_power(self) -> float:
        """The power in W as the laser tells it; 0 while it is off or locked."""
        return watts_of(await self.read_power_dbm()) if await self.lit() else 0.0

    # -- wavelength -------------------------------------------------------------------------------

    async def wavelength_range(self) -> tuple[float, float]:
        """Shortest and longest wavelength of this laser, m."""
        if self._range is None:
            ends = []
            for end in ("MIN", "MAX"):
                query = f"{WAVELENGTH.query(self.slot)} {end}"
                ends.append(self._number(WAVELENGTH, query, await self.ask_text(query)))
            self._range = ends[0], ends[1]
        return self._range

    async def set_wavelength(self, wavelength: float) -> None:
        """Tune to a wavelength in m (to 0.1 pm), and wait until it is there.

        Raises `LimitError` before it leaves where this laser does not reach it.
        """
        await self.set(WAVELENGTH, wavelength)
        await self.ask_text("*OPC?", wait=self._warm_up)

    async def check_wavelength(self, quantity: Quantity, value: Value) -> float:
        """The wavelength (m), if this laser reaches it. Raises `LimitError`, `TypeError`."""
        wavelength = float(quantity.check(value, instrument=self.name))
        low, high = await self.wavelength_range()
        if not low - 5e-14 <= wavelength <= high + 5e-14:
            limit = f"{low:.9g} to {high:.9g} m"
            raise LimitError(self.name, quantity.name, wavelength, limit, "m")
        return wavelength

    async def read_wavelength(self) -> float:
        """The wavelength that is set, m."""
        return float(await self.get(WAVELENGTH))

    async def power_available(self, start: float, stop: float) -> float:
        """The most power in W that can be held from one wavelength (m) to another.

        Raises `LimitError` before they leave for wavelengths that this laser does not reach.
        """
        for end in (start, stop):
            WAVELENGTH.check(end, instrument=self.name)
        ends = ",".join(
            [WAVELENGTH.text(await self.check_wavelength(WAVELENGTH, end)) for end in (start, stop)]
        )
        query = f"SOUR{self.slot}:WAV:SWE:PMAX? {ends}"
        return self._number(POWER_DBM, query, await self.ask_text(query))

    def _number(self, quantity: Quantity, query: str, text: str) -> float:
        try:
            value = float(quantity.parse(text))
            if abs(value) < 1e3:
                return value
        except ValueError:
            pass
        self._link.doubt()
        raise InstrumentError(self.name, query, text, "that is no such number")

    # -- exchanges --------------------------------------------------------------------------------

    async def set(
        self,
        quantity: Quantity,
        value: Value,
        channel: int | str = "",
        *,
        kind: str = "set",
        wait: float = 0.0,
    ) -> None:
        """Set a declared quantity of the laser's slot. Raises as `ScpiInstrument.set`."""
        channel = self._channel(quantity, channel)
        self._check_channel(quantity, channel)
        if quantity in _WITHIN:
            await self.check_wavelength(quantity, value)
        await super().set(quantity, value, channel, kind=kind, wait=wait)

    async def get(
        self, quantity: Quantity, channel: int | str = "", *, kind: str = "read", wait: float = 0.0
    ) -> Value:
        """Read a declared quantity of the laser's slot. Raises as `ScpiInstrument.get`."""
        channel = self._channel(quantity, channel)
        value = await super().get(quantity, channel, kind=kind, wait=wait)
        if quantity.kind is float:
            value = self._number(quantity, quantity.query(channel), repr(value))
        if quantity is not POWER_DBM:
            return value
        unit = await super().get(POWER_UNIT, channel, kind=kind)
        return dbm_of(float(value)) if unit == "W" else value

    def _channel(self, quantity: Quantity, channel: int | str) -> int | str:
        return self.slot if channel == "" and quantity.has_channels else channel

    def _forget(self) -> None:
        self._range = None
