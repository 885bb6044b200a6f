"""Getting back into step with what has neither sequence numbers nor an identity to ask for."""

from __future__ import annotations

from drivers.transport.link import ByteLink, LinkTimeout

MOST_WAITS = 50
"""Pauses that are waited for before the other end is taken to babble."""


async def until_quiet(link: ByteLink, pause: float) -> bytes:
    """Discard input until none comes for `pause` s; returns what was discarded.

    Raises `LinkTimeout` when it does not end, `LinkClosed`.
    """
    heard = await link.drain_input()
    for _ in range(MOST_WAITS):
        try:
            heard += await link.read_exactly(1, pause)
        except LinkTimeout:
            return heard
        heard += await link.drain_input()
    raise LinkTimeout(f"{link.name} does not stop talking; power it off and on")
