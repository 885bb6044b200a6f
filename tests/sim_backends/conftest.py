"""A small in-memory network, a transparent plant, and a runner on virtual time, for these tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np
import pytest

from sim_backends.bench import SimulatedBench
from sim_backends.plant.signals import FrameSignals, SampleGrid
from sim_backends.virtual_time import VirtualTimeLoop


class Pipe:
    """The writing end of a link in memory."""

    def __init__(self, peer: asyncio.StreamReader) -> None:
        self._peer = peer
        self._closed = False

    def write(self, data: bytes) -> None:
        if not self._closed:
            self._peer.feed_data(data)

    async def drain(self) -> None:
        return None

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._peer.feed_eof()

    def is_closing(self) -> bool:
        return self._closed

    async def wait_closed(self) -> None:
        return None


class Client:
    """A client's end of a link."""

    def __init__(self, reader: asyncio.StreamReader, writer: Pipe) -> None:
        self.reader = reader
        self.writer = writer

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def line(self, end: bytes = b"\n", timeout: float = 10.0) -> bytes:
        async with asyncio.timeout(timeout):
            return await self.reader.readuntil(end)

    async def exactly(self, count: int, timeout: float = 10.0) -> bytes:
        async with asyncio.timeout(timeout):
            return await self.reader.readexactly(count)

    async def ask(self, data: bytes, end: bytes = b"\n", timeout: float = 10.0) -> bytes:
        self.write(data)
        return await self.line(end, timeout)

    async def rest(self, seconds: float = 1.0) -> bytes:
        """All that arrives within so many seconds."""
        await asyncio.sleep(seconds)
        if not self.reader.at_eof():
            self.reader.feed_eof()
        return await self.reader.read()


class MemoryNetwork:
    """Named endpoints in process."""

    def __init__(self) -> None:
        self.endpoints: dict[Any, Any] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def listen_tcp(self, host: str, port: int, client_connected: Any) -> None:
        self.endpoints[host, port] = client_connected

    def listen(self, resource: str, client_connected: Any) -> None:
        words = resource.split("::")
        if words[-1] == "SOCKET":
            self.listen_tcp(words[1], int(words[2]), client_connected)
        elif resource.startswith("ASRL"):
            self.listen_serial(words[0].removeprefix("ASRL"), client_connected)
        else:
            self.endpoints[resource] = client_connected

    def listen_serial(self, device: str, client_connected: Any) -> None:
        self.endpoints[device] = client_connected

    def open(self, key: Any) -> Client:
        there, here = asyncio.StreamReader(limit=1 << 24), asyncio.StreamReader(limit=1 << 24)
        task = asyncio.ensure_future(self.endpoints[key](there, Pipe(here)))
        self._tasks.append(task)
        return Client(here, Pipe(there))


class WirePlant:
    """Detectors that show what the modulators are driven with, through the open signal gate.

    Port k reads drive k times bank + 1, sampled at the grid's times; heaters are 800 ohm.
    """

    def __init__(self) -> None:
        self.steps: list[tuple[int, list[int], list[float], float]] = []
        self.frames: list[FrameSignals] = []
        self.grids: list[list[SampleGrid]] = []

    def set_volts(self, bank: int, elements: Any, volts: Any, at: float) -> None:
        self.steps.append((bank, elements.tolist(), volts.tolist(), at))

    def pair_power(self, port: int, at: float) -> float:
        return 1.0

    def tapped(self, frame: FrameSignals, grids: Sequence[SampleGrid]) -> list[Any]:
        raise AssertionError("no tap here")

    def join_light(self, brightness: Any, detuning: Any) -> None:
        raise AssertionError("no laser here")

    def join_stage(self, warmth: Any) -> None:
        raise AssertionError("no stage here")

    def heater_amps(self, bank: int, elements: Any, volts: Any) -> Any:
        return volts / 800.0

    def render(self, frame: FrameSignals, grids: Sequence[SampleGrid]) -> list[Any]:
        self.frames.append(frame)
        self.grids.append(list(grids))
        found = []
        for grid in grids:
            times = grid.start + grid.step * (np.arange(grid.count) + 0.5 * grid.average)
            columns = [self._drive(frame, port, times) for port in grid.ports]
            masks = frame.lines.masks[np.searchsorted(frame.lines.times, times, side="right")]
            gate = (masks >> 1) & 1
            bank = (masks >> 4) & 1
            found.append(np.stack(columns, axis=1) * (gate * (bank + 1.0))[:, None])
        return found

    @staticmethod
    def _drive(frame: FrameSignals, port: int, times: Any) -> Any:
        drive = frame.drives[port]
        index = np.floor((times - drive.start) / drive.dwell).astype(int)
        inside = np.clip(index, 0, drive.values.size - 1)
        volts = np.where(index < 0, drive.before, drive.values[inside])
        return np.where(index >= drive.values.size, drive.after, volts)


def bench_document(ports: int = 4, modules: int = 2, **plant: Any) -> dict[str, Any]:
    """A small bench: one chassis a bank, two ports a box."""
    elements = []
    for bank in range(2):
        places = []
        for column in range(ports):
            for row in range((ports - column % 2) // 2):
                places += [(column, row, "theta"), (column, row, "phi")]
        places += [(ports, row, "out") for row in range(ports)]
        for index, (column, row, kind) in enumerate(places):
            elements.append(
                {
                    "bank": bank, "column": column, "row": row, "kind": kind,
                    "chassis": f"heaters-{bank}", "module": index // 8, "channel": index % 8,
                    "r_nom": 800.0, "v_max": 6.5, "i_max": 0.012, "p_max": 0.053,
                }
            )  # fmt: skip
    serial = {"latency": 0.016, "bytes_per_second": 11520.0}
    lan = {"latency": 0.0007, "bytes_per_second": 5.0e5}
    instruments: list[dict[str, Any]] = [
        {
            "name": f"heaters-{bank}", "driver": "qontrol_q8",
            "resource": f"ASRL/dev/qontrol-{bank}::INSTR", "link": serial,
            "identity": {"model": "Q8iv", "serial": f"000{bank + 1}"},
            "options": {"modules": modules},
        }
        for bank in range(2)
    ]  # fmt: skip
    instruments.append(
        {
            "name": "pattern", "driver": "pulse_streamer",
            "resource": "TCPIP::pulsestreamer::INSTR", "link": lan,
            "identity": {"model": "Pulse Streamer 8/2", "serial": "00:26:32:f0:00:01"},
        }
    )  # fmt: skip
    instruments += [
        {
            "name": f"box-{box}", "driver": "red_pitaya",
            "resource": f"TCPIP::rp-{box}::5000::SOCKET", "link": lan,
        }
        for box in range((ports + 1) // 2)
    ]  # fmt: skip
    wires = [
        {
            "port": port, "box": f"box-{port // 2}", "output": port % 2 + 1,
            "input": port % 2 + 1, "polarity": 1, "v_pi": 3.0, "drive_gain": 4.5,
            "detector_range": 3.2,
        }
        for port in range(ports)
    ]  # fmt: skip
    return {
        "schema": 1, "name": "small", "core": "mzi-mesh", "ports": ports, "n_banks": 2,
        "feedback": "controller", "detection": "homodyne",
        "timing": {
            "dwell": 512e-9, "guard": 128e-9, "decimation": 4, "average": True, "settle": 1e-4,
        },
        "chip": {"power_max": 12.0, "p_pi": 0.02, "idle_voltage": 1.0},
        "instrument": instruments,
        "wiring": {
            "elements": elements, "ports": wires,
            "lines": {
                "trigger": 0, "signal_gate": 1, "lo_gate": 2, "bank_select": [3, 4],
                "coding": "one-hot",
            },
        },
        "plant": {"seed": 1, "severity": "std", **plant},
    }  # fmt: skip


Bench = tuple[SimulatedBench, MemoryNetwork, WirePlant]
Run = Callable[..., Any]


@pytest.fixture
def document() -> Callable[..., dict[str, Any]]:
    """Maker of small bench documents."""
    return bench_document


@pytest.fixture
def bench() -> Callable[..., Bench]:
    """Maker of a simulated bench over the transparent plant, attached to a network."""

    def make(document: dict[str, Any] | None = None, **options: Any) -> Bench:
        plant = WirePlant()
        made = SimulatedBench(document or bench_document(), plant=plant, **options)
        network = MemoryNetwork()
        made.attach(network)
        return made, network, plant

    return make


@pytest.fixture
def run() -> Run:
    """Runs a coroutine on a virtual loop, and cancels what it leaves behind."""

    def go(main: Coroutine[Any, Any, Any], start: float = 0.0) -> Any:
        with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(start)) as runner:
            return runner.run(main)

    return go


@pytest.fixture
def network() -> MemoryNetwork:
    """An empty network."""
    return MemoryNetwork()
