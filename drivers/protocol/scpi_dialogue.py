"""Who speaks when in SCPI: every exchange ends in the error queue, and an answer is an answer.

Most instruments answer nothing at all to a query that fails. So the question for the error queue
always goes along with it, in one of three ways:

- In the same message (`error_in_message`), where the instrument goes on after a unit that fails:
  one reply comes in any case, and its last unit is the entry of the error queue.
- On a stream of bytes, in a message of its own, sent right behind: two replies come, or the entry
  of the error queue alone when the query failed.
- On a message-based link (USB-TMC, GPIB, VXI-11, HiSLIP) one after the other, since a message sent
  before an answer was read destroys it (-410). A failed query is silent there: until the time-out,
  or, where the link can look at the status byte meanwhile, until that tells of an error
  (`error_bit`). Then the link is cleared, and the error queue tells why. A slow answer is lost by
  that, but it would not have been returned: the queue was empty before the query, and an exchange
  that leaves an error in it ends in that error in any case.

A stream's exchanges ask for the identity behind all that (`scpi_stream`): by it the number of
replies is known, so an answer that looks like an entry is told from one, and a reply that comes
twice, however late, is one too many.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

from drivers.protocol import scpi
from drivers.protocol.scpi import ScpiError, ScpiSyntaxError
from drivers.protocol.scpi_stream import CLOSING_QUERY, Reply, read_to_closing
from drivers.transport.link import NOISE, AnswerRefused, ByteLink, LinkTimeout

Unit = str | bytes
LONGEST_ENTRY = 1024
"""An entry of an error queue has fewer bytes (SCPI-99: 255); a block of data has more."""
READ_IN_VAIN = -420
"""What our own reading of nothing queues (Query UNTERMINATED)."""
LATE_TIMEOUTS = 3
"""Time-outs that late replies may go on to come in while a link is resynchronised."""


@runtime_checkable
class Clearable(Protocol):
    """A link with a device clear: it empties both directions and aborts what is being parsed."""

    async def clear(self) -> None:
        """Clear the device's input and output. Raises `LinkError`."""
        ...


@runtime_checkable
class Watchful(Protocol):
    """A link that can look at the status byte while it waits for an answer."""

    error_bit: int

    def distrust_status(self) -> None:
        """Look at it no more."""
        ...


@dataclass(frozen=True)
class Dialogue:
    """How one instrument is talked to; holds nothing of what was said."""

    end_out: bytes
    end_in: bytes
    error_query: str = scpi.ERROR_QUERY
    error_in_message: bool = False
    parse_error: Callable[[bytes], ScpiError] = scpi.parse_error
    error_bit: int = 0
    """That of the status byte which tells of queued errors (SCPI-99: 4); 0 where none does."""
    bare_blocks: bool = False
    """Whether a block may come without `end_in` behind it, on a stream."""

    @cached_property
    def closing_query(self) -> bytes:
        """The message that closes an exchange on a stream."""
        return scpi.message(CLOSING_QUERY, end=self.end_out)

    @cached_property
    def error_message(self) -> bytes:
        """The question for the error queue in a message of its own."""
        return scpi.message(self.error_query, end=self.end_out)

    async def converse(
        self,
        link: ByteLink,
        units: Sequence[Unit],
        answers: int,
        timeout: float,
        *,
        closing: bytes,
        size: int | None = None,
        long: bool = False,
    ) -> tuple[list[bytes], list[ScpiError]]:
        """Send units in one message, read their answers, and then the error queue till it is empty.

        `closing` is the known answer to `*IDN?` with its end, for streams; `size` the length of a
        block that does not tell it; `long` says that a long block is likely. Fewer answers than
        asked for come with the errors that say why, or with none where the instrument gave no
        reason. Raises `LinkTimeout`, `LinkClosed`, `ScpiSyntaxError`.
        """
        if link.stream:
            await link.write(self.framed(units) + self.closing_query)
            found = await read_to_closing(
                link, self.end_in, closing, timeout, size=size, long=long and answers > 0,
                bare=self.bare_blocks,
            )  # fmt: skip
            if not found and answers:  # it is the answer to `*IDN?`, or a copy
                more = await read_to_closing(link, self.end_in, closing, timeout)
                found = [[closing.strip()], *more]
            replies, error = self.sorted_out(found, answers, link.name)
        elif self.error_in_message:
            await link.write(self.framed(units))
            *replies, last = await scpi.read_reply(link, self.end_in, timeout, size, long=long)
            error = self.parse_error(last)
        else:
            await link.write(scpi.message(*units, end=self.end_out))
            try:
                replies = await self._read_watching(link, timeout, size, long) if answers else []
            except LinkTimeout as silence:
                if errors := await self._after_silence(link, timeout):
                    return [], errors
                if isinstance(silence, AnswerRefused) and isinstance(link, Watchful):
                    link.distrust_status()
                raise
            await link.write(self.error_message)
            error = self.parse_error(await self._line(link, timeout))
        if not error.code:
            return replies, []
        return replies, [error, *await self.drain(link, timeout, closing)]

    def framed(self, units: Sequence[Unit]) -> bytes:
        """Units and the question for the error queue, in one message or in two."""
        if self.error_in_message:
            return scpi.message(*units, self.error_query, end=self.end_out)
        return scpi.message(*units, end=self.end_out) + self.error_message

    def sorted_out(
        self, found: Sequence[Reply], answers: int, name: str
    ) -> tuple[list[bytes], ScpiError]:
        """Answers and the entry among all replies of an exchange. Raises `ScpiSyntaxError`."""
        count = len(found)
        if self.error_in_message and count == 1:
            *replies, last = found[0]
            return replies, self.parse_error(last)
        if not self.error_in_message and (count == 1 or (count == 2 and answers)):
            return found[0] if count == 2 else [], self.parse_error(b";".join(found[-1]))
        shown = b" ".join(b";".join(reply)[:40] for reply in found)[:80]
        raise ScpiSyntaxError(f"{name}: {count} replies came, {shown!r}: too many or too few")

    async def drain(self, link: ByteLink, timeout: float, closing: bytes) -> list[ScpiError]:
        """Read the error queue until it is empty; returns what was in it. Raises as `converse`."""
        if not link.stream:
            return await scpi.drain_errors(
                link,
                self.end_in,
                timeout,
                query=self.error_query,
                end_out=self.end_out,
                parse=self.parse_error,
            )
        errors: list[ScpiError] = []
        for _ in range(scpi.MAX_ERRORS):
            await link.write(self.error_message + self.closing_query)
            error = await self._entry(link, timeout, closing)
            if error.code == 0:
                return errors
            errors.append(error)
        raise ScpiSyntaxError(f"{link.name}: the error queue does not become empty")

    async def identify(
        self, link: ByteLink, timeout: float, recognised: Callable[[bytes], bool]
    ) -> bytes:
        """Ask who is there, and pass over what was left from before; returns the identity, with
        what white space comes behind it.

        A link that is opened may hold the rest of what another program was told. Raises
        `LinkTimeout`, `LinkClosed`, or `ScpiSyntaxError` naming what came instead of an identity.
        """
        await link.drain_input()
        await link.write(scpi.message("*IDN?", end=self.end_out))
        came: list[bytes] = []
        try:
            while not recognised((line := await self._raw_line(link, timeout)).strip()):
                came.append(line.strip())
                if len(came) >= scpi.MAX_ERRORS:
                    break
            else:
                return line.lstrip()
        except LinkTimeout:
            if not came:
                raise
        shown = b" ".join(came)[:80]
        raise ScpiSyntaxError(f"{link.name}: '*IDN?' was answered by {shown!r}, no identity")

    async def synchronise(self, link: ByteLink, closing: bytes, timeout: float, asked: int) -> None:
        """Make sure that the next reply answers the next question; sets nothing.

        Late replies are passed over until the known identity comes, which is asked for behind
        them, and then the error queue is read. `asked` is the number of identities asked for since
        the link was last in step, this one included: those asked for in vain may come late too,
        and are waited for. Raises `LinkTimeout` when the instrument stays silent, or says other
        things for too long, `ScpiSyntaxError` when old replies come behind the identity.
        """
        if isinstance(link, Clearable):
            await link.clear()
            asked = 1
        await link.drain_input()
        loop = asyncio.get_running_loop()
        last = loop.time() + LATE_TIMEOUTS * timeout
        await link.write(self.closing_query)
        identity = closing.strip()
        seen = 0
        while seen < asked:
            try:
                line = await self._line(link, timeout)
            except LinkTimeout:
                if seen:
                    break  # those asked for before were lost, not late
                raise
            if line.endswith(identity):  # a reply that was cut short may stand before it
                seen += 1
            elif loop.time() > last:
                raise LinkTimeout(
                    f"{link.name}: other replies came in place of the identity; {NOISE}"
                )
        await link.write(self.error_message + (self.closing_query if link.stream else b""))
        while (line := await self._line(link, timeout)).endswith(identity):
            if loop.time() > last:  # an exchange that failed asked for it too, not more
                raise LinkTimeout(f"{link.name}: the identity came again and again; {NOISE}")
        error = self.parse_error(line)
        if link.stream and await read_to_closing(link, self.end_in, closing, timeout):
            raise ScpiSyntaxError(f"{link.name}: old replies came behind the identity")
        if error.code:
            await self.drain(link, timeout, closing)

    def refusals(self, stray: bytes) -> str:
        """Errors among bytes that came unasked, in words: none of them may be lost."""
        entries = (self._as_error(line.strip()) for line in stray.split(self.end_in))
        return "; ".join(str(entry) for entry in entries if entry is not None and entry.code)

    def as_entry(self, reply: Sequence[bytes]) -> ScpiError | None:
        """The units of a reply as the entry of an error queue; None where it has not that form."""
        return self._as_error(b";".join(reply)) if len(reply[0]) < LONGEST_ENTRY else None

    async def _entry(self, link: ByteLink, timeout: float, closing: bytes) -> ScpiError:
        """The entry of the error queue, which was asked for alone."""
        found = await read_to_closing(link, self.end_in, closing, timeout)
        if len(found) != 1:
            shown = b" ".join(b";".join(reply)[:40] for reply in found)[:80]
            raise ScpiSyntaxError(f"{link.name}: {shown!r} came for one entry of the error queue")
        return self.parse_error(b";".join(found[0]))

    async def _after_silence(self, link: ByteLink, timeout: float) -> list[ScpiError]:
        """What the error queue says of a query that was not answered; nothing if that fails too."""
        if not isinstance(link, Clearable):
            return []
        await link.clear()
        await link.drain_input()
        errors = await self.drain(link, timeout, b"")
        return [one for one in errors if one.code != READ_IN_VAIN] or errors

    async def _read_watching(
        self, link: ByteLink, timeout: float, size: int | None, long: bool
    ) -> list[bytes]:
        """A response message; raises `AnswerRefused` where the link finds that none will come."""
        if not (self.error_bit and isinstance(link, Watchful)):
            return await scpi.read_reply(link, self.end_in, timeout, size, long=long)
        link.error_bit = self.error_bit
        try:
            return await scpi.read_reply(link, self.end_in, timeout, size, long=long)
        finally:
            link.error_bit = 0

    async def _line(self, link: ByteLink, timeout: float) -> bytes:
        return (await link.read_until(self.end_in, timeout)).strip()

    async def _raw_line(self, link: ByteLink, timeout: float) -> bytes:
        return (await link.read_until(self.end_in, timeout)).removesuffix(self.end_in)

    def _as_error(self, reply: bytes) -> ScpiError | None:
        try:
            return self.parse_error(reply)
        except ScpiSyntaxError:
            return None
