"""Queries sent ahead on a stream: one write, and their replies read in order.

So many queries cost the latency of one. Each keeps its own question for the error queue, sent right
behind it, so that a query which is refused is known by its place. The rules of `scpi_dialogue` hold
for all of them together: the identity, asked for behind them, closes the exchange, and the number
of replies before it tells what each one is. One that has the form of an entry of an error queue may
be an answer, or the entry of a query that answered nothing.

It is all or nothing: where a reply is missing, those that follow would come to the wrong queries,
but then the last one has none, and the whole ends in an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.protocol import scpi
from drivers.protocol.scpi import ScpiError, ScpiSyntaxError
from drivers.protocol.scpi_dialogue import Dialogue
from drivers.protocol.scpi_stream import Reply, is_closing, read_to_closing
from drivers.transport.link import ByteLink


@dataclass(frozen=True)
class Answered:
    """What came of one query: its answer (None: none came), and the error queue's entry."""

    answer: bytes | None
    entry: ScpiError


async def ask_ahead(
    dialogue: Dialogue,
    link: ByteLink,
    queries: Sequence[str],
    timeout: float,
    *,
    closing: bytes,
    long: bool = False,
) -> list[Answered]:
    """Send queries of one answer each in one write; what came of each, in order.

    The first entry that tells of an error belongs to the query at its place; what one query queued
    besides is found at the places behind it. `timeout`: s for each reply; `closing`: the known
    answer to `*IDN?` with its end; `long`: long blocks are likely. Raises `LinkTimeout`,
    `LinkClosed`, and `ScpiSyntaxError` where it cannot be told what answers what.
    """
    framed = [dialogue.framed([query]) for query in queries]
    await link.write(b"".join((*framed, dialogue.closing_query)))
    most = len(queries) if dialogue.error_in_message else 2 * len(queries)
    if long:
        replies = await _one_by_one(dialogue, link, most, timeout, closing)
    else:
        replies = await read_to_closing(link, dialogue.end_in, closing, timeout)
    if len(replies) > most:
        raise ScpiSyntaxError(f"{link.name}: replies came that nothing asked for")
    if not dialogue.error_in_message:
        return _sorted_out(dialogue, replies, len(queries), link.name)
    if len(replies) < most:
        raise ScpiSyntaxError(f"{link.name}: {len(replies)} replies to {most} queries")
    return [_answered(answers, dialogue.parse_error(last)) for *answers, last in replies]


async def _one_by_one(
    dialogue: Dialogue, link: ByteLink, most: int, timeout: float, closing: bytes
) -> list[Reply]:
    """Replies up to the closing one, or one more than there should be; blocks by their count."""
    replies: list[Reply] = []
    while len(replies) <= most:
        reply = await scpi.read_reply(link, dialogue.end_in, timeout, long=True)
        if is_closing(reply, closing):
            break
        replies.append(reply)
    return replies


def _sorted_out(
    dialogue: Dialogue, replies: Sequence[Reply], queries: int, name: str
) -> list[Answered]:
    """Replies to so many queries, shared out among them. Raises `ScpiSyntaxError`."""
    missing = 2 * queries - len(replies)
    certain = sum(dialogue.as_entry(reply) is None for reply in replies)
    if missing and certain + missing != queries:
        # An answer that looks like an entry, beside a query that was not answered.
        raise ScpiSyntaxError(f"{name}: it cannot be told which of the queries was answered")
    found: list[Answered] = []
    coming = iter(replies)
    for reply in coming:
        entry = dialogue.as_entry(reply)
        if entry is None or not missing:
            behind = next(coming, None)
            if behind is None:
                raise ScpiSyntaxError(f"{name}: a reply is missing")
            found.append(_answered(reply, dialogue.parse_error(b";".join(behind))))
        else:
            found.append(Answered(None, entry))
    if len(found) != queries:
        raise ScpiSyntaxError(f"{name}: {len(replies)} replies to {queries} queries")
    return found


def _answered(units: Reply, entry: ScpiError) -> Answered:
    if len(units) > 1:
        raise ScpiSyntaxError(f"{len(units)} answers came to a query of one")
    return Answered(units[0] if units else None, entry)
