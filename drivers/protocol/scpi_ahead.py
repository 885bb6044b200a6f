"""Queries sent ahead on a stream: one write, and their replies read in order.

So many queries cost the latency of one. Each keeps its own question for the error queue, sent right
behind it, so that a query which is refused is known by its place. The rules of `scpi_dialogue` hold
for each of them: a reply that has not the form of an entry of an error queue is an answer, for
certain. One that has may be an answer, or the entry of a query that answered nothing: then the
identity is asked for behind all that was sent, and the number of replies before it tells.

It is all or nothing: where a reply is missing, those that follow would come to the wrong queries,
but then the last one has none, and the whole ends in an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.protocol import scpi
from drivers.protocol.scpi import ScpiError, ScpiSyntaxError
from drivers.protocol.scpi_dialogue import Dialogue
from drivers.transport.link import ByteLink

Reply = list[bytes]
"""Units of one response message."""


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
    identity: bytes,
    long: bool = False,
) -> list[Answered]:
    """Send queries of one answer each in one write; what came of each, in order.

    The first entry that tells of an error belongs to the query at its place; what one query queued
    besides is found at the places behind it. `timeout`: s for each reply; `identity`: the known
    answer to `*IDN?`; `long`: long blocks are likely. Raises `LinkTimeout`, `LinkClosed`, and
    `ScpiSyntaxError` where it cannot be told what answers what.
    """
    apart = not dialogue.error_in_message
    question = dialogue.error_query
    end = dialogue.end_out
    await link.write(
        b"".join(
            scpi.message(query, end=end) + scpi.message(question, end=end)
            if apart
            else scpi.message(query, question, end=end)
            for query in queries
        )
    )
    found: list[Answered] = []
    while len(found) < len(queries):
        first = await scpi.read_reply(link, dialogue.end_in, timeout, long=long)
        if not apart:
            *answers, last = first
            found.append(_answered(answers, dialogue.parse_error(last)))
            continue
        if dialogue.as_entry(first) is not None:
            left = len(queries) - len(found)
            rest = await _up_to_identity(dialogue, link, [first], left, timeout, identity, long)
            return found + _sorted_out(dialogue, rest, left, link.name)
        entry = await scpi.read_reply(link, dialogue.end_in, timeout)
        found.append(_answered(first, dialogue.parse_error(b";".join(entry))))
    refused = any(one.answer is None or one.entry.code for one in found)
    # What comes too many looks like a refusal, and leaves the last reply for the next exchange.
    if refused and await _up_to_identity(dialogue, link, [], 0, timeout, identity, long):
        raise ScpiSyntaxError(f"{link.name}: replies came that nothing asked for")
    return found


async def _up_to_identity(
    dialogue: Dialogue,
    link: ByteLink,
    begun: Sequence[Reply],
    queries: int,
    timeout: float,
    identity: bytes,
    long: bool,
) -> list[Reply]:
    """All replies to the queries that are left, after those that `begun` holds."""
    await link.write(scpi.message("*IDN?", end=dialogue.end_out))
    replies = list(begun)
    while True:
        reply = await scpi.read_reply(link, dialogue.end_in, timeout, long=long)
        if b";".join(reply) == identity:
            return replies
        replies.append(reply)
        if len(replies) > 2 * queries:
            raise ScpiSyntaxError(f"{link.name}: replies came that nothing asked for")


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
