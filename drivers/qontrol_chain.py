"""A chain of Qontrol modules on its serial port: identified, kept in step, asked for all it tells.

Sources: Qontrol API 1.1.20, BP8 manual 1.1, transcripts of the API's `virtual-module` branch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers import qontrol_dialogue as dialogue
from drivers.instrument import Identity, IdentityError, Instrument, InstrumentError
from drivers.link_model import LinkModel
from drivers.protocol import qontrol, qontrol_reports
from drivers.protocol.qontrol import ChainEntry, Fault
from drivers.protocol.qontrol_reports import LogEntry
from drivers.qontrol_quantities import (
    AMPS,
    EVERY_CHANNEL,
    EVERY_MODULE,
    IMPOSED,
    QUANTITIES,
    READINGS,
    V_FULL,
    VOLTS,
)
from drivers.qontrol_writes import UNKNOWN
from drivers.quantity import Quantity
from drivers.transport.link import ByteLink, Connector
from drivers.transport.resource import serial_device

logger = logging.getLogger(__name__)

BAUD = 115200
CHANNELS_PER_MODULE = 8
OK_BYTES = 3
"""What every addressed module answers: `OK` and a line feed."""
LOST_POWER = (3, 90)
"""Codes after which a module has forgotten its limits: power error, powered up."""
I_FULL: Mapping[str, float] = {"Q8iv": 0.024, "Q8b": 0.083333333, "Q8a": 0.1, "Q8bi": 0.1}
"""Full-scale current of the models, A."""


class QontrolChain(Instrument):
    """What a chain tells; `QontrolQ8` sets it as well.

    Not guarded against: an `OK` that comes twice, its copy only after the next write has left,
    which it acknowledges too early. That write's own `OK` comes unasked then, so that the next
    exchange gets into step again and raises what was wrong. To wait for copies would cost a run
    5 % of its bench time.
    """

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str],
        timeout: float,
        modules: int,
    ) -> None:
        """`modules` must be found on open. Raises `ResourceError` for what is no serial port."""
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        device = serial_device(resource)
        self.modules = modules
        self.channels = CHANNELS_PER_MODULE * modules
        self.v_full = V_FULL
        self.i_full = np.full(self.channels, min(I_FULL.values()))
        self.chain: tuple[ChainEntry, ...] = ()
        """The modules, in order, as they were found on opening."""
        self._words = np.full(self.channels, UNKNOWN, dtype=np.int64)
        self._writing = asyncio.Lock()
        self._last = "open"
        self._limits_due = False
        self._link = self._guard(
            lambda: connector.serial(device, BAUD), self._greet, self._synchronise
        )

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
                deadline = self._deadline(12, 160)
                await dialogue.renumber(link, deadline)
                chain = tuple(await dialogue.list_modules(link, self.name, deadline))
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
        """All declared quantities: a list each, of the channels or of the modules."""
        found: dict[str, Any] = {}
        for quantity in QUANTITIES:
            try:
                found[quantity.name] = await self.get(quantity)
            except InstrumentError as error:
                found[quantity.name] = {"refused": error.reply}
        return found

    async def check_faults(self) -> None:
        """Raise `InstrumentError` for the faults that have come since the last exchange."""
        async with self._link.exchange("poll") as link:
            faults = await self._unasked(link)
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

    async def _ask(self, command: str, lines: int, width: int) -> list[bytes]:
        """The answer, of so many lines of about `width` bytes. Raises for faults."""
        frame = f"{command}\n".encode("ascii")
        replies, faults, blamed = await self._exchange("read", frame, lines, command, width)
        self._raise(blamed, faults)
        return replies

    async def _listen(self, command: str) -> list[bytes]:
        """An answer of unknown length, until the chain is silent; a fault in it is raised."""
        async with self._link.exchange("read") as link:
            before = await self._unasked(link)
            blamed = f"{self._last} before {command}" if before else command
            self._last = command
            await link.write(f"{command}\n".encode("ascii"))
            lines = await dialogue.lines_until_quiet(link, self._deadline(12, 2048))
            if not lines:
                raise InstrumentError(self.name, command, "nothing", "no answer came in time")
        faults = [fault for line in lines if (fault := qontrol.parse_fault(line))]
        self._raise(blamed, before + faults)
        return lines

    @contextmanager
    def _reading(self, command: str, replies: list[bytes]) -> Iterator[None]:
        """Turns what cannot be read of a reply into an `InstrumentError`, the link in doubt."""
        try:
            yield
        except ValueError as error:
            self._link.doubt()
            shown = b"; ".join(replies[:4]).decode("latin-1")
            raise InstrumentError(self.name, command, shown, str(error)) from None

    async def _exchange(
        self, kind: str, frame: bytes, lines: int, command: str, width: int = 12
    ) -> tuple[list[bytes], list[Fault], str]:
        """Send and collect `lines` reply lines; faults are returned wherever they came.

        Those that lay there before belong to the exchange before, which the returned command names.
        """
        blamed = command
        async with self._link.exchange(kind) as link:
            faults = await self._unasked(link)
            if faults:
                blamed = f"{self._last} before {command}"
            self._last = command
            await link.write(frame)
            deadline = self._deadline(len(frame), width * lines)
            replies = await dialogue.collect(link, lines, faults, deadline)
        if len(replies) < lines:  # refused: what else the chain says is not known
            self._link.doubt()
        return replies, faults, blamed

    async def _unasked(self, link: ByteLink) -> list[Fault]:
        """Faults that lie in the input before anything is asked."""
        pending = await link.drain_input()
        if not pending:
            return []
        if not pending.endswith(b"\n"):
            pending += await link.read_until(b"\n", self.timeout)
        lines = [cleaned for line in pending.split(b"\n") if (cleaned := qontrol.clean(line))]
        faults = [fault for line in lines if (fault := qontrol.parse_fault(line))]
        if len(faults) < len(lines):
            logger.warning("%s: unasked input %r; resynchronising", self.name, pending)
            await self._synchronise(link)
        return faults

    def _raise(self, command: str, faults: list[Fault]) -> None:
        if not faults:
            return
        self._words[:] = UNKNOWN  # a tripped channel may be anywhere
        if any(fault.code in LOST_POWER for fault in faults):
            self._limits_due = True
        raise dialogue.fault_error(self.name, command, faults)

    async def _synchronise(self, link: ByteLink) -> None:
        self._words[:] = UNKNOWN
        await dialogue.synchronise(link, self.timeout)

    async def _greet(self, link: ByteLink) -> None:
        self._words[:] = UNKNOWN
        self._limits_due = True
        told = await dialogue.introduce(link, self.name, self._deadline(12, 160))
        first = told.chain[0]
        self.chain = told.chain
        self._recognise(Identity("Qontrol", first.model, first.serial, told.firmware))
        if len(told.chain) != self.modules:
            found = f"{len(told.chain)} ({', '.join(entry.model for entry in told.chain)})"
            raise IdentityError(self.name, "modules", str(self.modules), found)
        wrong = [entry.model for entry in told.chain if entry.channels != CHANNELS_PER_MODULE]
        if wrong:
            raise IdentityError(self.name, "modules of 8 outputs", "Q8iv", ", ".join(wrong))
        v_full, i_full = await dialogue.full_scales(
            link, self.name, self.modules, self._deadline(24, 24 * self.modules)
        )
        if not np.allclose(v_full, V_FULL):
            raise IdentityError(self.name, "full scale in V", str(V_FULL), str(v_full.tolist()))
        self.i_full = np.repeat(i_full, CHANNELS_PER_MODULE)
