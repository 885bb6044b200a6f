"""Each imperfection switched off alone takes away itself and nothing else."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from sim_backends.plant import Plant
from sim_backends.plant.devices import Devices
from sim_backends.plant.numbers import IMPERFECTIONS, PlantNumbers
from tests.sim_backends.plant.documents import bench_document

#: What of the drawn devices an imperfection may touch, and what it is without it.
DEVICE_FIELDS = {
    "heater_spread": {"p_pi": 0.020, "r0": 800.0},
    "splitters": {"alpha": 0.0, "beta": 0.0},
    "loss": {"loss_db": 0.0},
    "leak": {"leak": 0.0},
    "skew": {"drive_delay": 25e-9, "line_delay": 25e-9},
    "modulator_gain": {"modulator_gain": 1.0},
    "modulator_bias": {"modulator_bias": 0.0},
    "detector_gain": {"detector_gain": 1.0},
    "detector_offset": {"detector_offset": 0.0},
    "quadrature": {"quadrature_step": np.pi / 2},
}


#: Numbers that are zero by default, so that their switches have something to take away.
MOVING = {"lo_drift_rms": 0.05, "drift_step": 0.05}


@pytest.mark.parametrize("name", sorted(IMPERFECTIONS))
def test_one_switch_changes_only_its_own(name: str) -> None:
    whole = Plant.from_document(bench_document(5, 3, **MOVING))
    without = Plant.from_document(bench_document(5, 3, **MOVING, switch_off=[name]))
    for field in fields(PlantNumbers):
        same = getattr(whole.spec.numbers, field.name) == getattr(without.spec.numbers, field.name)
        assert same == (field.name not in IMPERFECTIONS[name]), field.name
    touched = DEVICE_FIELDS.get(name, {})
    for field in fields(Devices):
        before, after = getattr(whole.devices, field.name), getattr(without.devices, field.name)
        if field.name in touched:
            assert np.any(before != after)
            np.testing.assert_allclose(after, touched[field.name], rtol=1e-12)
        else:
            np.testing.assert_array_equal(before, after)


#: Imperfections that a settled slot, long after the heaters' step, shows.
SHOWN = {
    "heater_spread",
    "resistance_temperature",
    "curvature",
    "crosstalk",
    "splitters",
    "loss",
    "leak",
    "memory",
    "modulator_gain",
    "modulator_bias",
    "detector_gain",
    "detector_offset",
    "saturation",
    "drift",
    "drift_step",
    "lo_drift",
    "thermal_tail",
}


@pytest.mark.parametrize("name", sorted(IMPERFECTIONS))
def test_what_a_settled_slot_shows(name: str) -> None:
    rng = np.random.default_rng(3)
    heater, drive = rng.uniform(2, 6, 16), rng.uniform(-1, 1, (20, 4))

    def slot(off: list[str]) -> np.ndarray:
        plant = Plant.from_document(bench_document(4, 2, **MOVING, switch_off=off))
        for bank in (0, 1):
            plant.set_volts(bank, np.arange(16), heater[:: 1 - 2 * bank], at=0.0)
        return plant.slot(0, drive, at=0.3)

    moved = np.abs(slot([name]) - slot([])).max()
    assert moved > 1e-5 if name in SHOWN else moved == 0.0


def test_statistics_of_the_devices() -> None:
    plant = Plant.from_document(bench_document(32, 2))
    devices = plant.devices
    assert np.std(devices.p_pi / 0.020) == pytest.approx(0.04, rel=0.1)
    assert np.std(devices.r0 / 800.0) == pytest.approx(0.05, rel=0.1)
    assert np.std(devices.alpha) == pytest.approx(0.03, rel=0.1)
    assert np.mean(devices.loss_db) == pytest.approx(0.15, abs=0.01)
    assert abs(devices.leak[0, 1]) == pytest.approx(10 ** (-25 / 20))
    assert devices.leak[0, 0] == 0.0
    assert np.abs(devices.drive_delay - 25e-9).max() <= 3e-9
