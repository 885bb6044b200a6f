"""The differentiable mesh against constructions that share no line with it."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch
from neuroptica import ClementsLayer
from neuroptica.component_layers import MZILayer, PhaseShifterLayer
from numpy.typing import NDArray

from hil.twin.mesh import mesh_matrix

Floats = NDArray[np.float64]


def _draw(ports: int, seed: int = 0) -> tuple[Floats, Floats, Floats, Floats]:
    """Phases (N^2,), and splitter errors and losses in dB (cells,), far from small."""
    rng = np.random.default_rng([seed, ports])
    cells = ports * (ports - 1) // 2
    phases = rng.uniform(-4.0, 10.0, ports**2)
    alpha, beta = rng.normal(0.0, 0.2, (2, cells))
    return phases, alpha, beta, rng.uniform(0.0, 1.0, cells)


def _dense(phases: Floats, alpha: Floats, beta: Floats, loss_db: Floats) -> NDArray[Any]:
    """Each column as a dense matrix of four dense factors, multiplied one after the other."""
    ports = round(phases.size**0.5)

    def splitter(x: float) -> NDArray[Any]:
        return np.array([[np.cos(x), 1j * np.sin(x)], [1j * np.sin(x), np.cos(x)]])

    total = np.eye(ports, dtype=complex)
    cell = 0
    for column in range(ports):
        factors = [np.eye(ports, dtype=complex) for _ in range(5)]
        for mode in range(column % 2, ports - 1, 2):
            at = np.ix_([mode, mode + 1], [mode, mode + 1])
            theta, phi = phases[2 * cell], phases[2 * cell + 1]
            blocks = [
                np.diag([np.exp(1j * phi), 1.0]),
                splitter(np.pi / 4 + alpha[cell]),
                np.diag([np.exp(1j * theta), 1.0]),
                splitter(np.pi / 4 + beta[cell]),
                10 ** (-loss_db[cell] / 20) * np.eye(2),
            ]
            for factor, block in zip(factors, blocks, strict=True):
                factor[at] = block
            cell += 1
        for factor in factors:
            total = factor @ total
    assert cell == alpha.size
    return np.diag(np.exp(1j * phases[2 * cell :])) @ total


@pytest.mark.parametrize("ports", [2, 3, 4, 5, 7, 8, 11, 16, 17])
def test_the_mesh_is_its_columns_one_after_the_other(ports: int) -> None:
    drawn = _draw(ports)
    found = mesh_matrix(*(torch.tensor(part) for part in drawn)).numpy()
    # N products of complex doubles: some N times 1e-16.
    np.testing.assert_allclose(found, _dense(*drawn), rtol=0, atol=1e-14)


def test_settings_and_banks_are_batched() -> None:
    draws = [[_draw(5, seed=10 * s + k) for k in range(2)] for s in range(3)]
    stacked = [
        torch.tensor(np.array([[bank[i] for bank in setting] for setting in draws]))
        for i in range(4)
    ]
    # Phases have the dimension of the settings, what is built into the chips has not.
    found = mesh_matrix(stacked[0], *(part[1] for part in stacked[1:])).numpy()
    assert found.shape == (3, 2, 5, 5)
    for s in range(3):
        for k in range(2):
            expected = _dense(draws[s][k][0], *draws[1][k][1:])
            np.testing.assert_allclose(found[s, k], expected, rtol=0, atol=1e-14)


def test_a_lossless_mesh_is_unitary_and_a_lossy_one_is_not_more() -> None:
    phases, alpha, beta, loss_db = (torch.tensor(part) for part in _draw(9))
    unitary = mesh_matrix(phases, alpha, beta, torch.zeros_like(loss_db))
    eye = torch.eye(9, dtype=torch.complex128)
    torch.testing.assert_close(unitary.mH @ unitary, eye, rtol=0, atol=1e-13)
    lossy = torch.linalg.svdvals(mesh_matrix(phases, alpha, beta, loss_db))
    assert 0.1 < float(lossy.min()) < float(lossy.max()) < 1.0


def test_gradients_of_every_parameter() -> None:
    drawn = [torch.tensor(part, requires_grad=True) for part in _draw(5)]
    assert torch.autograd.gradcheck(mesh_matrix, drawn, eps=1e-6, atol=1e-7, rtol=1e-6)


def _transposed_peer(ports: int, phases: Floats) -> tuple[ClementsLayer, list[Any]]:
    """Neuroptica's mesh whose matrix is the transpose of ours, and its cells in our order.

    Its cell is P(phi) B P(theta) B with phases at the input, the transpose of ours. So our columns
    are its columns read backwards. With an even number of ports our last column couples modes 1
    and 2, its first one modes 0 and 1: it gets a column more, and the first is set to pass.
    """
    even = ports % 2 == 0
    layer = ClementsLayer(ports, M=ports + even)
    shifters, *columns = cast(list[Any], layer.mesh.layers)
    assert isinstance(shifters, PhaseShifterLayer)
    assert all(isinstance(column, MZILayer) for column in columns)
    if even:
        for idle in columns.pop(0).mzis:
            # Bar state: diag(-e^{i phi}, 1) = 1.
            idle.theta = idle.phi = np.pi
    cells = [mzi for column in reversed(columns) for mzi in column.mzis]
    for cell, (theta, phi) in zip(cells, phases[: ports * (ports - 1)].reshape(-1, 2), strict=True):
        cell.theta, cell.phi = theta, phi
    for shifter, phase in zip(shifters.phase_shifters, phases[-ports:], strict=True):
        shifter.phi = phase
    return layer, [*cells, *shifters.phase_shifters]


@pytest.mark.parametrize("ports", [2, 4, 5, 8, 16])
def test_neuroptica_builds_the_transposed_matrix(ports: int) -> None:
    phases = _draw(ports)[0]
    layer, _ = _transposed_peer(ports, phases)
    none = torch.zeros(ports * (ports - 1) // 2, dtype=torch.float64)
    ours = mesh_matrix(torch.tensor(phases), none, none, none).numpy()
    np.testing.assert_allclose(layer.mesh.get_transfer_matrix(), ours.T, rtol=0, atol=2e-14)


@pytest.mark.parametrize("ports", [4, 8, 16])
def test_neuroptica_finds_the_same_phase_gradients(ports: int) -> None:
    rng = np.random.default_rng(ports)
    phases = _draw(ports)[0]
    fields, wanted = rng.normal(size=(2, ports, 3)) + 1j * rng.normal(size=(2, ports, 3))
    layer, components = _transposed_peer(ports, phases)
    # Its adjoint method (Hughes et al., Optica 5, 864 (2018)) takes conj(dL/dY), here of
    # L = |Y - wanted|^2 / 2, and returns a gradient for each sample.
    delta = np.conj(layer.forward_pass(fields) - wanted)
    by_component = layer.mesh.compute_gradients(fields, delta)
    theirs = np.concatenate([by_component[c].sum(axis=-1) for c in components])

    ours = torch.tensor(phases, requires_grad=True)
    none = torch.zeros(ports * (ports - 1) // 2, dtype=torch.float64)
    out = mesh_matrix(ours, none, none, none).mT @ torch.tensor(fields)
    (0.5 * (out - torch.tensor(wanted)).abs() ** 2).sum().backward()
    assert ours.grad is not None
    np.testing.assert_allclose(ours.grad.numpy(), theirs, rtol=0, atol=1e-12)
    assert np.abs(theirs).min() > 1e-6
