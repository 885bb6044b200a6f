"""The plant's fast slot and the machine built on it."""

from __future__ import annotations

import numpy as np
import pytest

from sim_backends.plant import Plant
from sim_backends.plant.numbers import IMPERFECTIONS
from sim_backends.slot import SlotMachine
from tests.sim_backends.plant.documents import bench_document


def _machine(off: list[str] | None = None, ports: int = 4, **numbers: object) -> SlotMachine:
    machine = SlotMachine(bench_document(ports, 2, switch_off=off or [], **numbers))
    levels = np.random.default_rng(2).uniform(0.008, 0.032, (2, ports**2))
    machine.program(levels)
    machine.advance(10.0)
    return machine


def test_the_slot_is_the_documented_machine() -> None:
    document = bench_document(4, 2, severity="harsh")
    document["wiring"]["ports"][1]["polarity"] = -1
    plant = Plant.from_document(document)
    for bank in (0, 1):
        plant.set_volts(bank, np.arange(16), np.linspace(2, 5, 16), at=0.0)
    volts = np.random.default_rng(0).uniform(-1, 1, (6, 4))
    devices = plant.devices
    u = volts * [1, -1, 1, 1] * 4.5 / 3.0
    light = np.sin(np.pi / 2 * devices.modulator_gain * u + devices.modulator_bias)
    own = [plant.matrix(bank, at=1.0) for bank in (0, 1)]
    total = own[1] + devices.leak[1, 0] * own[0]
    field = np.real(np.exp(-1j * plant.lo_phase(1.0)) * (light @ total.T))
    field[1:] += 0.05 * field[:-1].copy()
    y = devices.detector_gain * 3 * np.tanh(field / 3) + devices.detector_offset
    np.testing.assert_allclose(plant.slot(1, volts, at=1.0), y / 3.2, atol=1e-12)
    assert plant.lo_phase(1.0) != 0.0


def test_identity_gives_a_positive_signal_for_a_positive_drive() -> None:
    plant = Plant.from_document(bench_document(2, 1, switch_off=["all"]))
    # theta = pi is the bar state; the phases then undo one another.
    target = np.array([np.pi, 0.0, np.pi, 0.0]) - plant.devices.phase[0]
    power = 0.020 * (target % (2 * np.pi)) / np.pi
    plant.set_volts(0, np.arange(4), np.sqrt(power * 800.0), at=0.0)
    np.testing.assert_allclose(plant.matrix(0, at=0.0), np.eye(2), atol=1e-12)
    assert (plant.slot(0, np.full((1, 2), 0.3), at=0.0) > 0).all()


def test_frame_without_noise_is_the_quantised_slot() -> None:
    machine = _machine(["noise"])
    volts = np.random.default_rng(1).uniform(-1, 1, (5, 4))
    settled = machine._plant.slot(1, volts, at=10.0)
    read = machine.frame(1, volts)
    assert np.abs(read - settled).max() <= 2.0**-14 + 1e-12
    np.testing.assert_array_equal(read * 2**13, np.rint(read * 2**13))


def test_noise_of_a_frame() -> None:
    noisy = _machine()
    volts = np.zeros((4000, 4))
    settled = noisy._plant.slot(0, volts, at=10.0)
    read = noisy.frame(0, volts)
    assert (3.2 * (read - settled)).std() == pytest.approx(0.01, rel=0.04)
    again = noisy.frame(0, volts)
    assert np.abs(again - read).max() > 0.001
    np.testing.assert_array_equal(_machine().frame(0, volts), read)


def test_fewer_bits() -> None:
    machine = _machine(["noise"], adc_bits=6, dac_bits=5)
    volts = np.random.default_rng(1).uniform(-1, 1, (50, 4))
    read = machine.frame(0, volts)
    np.testing.assert_array_equal(read * 32, np.rint(read * 32))
    rounded = np.clip(np.rint(volts * 16), -16, 15) / 16
    np.testing.assert_array_equal(read, machine.frame(0, rounded))


def test_program_writes_what_changed() -> None:
    machine = _machine()
    levels = np.full((2, 16), 0.02)
    assert machine.program(levels) == 32
    assert machine.program(levels) == 0
    levels[1, 3] += 0.001
    assert machine.program(levels) == 1
    levels[1, 3] += 1e-9
    assert machine.program(levels) == 0


def test_program_makes_the_heaters_words() -> None:
    machine = SlotMachine(
        bench_document(2, 1, switch_off=[*IMPERFECTIONS.keys() - {"quantisation"}])
    )
    machine.program(np.full((1, 4), 0.0123))
    word = round(np.sqrt(0.0123 * 800) / 12 * 65535)
    twin = Plant(machine._plant.spec)
    twin.set_volts(0, np.arange(4), np.full(4, word * 12 / 65535), at=0.0)
    np.testing.assert_allclose(machine._plant.matrix(0, at=0.0), twin.matrix(0, at=0.0), atol=1e-13)


@pytest.mark.parametrize("bad", [-1e-3, np.nan, np.inf, 0.2])
def test_a_level_out_of_range_is_refused_before_any_write(bad: float) -> None:
    machine = _machine()
    volts = np.full((3, 4), 0.2)
    before = machine._plant.matrix(1, at=10.0)
    levels = np.full((2, 16), 0.02)
    levels[1, 5] = bad
    with pytest.raises(ValueError, match="bank 1, element 5"):
        machine.program(levels)
    np.testing.assert_array_equal(machine._plant.matrix(1, at=10.0), before)
    assert machine.frame(1, volts).shape == (3, 4)
    with pytest.raises(ValueError, match="shape"):
        machine.program(levels[:1])


def test_time_only_goes_forward() -> None:
    machine = SlotMachine(bench_document(2, 1), start_time=5.0)
    machine.advance(1.5)
    assert machine.time == 6.5
    with pytest.raises(ValueError, match="cannot advance"):
        machine.advance(-1.0)


def test_kept_matrices_follow_heaters_and_drift() -> None:
    plant = Plant.from_document(bench_document(4, 2))
    volts = np.random.default_rng(0).uniform(-1, 1, (8, 4))
    first = plant.slot(0, volts, at=1.0)
    np.testing.assert_array_equal(plant.slot(0, volts, at=1.001), first)
    assert np.abs(plant.slot(0, volts, at=20.0) - first).max() > 1e-4
    warm = plant.slot(0, volts, at=20.0)
    plant.set_volts(0, np.array([3]), np.array([4.0]), at=20.0)
    moved = plant.slot(0, volts, at=20.0001)
    assert np.abs(moved - warm).max() > 1e-3
    # The other bank's leak has changed as well.
    plant.set_volts(1, np.arange(16), np.full(16, 4.0), at=20.0001)
    assert np.abs(plant.slot(0, volts, at=20.0002) - moved).max() > 1e-4
