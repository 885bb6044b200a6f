"""Replies on a stream of bytes, up to the one that closes an exchange: who answers.

On raw TCP and on serial ports nothing numbers replies. A copy of an old one may come whenever it
likes, and look like the answer that is waited for. So every exchange asks, last of all, for the
instrument's identity, which is known and is no entry of an error queue. Its replies are the answer
(where one is due), the entry of the error queue, and the identity, and none of the three can stand
in another's place. A reply that comes besides makes one too many before the identity: that is an
error, whatever it looks like. Only a copy of the identity may end an exchange, behind all that was
asked; then the true one comes unasked, and the next exchange begins by getting into step.
"""

from __future__ import annotations

from drivers.protocol import scpi
from drivers.protocol.scpi import ScpiSyntaxError
from drivers.transport.link import ByteLink

CLOSING_QUERY = "*IDN?"
"""What every instrument was asked on opening: no other fact is relied upon."""

Reply = list[bytes]
"""Units of one response message, blocks as their payload."""


async def read_to_closing(
    link: ByteLink,
    end: bytes,
    closing: bytes,
    timeout: float,
    *,
    size: int | None = None,
    long: bool = False,
    bare: bool = False,
) -> list[Reply]:
    """The replies before `closing`, which is the identity as it comes, with its `end`.

    `size`: bytes of a block that does not tell them; `long`: the first reply is likely a long block
    and is read by its count; `bare`: a block may come without an `end`. Raises `LinkTimeout`,
    `LinkClosed`, and `ScpiSyntaxError` for what is no reply, or where something stands before the
    identity on its line.
    """
    found: list[Reply] = []
    if long and not bare:
        first = await scpi.read_reply(link, end, timeout, size, long=True)
        if is_closing(first, closing):
            return []
        found.append(first)
    said = (await link.read_until(closing, timeout))[: -len(closing)]
    if said and not said.endswith(end):
        raise ScpiSyntaxError(f"{link.name}: {said[-60:]!r} came before the identity")
    return found + replies(said, end, size, bare=bare)


def is_closing(reply: Reply, closing: bytes) -> bool:
    """Whether a reply is the identity."""
    return len(reply[0]) < len(closing) and b";".join(reply) == closing.strip()


def replies(said: bytes, end: bytes, size: int | None = None, *, bare: bool = False) -> list[Reply]:
    """Part whole response messages, each of which has its `end`, a block only if not `bare`.

    Raises `ScpiSyntaxError`.
    """
    if b"#" not in said and b";" not in said:
        return [[line.strip()] for line in said.split(end)[:-1]]
    found: list[Reply] = []
    at = 0
    while at < len(said):
        if bare and said[at : at + 1] == b"#":
            block, at = scpi.bare_block(said, at)
            found.append([block])
            at += len(end) if said.startswith(end, at) else 0
            continue
        stop = said.index(end, at) + len(end)
        while True:
            units, _, missing = scpi.scan_reply(said[at:stop], end, size=size)
            if missing < 0:
                break
            more = said.find(end, stop + missing)  # that end was a byte of a block
            if more < 0:
                raise ScpiSyntaxError(f"{said[at:][:60]!r} has a block longer than what came")
            stop = more + len(end)
        found.append(units)
        at = stop
    return found
