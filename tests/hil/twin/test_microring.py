"""A twin of microring banks that knows the plant's parameters is the plant; each part in turn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hil.bench.cores import MICRORING
from sim_backends.plant import Plant
from sim_backends.plant.microring import MicroringPlant
from tests.hil.twin.plants import OUTSIDE_THE_LAW, document, exact_ring_twin

AT = 40.0
TOLERANCE = 1e-11
OF_RINGS = ("ring_offset", "ring_amplitude", "channel_crosstalk")
SHARED = ("heater_spread", "curvature", "crosstalk", "leak", "memory", "modulator_gain")
DETECTED = ("modulator_bias", "detector_gain", "detector_offset", "saturation")


def ring_plant(off: tuple[str, ...], *, severity: str = "harsh") -> MicroringPlant:
    plant = Plant.from_document(document(4, severity=severity, off=off, core=MICRORING))
    assert isinstance(plant, MicroringPlant)
    return plant


def warmed(plant: MicroringPlant) -> torch.Tensor:
    """Programmes powers (n_banks, elements) in units of p_pi at time 0, and returns them."""
    spec = plant.spec
    powers = np.random.default_rng(3).uniform(0.1, 1.7, (spec.n_banks, spec.elements))
    for bank in range(spec.n_banks):
        volts = np.sqrt(powers[bank] * spec.p_pi * spec.r_nom[bank])
        plant.set_volts(bank, np.arange(spec.elements), volts, at=0.0)
    return torch.tensor(powers)


def readings(plant: MicroringPlant, bank: int, u: np.ndarray) -> np.ndarray:
    """Signals (samples, N) for drives u in V_pi, less those of modulators that are not driven."""
    spec = plant.spec
    volts = np.concatenate([u, np.zeros((3, u.shape[1]))]) * spec.v_pi / spec.drive_gain
    read = plant.slot(bank, volts * spec.polarity, at=AT) * spec.detector_range
    return read[: len(u)] - read[-1]


def believed(plant: MicroringPlant, powers: torch.Tensor, bank: int, u: np.ndarray) -> np.ndarray:
    twin = exact_ring_twin(plant)
    amplitudes = twin.modulate(torch.tensor(u))
    before = torch.roll(amplitudes, 1, dims=0)
    before[0] = 0.0
    return twin.detect(amplitudes, before, twin.matrices(powers)[bank]).numpy()


@pytest.mark.parametrize("severity", ["std", "harsh"])
def test_a_twin_that_knows_all_is_the_plant(severity: str) -> None:
    plant = ring_plant(OUTSIDE_THE_LAW, severity=severity)
    powers = warmed(plant)
    u = np.random.default_rng(0).uniform(-1.5, 1.5, (20, 4))
    for bank in range(2):
        measured = readings(plant, bank, u)
        np.testing.assert_allclose(
            believed(plant, powers, bank, u), measured, rtol=0, atol=TOLERANCE
        )
        assert np.abs(measured).max() > 0.3


@pytest.mark.parametrize("imperfection", [*OF_RINGS, *SHARED, *DETECTED])
def test_each_imperfection_is_in_the_twin(imperfection: str) -> None:
    """Alone it makes a difference to the plant, which the twin follows."""
    ideal = ring_plant(("all",))
    every = ideal.spec.switched_off
    plant = ring_plant(tuple(every - {imperfection}))
    powers = warmed(plant)
    assert torch.equal(warmed(ideal), powers)
    u = np.random.default_rng(1).uniform(-1.5, 1.5, (12, 4))
    measured = readings(plant, 1, u)
    if imperfection != "detector_offset":  # it goes with the pedestal
        assert np.abs(measured - readings(ideal, 1, u)).max() > 1e-3
    np.testing.assert_allclose(believed(plant, powers, 1, u), measured, rtol=0, atol=TOLERANCE)


def test_the_ideal_twin_has_a_gradient() -> None:
    """Its rings see no laser but their own: one infinitely far from another changes nothing."""
    plant = ring_plant(OUTSIDE_THE_LAW)
    ideal = exact_ring_twin(plant).ideal()
    powers = warmed(plant).requires_grad_()
    weights = ideal.weights(powers)
    weights.square().sum().backward()
    assert powers.grad is not None
    assert bool(torch.isfinite(powers.grad).all())
    assert float(powers.grad.abs().min()) > 0.0
    # Own lasers alone: a Lorentzian dip that goes down to nothing at resonance.
    x = ideal.detuning(powers.detach())
    expected = (1.0 - 2.0 * (1.0 - 1.0 / (1.0 + x**2))).unflatten(-1, (4, 4))
    torch.testing.assert_close(weights.detach(), expected)


def test_training_begins_at_random_weights() -> None:
    """Random powers would leave most rings off their lasers: a matrix of rank one."""
    twin = exact_ring_twin(ring_plant((), severity="std"))
    powers = twin.start_powers(np.random.default_rng(3))
    assert powers.shape == (twin.n_banks, 16)
    assert float(powers.min()) >= 0.1
    assert float(powers.max()) <= 1.9
    weights = twin.weights(powers)
    assert abs(float(weights.mean())) < 0.25
    assert 0.35 < float(weights.std()) < 0.7
    uniform = torch.tensor(np.random.default_rng(3).uniform(0.4, 1.6, powers.shape))
    assert float(twin.weights(uniform).mean()) < -0.3
    again = twin.start_powers(np.random.default_rng(3))
    assert torch.equal(powers, again)
