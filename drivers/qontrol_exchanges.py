"""Exchanges with a Qontrol chain: identified, kept in step, and every answer that of its question.

Sources: Qontrol API 1.1.20, BP8 manual 1.1, transcripts of the API's `virtual-module` branch.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from drivers import qontrol_dialogue as dialogue
from drivers.instrument import Identity, IdentityError, Instrument, InstrumentError
from drivers.link_model import LinkModel
from drivers.protocol import qontrol
from drivers.protocol.qontrol import ChainEntry, Fault
from drivers.qontrol_quantities import V_FULL
from drivers.qontrol_writes import UNKNOWN
from drivers.transport.link import ByteLink, Connector, LinkTimeout
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


class QontrolExchanges(Instrument):
    """How a chain is spoken to; see `QontrolQ8`.

    All its acknowledgements are alike, and may come twice. So each exchange ends with a question
    that is not waited for: who the first module is. The answers of the next exchange begin with
    that one, and what stands before it is older. A copy that comes after that answer, while the
    next exchange is under way, is not told: it acknowledges early, and a fault in place of the true
    acknowledgement is raised by the exchange that follows.
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
        self._closing = b""
        """What is answered to the question that ends each exchange."""
        self._asked_at: float | None = None
        """When it was asked, where its answer has not been read yet."""
        self._limits_due = False
        self._link = self._guard(
            lambda: connector.serial(device, BAUD), self._greet, self._synchronise
        )

    async def _ask(self, command: str, lines: int, width: int) -> list[bytes]:
        """The answer, of so many lines of about `width` bytes. Raises for faults."""
        frame = f"{command}\n".encode("ascii")
        replies, faults, blamed = await self._exchange("read", frame, lines, command, width)
        self._raise(blamed, faults)
        return replies

    async def _listen(self, command: str) -> list[bytes]:
        """An answer of unknown length, until the chain is silent; a fault in it is raised."""
        async with self._link.exchange("read") as link:
            before = await self._since(link)
            blamed = f"{self._last} before {command}" if before else command
            self._last = command
            await link.write(f"{command}\n".encode("ascii"))
            told = await dialogue.lines_until_quiet(link, self._deadline(12, 2048))
            lines = [line for line in told if line != self._closing]
            if not lines:
                raise InstrumentError(self.name, command, "nothing", "no answer came in time")
            await self._close_exchange(link)
        faults = [fault for line in lines if (fault := qontrol.parse_fault(line))]
        self._raise(blamed, before + faults)
        return lines

    async def _exchange(
        self, kind: str, frame: bytes, lines: int, command: str, width: int = 12
    ) -> tuple[list[bytes], list[Fault], str]:
        """Send and collect `lines` reply lines; faults are returned wherever they came.

        Those that came before belong to the exchange before, which the returned command names. The
        frame leaves at once, whatever that exchange may still have to say.
        """
        faults: list[Fault] = []
        async with self._link.exchange(kind) as link:
            earlier = await self._heard(link)
            deadline = self._deadline(len(frame), width * lines)
            await link.write(frame)
            owed = self._asked_at is not None
            try:
                replies = await dialogue.collect(
                    link, lines, faults, deadline, closing=self._closing,
                    earlier=earlier if owed else None,
                )  # fmt: skip
            except LinkTimeout:
                if not owed:
                    raise
                # What was lost may be the closing answer: the same once more, in step.
                await self._synchronise(link)
                await link.write(frame)
                replies = await dialogue.collect(link, lines, faults, deadline)
            blamed = f"{self._last} before {command}" if earlier else command
            self._last = command
            if len(replies) < lines:  # refused: what else the chain says is not known
                self._link.doubt()
            else:
                await self._close_exchange(link)
        return replies, earlier + faults, blamed

    async def _close_exchange(self, link: ByteLink) -> None:
        """Ask who is there, behind all that has been answered; see the class."""
        await link.write(qontrol.ask("ID"))
        self._asked_at = asyncio.get_running_loop().time()

    async def _since(self, link: ByteLink) -> list[Fault]:
        """Faults told since the last exchange, to the end of what it has to say."""
        faults = await self._heard(link)
        if self._asked_at is None:
            return faults
        lines: list[bytes] = []
        waited = asyncio.get_running_loop().time() - self._asked_at
        timeout = self._deadline(4, len(self._closing) + 1) - waited
        try:
            await dialogue.until_closed(link, self._closing, lines, max(timeout, 0.0))
        except LinkTimeout:
            logger.warning("%s: did not say who it is; resynchronising", self.name)
            await self._synchronise(link)
        self._asked_at = None
        return faults + self._faults_of(lines) + await self._heard(link)

    async def _heard(self, link: ByteLink) -> list[Fault]:
        """Faults that lie in the input before anything is asked."""
        pending = await link.drain_input()
        if not pending:
            return []
        if not pending.endswith(b"\n"):
            try:
                pending += await link.read_until(b"\n", self.timeout)
            except LinkTimeout:
                if self._asked_at is None:
                    raise
                pending = pending[: pending.rfind(b"\n") + 1]  # cut short, and its rest lost
                await self._synchronise(link)
        lines = [cleaned for line in pending.split(b"\n") if (cleaned := qontrol.clean(line))]
        older: list[bytes] = []
        while lines and self._asked_at is not None:
            line = lines.pop(0)
            if line.endswith(self._closing):
                self._asked_at = None
            else:
                older.append(line)
        lines = [line for line in lines if line != self._closing]  # a copy, of no harm
        faults = [fault for line in lines if (fault := qontrol.parse_fault(line))]
        if len(faults) < len(lines):
            logger.warning("%s: unasked input %r; resynchronising", self.name, pending)
            await self._synchronise(link)
        return self._faults_of(older) + faults

    def _faults_of(self, older: list[bytes]) -> list[Fault]:
        """The faults among lines before the closing answer; all else there came twice."""
        faults = [fault for line in older if (fault := qontrol.parse_fault(line))]
        if len(faults) < len(older):
            logger.warning("%s: %r came once more", self.name, b" ".join(older)[:80])
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
        self._asked_at = None
        await dialogue.synchronise(link, self.timeout)

    async def _greet(self, link: ByteLink) -> None:
        self._words[:] = UNKNOWN
        self._asked_at = None
        self._limits_due = True
        told = await dialogue.introduce(link, self.name, self._deadline(12, 160))
        first = told.chain[0]
        self.chain = told.chain
        self._closing = f"{first.model}-{first.serial}".encode("ascii")
        self._recognise(Identity("Qontrol", first.model, first.serial, told.firmware))
        if len(told.chain) != self.modules:
            found = f"{len(told.chain)} ({', '.join(entry.model for entry in told.chain)})"
            there = len(told.chain)
            hint = (
                f"if that is right, say so: options = {{ modules = {there} }} in the bench file, "
                f"--option modules={there} on the command line"
            )
            raise IdentityError(self.name, "modules", str(self.modules), found, hint)
        wrong = [entry.model for entry in told.chain if entry.channels != CHANNELS_PER_MODULE]
        if wrong:
            raise IdentityError(self.name, "modules of 8 outputs", "Q8iv", ", ".join(wrong))
        v_full, i_full = await dialogue.full_scales(
            link, self.name, self.modules, self._deadline(24, 24 * self.modules)
        )
        if not np.allclose(v_full, V_FULL):
            raise IdentityError(self.name, "full scale in V", str(V_FULL), str(v_full.tolist()))
        self.i_full = np.repeat(i_full, CHANNELS_PER_MODULE)

    @contextmanager
    def _reading(self, command: str, replies: list[bytes]) -> Iterator[None]:
        """Turns what cannot be read of a reply into an `InstrumentError`, the link in doubt."""
        try:
            yield
        except ValueError as error:
            self._link.doubt()
            shown = b"; ".join(replies[:4]).decode("latin-1")
            raise InstrumentError(self.name, command, shown, str(error)) from None
