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
from drivers.qontrol_writes import CLOSING_READ, CLOSING_SENT, UNKNOWN
from drivers.transport.link import ByteLink, Connector, LinkTimeout
from drivers.transport.resource import serial_device

logger = logging.getLogger(__name__)

BAUD = 115200
CHANNELS_PER_MODULE = 8
OK_BYTES = 3
"""What every addressed module answers: `OK` and a line feed."""
CLOSING_QUESTION = qontrol.ask("ID")
LOST_POWER = (3, 90)
"""Codes after which a module has forgotten its limits: power error, powered up."""
I_FULL: Mapping[str, float] = {"Q8iv": 0.024, "Q8b": 0.083333333, "Q8a": 0.1, "Q8bi": 0.1}
"""Full-scale current of the models, A."""


class QontrolExchanges(Instrument):
    """How a chain is spoken to; see `QontrolQ8`.

    All its acknowledgements are alike, and may come twice. So each frame is closed by a question in
    the same write, who the first module is, and only its answer ends the exchange: a copy of an
    acknowledgement may stand before the true one, but in no place of it, nor of a fault. That a
    chain takes two instructions in one write is not in its documents: `E14` would tell.
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
        self._begun = b""
        """What was read of a line whose end had not come yet."""
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
            before = await self._heard(link)
            blamed = f"{self._last} before {command}" if before else command
            self._last = command
            await link.write(f"{command}\n".encode("ascii") + CLOSING_QUESTION)
            told = await dialogue.lines_until_quiet(link, self._deadline(12, 2048), self._rest())
            if not told or not told[-1].endswith(self._closing):
                shown = told[-1].decode("latin-1") if told else "nothing"
                raise InstrumentError(
                    self.name, command, shown, f"{self._closing.decode()} was due at its end"
                )
        lines = [line for line in told if not line.endswith(self._closing)]
        if not lines:
            raise InstrumentError(self.name, command, "nothing", "no answer came in time")
        faults = [fault for line in lines if (fault := qontrol.parse_fault(line))]
        self._raise(blamed, before + faults)
        return lines

    async def _exchange(
        self, kind: str, frame: bytes, lines: int, command: str, width: int = 12
    ) -> tuple[list[bytes], list[Fault], str]:
        """Send and collect `lines` reply lines; faults are returned wherever they came.

        Those that came before belong to the exchange before, which the returned command names.
        """
        async with self._link.exchange(kind) as link:
            earlier = await self._heard(link)
            blamed = f"{self._last} before {command}" if earlier else command
            self._last = command
            deadline = self._deadline(len(frame) + CLOSING_SENT, width * lines + CLOSING_READ)
            told = await self._told(link, frame, lines, deadline)
            if told is None:  # the same once more: no frame does anything that it would not twice
                told = await self._told(link, frame, lines, deadline)
            if told is None:
                self._link.doubt()
                raise InstrumentError(
                    self.name, command, "answers that do not end where they should", dialogue.NOISE
                )
        return told.replies[:lines], earlier + told.faults, blamed

    async def _told(
        self, link: ByteLink, frame: bytes, lines: int, deadline: float
    ) -> dialogue.Told | None:
        """What is said to a frame, or None where that is in doubt, in step; raises `LinkTimeout`.

        In doubt is an answer that nothing closed, and one that has too many lines.
        """
        await link.write(frame + CLOSING_QUESTION)
        told = dialogue.Told(self._closing, self._rest())
        try:
            await told.until_closed(link, lines, deadline)
        except LinkTimeout:
            if told.faults:  # they came in place of the rest
                self._link.doubt()
                return told
            if not told.suffices(lines):
                raise
            logger.warning("%s: did not say who it is; resynchronising", self.name)
            await self._synchronise(link)
            return None
        if told.faults:
            return told
        if len(told.replies) > lines:
            logger.warning("%s: %r came once more", self.name, b" ".join(told.replies)[:80])
        acknowledged = bool(told.replies) and set(told.replies) == {b"OK"}
        doubtful = told.mixed or len(told.replies) > lines
        return None if doubtful and not (acknowledged and len(told.replies) >= lines) else told

    async def _heard(self, link: ByteLink) -> list[Fault]:
        """Faults that lie in the input before anything is asked.

        Nothing is waited for: what an `off` sends must leave at once. The begin of a line is kept.
        """
        *whole, self._begun = (self._begun + await link.drain_input()).split(b"\n")
        lines = [cleaned for line in whole if (cleaned := qontrol.clean(line))]
        faults = [fault for line in lines if (fault := qontrol.parse_fault(line))]
        copies = [line for line in lines if line in (b"OK", self._closing)]  # of no harm
        if len(faults) + len(copies) < len(lines):
            logger.warning("%s: unasked input %r", self.name, b" ".join(lines)[:80])
            self._words[:] = UNKNOWN  # a module that starts anew may say anything
        return faults

    def _rest(self) -> bytes:
        begun, self._begun = self._begun, b""
        return begun

    def _raise(self, command: str, faults: list[Fault]) -> None:
        if not faults:
            return
        self._words[:] = UNKNOWN  # a tripped channel may be anywhere
        if any(fault.code in LOST_POWER for fault in faults):
            self._limits_due = True
        raise dialogue.fault_error(self.name, command, faults)

    async def _synchronise(self, link: ByteLink) -> None:
        self._words[:] = UNKNOWN
        self._begun = b""
        await dialogue.synchronise(link, self.timeout)

    async def _greet(self, link: ByteLink) -> None:
        self._words[:] = UNKNOWN
        self._begun = b""
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
            raise InstrumentError(self.name, command, shown, f"{error}: {dialogue.NOISE}") from None
