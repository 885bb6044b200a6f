"""Benches whose settings are kept and put back, and what is done to them by hand in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.transport.memory import MemoryLink
from hil.bench.simulated import Simulation
from hil.snapshot import main as snapshot
from sim_backends.bench import SimulatedBench
from tests.hil.conftest import Behind

WriteBench = Callable[..., Path]
Change = Callable[[SimulatedBench], None]


class Lab:
    """The simulated benches that commands open, and what is done to them by hand before.

    `sent`: what was sent over the links of the last one, by resource. `bench`: the last one.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bench: SimulatedBench | None = None
        self.sent: list[tuple[str, bytes]] = []
        self.by_hand: list[Change] = []
        network, write = Simulation.network, MemoryLink.write

        def opened(simulation: Simulation) -> Any:
            held: Any = simulation
            self.bench = held._bench
            self.sent.clear()
            for change in self.by_hand:
                change(held._bench)
            return network(simulation)

        async def heard(link: MemoryLink, data: bytes) -> None:
            self.sent.append((link.name, data))
            await write(link, data)

        monkeypatch.setattr(Simulation, "network", opened)
        monkeypatch.setattr(MemoryLink, "write", heard)

    def box(self, name: str = "box-0") -> Any:
        assert self.bench is not None
        return self.bench.instruments[name]

    @property
    def settings_sent(self) -> list[bytes]:
        """What was sent to boxes that is no question."""
        units = [
            unit.strip()
            for name, data in self.sent
            if "5000" in name
            for unit in data.replace(b"\n", b";").split(b";")
        ]
        return [unit for unit in units if unit and b"?" not in unit]

    @property
    def is_safe(self) -> bool:
        assert self.bench is not None
        return Behind(self.bench).is_safe()


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(monkeypatch)


@pytest.fixture
def run(command: Callable[..., Any]) -> Callable[..., Any]:
    """`run("diff", ...)`: the command, in an empty folder."""
    return lambda *words: command([str(word) for word in words], main=snapshot)


def decimated(bench: SimulatedBench) -> None:
    """Somebody has played with a box."""
    box: Any = bench.instruments["box-0"]
    box.acquisition.decimation = 64
    box.outputs[1].frequency = 2500.0


def edited(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    taken = json.loads(path.read_text(encoding="utf-8"))
    change(taken["instruments"])
    path.write_text(json.dumps(taken), encoding="utf-8")
