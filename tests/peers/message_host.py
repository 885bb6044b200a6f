"""A meter served over a message-based link from a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sim_backends.faults import LinkFaults
from sim_backends.host.session import LinkTiming
from sim_backends.host.tcp import port_of, serve_tcp
from tests.sim_backends.message_device import Meter


class ServedMeter:
    """`port`, and what a test may set."""

    def __init__(self, client_connected: Callable[..., Any]) -> None:
        self.meter = Meter()
        self.faults = LinkFaults()
        self.port = 0
        self._client_connected = client_connected
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10.0)

    def stop(self) -> None:
        """Close all connections and the door."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10.0)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        connected = self._client_connected(self.meter.converse, LinkTiming(), self.faults)
        server = await serve_tcp("127.0.0.1", 0, connected)
        self.port = port_of(server)
        self._ready.set()
        await self._stop.wait()
        server.close()


@contextmanager
def served_meter(client_connected: Callable[..., Any]) -> Iterator[ServedMeter]:
    """A meter behind `client_connected` of a host."""
    served = ServedMeter(client_connected)
    served.start()
    try:
        yield served
    finally:
        served.stop()
