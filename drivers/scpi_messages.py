"""Messages to and from a SCPI instrument: whole exchanges, each with its error queue."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from drivers.errors import InstrumentError
from drivers.protocol import scpi
from drivers.protocol.scpi_ahead import ask_ahead
from drivers.protocol.scpi_dialogue import Unit
from drivers.scpi_link import ENTRY_BYTES, IDENTITY_BYTES, ScpiLink
from drivers.transport.link import ByteLink

logger = logging.getLogger(__name__)

LONG = 4096
"""Bytes of an answer from which on it is read as a block."""
MOST_AHEAD = 64
"""Queries that are sent ahead in one write: an instrument must hold them while it is busy."""


class ScpiMessages(ScpiLink):
    """Tells commands and asks queries.

    Every exchange reads the error queue, and raises `InstrumentError` with what was sent and what
    was queued. Bytes that come unasked bring the link back into step first, and what they say of
    errors is raised.

    So an answer is that of its question, or an error is raised, whatever is lost, late, cut short
    or mixed with noise. On raw TCP and on serial ports that includes a reply that comes twice,
    whenever its copy comes: each exchange there is closed by the identity, and a reply too many
    before it is an error. What nothing tells is a copy of all replies of an exchange, in their
    order and of the same form as those that are waited for: replies carry no number.
    """

    async def tell(self, *units: Unit, kind: str = "set", wait: float = 0.0) -> None:
        """Send commands in one message, and read the error queue.

        A unit of bytes may hold a block (`scpi.block_unit`). `kind`: what the time is booked under;
        `wait`: s that the instrument may take beyond the usual. Raises `InstrumentError` with the
        commands and the queued errors, `LinkError`.
        """
        await self._exchange(units, 0, 0, kind, wait, None)

    async def ask(
        self,
        *units: Unit,
        answers: int | None = None,
        received: int = ENTRY_BYTES,
        kind: str = "read",
        wait: float = 0.0,
        size: int | None = None,
    ) -> list[bytes]:
        """Send units in one message; returns the answers, blocks as their payload.

        `answers` is their number (None: as many as units whose header ends in `?`), `received`
        about how many bytes come, `size` the bytes of a block that does not tell them (`#0`).
        Raises as `tell`, and when the number of answers is another.
        """
        if answers is None:
            answers = sum(_is_question(unit) for unit in units)
        replies = await self._exchange(units, answers, received, kind, wait, size)
        if len(replies) != answers:
            self._link.doubt()
            shown = f"{len(replies)} answers of {answers}"
            raise InstrumentError(self.name, _command(units), shown, "a query was skipped")
        return replies

    async def ask_text(self, unit: str, *, kind: str = "read", wait: float = 0.0) -> str:
        """The answer to one query as text, without white space at its ends. Raises as `ask`."""
        (reply,) = await self.ask(unit, kind=kind, wait=wait, answers=1)
        return reply.decode("latin-1").strip()

    async def ask_all(
        self,
        queries: Sequence[str],
        *,
        received: int = ENTRY_BYTES,
        kind: str = "read",
        wait: float = 0.0,
    ) -> list[bytes]:
        """The answers of queries of one answer each, in their order, blocks as their payload.

        On raw TCP they cost the latency of one exchange (`asks_ahead`), elsewhere they go one by
        one. All of them may be carried out even where one is refused: they must not set anything.
        `received`: about how many bytes an answer has. Raises as `ask`, naming the first query that
        was refused.
        """
        if not self.asks_ahead:
            return [
                (await self.ask(query, answers=1, received=received, kind=kind, wait=wait))[0]
                for query in queries
            ]
        answers: list[bytes] = []
        for at in range(0, len(queries), MOST_AHEAD):
            some = queries[at : at + MOST_AHEAD]
            answers += await self._ask_ahead(some, received, kind, wait)
        return answers

    def planned_ask_all(self, queries: int, sent: int, received: int) -> float:
        """Seconds that `ask_all` takes by the link model: these bytes in all, to and fro."""
        exchanges = -(-queries // MOST_AHEAD) if self.asks_ahead else queries
        return self.link.cost(
            sent + queries * (len(self.error_query) + 2), received + 16 * queries, exchanges
        )

    async def _exchange(
        self,
        units: Sequence[Unit],
        answers: int,
        received: int,
        kind: str,
        wait: float,
        size: int | None,
    ) -> list[bytes]:
        sent = sum(map(len, units)) + len(self.error_query) + 8
        async with self._link.exchange(kind) as link:
            if link.stream and (stray := await link.drain_input()):
                await self._heed(stray, link, units)
            self._owed = link.stream
            replies, errors = await self._dialogue.converse(
                link,
                units,
                answers,
                self._deadline(sent, received + 16 + IDENTITY_BYTES) + wait,
                closing=self._closing,
                size=size,
                long=max(received, size or 0) >= LONG,
            )
            self._owed = False
        if errors:
            raise InstrumentError(self.name, _command(units), "; ".join(map(str, errors)))
        return replies

    async def _ask_ahead(
        self, queries: Sequence[str], received: int, kind: str, wait: float
    ) -> list[bytes]:
        sent = sum(len(query) + len(self.error_query) + 8 for query in queries)
        timeout = self._deadline(sent, len(queries) * (received + 16) + IDENTITY_BYTES) + wait
        drained: list[scpi.ScpiError] = []
        async with self._link.exchange(kind) as link:
            if link.stream and (stray := await link.drain_input()):
                await self._heed(stray, link, queries)
            self._owed = True
            found = await ask_ahead(
                self._dialogue, link, queries, timeout, closing=self._closing, long=received >= LONG
            )
            if found and found[-1].entry.code:
                drained = await self._dialogue.drain(link, timeout, self._closing)
            self._owed = False
        answers = [one.answer for one in found if one.answer is not None]
        entries = [one.entry for one in found if one.entry.code] + drained
        for query, one in zip(queries, found, strict=True):
            if one.entry.code:
                raise InstrumentError(self.name, query, "; ".join(map(str, entries)))
            if one.answer is None:
                self._link.doubt()
                raise InstrumentError(self.name, query, "0 answers of 1", "a query was skipped")
        return answers

    async def _heed(self, stray: bytes, link: ByteLink, units: Sequence[Unit]) -> None:
        """Bytes came unasked: be in step again, and raise what they say of errors."""
        logger.warning("%s: %r came unasked; resynchronising", self.name, stray[:80])
        await self._resynchronise(link)
        if late := self._dialogue.refusals(stray):
            raise InstrumentError(self.name, f"(before) {_command(units)}", late)


def _is_question(unit: Unit) -> bool:
    text = unit if isinstance(unit, str) else unit[:256].decode("latin-1")
    return text.partition(" ")[0].endswith("?")


def _command(units: Sequence[Unit]) -> str:
    """Units in words, the long ones cut."""
    texts = (unit if isinstance(unit, str) else unit[:61].decode("latin-1") for unit in units)
    return ";".join(text if len(text) <= 60 else f"{text[:57]}..." for text in texts)
