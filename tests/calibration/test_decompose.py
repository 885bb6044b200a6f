"""Phases of an ideal mesh for any unitary, the awkward ones too, and by another package's mesh."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.decompose import NotUnitaryError, check_unitary, decompose, haar
from calibration.mesh import layout, mesh_matrix


def rebuilt(phases: np.ndarray, ports: int) -> np.ndarray:
    none = np.zeros(layout(ports).cells)
    return mesh_matrix(phases, none, none, none)


def holds(unitary: np.ndarray) -> None:
    phases = decompose(unitary)
    assert ((phases >= 0.0) & (phases < 2 * np.pi)).all()
    np.testing.assert_allclose(rebuilt(phases, len(unitary)), unitary, atol=1e-10)


@pytest.mark.parametrize("ports", [2, 3, 4, 5, 7, 8, 16])
def test_random_unitaries(ports: int) -> None:
    for seed in range(3):
        holds(haar(ports, seed))


@pytest.mark.parametrize("ports", [2, 3, 4])
def test_every_permutation_and_the_identity(ports: int) -> None:
    for order in itertools.permutations(range(ports)):
        holds(np.eye(ports, dtype=complex)[list(order)])


def test_the_identity_is_all_bar() -> None:
    where = layout(6)
    phases = decompose(np.eye(6, dtype=complex))
    np.testing.assert_allclose(phases[0 : 2 * where.cells : 2], np.pi)


@pytest.mark.parametrize("ports", [4, 5, 8])
def test_matrices_with_zeros(ports: int) -> None:
    half = ports // 2
    blocks = np.zeros((ports, ports), dtype=complex)
    blocks[:half, :half], blocks[half:, half:] = haar(half, 1), haar(ports - half, 2)
    holds(blocks)
    holds(blocks[::-1])
    holds(np.diag(np.exp(1j * np.arange(ports))))
    fourier = np.exp(2j * np.pi * np.outer(range(ports), range(ports)) / ports)
    holds(fourier / np.sqrt(ports))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 6),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3, 1.0]),
)
def test_unitaries_as_near_to_a_permutation_as_may_be(ports: int, seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    hermitian = rng.normal(size=(ports, ports)) + 1j * rng.normal(size=(ports, ports))
    hermitian = hermitian + hermitian.conj().T
    values, vectors = np.linalg.eigh(hermitian)
    turn = (vectors * np.exp(1j * size * values)) @ vectors.conj().T
    holds(turn[rng.permutation(ports)])


def test_haar_is_uniform_and_repeatable() -> None:
    np.testing.assert_array_equal(haar(4, 7), haar(4, 7))
    traces = np.array([np.trace(haar(3, seed)) for seed in range(400)])
    # Of a Haar unitary the trace has mean 0 and mean square 1 (Diaconis and Shahshahani 1994).
    assert abs(traces.mean()) < 0.15
    assert np.mean(np.abs(traces) ** 2) == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (np.ones((2, 3)), "shape"),
        (np.ones((1, 1)), "shape"),
        (np.full((2, 2), np.nan), "NaN"),
        (0.9 * np.eye(3), "not unitary"),
    ],
)
def test_what_is_not_unitary_is_refused(wrong: np.ndarray, told: str) -> None:
    with pytest.raises(NotUnitaryError, match=told):
        decompose(wrong.astype(complex))
    check_unitary(haar(3, 0))


def test_a_mesh_of_another_package_does_the_same() -> None:
    """neuroptica: P(phi) B P(theta) B a cell, its phases at the input (physics.md H)."""
    neuroptica = pytest.importorskip("neuroptica")
    ports = 4
    phases = decompose(haar(ports, 3))
    where = layout(ports)
    matrix = np.eye(ports, dtype=complex)
    for column in range(ports):
        cells = where.in_column(column)
        for cell in cells:
            # Read from the right to the left, its cell is ours but for where phi sits.
            one = neuroptica.MZI(0, 1, phases[2 * cell], phases[2 * cell + 1])
            block = np.array(one.get_transfer_matrix())
            mode = int(where.mode[cell])
            whole = np.eye(ports, dtype=complex)
            # P(phi) B P(theta) B, transposed, is B P(theta) B P(phi): ours.
            whole[mode : mode + 2, mode : mode + 2] = block.T
            matrix = whole @ matrix
    matrix = np.exp(1j * phases[2 * where.cells :])[:, None] * matrix
    np.testing.assert_allclose(matrix, haar(ports, 3), atol=1e-6)
