"""A twin that knows the plant's parameters is the plant; each part of it in turn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hil.twin.crosstalk import crosstalk_kernel
from hil.twin.machine import Twin, samples_before
from sim_backends.plant import Plant
from sim_backends.plant.layout import crosstalk_matrix
from tests.hil.twin.plants import OUTSIDE_THE_LAW, document, exact_twin

AT = 40.0
#: Signal units; float64 through two ways of adding some 1e3 numbers of order one.
TOLERANCE = 1e-11
#: Of edges within a frame, of read-back, of the LO's step, and of a laser that leaves the nominal
#: wavelength (tests/sim_backends/plant/test_surroundings.py): a settled slot has none of them.
IN_TIME = (
    "switch_rise",
    "skew",
    "jitter",
    "bandwidth",
    "readback",
    "box_clock",
    "quadrature",
    "stage",
    "path_difference",
)

#: Of microring banks: tests/hil/twin/test_microring.py.
OF_RINGS = ("ring_offset", "ring_amplitude", "channel_crosstalk")


def _every_imperfection() -> frozenset[str]:
    return Plant.from_document(document(2, off=("all",))).spec.switched_off


def _powers(plant: Plant, seed: int = 3) -> NDArray[np.float64]:
    """Programmes powers (n_banks, elements) in units of p_pi at time 0, and returns them."""
    spec = plant.spec
    powers = np.random.default_rng(seed).uniform(0.0, 2.4, (spec.n_banks, spec.elements))
    for bank in range(spec.n_banks):
        volts = np.sqrt(powers[bank] * spec.p_pi * spec.r_nom[bank])
        plant.set_volts(bank, np.arange(spec.elements), volts, at=0.0)
    return powers


def _measure(plant: Plant, bank: int, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Signals (samples, N) for drives u in V_pi, the samples following a dark one."""
    spec = plant.spec
    volts = u * spec.v_pi / spec.drive_gain * spec.polarity
    return plant.slot(bank, volts, at=AT) * spec.detector_range


def _believe(
    twin: Twin, powers: NDArray[np.float64], bank: int, u: NDArray[np.float64]
) -> NDArray[np.float64]:
    sent = torch.tensor(u)
    dark = torch.arange(len(u)) == 0
    before = samples_before(twin.modulate(sent), dark)
    return twin.slot(sent, before, twin.matrices(torch.tensor(powers))[bank]).numpy()


@pytest.mark.parametrize("severity", ["std", "harsh"])
@pytest.mark.parametrize(("ports", "n_banks"), [(2, 1), (3, 2), (4, 3), (8, 2)])
def test_a_twin_that_knows_all_is_the_plant(severity: str, ports: int, n_banks: int) -> None:
    bench = document(ports, n_banks, severity=severity, off=OUTSIDE_THE_LAW)
    bench["wiring"]["ports"][0]["polarity"] = -1
    bench["wiring"]["ports"][1].update(v_pi=3.4, drive_gain=5.1, detector_range=2.0)
    for number, element in enumerate(bench["wiring"]["elements"]):
        element["r_nom"] = 800.0 + number % 7
    plant = Plant.from_document(bench)
    powers = _powers(plant)
    twin = exact_twin(plant)
    u = np.random.default_rng(0).uniform(-1.5, 1.5, (20, ports))
    for bank in range(n_banks):
        measured = _measure(plant, bank, u)
        believed = _believe(twin, powers, bank, u)
        np.testing.assert_allclose(believed, measured, rtol=0, atol=TOLERANCE)
        assert np.abs(measured).max() > 0.3


@pytest.mark.parametrize(
    "imperfection",
    sorted(_every_imperfection() - set(OUTSIDE_THE_LAW) - set(IN_TIME) - set(OF_RINGS)),
)
def test_each_imperfection_is_in_the_twin(imperfection: str) -> None:
    """Alone it makes a difference to the plant, which the twin follows."""
    ideal = Plant.from_document(document(4, severity="harsh", off=("all",)))
    others = tuple(name for name in _every_imperfection() if name != imperfection)
    plant = Plant.from_document(document(4, severity="harsh", off=others))
    powers = _powers(plant)
    np.testing.assert_array_equal(_powers(ideal), powers)
    u = np.random.default_rng(1).uniform(-1.5, 1.5, (12, 4))
    measured = _measure(plant, 1, u)
    assert np.abs(measured - _measure(ideal, 1, u)).max() > 1e-3
    believed = _believe(exact_twin(plant), powers, 1, u)
    np.testing.assert_allclose(believed, measured, rtol=0, atol=TOLERANCE)


def test_the_phase_of_the_local_oscillator() -> None:
    off = tuple(name for name in OUTSIDE_THE_LAW if name != "lo_drift")
    plant = Plant.from_document(document(4, off=off, lo_drift_rms=0.5))
    powers = _powers(plant)
    assert abs(plant.lo_phase(AT)) > 0.05
    u = np.random.default_rng(2).uniform(-1.5, 1.5, (5, 4))
    believed = _believe(exact_twin(plant, AT), powers, 0, u)
    np.testing.assert_allclose(believed, _measure(plant, 0, u), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(("ports", "decay"), [(3, 1.0), (8, 0.7), (8, 2.5)])
def test_the_crosstalk_law_is_that_of_the_record(ports: int, decay: float) -> None:
    expected = crosstalk_matrix(ports, 0.03, decay, 0.0)
    np.testing.assert_allclose(
        0.03 * crosstalk_kernel(ports, decay).numpy(), expected, rtol=1e-13, atol=1e-18
    )


@pytest.mark.parametrize("before", [1, 2])
def test_parameters_may_be_anywhere_in_a_vector(before: int) -> None:
    """A layout with an odd number of entries before the leak: 2 ports and one bank have one."""
    plant = Plant.from_document(document(2, n_banks=1))
    twin = exact_twin(plant)
    powers = torch.ones(1, 4, dtype=torch.float64)
    leak = twin.parameters["leak"].detach()
    vector = torch.cat([torch.zeros(before, dtype=leak.dtype), leak.reshape(-1)])
    moved = {**twin.parameters, "leak": vector[before:].view(leak.shape)}
    torch.testing.assert_close(twin.matrices(powers, moved), twin.matrices(powers))


def test_the_sample_before_is_the_one_before_in_time() -> None:
    amplitudes = torch.arange(12.0).reshape(6, 2)
    dark = torch.tensor([True, False, False, True, False, False])
    before = samples_before(amplitudes, dark)
    expected = torch.tensor([[0, 0], [0, 1], [2, 3], [0, 0], [6, 7], [8, 9]]).to(torch.float64)
    torch.testing.assert_close(before.to(torch.float64), expected)


def test_no_softness_is_a_straight_line_and_gives_no_nan() -> None:
    plant = Plant.from_document(document(4, off=("all",)))
    powers = torch.tensor(_powers(plant))
    twin = exact_twin(plant)
    twin.parameters["softness"].requires_grad_()
    sent = torch.full((3, 4), 0.4, dtype=torch.float64)
    before = torch.zeros_like(sent)
    matrix = twin.matrices(powers)[0]
    out = twin.slot(sent, before, matrix)
    torch.testing.assert_close(out.detach(), twin.modulate(sent) @ matrix.T, rtol=0, atol=1e-9)
    out.sum().backward()
    grad = twin.parameters["softness"].grad
    assert grad is not None
    assert torch.isfinite(grad)
