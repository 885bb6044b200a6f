"""A small simulated bench served on real sockets and pseudo-terminals, from a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from sim_backends.bench import SimulatedBench
from sim_backends.catalogue import build
from sim_backends.host.clock import BenchClock
from sim_backends.host.serving import InstrumentHost, Served
from sim_backends.instrument import Placement


def small_document() -> dict[str, Any]:
    """Two ports, two banks, one box: small, with quick links so that clients need not wait."""
    places = [(0, 0, "theta"), (0, 0, "phi"), (2, 0, "out"), (2, 1, "out")]
    elements = [
        {
            "bank": bank, "column": column, "row": row, "kind": kind,
            "chassis": f"heaters-{bank}", "module": 0, "channel": channel + 3 * (bank == 0),
            "r_nom": 800.0, "v_max": 6.5, "i_max": 0.012, "p_max": 0.053,
        }
        for bank in range(2)
        for channel, (column, row, kind) in enumerate(places)
    ]  # fmt: skip
    instruments: list[dict[str, Any]] = [
        {
            "name": f"heaters-{bank}", "driver": "qontrol_q8",
            "resource": f"ASRL/dev/qontrol-{bank}::INSTR",
            "identity": {"model": "Q8iv", "serial": f"000{bank + 1}"}, "options": {"modules": 2},
        }
        for bank in range(2)
    ]  # fmt: skip
    instruments += [
        {
            "name": "pattern", "driver": "pulse_streamer",
            "resource": "TCPIP::pulsestreamer::INSTR",
            "identity": {"serial": "00:26:32:f0:00:01"},
        },
        {"name": "box-0", "driver": "red_pitaya", "resource": "TCPIP::rp-0::5000::SOCKET"},
    ]  # fmt: skip
    ports = [
        {
            "port": port, "box": "box-0", "output": port + 1, "input": port + 1, "polarity": 1,
            "v_pi": 3.0, "drive_gain": 4.5, "detector_range": 3.2,
        }
        for port in range(2)
    ]  # fmt: skip
    lines = {
        "trigger": 0, "signal_gate": 1, "lo_gate": 2, "bank_select": [3, 4], "coding": "one-hot",
    }  # fmt: skip
    return {
        "schema": 1, "name": "tiny", "core": "mzi-mesh", "ports": 2, "n_banks": 2,
        "feedback": "controller", "detection": "homodyne",
        "timing": {
            "dwell": 512e-9, "guard": 128e-9, "decimation": 4, "average": True, "settle": 1e-4,
        },
        "chip": {"power_max": 12.0, "p_pi": 0.02, "idle_voltage": 1.0},
        "instrument": instruments,
        "wiring": {"elements": elements, "ports": ports, "lines": lines},
        "plant": {"seed": 1},
    }  # fmt: skip


class ServedBench:
    """Instruments and their loop in a thread; `make` makes them there."""

    def __init__(self, make: Callable[[], Sequence[Served]]) -> None:
        self._make = make
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._failure: BaseException | None = None
        self._thread.start()
        self._ready.wait(30.0)
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            self.host = InstrumentHost(self._make(), free_ports=True)
            await self.host.start()
        except BaseException as error:
            self._failure = error
            self._ready.set()
            return
        self._ready.set()
        await self._stop.wait()
        await self.host.close()

    def address(self, name: str) -> str:
        """Where a client finds an instrument."""
        return self.host.address(name).resource

    def port(self, name: str, own: int) -> int:
        """The port that stands for an instrument's own port."""
        port = self.host.address(name, own).port
        assert port is not None
        return port

    def close(self) -> None:
        """End the service."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10.0)


@pytest.fixture(scope="module")
def bench_in_thread() -> Iterator[ServedBench]:
    """A served bench."""
    served = ServedBench(lambda: SimulatedBench(small_document()).served())
    yield served
    served.close()


@pytest.fixture
def instrument_in_thread() -> Iterator[Callable[..., ServedBench]]:
    """Serves one instrument of the catalogue, under its model's name: `(model, **options)`."""
    running: list[ServedBench] = []

    def serve(model: str, **options: Any) -> ServedBench:
        def make() -> Sequence[Served]:
            return [Served(model, build(model, Placement(BenchClock(), options=options)).doors)]

        running.append(ServedBench(make))
        return running[-1]

    yield serve
    for served in running:
        served.close()
