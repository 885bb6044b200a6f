"""A client of a simulated source-measure unit, and loads that remember what was over them."""

from __future__ import annotations

import asyncio

from sim_backends.source_measure.device import SourceMeasureDevice
from sim_backends.source_measure.load import Heater, Resistor


class WatchedResistor(Resistor):
    """A resistor; `seen`: V, each change."""

    def __init__(self, ohms: float = 1000.0) -> None:
        super().__init__(ohms)
        self.seen: list[float] = []

    def driven(self, volts: float) -> None:
        self.seen.append(volts)


class WatchedHeater(Heater):
    """A heater of 800 ohm that grows by 2 / W; `seen`: V, each change."""

    def __init__(self) -> None:
        super().__init__(800.0, 2.0)
        self.seen: list[float] = []

    def driven(self, volts: float) -> None:
        self.seen.append(volts)


class Client:
    """Speaks through one of the unit's doors, by its place among them."""

    def __init__(self, device: SourceMeasureDevice, door: int) -> None:
        self.device = device
        self.sent = b""
        self.session = device.doors[door].converse(self._take)

    def _take(self, data: bytes) -> None:
        self.sent += data

    def write(self, text: str) -> None:
        """Send a message."""
        self.session.receive(text.encode("latin-1") + b"\n")

    def ask(self, text: str) -> str:
        """The answer that is there at once."""
        self.sent = b""
        self.write(text)
        return self.sent.decode("latin-1").removesuffix("\n")

    async def wait(self, text: str, seconds: float = 30.0) -> str:
        """The answer that comes within bench time."""
        reply = self.ask(text)
        for _ in range(int(seconds / 0.01)):
            if reply:
                break
            await asyncio.sleep(0.01)
            reply = self.sent.decode("latin-1").removesuffix("\n")
        return reply
