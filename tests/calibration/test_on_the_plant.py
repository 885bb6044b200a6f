"""The steps of a mesh on a simulated bench, against the plant's own numbers, from nothing."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.knowledge import Knowledge
from calibration.mesh import amplitude_fidelity, matrix_fidelity
from calibration.model import seen_matrices
from calibration.procedures import mesh_steps
from calibration.step import Silent
from hil.bench.calibration_setup import BenchSetup
from hil.bench.entry import make_core
from sim_backends.plant.plant import Plant
from tests.hil.conftest import write_bench as write_bench  # a fixture


def true_matrices(document: dict, levels: np.ndarray, at: float) -> np.ndarray:
    """What the detectors see (n_banks, N, N) of levels (n_banks, N^2) W that were held for long."""
    plant = Plant.from_document(document)
    every = np.arange(plant.spec.elements)
    for bank, row in enumerate(levels):
        plant.set_volts(bank, every, np.sqrt(row * plant.spec.r_nom[bank]), at - 100.0)
    own = np.stack([plant.matrix(bank, at) for bank in range(len(levels))])
    coupling = np.eye(len(levels)) + plant.devices.leak
    return plant.devices.detector_gain[:, None] * np.einsum("kj,jno->kno", coupling, own)


@pytest.mark.parametrize(("severity", "ports"), [("std", 3), ("harsh", 4)])
def test_a_calibration_from_nothing_predicts_the_plant(
    write_bench, severity: str, ports: int
) -> None:
    core = make_core(write_bench(ports, 2), path="slot", plant_seed=7, severity=severity)
    known = Knowledge.nothing(ports, 2, core.file.chip.p_pi)
    failed: list[str] = []

    async def whole() -> float:
        await core.open()
        try:
            setup = BenchSetup(core)
            for step in mesh_steps():
                outcome = await step.run(setup, known, Silent())
                failed.extend(f"{step.name}: {g.name}" for g in outcome.gates if not g.passed)
                failed.extend(outcome.faults)
                if step.name in ("phases", "global", "crosstalk", "offsets", "verify"):
                    np.testing.assert_array_equal(setup.levels, setup.level_idle)
            return setup.now()
        finally:
            assert await core.close() == []

    loop = core.new_loop()
    try:
        now = loop.run_until_complete(whole())
    finally:
        loop.close()
    assert now < 60.0
    if severity == "std":
        assert failed == []
    rng = np.random.default_rng(0)
    levels = core.file.chip.p_pi * rng.uniform(0.4, 1.6, (4, 2, ports**2))
    true = np.stack([true_matrices(core.file.document, one, now) for one in levels])
    believed = seen_matrices(known, None, levels)
    assert matrix_fidelity(believed, true).mean() > (0.997 if severity == "std" else 0.994)
    assert amplitude_fidelity(believed, true).mean() > 0.999
    assert known.crosstalk[:, 0] == pytest.approx(0.01 if severity == "std" else 0.03, rel=0.15)
