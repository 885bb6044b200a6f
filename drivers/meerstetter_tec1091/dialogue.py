"""Conversations with a MeCom device: one request at a time, and getting back into step.

Every frame has a sequence number, so a late reply never answers the next question: it is skipped.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from drivers.errors import InstrumentError
from drivers.protocol import mecom
from drivers.transport.link import NOISE, ByteLink, LinkTimeout


class MeComRefusal(InstrumentError):
    """The device answered by an error code, `code`; the link is in step."""

    def __init__(self, instrument: str, command: str, code: int) -> None:
        self.code = code
        meaning = mecom.ERRORS.get(code, "code not known")
        super().__init__(instrument, command, f"+{code:02X}", meaning)


@dataclass
class Speaker:
    """Who speaks to which address, and how far its sequence numbers have come."""

    name: str
    address: int
    sequence: int = 0

    async def ask(self, link: ByteLink, payload: str, timeout: float) -> bytes:
        """Send a request and return the payload of its reply, empty for an acknowledgement.

        Raises `MeComRefusal`, `InstrumentError` for what cannot be read, `LinkTimeout`,
        `LinkClosed`.
        """
        frame = self._frame(payload)
        await link.write(frame)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            line = await link.read_until(mecom.END, max(0.0, deadline - loop.time()))
            try:
                reply = mecom.parse_reply(line)
            except ValueError as error:
                shown = line.decode("latin-1")
                raise InstrumentError(self.name, payload, shown, f"{error}: {NOISE}") from None
            if (reply.address, reply.sequence) == (self.address, self.sequence):
                return self._payload(payload, frame, reply)

    async def synchronise(self, link: ByteLink, question: str, timeout: float) -> bytes:
        """Discard what lies there, and all that comes before the answer to `question`; returns it.

        Raises `LinkTimeout`, `LinkClosed`, `MeComRefusal`.
        """
        await link.drain_input()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        frame = self._frame(question)
        await link.write(mecom.END + frame)  # ends a request that was cut
        while True:
            line = await link.read_until(mecom.END, max(0.0, deadline - loop.time()))
            try:
                reply = mecom.parse_reply(line)
            except ValueError:
                continue
            if (reply.address, reply.sequence) == (self.address, self.sequence):
                return self._payload(question, frame, reply)

    def broadcastable(self, payload: str) -> bytes:
        """A frame to send without waiting for an answer."""
        return self._frame(payload)

    def _frame(self, payload: str) -> bytes:
        self.sequence = (self.sequence + 1) & 0xFFFF
        return mecom.request(self.address, self.sequence, payload)

    def _payload(self, payload: str, frame: bytes, reply: mecom.Reply) -> bytes:
        if reply.error is not None:
            raise MeComRefusal(self.name, payload, reply.error)
        if not reply.payload and reply.crc != mecom.crc_of(frame):
            shown = f"an acknowledgement of {reply.crc:04X}"
            raise InstrumentError(self.name, payload, shown, "it garbled the request; try again")
        return reply.payload


async def wait_until(
    speaker: Speaker,
    link: ByteLink,
    question: str,
    answers: frozenset[bytes],
    patience: float,
    wait: float = 1.0,
) -> None:
    """Ask a restarted device again and again, `wait` s apart, until it gives one of `answers`.

    Raises `LinkTimeout` after `patience` s, `LinkClosed`.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while True:
        await asyncio.sleep(wait)
        try:
            if await speaker.synchronise(link, question, wait) in answers:
                return
        except (LinkTimeout, MeComRefusal):
            pass  # it is away, or busy
        if loop.time() >= deadline:
            raise LinkTimeout(
                f"{link.name}: not back within {patience:g} s of its restart; power it off and on"
            )
