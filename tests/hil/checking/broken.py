"""What is behind a bench that the preflight looks at, and how its heaters are broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hil.bench.opening import OpenBench
from sim_backends.bench import SimulatedBench


def simulated(core: OpenBench) -> SimulatedBench:
    """The simulated bench behind a core."""
    held: Any = core.simulation
    return held._bench


def loads(core: OpenBench, factors: dict[int, float], bank: int = 0) -> None:
    """Heaters of a bank draw `factors` times their current: 0 is open."""
    plant: Any = simulated(core)._plant
    sound = plant.heater_amps

    def drawn(which: int, elements: Any, volts: Any) -> Any:
        amps = sound(which, elements, volts).copy()
        for element, factor in factors.items():
            if which == bank:
                amps[elements == element] *= factor
        return amps

    plant.heater_amps = drawn


@dataclass(frozen=True)
class Checked:
    """How a preflight ended: its lines by verdict, and the bench."""

    code: int
    out: str
    err: str
    core: OpenBench | None

    def lines(self, verdict: str) -> list[str]:
        """Lines of a verdict, without it."""
        return [
            line.removeprefix(verdict).strip()
            for line in self.out.splitlines()
            if line.startswith(verdict)
        ]


Check = Callable[..., Checked]
