"""The driver: a `ThermalStage` over MeCom, on a serial port or on TCP port 50000.

The API says degrees Celsius, and so do the names of all it concerns (`_celsius`): sheets of chips
and stages, and the controller itself, use no kelvin. Differences of temperature are in K.

Sources: Meerstetter's MeComAPI and pyMeCom for frames and parameters. Not relied upon: the bulk
read `?VX`, which only newer firmware has (refused with code 1 by others: single reads then); the
emergency stop, and changing the speed of the link, which this driver never sends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from drivers.arguments import real_number
from drivers.instrument import (
    ANY_IDENTITY,
    Identity,
    IdentityError,
    Instrument,
    InstrumentError,
    LimitError,
)
from drivers.link_model import LinkModel
from drivers.meerstetter_tec1091 import parameters as par
from drivers.meerstetter_tec1091.dialogue import MeComRefusal, Speaker, wait_until
from drivers.meerstetter_tec1091.parameters import Stability, Status
from drivers.protocol import mecom
from drivers.quantity import Quantity, Value
from drivers.transport.link import ByteLink, Connector, LinkError, LinkTimeout
from drivers.transport.resource import SerialResource, parse, tcp_address

logger = logging.getLogger(__name__)

BAUD = 57600
PORT = 50000
MOST_AT_ONCE = 16
"""Quantities of one bulk read: their request and reply stay under the vendor's 232 bytes."""
COMMAND_NOT_AVAILABLE = 1
TWO_ROUNDS = 0.2
"""Seconds of two rounds of the controller's loop, at its 10 Hz."""
LONGEST_WAIT = 1e6
"""Seconds that may be waited for at most."""
RESTART = 20.0
"""Seconds that a reset device is waited for."""
_BACK = frozenset(
    mecom.spell(int(status)).encode() for status in (Status.READY, Status.RUN, Status.ERROR)
)


class MeerstetterTec1091(Instrument):
    """One channel of a TEC-1091 (or of another controller of that family).

    `off` leaves the temperature regulated: a bench that is off keeps its chip at temperature.
    """

    quantities = par.QUANTITIES
    models = (r"TEC-1\d{3}",)
    links: ClassVar[tuple[str, ...]] = ("serial", "tcp")
    roles = ("ThermalStage",)
    shown = MappingProxyType(
        {
            "set": par.SETPOINT, "actual": par.TEMPERATURE, "current": par.CURRENT,
            "voltage": par.VOLTAGE, "stable": par.STABLE,
        }
    )  # fmt: skip
    greeting = f"its device type by MeCom, at {BAUD} baud or on TCP port {PORT}"

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
        address: int = mecom.ANY,
        channel: int = 1,
        baud: int = BAUD,
        lowest_celsius: float = 10.0,
        highest_celsius: float = 60.0,
    ) -> None:
        """`address`: of the device where several share a bus; 0 is whichever is connected.
        `lowest_celsius` to `highest_celsius`: set points that are let through (the device's own
        range, -273 to 1000, protects nothing). Raises `ValueError` for what cannot be.
        """
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        if not 0 <= address < mecom.BROADCAST:
            raise ValueError(f"{name}: address {address!r} is not between 0 and 254")
        if channel not in (1, 2):
            raise ValueError(f"{name}: channel {channel!r} is neither 1 nor 2")
        if not par.SETPOINT.low <= lowest_celsius <= highest_celsius <= par.SETPOINT.high:
            raise ValueError(
                f"{name}: {lowest_celsius!r} to {highest_celsius!r} degC is no range of set points"
            )
        self.channel = channel
        self.lowest_celsius = float(lowest_celsius)
        self.highest_celsius = float(highest_celsius)
        self._speaker = Speaker(name, address)
        where = parse(resource)
        if isinstance(where, SerialResource):
            device = where.device
            self._link = self._guard(
                lambda: connector.serial(device, baud), self._greet, self._synchronise
            )
        else:
            host, port = tcp_address(resource, PORT)
            self._link = self._guard(
                lambda: connector.tcp(host, port), self._greet, self._synchronise
            )

    async def get(self, quantity: Quantity, channel: int | str = "") -> Value:
        """Read a declared quantity. Raises `InstrumentError`, `LinkError`."""
        self._refuse_channel(channel)
        return (await self._read([quantity]))[0]

    async def set(self, quantity: Quantity, value: Value, channel: int | str = "") -> None:
        """Set a declared quantity; the set point within the limits of this driver.

        Raises `LimitError`, `TypeError` or `ValueError` before a byte leaves, then
        `InstrumentError` and `LinkError`.
        """
        self._refuse_channel(channel)
        if not quantity.writable:
            raise ValueError(f"{self.name}: {quantity.name} can only be read ({quantity.doc})")
        checked = quantity.check(value, instrument=self.name)
        assert isinstance(checked, int | float)
        if quantity is par.SETPOINT and not (
            self.lowest_celsius <= checked <= self.highest_celsius
        ):
            limit = f"{self.lowest_celsius:g} to {self.highest_celsius:g} degC"
            raise LimitError(self.name, quantity.name, checked, limit, "degC")
        payload = mecom.write(*self._place(quantity), mecom.spell(checked))
        reply = await self._exchange("write", payload)
        if reply:
            self._link.doubt()
            shown = reply.decode("latin-1")
            raise InstrumentError(self.name, payload, shown, "an acknowledgement was due")

    async def set_setpoint_celsius(self, celsius: float) -> None:
        """Set the target temperature in degC. Raises as `set`."""
        await self.set(par.SETPOINT, celsius)

    async def read_setpoint_celsius(self) -> float:
        """The target temperature in degC. Raises as `get`."""
        return float(await self.get(par.SETPOINT))

    async def read_temperature_celsius(self) -> float:
        """Measure the object's temperature in degC. Raises as `get`."""
        return float(await self.get(par.TEMPERATURE))

    async def read_output(self) -> tuple[float, float]:
        """Measure the output current in A and voltage in V. Raises as `get`."""
        amps, volts = await self._read([par.CURRENT, par.VOLTAGE])
        return float(amps), float(volts)

    async def stable(self) -> bool:
        """True when regulated, and within the stability window for the stability time.

        Raises `InstrumentError` when an error has stopped the controller: it will not become so.
        """
        if await self.get(par.STABLE) == Stability.STABLE:
            return True
        await self.check_error()
        return False

    async def status(self) -> Status:
        """What the controller is doing. Raises as `get`."""
        return Status(int(await self.get(par.STATUS)))

    async def check_error(self) -> None:
        """Raise `InstrumentError` naming the error that stopped the controller, if one did."""
        status, number, instance, parameter = await self._read(
            [par.STATUS, par.ERROR_NUMBER, par.ERROR_INSTANCE, par.ERROR_PARAMETER]
        )
        if status == Status.ERROR:
            meaning = par.DEVICE_ERRORS.get(int(number), "see the vendor's list")
            said = f"error {number} of channel {instance}, parameter {parameter}: {meaning}"
            raise InstrumentError(
                self.name, "status", said, "mend its cause, then reset() it, or power it off and on"
            )

    async def on(self) -> None:
        """Regulate the temperature. Raises `InstrumentError` when an error has stopped it."""
        await self.check_error()
        await self.set(par.INPUT_SELECTION, par.TEMPERATURE_CONTROLLER)
        await self.set(par.OUTPUT_ENABLE, par.OUTPUT_ON)

    async def off(self, *, stop: bool = False) -> None:
        """Nothing: in a bench's off state its thermal stage goes on as it is.

        With `stop` the output stage is switched off; when the link is out of order that is sent
        all the same, unacknowledged, and the error is raised.
        """
        if not stop:
            return
        try:
            await self.set(par.OUTPUT_ENABLE, par.OUTPUT_OFF)
        except (LinkError, InstrumentError):
            payload = mecom.write(
                int(par.OUTPUT_ENABLE.command), self.channel, mecom.spell(par.OUTPUT_OFF)
            )
            await self._link.blurt(mecom.END + self._speaker.broadcastable(payload))
            raise

    async def wait_until_stable(self, timeout: float, interval: float = 1.0) -> None:
        """Return once the temperature is stable, two rounds of the control loop from now or later.

        Raises `LinkTimeout` naming the temperatures after `timeout` s, `InstrumentError` at once
        when an error stops the controller.
        """
        loop = asyncio.get_running_loop()
        for what, seconds in (("timeout", timeout), ("interval", interval)):
            real_number(seconds, 0.0, LONGEST_WAIT, instrument=self.name, what=what, unit="s")
        deadline = loop.time() + timeout
        await asyncio.sleep(TWO_ROUNDS)  # what was stable at the last set point is not at this one
        while not await self.stable():
            await self.check_error()
            if loop.time() >= deadline:
                actual, target = await self._read([par.TEMPERATURE, par.SETPOINT])
                raise LinkTimeout(
                    f"{self.name}: {actual:.3f} degC is not yet stable at {target:.3f} degC "
                    f"after {timeout:g} s"
                )
            await asyncio.sleep(interval)

    async def reset(self) -> None:
        """Restart the device, which clears an error, and wait until it is back.

        What it does then is what its flash memory says: it may regulate at once. Raises
        `LinkTimeout` when it does not come back.
        """
        question = self._question(par.STATUS)
        async with self._link.exchange("reset") as link:
            await self._ask(link, mecom.RESET)
            await wait_until(self._speaker, link, question, _BACK, RESTART)

    @property
    def readings(self) -> frozenset[str]:
        """Quantities that can only be read: temperatures, what the output gives, states."""
        return frozenset(one.name for one in par.QUANTITIES if not one.writable)

    async def read_settings(self) -> dict[str, Any]:
        """All quantities by name, in the units of their declarations; what is measured is not
        among them.

        One that the firmware does not know is given as its refusal. Raises `LinkError`.
        """
        found: dict[str, Any] = {}
        told = [quantity for quantity in par.QUANTITIES if not quantity.measured]
        for first in range(0, len(told), MOST_AT_ONCE):
            part = told[first : first + MOST_AT_ONCE]
            try:
                found.update(zip([q.name for q in part], await self._read(part), strict=True))
                continue
            except InstrumentError as error:
                logger.info("%s; reading one by one", error)
            for quantity in part:
                try:
                    found[quantity.name] = await self.get(quantity)
                except InstrumentError as error:
                    found[quantity.name] = {"refused": str(error)}
        return found

    def _refuse_channel(self, channel: int | str) -> None:
        if isinstance(channel, bool | float) or channel not in ("", self.channel):
            raise ValueError(f"{self.name}: speaks to channel {self.channel}, not {channel!r}")

    async def _read(self, quantities: Sequence[Quantity]) -> list[int | float]:
        """Read at one moment where the firmware can, else one after the other."""
        kinds = [int if quantity.kind is int else float for quantity in quantities]
        if len(quantities) > 1:
            payload = mecom.read_many([self._place(quantity) for quantity in quantities])
            try:
                reply = await self._exchange("read", payload, 8 * len(quantities))
            except MeComRefusal as refusal:
                if refusal.code != COMMAND_NOT_AVAILABLE:
                    raise
                return [(await self._read([quantity]))[0] for quantity in quantities]
        else:
            payload = self._question(quantities[0])
            reply = await self._exchange("read", payload, 8)
        return self._values(payload, reply, quantities, kinds)

    def _values(
        self,
        payload: str,
        reply: bytes,
        quantities: Sequence[Quantity],
        kinds: list[type[int] | type[float]],
    ) -> list[int | float]:
        shown = reply.decode("latin-1")
        try:
            values = mecom.parse_values(reply, kinds)
        except ValueError as error:
            self._link.doubt()
            raise InstrumentError(self.name, payload, shown, str(error)) from None
        for quantity, value in zip(quantities, values, strict=True):
            low, high = np.float32(quantity.low), np.float32(quantity.high)  # as the wire has them
            if not np.isfinite(value) or not low <= np.float32(value) <= high:
                hint = f"{quantity.name} {value!r} is outside {quantity.range}; check its sensor"
                raise InstrumentError(self.name, payload, shown, hint)
        return values

    def _place(self, quantity: Quantity) -> tuple[int, int]:
        return int(quantity.command), 1 if quantity.name in par.COMMON else self.channel

    def _question(self, quantity: Quantity) -> str:
        return mecom.read(*self._place(quantity))

    async def _exchange(self, kind: str, payload: str, received: int = 0) -> bytes:
        refused: MeComRefusal
        async with self._link.exchange(kind) as link:
            try:
                return await self._ask(link, payload, received)
            except MeComRefusal as refusal:  # an answer like any other: the link is in step
                refused = refusal
        raise refused

    async def _ask(self, link: ByteLink, payload: str, received: int = 0) -> bytes:
        deadline = self._deadline(len(payload) + 12, received + 12)
        return await self._speaker.ask(link, payload, deadline)

    async def _synchronise(self, link: ByteLink) -> None:
        question = self._question(par.DEVICE_TYPE)
        await self._speaker.synchronise(link, question, self._deadline(24, 20))

    async def _greet(self, link: ByteLink) -> None:
        await self._synchronise(link)
        told: list[int] = []
        for quantity in (par.DEVICE_TYPE, par.SERIAL_NUMBER, par.FIRMWARE_VERSION, par.STATUS):
            payload = self._question(quantity)
            reply = await self._ask(link, payload, 8)
            told += [int(v) for v in self._values(payload, reply, [quantity], [int])]
        model, serial, firmware, status = told
        if not 1000 <= model < 2000:
            raise IdentityError(self.name, "model", "a TEC", f"device type {model}")
        self._recognise(
            Identity("Meerstetter Engineering", f"TEC-{model}", str(serial), str(firmware))
        )
        if status == Status.ERROR:
            logger.warning("%s: an error has stopped it; see check_error()", self.name)
