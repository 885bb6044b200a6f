"""One connection to a simulated instrument, with the timing of its link.

The link is a pipe of given latency and rate in each direction: bytes that arrive are acted upon
once all of them have crossed, and a reply reaches the client after its own bytes have crossed back,
so one exchange takes latency + (bytes sent + bytes received) / rate. Timers of the running loop do
it: no task sleeps.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sim_backends.faults import LinkFaults

from .memory import ClientConnected, Writer

_CHUNK = 1 << 16


@dataclass(frozen=True)
class LinkTiming:
    """Cost of crossing a link: `latency` s an exchange, half of it each way, and bytes a second
    to the instrument and (None: the same) back from it.
    """

    latency: float = 0.0
    bytes_per_second: float = math.inf
    read_bytes_per_second: float | None = None


class Conversation(Protocol):
    """An instrument's side of one connection."""

    def receive(self, data: bytes) -> None:
        """Act on bytes that have arrived."""
        ...

    def close(self) -> None:
        """The connection has ended."""
        ...


Converse = Callable[[Callable[[bytes], None]], Conversation]
"""How an instrument takes up a connection: given `send`, which it may call at any time."""


class Session:
    """Carries bytes between a stream and a conversation at the pace of the link."""

    def __init__(
        self, converse: Converse, writer: Writer, timing: LinkTiming, faults: LinkFaults
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._writer = writer
        self._faults = faults
        self._half = timing.latency / 2
        self._per_byte_in = 1.0 / timing.bytes_per_second
        self._per_byte_out = 1.0 / (timing.read_bytes_per_second or timing.bytes_per_second)
        self._arrivals: deque[bytes] = deque()
        self._departures: deque[bytes] = deque()
        self._inward_free = 0.0
        self._outward_free = 0.0
        self._open = True
        self._conversation = converse(self.send)

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Serve until the client closes."""
        try:
            while self._open:
                data = await reader.read(_CHUNK)
                if not data:
                    self._flush()
                    break
                self._arrive(data)
        except ConnectionError:
            pass
        finally:
            self._open = False
            self._conversation.close()
            self._writer.close()

    def _arrive(self, data: bytes) -> None:
        loop = self._loop
        free = max(loop.time(), self._inward_free) + len(data) * self._per_byte_in
        self._inward_free = free
        self._arrivals.append(data)
        loop.call_at(free + self._half, self._deliver)

    def _deliver(self) -> None:
        if self._open and self._arrivals:
            self._conversation.receive(self._arrivals.popleft())

    def _flush(self) -> None:
        """What is on its way when the client closes still arrives, as it does on a real link."""
        while self._open and self._arrivals:
            self._conversation.receive(self._arrivals.popleft())

    def send(self, data: bytes) -> None:
        """Send bytes to the client, now as far as the instrument is concerned."""
        if not self._open:
            return
        if self._faults.pending:
            self._send_faulty(data)
        else:
            self._depart(data, 0.0)

    def hang_up(self) -> None:
        """Close the connection once what was sent has left."""
        loop = self._loop
        loop.call_at(max(loop.time(), self._outward_free) + self._half, self._cut)

    def _cut(self) -> None:
        if self._open:
            # Timers of one instant come in any order: what is due by now leaves first.
            for data in self._departures:
                if not self._writer.is_closing():
                    self._writer.write(data)
            self._open = False
            self._writer.close()

    def _depart(self, data: bytes, delay: float) -> None:
        loop = self._loop
        free = max(loop.time() + delay, self._outward_free) + len(data) * self._per_byte_out
        self._outward_free = free
        self._departures.append(data)
        loop.call_at(free + self._half, self._emit)

    def _emit(self) -> None:
        data = self._departures.popleft()
        if self._open and not self._writer.is_closing():
            self._writer.write(data)

    def _send_faulty(self, data: bytes) -> None:
        fate = self._faults.next(data)
        for part, delay in fate.parts:
            self._depart(part, delay)
        for copy, delay in fate.copies:
            self._loop.call_later(delay, self._depart, copy, 0.0)
        if fate.drop:
            self._open = False
            self._writer.close()


def client_connected(
    converse: Converse, timing: LinkTiming, faults: LinkFaults | None = None
) -> ClientConnected:
    """Callback for `asyncio.start_server` or a memory network that serves an instrument."""
    troubles = LinkFaults() if faults is None else faults

    async def connected(reader: asyncio.StreamReader, writer: Writer) -> None:
        await Session(converse, writer, timing, troubles).run(reader)

    return connected
