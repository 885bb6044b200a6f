"""Simulated benches for the tests of detectors, modulators and switch, and what to spoil on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from calibration.knowledge import Knowledge
from calibration.setup import LineTest, Observation, Points, Setup, Shot
from calibration.step import Outcome, Silent, Step
from hil.bench.calibration_setup import BenchSetup
from hil.bench.entry import make_core
from hil.bench.writing import Start, starting_text
from sim_backends.plant.plant import Plant

Spoil = Callable[[Setup], Setup]


class Spoilt:
    """A bench some of whose readings are not what they should be.

    change : called with (measured, clipped, full scale) of each observation, to change in place.
    """

    def __init__(
        self, setup: Setup, change: Callable[[np.ndarray, np.ndarray, np.ndarray], None]
    ) -> None:
        self._setup = setup
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._setup, name)

    async def observe(self, shots: Sequence[Shot]) -> list[Observation]:
        """As the bench's own, but spoilt."""
        seen = []
        for one in await self._setup.observe(shots):
            measured, clipped = one.measured.copy(), one.clipped.copy()
            self._change(measured, clipped, self._setup.full_scale)
            seen.append(replace(one, measured=measured, clipped=clipped))
        return seen

    async def line_test(self, test: LineTest) -> Points:
        """As the bench's own."""
        return await self._setup.line_test(test)


def bench_file(folder: Path, ports: int, n_banks: int = 2, core: str = "mzi-mesh") -> Path:
    """A starting file."""
    path = folder / f"{core}-{ports}.toml"
    if not path.exists():
        path.write_text(starting_text(Start(ports, n_banks, "fast", core=core)), encoding="utf-8")
    return path


def run_steps(
    file: Path | str,
    steps: Sequence[Step],
    *,
    path: str = "slot",
    seed: int = 1,
    severity: str | None = None,
    plant: Mapping[str, Any] | None = None,
    spoil: Spoil | None = None,
) -> tuple[Knowledge, list[Outcome], Plant, Any]:
    """Run steps on a bench; what was found, the outcomes, the truth, and the closed bench.

    Afterwards heaters must be at the idle bias, if any step moved them, and never beyond a limit:
    the bench itself refuses that.
    """
    core = make_core(file, path=path, plant=dict(plant or {}), plant_seed=seed, severity=severity)
    known = Knowledge.nothing(core.file.ports, core.file.n_banks, core.file.chip.p_pi)

    async def work() -> list[Outcome]:
        await core.open()
        try:
            setup: Any = BenchSetup(core)
            before = setup.levels
            shown = setup if spoil is None else spoil(setup)
            found = [await step.run(shown, known, Silent()) for step in steps]
            idle = np.allclose(setup.levels, setup.level_idle)
            assert idle or np.array_equal(setup.levels, before)
            return found
        finally:
            await core.close()

    loop = core.new_loop()
    try:
        outcomes = loop.run_until_complete(work())
    finally:
        loop.close()
    return known, outcomes, Plant.from_document(core.file.document), core
