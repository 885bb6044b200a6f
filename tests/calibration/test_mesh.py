"""The mesh that calibration fits, against another package, by hand, and by differences."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.mesh import (
    amplitude_fidelity,
    derivatives,
    distances,
    layout,
    matrix_fidelity,
    mesh_matrix,
)


def draw(ports: int, seed: int, settings: int = 2):
    rng = np.random.default_rng(seed)
    cells = ports * (ports - 1) // 2
    return (
        rng.uniform(-7.0, 7.0, (settings, ports * ports)),
        rng.normal(0.0, 0.06, cells),
        rng.normal(0.0, 0.06, cells),
        rng.uniform(0.0, 0.5, cells),
    )


def by_hand(ports, phases, alpha, beta, loss):
    """Cell by cell, each a full N x N matrix, as docs/calibration-record.md words it."""

    def splitter(angle):
        c, s = np.cos(np.pi / 4 + angle), np.sin(np.pi / 4 + angle)
        return np.array([[c, 1j * s], [1j * s, c]])

    matrix, cell = np.eye(ports, dtype=complex), 0
    for column in range(ports):
        for mode in range(column % 2, ports - 1, 2):
            theta, phi = phases[2 * cell], phases[2 * cell + 1]
            block = 10 ** (-loss[cell] / 20) * (
                splitter(beta[cell])
                @ np.diag([np.exp(1j * theta), 1])
                @ splitter(alpha[cell])
                @ np.diag([np.exp(1j * phi), 1])
            )
            whole = np.eye(ports, dtype=complex)
            whole[mode : mode + 2, mode : mode + 2] = block
            matrix = whole @ matrix
            cell += 1
    return np.diag(np.exp(1j * phases[2 * cell :])) @ matrix


@pytest.mark.parametrize("ports", [2, 3, 4, 5, 8])
def test_it_is_the_mesh_of_the_record(ports):
    phases, alpha, beta, loss = draw(ports, ports)
    seen = mesh_matrix(phases, alpha, beta, loss)
    for one, own in zip(seen, phases, strict=True):
        np.testing.assert_allclose(one, by_hand(ports, own, alpha, beta, loss), atol=1e-13)


@pytest.mark.parametrize("ports", [2, 4, 5])
def test_derivatives_are_those_of_differences(ports):
    phases, alpha, beta, loss = draw(ports, 10 + ports)
    found = derivatives(phases, alpha, beta, loss)
    np.testing.assert_allclose(found.matrix, mesh_matrix(phases, alpha, beta, loss), atol=1e-13)
    step = 1e-6
    for name, which in (("phase", 0), ("alpha", 1), ("beta", 2), ("loss", 3)):
        given = (phases, alpha, beta, loss)
        for entry in range(given[which].shape[-1]):
            up, down = ([array.copy() for array in given] for _ in range(2))
            up[which][..., entry] += step
            down[which][..., entry] -= step
            slope = (mesh_matrix(*up) - mesh_matrix(*down)) / (2 * step)
            np.testing.assert_allclose(getattr(found, name)[:, entry], slope, atol=2e-9)


def test_derivatives_in_phases_alone_are_the_same():
    given = draw(4, 3)
    both = derivatives(*given), derivatives(*given, cells_too=False)
    np.testing.assert_array_equal(both[0].phase, both[1].phase)
    assert both[1].alpha.shape[1] == 0


def test_element_order_and_distances():
    where = layout(4)
    assert where.kind.tolist() == [0, 1] * 6 + [2] * 4
    assert where.mode.tolist() == [0, 2, 1, 0, 2, 1]
    assert where.column.tolist() == [0, 0, 1, 2, 2, 3]
    apart = distances(4)
    assert apart[0, 1] == 1.0  # theta and phi of one cell
    assert apart[0, 2] == 2.0  # thetas of two cells of a column, two modes apart
    assert apart[12, 13] == 1.0  # output phases of neighbouring ports


def test_fidelities():
    matrix = mesh_matrix(*draw(5, 2))
    np.testing.assert_allclose(matrix_fidelity(matrix, 0.7j * matrix), 1.0)
    np.testing.assert_allclose(amplitude_fidelity(matrix, 0.7j * matrix), 1.0)
    # Phases at the outputs are nothing to the amplitudes, and everything to the matrix.
    turned = np.exp(1j * np.arange(5))[:, None] * matrix
    np.testing.assert_allclose(amplitude_fidelity(matrix, turned), 1.0)
    assert (matrix_fidelity(matrix, turned) < 0.5).all()
