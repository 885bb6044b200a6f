"""A simulated bench behind real sockets and pseudo-terminals, from a thread of the test's own."""

from __future__ import annotations

import asyncio
import os
import re
import threading
import tomllib
from typing import Any

from sim_backends.bench import SimulatedBench
from sim_backends.host.serving import InstrumentHost

#: A loopback address of this process: the Pulse Streamer's ports are fixed, its host is not.
HOST = f"127.{os.getpid() >> 16 & 255}.{os.getpid() >> 8 & 255}.{os.getpid() % 254 + 1}"


def quick(text: str) -> str:
    """The bench file with links and ramps that take no real time."""
    text = re.sub(r"link = \{.*\}", "link = { latency = 0.0, bytes_per_second = 1.0e9 }", text)
    text = text.replace("ramp_time = 0.5 ", "ramp_time = 0.01 ")
    text = text.replace("warm_up = 2.0 ", "warm_up = 0.01 ")
    return text.replace("TCPIP::pulsestreamer::", f"TCPIP::{HOST}::")


class Served:
    """A simulated bench behind real sockets; `only` as of `SimulatedBench`."""

    def __init__(self, text: str, only: set[str] | None = None) -> None:
        self.bench = SimulatedBench(tomllib.loads(text), only=only)
        self._host = InstrumentHost(self.bench.served(), HOST)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._do(self._host.start())
        self.addresses = {one.name: one.resource for one in reversed(self._host.addresses)}

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def joined(self, text: str) -> str:
        """The bench file with the resource strings at which its instruments are found."""
        for name, address in self.addresses.items():
            if name == "pattern":
                continue
            text = re.sub(
                rf'(name = "{name}"\n[^\n]*\n)resource = "[^"]*"',
                rf'\1resource = "{address}"',
                text,
            )
        return text

    def close(self) -> None:
        async def wind_down() -> None:
            await self._host.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self._do(wind_down())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
