"""The mesh against independent references."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from sim_backends.plant import Plant
from sim_backends.plant.mesh import cell_matrices, mesh_matrix
from tests.sim_backends.plant.documents import bench_document
from tests.sim_backends.plant.ideal_mesh import ideal_mesh, shifter


def _splitter(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), 1j * np.sin(angle)], [1j * np.sin(angle), np.cos(angle)]])


def test_a_cell_is_the_product_of_its_parts() -> None:
    rng = np.random.default_rng(0)
    theta, phi, alpha, beta, loss = rng.uniform(0, 1, (5, 20)) * [[6], [6], [0.3], [0.3], [2.0]]
    cells = cell_matrices(theta, phi, alpha, beta, loss)
    for i in range(20):
        expected = (
            10 ** (-loss[i] / 20)
            * _splitter(np.pi / 4 + beta[i])
            @ shifter(theta[i])
            @ _splitter(np.pi / 4 + alpha[i])
            @ shifter(phi[i])
        )
        np.testing.assert_allclose(cells[i], expected, atol=1e-14)


def test_cross_power_lies_between_the_known_limits() -> None:
    alpha, beta = np.array([0.05]), np.array([-0.02])
    theta = np.linspace(0, 2 * np.pi, 721)
    zeros = np.zeros_like(theta)
    cells = cell_matrices(theta, zeros, alpha + zeros, beta + zeros, zeros)
    cross = np.abs(cells[:, 0, 1]) ** 2
    assert cross.min() == pytest.approx(np.sin(alpha[0] - beta[0]) ** 2, abs=1e-12)
    assert cross.max() == pytest.approx(np.cos(alpha[0] + beta[0]) ** 2, abs=1e-12)


@pytest.mark.parametrize("ports", [2, 3, 4, 7, 8, 16, 33, 64])
def test_with_everything_off_the_plant_is_an_ideal_mesh(ports: int) -> None:
    document = bench_document(ports, 2, switch_off=["all"])
    plant = Plant.from_document(document)
    levels = np.random.default_rng(ports).uniform(0, 0.05, ports * ports)
    for bank in (0, 1):
        plant.set_volts(bank, np.arange(ports * ports), np.sqrt(levels * 800.0), at=1.0)
        phases = plant.devices.phase[bank] + np.pi * levels / 0.020
        np.testing.assert_allclose(plant.matrix(bank, at=1.0), ideal_mesh(ports, phases), atol=1e-9)


def test_phases_at_rest_are_random_even_with_everything_off() -> None:
    phase = Plant.from_document(bench_document(8, 2, switch_off=["all"])).devices.phase
    assert phase.std() == pytest.approx(2 * np.pi / np.sqrt(12), rel=0.15)
    other = Plant.from_document(bench_document(8, 2, switch_off=["all"], seed=2)).devices.phase
    assert np.abs(phase - other).max() > 1.0


@pytest.mark.parametrize("ports", [3, 4, 5, 8, 16])
def test_against_neuroptica(ports: int) -> None:
    """Its cell is P(phi) B P(theta) B with the output phases at the input: our transpose.

    Read backwards, our columns begin with the last one. For an even number of ports that is one of
    the narrower columns, so its mesh is given one column more and the first is made transparent
    (theta = phi = pi).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neuroptica

    phases = np.random.default_rng(ports).uniform(0, 2 * np.pi, ports * ports)
    odd = ports % 2
    layer = neuroptica.ClementsLayer(ports, M=ports + 1 - odd)
    shifters, *columns = layer.mesh.layers
    out = phases[ports * (ports - 1) :]
    for component, phase in zip(shifters.phase_shifters, out, strict=True):
        component.phi = phase
    if not odd:
        for cell in columns.pop(0).mzis:
            cell.theta = cell.phi = np.pi
    first = 0
    for column in reversed(columns):
        for cell in column.mzis:
            cell.theta, cell.phi = phases[first], phases[first + 1]
            first += 2
    assert first == ports * (ports - 1)
    theirs = layer.mesh.get_transfer_matrix()
    zeros = np.zeros(ports * (ports - 1) // 2)
    ours = mesh_matrix(phases, zeros, zeros, zeros).T
    overlap = np.vdot(theirs, ours)
    np.testing.assert_allclose(ours, theirs * overlap / abs(overlap), atol=1e-12)
