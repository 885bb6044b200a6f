"""Small benches for the tests of hil, and a look behind the door that hil itself never takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hil
from hil.bench.opening import OpenBench
from hil.bench.writing import Start, starting_text
from sim_backends.bench import SimulatedBench
from sim_backends.pulse_streamer.device import PulseStreamer
from sim_backends.qontrol_q8 import QontrolChain
from sim_backends.red_pitaya import RedPitaya

WriteBench = Callable[..., Path]
#: Plant numbers of a bench that answers the same question twice alike, but for its converters.
STEADY = {"switch_off": ["noise", "drift"]}


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _guardians_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Guardians of benches on real links lock and log in a folder of this test run's own."""
    own = tmp_path_factory.mktemp("guardians")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIL_LOCKS", str(own / "locks"))
        patch.setenv("XDG_STATE_HOME", str(own))
        yield


@pytest.fixture
def write_bench(tmp_path: Path) -> WriteBench:
    """Write a small bench file: `write_bench(ports, n_banks, name, replace={old: new})`."""

    def write(
        ports: int = 2,
        n_banks: int = 2,
        name: str = "small",
        *,
        replace: dict[str, str] | None = None,
    ) -> Path:
        text = starting_text(Start(ports, n_banks, name))
        for old, new in (replace or {}).items():
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def small_bench(write_bench: WriteBench) -> Iterator[hil.Bench]:
    """An open simulated bench of two ports and two banks, without noise and drift."""
    with hil.open(write_bench(), plant=STEADY) as bench:
        yield bench


class Behind:
    """The simulated instruments of an open bench, for a test to ask what is really so."""

    def __init__(self, bench: hil.Bench | hil.AsyncBench | OpenBench | SimulatedBench) -> None:
        if isinstance(bench, SimulatedBench):
            self.simulated = bench
            return
        core = bench if isinstance(bench, OpenBench) else bench.core
        assert core.simulation is not None
        held: Any = core.simulation
        self.simulated = held._bench

    @property
    def volts(self) -> np.ndarray:
        """V at every heater channel of every chassis."""
        chains = [c for c in self.simulated.instruments.values() if isinstance(c, QontrolChain)]
        return np.concatenate([chain.volts for chain in chains])

    @property
    def lines(self) -> int:
        """Mask of the pattern generator's lines; the gates are among them."""
        pattern = self.simulated.instruments["pattern"]
        assert isinstance(pattern, PulseStreamer)
        try:
            return pattern.mask()
        except RuntimeError:  # it was never asked the time: no loop has run it
            return 0

    @property
    def outputs_on(self) -> bool:
        """Whether any box drives a modulator."""
        boxes = [one for one in self.simulated.instruments.values() if isinstance(one, RedPitaya)]
        return any(output.enabled for box in boxes for output in box.outputs)

    def is_safe(self) -> bool:
        """All heaters at 0 V, all lines low, all outputs off."""
        return not (self.volts.any() or self.lines or self.outputs_on)


@pytest.fixture
def behind() -> type[Behind]:
    """`behind(bench)`: what its simulated instruments really do."""
    return Behind
