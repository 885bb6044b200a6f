"""A bench that is a twin with noise, and the twin that believes in it: for watch, gate, repairs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hil.control.machine import Reading
from hil.control.schedule import Schedule
from hil.learn.digital import DigitalMachine
from hil.learn.limits import Limits
from hil.learn.reference import Look, look, reference_inputs
from hil.learn.trust import WatchSettings
from hil.learn.watch import DriftWatch
from hil.twin.machine import Twin
from hil.twin.parameters import TwinParameters, copy_parameters
from sim_backends.plant import Plant
from tests.hil.twin.plants import document, exact_twin

PORTS, BANKS, STEPS, NOISE = 8, 2, 6, 0.01


class NoisyMachine(DigitalMachine):
    """A bench that does what a twin says, with read noise; `broken` spoils what is read.

    programmed : every setting that was written.
    """

    def __init__(self, twin: Twin, seed: int = 0) -> None:
        super().__init__(twin)
        self.rng = np.random.default_rng(seed)
        self.broken: Callable[[Reading], Reading] = lambda reading: reading
        self.programmed: list[np.ndarray] = []
        self.time = 0.0

    def now(self) -> float:
        """As many s as frames were run."""
        return self.time

    async def program(self, levels: np.ndarray) -> None:
        """Written down, and in force at once."""
        self.programmed.append(levels.copy())
        self._levels = None  # the twin's parameters may have changed
        await super().program(levels)

    async def frame(self, bank: int, values: np.ndarray) -> Reading:
        """The twin's, and noise."""
        self.time += 1.0
        read = await super().frame(bank, values)
        noisy = read.measured + NOISE * self.rng.standard_normal(read.measured.shape)
        return self.broken(Reading(read.sent, noisy, read.clipped, read.after_dark))


class Refit:
    """A refit that only does as it is told."""

    def __init__(self) -> None:
        self.residual = float("nan")
        self.adopted: list[TwinParameters] = []
        self.doubts: list[float] = []

    def adopt(self, parameters: TwinParameters) -> None:
        """Written down."""
        self.adopted.append(parameters)

    def reset_phases(self, sigma: float) -> None:
        """Written down."""
        self.doubts.append(sigma)


async def compute(work: Callable[[], Any]) -> Any:
    """At once."""
    return work()


class Scene:
    """A bench, the twin that believes in it, and powers that walk a little from batch to batch.

    wrong : rad rms by which the twin's offsets are off from the first.
    """

    def __init__(self, seed: int = 0, wrong: float = 0.01) -> None:
        plant = Plant.from_document(document(PORTS, BANKS, seed=seed + 1))
        self.truth, self.twin = exact_twin(plant), exact_twin(plant)
        self.rng = torch.Generator().manual_seed(seed)
        self.move(wrong * self.normal(BANKS, PORTS**2))
        self.powers = 0.4 + 1.2 * torch.rand(
            BANKS, PORTS**2, generator=self.rng, dtype=torch.float64
        )
        self.machine = NoisyMachine(self.truth, seed)
        self.limits = Limits(
            torch.full_like(self.powers, 0.05), torch.full_like(self.powers, 2.5), 1000.0
        )
        self.schedule = Schedule(BANKS, STEPS, "first")
        self.refit = Refit()
        self.batch = 0
        self.program()

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers."""
        return torch.randn(*shape, generator=self.rng, dtype=torch.float64)

    def move(self, by: Tensor) -> None:
        """Move the bench's phases (n_banks, elements) by rad."""
        self.truth.parameters = copy_parameters(self.truth.parameters)
        self.truth.parameters["offset"] += by

    def move_one(self, bank: int, element: int, by: float) -> None:
        """Move one phase of the bench."""
        moved = torch.zeros(BANKS, PORTS**2, dtype=torch.float64)
        moved[bank, element] = by
        self.move(moved)

    def change(self, name: str, value: Tensor) -> None:
        """Give the bench another parameter."""
        self.truth.parameters = {**copy_parameters(self.truth.parameters), name: value}

    def program(self) -> None:
        """Write the present powers, so that the bench is as its parameters say."""
        asyncio.run(self.machine.program(self.powers.numpy() * self.twin.p_pi))

    def look(self) -> Look:
        """One look at the reference inputs."""
        self.program()
        return asyncio.run(look(self.machine, reference_inputs(PORTS), BANKS, STEPS))

    def watch(self, **settings: Any) -> DriftWatch:
        """A watch that looks at every tenth batch."""
        return DriftWatch(
            self.machine,
            self.schedule,
            self.twin,
            self.limits,
            WatchSettings(**settings),
            compute,
            self.refit,
        )

    def batches(self, watch: DriftWatch, count: int) -> None:
        """Let batches pass, with powers that training moves."""
        for _ in range(count):
            self.batch += 1
            self.powers = (self.powers + 0.005 * self.normal(BANKS, PORTS**2)).clamp(0.1, 2.0)
            self.program()
            asyncio.run(watch.after_batch(self.batch, self.powers))
