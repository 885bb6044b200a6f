"""A 33600A on the clock and edges of a made-up bench, and a client of it."""

from __future__ import annotations

import numpy as np

from sim_backends.keysight_33600a import Keysight33600A

OK = '+0,"No error"'


class Bench:
    """A clock and a list of edges at Ext Trig: (time, rising)."""

    def __init__(self) -> None:
        self.time = 0.0
        self.edges: list[tuple[float, bool]] = []
        self.changes = 0

    def now(self) -> float:
        return self.time

    def next_edge(self, after: float, rising: bool) -> float | None:
        later = [time for time, up in self.edges if up is rising and time > after]
        return min(later, default=None)

    def before_change(self) -> None:
        self.changes += 1


class Client:
    """A client of a generator whose trigger comes 100 ns after its edge."""

    def __init__(self, model: str = "33622A", load: float = 50.0, **options) -> None:
        self.bench = Bench()
        options = {"latency": 100e-9, "jitter": 0.0, "attached": load} | options
        self.device = Keysight33600A(self.bench.now, self.bench, model=model, **options)
        self.sent: list[bytes] = []
        self.session = self.device.converse(self.sent.append)

    def ask(self, text: str | bytes) -> str:
        self.sent.clear()
        data = text.encode("latin-1") if isinstance(text, str) else text
        self.session.receive(data + b"\n")
        return b"".join(self.sent).decode("latin-1").removesuffix("\n")

    def do(self, *texts: str | bytes) -> None:
        for text in texts:
            assert self.ask(text) == "", text
            assert self.ask("SYST:ERR?") == OK, text

    def upload(self, name: str, values, channel: int = 1) -> None:
        """Values in units of full scale, as little-endian words."""
        data = np.rint(np.asarray(values) * 32767).astype("<i2").tobytes()
        length = str(len(data))
        head = f"FORM:BORD SWAP;:SOUR{channel}:DATA:ARB:DAC {name}, #{len(length)}{length}"
        self.do(head.encode() + data)

    def volts(self, times, channel: int = 1) -> np.ndarray:
        """Volts at bench times, the present being the last of them."""
        times = np.asarray(times, dtype=float)
        self.bench.time = max(self.bench.time, float(times.max()))
        self.device.advance()
        return self.device.outputs[channel - 1].at(times)


def ramp(points: int) -> np.ndarray:
    return np.linspace(-1.0, 1.0, points)


def errors(client: Client) -> list[str]:
    found = []
    while (entry := client.ask("SYST:ERR?")) != OK:
        found.append(entry)
    return found
