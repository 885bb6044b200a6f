"""Thorlabs OSW12 and OSW22: a fibre switch of two ways (MEMS), on USB as a serial port.

The first answer after a change tells the old state, and an answer is missing now and then: the
state is what two answers in a row agree on, the first one left out. Sources: qudi's driver
(`osw12.py`) and two more clients of OSW12-1310E and OSW22-1310E. Unsure: what `I?` and `T?` answer
(two clients ask, none says), so nothing is made of it; the optics' switching time (about 1 ms);
whether the port needs RTS/CTS (one client sets it, this driver does not).

Nothing tells one answer from another, so a state counts only when no more answers have come, within
50 ms, than were asked for. Of copies that come late, those are not told whose place a true answer
takes more than 50 ms later; no source has the switch answer so slowly.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from drivers.instrument import ANY_IDENTITY, Identity, Instrument, InstrumentError
from drivers.link_model import LinkModel
from drivers.quantity import Quantity, Value
from drivers.quiet import until_quiet
from drivers.transport.link import ByteLink, Connector, LinkTimeout
from drivers.transport.resource import serial_device

logger = logging.getLogger(__name__)

BAUD = 115200
END = b"\r\n"
QUIET = 0.05
"""Seconds without a byte after which no answer is on its way."""
CHANGE_TIME = 0.1
"""Seconds from a change until it may be asked about."""
TRIES = 3
"""Times that a question is asked before silence is an error."""
MOST_ANSWERS = 6
"""Answers within which two in a row must agree."""

POSITION = Quantity(
    "position", "S {value}", "Control which way the light goes: 1 bar, 2 cross (1 to 2).", int, "",
    1, 2, settle=CHANGE_TIME, question="S?",
)  # fmt: skip


class ThorlabsOsw12(Instrument):
    """An `OpticalSwitch` of two positions: 1 is bar (1-3, 2-4), 2 is cross (1-4, 2-3).

    It does not tell who it is: its serial number is that of its USB port, so name the port by it
    (`ASRL/dev/serial/by-id/…::INSTR`). Nothing can be expected of its identity but maker and model.
    """

    quantities = (POSITION,)
    models = ("OSW12", "OSW22")
    links: ClassVar[tuple[str, ...]] = ("serial",)
    roles = ("OpticalSwitch",)
    greeting = f"S? at {BAUD} baud"
    positions = 2
    settle_time = 0.0
    """Seconds beyond `select`, which ends when the switch says that it has switched."""

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
        park: int | None = None,
    ) -> None:
        """`park`: position of the bench's off state; None leaves the light where it goes.

        Raises `ValueError` for what cannot be.
        """
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        if park is not None:
            POSITION.check(park, instrument=name)
        self._park = park
        device = serial_device(resource)
        self._link = self._guard(
            lambda: connector.serial(device, BAUD), self._greet, self._synchronise
        )

    async def get(self, quantity: Quantity, channel: int | str = "") -> Value:
        """Read the declared quantity. Raises as `position`."""
        self._check_only(quantity, channel)
        return await self.position()

    async def set(self, quantity: Quantity, value: Value, channel: int | str = "") -> None:
        """Set the declared quantity. Raises as `select`."""
        self._check_only(quantity, channel)
        await self._select(value)

    async def select(self, position: int) -> None:
        """Switch, and wait until the switch says that it has.

        Raises `LimitError` before a byte leaves, `InstrumentError` when it says otherwise,
        `LinkError`.
        """
        await self._select(position)

    async def position(self) -> int:
        """Which way the light goes, 1 or 2. Raises `InstrumentError`, `LinkError`."""
        async with self._link.exchange("read") as link:
            return await self._state(link)

    async def board_name(self) -> str:
        """What the switch answers to `I?`: its name and firmware, in a form that is not known."""
        async with self._link.exchange("read") as link:
            return await self._ask(link, "I?")

    async def type_code(self) -> str:
        """What the switch answers to `T?`: the type of its board, in a form that is not known."""
        async with self._link.exchange("read") as link:
            return await self._ask(link, "T?")

    async def off(self) -> None:
        """To the position of the off state, where one was given: it passes light on, no more."""
        if self._park is not None:
            await self.select(self._park)

    async def read_settings(self) -> dict[str, Any]:
        """The position."""
        return {POSITION.name: await self.position()}

    def _check_only(self, quantity: Quantity, channel: int | str) -> None:
        if quantity != POSITION or channel != "":
            raise ValueError(f"{self.name}: its only quantity is {POSITION.name}")

    async def _select(self, value: Value) -> None:
        command = POSITION.setting(value, instrument=self.name)
        async with self._link.exchange("write") as link:
            await self._empty(link)
            await link.write(f"{command}\n".encode("ascii"))
            await asyncio.sleep(CHANGE_TIME)
            found = await self._state(link)
        if found != value:
            hint = "it has not switched; power it off and on"
            raise InstrumentError(self.name, command, str(found), hint)

    async def _state(self, link: ByteLink) -> int:
        """Where it stands, once nothing but what was asked for has been answered."""
        stray = b""
        for _ in range(TRIES):
            state = await self._agreed(link)
            # All answers are alike: one too many makes it unknown which of them was of now.
            if not (stray := await until_quiet(link, QUIET)):
                return state
            logger.warning("%s: unasked input %r; asking again", self.name, stray)
        raise InstrumentError(
            self.name, "S?", stray.decode("latin-1").strip(), "it answers more than is asked"
        )

    async def _agreed(self, link: ByteLink) -> int:
        """What two answers in a row agree on, the first one left out."""
        await self._state_once(link)
        before = await self._state_once(link)
        for _ in range(MOST_ANSWERS):
            now = await self._state_once(link)
            if now == before:
                return now
            before = now
        raise InstrumentError(self.name, "S?", str(before), "its answers do not agree")

    async def _state_once(self, link: ByteLink) -> int:
        text = await self._ask(link, "S?")
        if text not in ("1", "2"):
            raise InstrumentError(self.name, "S?", text, "1 or 2 was due")
        return int(text)

    async def _ask(self, link: ByteLink, question: str) -> str:
        await self._empty(link)
        wait = self._deadline(len(question) + 1, 16) / TRIES
        for attempt in range(TRIES):
            await link.write(f"{question}\n".encode("ascii"))
            try:
                line = await link.read_until(END, wait)
            except LinkTimeout:
                if attempt == TRIES - 1:
                    raise
                logger.info("%s: no answer to %s; asking again", self.name, question)
                await until_quiet(link, QUIET)
            else:
                if attempt:  # what was asked before may be answered late, by the old state
                    await until_quiet(link, wait)
                return line.removesuffix(END).decode("latin-1").strip()
        raise AssertionError("a loop that returns or raises")

    async def _empty(self, link: ByteLink) -> None:
        """Nothing may lie in the input before anything is asked."""
        if stray := await link.drain_input():
            logger.warning("%s: unasked input %r", self.name, stray)
            await until_quiet(link, QUIET)

    async def _synchronise(self, link: ByteLink) -> None:
        # What is late must have come before the next question: all answers are alike.
        await until_quiet(link, self.timeout)

    async def _greet(self, link: ByteLink) -> None:
        await link.write(b"\n")  # ends what another program may have left half said
        await until_quiet(link, QUIET)
        await self._state(link)
        self._recognise(Identity("Thorlabs", "OSW12", "", ""))
