"""What a chain of Qontrol modules tells: outputs, settings, reports.

Sources: Qontrol API 1.1.20, BP8 manual 1.1, transcripts of the API's `virtual-module` branch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers import qontrol_dialogue as dialogue
from drivers.errors import OutputFault
from drivers.instrument import InstrumentError
from drivers.protocol import qontrol, qontrol_reports
from drivers.protocol.qontrol_reports import LogEntry
from drivers.qontrol_exchanges import CHANNELS_PER_MODULE, QontrolExchanges
from drivers.qontrol_quantities import (
    AMPS,
    EVERY_CHANNEL,
    EVERY_MODULE,
    IMPOSED,
    QUANTITIES,
    READINGS,
    VOLTS,
)
from drivers.quantity import Quantity


class QontrolChain(QontrolExchanges):
    """What a chain tells; `QontrolQ8` sets it as well."""

    async def read_volts(self) -> NDArray[np.float64]:
        """Measure all outputs in V, (channels,)."""
        return await self._read_all(VOLTS)

    async def read_amps(self) -> NDArray[np.float64]:
        """Measure the current of all channels in A, (channels,)."""
        return await self._read_all(AMPS)

    async def get(self, quantity: Quantity, channel: int | str = "") -> Any:
        """A declared quantity: of a channel (of a module: `led` and the like), or of all as a list.

        Raises `ValueError` for one that it has not, or a channel that there is not, else as
        `read_volts`.
        """
        self._declared(quantity)
        count = self.channels if quantity in EVERY_CHANNEL else self.modules
        if channel != "":
            return await self._get(quantity, self._place(channel, count, quantity.name))
        if quantity in EVERY_CHANNEL:
            return (await self._read_all(quantity)).tolist()
        return [await self._get(quantity, module) for module in range(count)]

    async def read_outputs(self) -> NDArray[np.float64]:
        """Measure volts and amps of all channels in one answer: V and A (channels, 2)."""
        replies = await self._ask("VIPALL?", self.channels, 48)
        with self._reading("VIPALL?", replies):
            return qontrol_reports.parse_outputs(replies, CHANNELS_PER_MODULE)

    async def read_calibration(self, channel: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The four calibration numbers of a channel's volts, and those of its amps (VCAL, ICAL)."""
        place = self._place(channel, self.channels)
        found: list[tuple[int, ...]] = []
        for command in (f"VCAL{place}?", f"ICAL{place}?"):
            replies = await self._ask(command, 1, 32)
            with self._reading(command, replies):
                numbers = tuple(int(part) for part in replies[0].split(b","))
                if len(numbers) != 4:
                    raise ValueError("four numbers were due")
                found.append(numbers)
        return found[0], found[1]

    async def read_log(self, module: int = 0) -> tuple[LogEntry, ...]:
        """The error log of a module, the latest entry first (64 at most)."""
        command = f"LOG{self._place(module, self.modules) * CHANNELS_PER_MODULE}?"
        lines = await self._listen(command)
        with self._reading(command, lines):
            return qontrol_reports.parse_log(lines)

    async def read_memory(self, module: int = 0) -> NDArray[np.uint16]:
        """The non-volatile memory of a module as words (n,), mostly its calibration (NVM)."""
        command = f"NVM{self._place(module, self.modules) * CHANNELS_PER_MODULE}?"
        lines = await self._listen(command)
        with self._reading(command, lines):
            return qontrol_reports.parse_memory(lines)

    async def read_help(self) -> str:
        """What the first module says of its commands and error codes."""
        return b"\n".join(await self._listen("HELP0?")).decode("latin-1").strip()

    async def renumber(self) -> None:
        """Number the modules anew from 0, as after a change of the backplane; outputs stay.

        Raises `InstrumentError` where the chain then is another than was found on opening.
        """
        async with self._writing:
            async with self._link.exchange("configure") as link:
                before = await self._heard(link)
                deadline = self._deadline(12, 160)
                await dialogue.renumber(link, deadline)
                chain = tuple(await dialogue.list_modules(link, self.name, deadline))
            self._raise(f"{self._last} before NUP=0", before)
            if chain != self.chain:
                self._link.doubt()
                shown = ", ".join(f"{one.model}-{one.serial}: {one.index}" for one in chain)
                raise InstrumentError(self.name, "NUP=0", shown, "another chain than on opening")

    @property
    def readings(self) -> frozenset[str]:
        """Volts and amps as measured, and what the modules tell of themselves."""
        return READINGS

    @property
    def imposed(self) -> frozenset[str]:
        """The limits above which a channel trips."""
        return IMPOSED

    async def read_settings(self) -> dict[str, Any]:
        """All declared quantities: a list each, of the channels or of the modules.

        Raises `OutputFault` for one that is told meanwhile, `LinkError`.
        """
        found: dict[str, Any] = {}
        for quantity in QUANTITIES:
            try:
                found[quantity.name] = await self.get(quantity)
            except OutputFault:
                raise  # no answer to what was asked: it must not be lost among the settings
            except InstrumentError as error:
                found[quantity.name] = {"refused": error.reply}
        return found

    async def check_faults(self) -> None:
        """Raise `InstrumentError` for the faults that have come since the last exchange."""
        before = self._last
        _, faults, _ = await self._exchange("poll", b"", 0, before)
        self._raise(before, faults)

    async def _overhear(self) -> None:
        """As `check_faults`, of what lies in the input by now: nothing is asked or waited for."""
        async with self._link.exchange("") as link:
            faults = await self._heard(link)
        self._raise(self._last, faults)

    def _declared(self, quantity: Quantity) -> None:
        if quantity not in QUANTITIES:
            known = ", ".join(one.name for one in QUANTITIES)
            raise ValueError(f"{self.name} has no quantity {quantity.name}; it has {known}")

    def _place(self, channel: int | str, count: int, what: str = "this") -> int:
        """The number of a channel or module. Raises `ValueError`."""
        number = str(channel)
        if not number.isdecimal() or int(number) >= count:
            raise ValueError(
                f"{self.name}: {what} needs a channel from 0 to {count - 1}, not {number!r}"
            )
        return int(number)

    async def _read_all(self, quantity: Quantity) -> NDArray[np.float64]:
        """A quantity of all channels in its SI unit, (channels,)."""
        command = f"{quantity.header('ALL')}?"
        replies = await self._ask(command, self.channels, 12)
        values = np.empty(self.channels)
        with self._reading(command, replies):
            for channel, reply in enumerate(replies):
                values[channel] = qontrol.parse_value(reply, quantity.unit)
        return values

    async def _get(self, quantity: Quantity, place: int) -> Any:
        """A quantity of one channel or module."""
        by_module = quantity in EVERY_MODULE
        command = quantity.query(place * CHANNELS_PER_MODULE if by_module else place)
        replies = await self._ask(command, 1, 12)
        with self._reading(command, replies):
            if not by_module:
                return qontrol.parse_value(replies[0], quantity.unit)
            text = replies[0].decode("latin-1")
            return quantity.parse(text.removesuffix(" s") if quantity.unit == "s" else text)
