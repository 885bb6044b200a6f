"""Simulated benches for the tests of detectors, modulators and switch, and ways to spoil them."""

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
from hil.bench.cores import Core
from hil.bench.entry import make_core
from hil.bench.writing import Start, starting_text
from sim_backends.plant.plant import Plant

Spoil = Callable[[Any], Any]


class Spoilt:
    """A bench some of whose readings or drives are not what they should be.

    change : called with each shot, and with what was measured and what clipped, to change in
    place. drive : called with the drives (samples, ports) of each shot, returns what is played.
    """

    def __init__(
        self,
        setup: Setup,
        change: Callable[[Shot, np.ndarray, np.ndarray], None] | None = None,
        drive: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self._setup = setup
        self._change = change
        self._drive = drive

    def __getattr__(self, name: str) -> Any:
        return getattr(self._setup, name)

    async def observe(self, shots: Sequence[Shot]) -> list[Observation]:
        """As the bench's own, but spoilt."""
        played = list(shots)
        if self._drive is not None:
            played = [replace(shot, values=self._drive(shot.values.copy())) for shot in shots]
        seen = []
        for shot, one in zip(shots, await self._setup.observe(played), strict=True):
            measured, clipped = one.measured.copy(), one.clipped.copy()
            if self._change is not None:
                self._change(shot, measured, clipped)
            seen.append(replace(one, sent=shot.values, measured=measured, clipped=clipped))
        return seen

    async def line_test(self, test: LineTest) -> Points:
        """As the bench's own."""
        return await self._setup.line_test(test)


def bench_file(folder: Path, ports: int, n_banks: int = 2, core: Core = "mzi-mesh") -> Path:
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
