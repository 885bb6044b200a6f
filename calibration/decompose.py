"""From a unitary matrix to the phases of an ideal rectangular mesh (Clements et al., Optica 3, 1460).

Anti-diagonals of the matrix are emptied in turn by cells on its right, which become the first of
the mesh, and by cells on its left; what is left is a diagonal, which is then moved through the left
ones to the outputs. A cell in the convention of `mesh`, with perfect splitters, is

    T = i e^{i theta/2} [[e^{i phi} sin(theta/2), cos(theta/2)], [e^{i phi} cos(theta/2), -sin(theta/2)]]

so theta = 0 crosses and theta = pi passes. Where nothing has to be emptied, theta = phi = pi: the
cell is then the identity.
"""  # noqa: E501

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.mesh import layout

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: Largest entry of U^dagger U - 1 of what counts as unitary.
UNITARY_WITHIN = 1e-6
#: An entry below this counts as empty: rounding alone leaves some 1e-16 a cell.
_EMPTY = 1e-13


class NotUnitaryError(ValueError):
    """A target that no mesh of phases can be: says how far off it is."""


def check_unitary(matrix: Complexes) -> None:
    """Refuse what is not a square unitary matrix.

    Raises
    ------
    NotUnitaryError
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] < 2:
        raise NotUnitaryError(f"a target of shape {matrix.shape}; a square matrix is needed")
    if not np.isfinite(matrix).all():
        raise NotUnitaryError("the target holds NaN or infinity")
    off = float(np.abs(matrix.conj().T @ matrix - np.eye(len(matrix))).max())
    if off > UNITARY_WITHIN:
        raise NotUnitaryError(
            f"the target is not unitary: U^dagger U is off the identity by {off:.3g}; a mesh of "
            "phases makes unitary matrices only (take the unitary factor of a singular value "
            "decomposition, or split the matrix into two meshes)"
        )


def haar(ports: int, seed: int) -> Complexes:
    """A random unitary (N, N), uniform over all of them, by its seed."""
    rng = np.random.default_rng([seed, ports, 0x4AA2])
    ginibre = rng.normal(size=(ports, ports)) + 1j * rng.normal(size=(ports, ports))
    q, r = np.linalg.qr(ginibre)
    # Without this the phases of a QR's diagonal would be the algorithm's (Mezzadri 2007).
    turn = np.diag(r) / np.abs(np.diag(r))
    return np.asarray(q * turn, dtype=np.complex128)


def decompose(unitary: Complexes) -> Floats:
    """Phases (N^2,) in rad, of elements in order, of an ideal mesh whose matrix is `unitary`.

    All in [0, 2 pi). Splitters are 50:50, nothing is lost: see `correct` for a real mesh.

    Raises
    ------
    NotUnitaryError
    """
    check_unitary(unitary)
    left = np.array(unitary, dtype=complex)
    ports = len(left)
    first: list[tuple[int, float, float]] = []
    """mode, theta, phi of the cells on the right, in the order of the light"""
    last: list[tuple[int, float, float]] = []
    """of those on the left, against the order of the light"""
    for diagonal in range(ports - 1):
        for place in range(diagonal + 1):
            if diagonal % 2 == 0:
                row, mode = ports - 1 - place, diagonal - place
                theta, phi = _empties_left(*left[row, mode : mode + 2])
                left[:, mode : mode + 2] = left[:, mode : mode + 2] @ _cell(theta, phi).conj().T
                left[row, mode] = 0.0
                first.append((mode, theta, phi))
            else:
                mode, column = ports - 2 - diagonal + place, place
                theta, phi = _empties_lower(*left[mode : mode + 2, column])
                left[mode : mode + 2] = _cell(theta, phi) @ left[mode : mode + 2]
                left[mode + 1, column] = 0.0
                last.append((mode, theta, phi))
    turned = np.diag(left) / np.abs(np.diag(left))
    for mode, theta, phi in reversed(last):
        # T^-1 D = D' T': the diagonal moves on, the cell takes another external phase.
        upper, lower = turned[mode], turned[mode + 1]
        first.append((mode, theta, float(np.angle(upper / lower))))
        turned[mode] = -np.exp(-1j * (theta + phi)) * lower
        turned[mode + 1] = -np.exp(-1j * theta) * lower
    return _in_order(first, np.angle(turned))


def _cell(theta: float, phi: float) -> Complexes:
    s, c, turn = np.sin(theta / 2), np.cos(theta / 2), np.exp(1j * phi)
    return 1j * np.exp(0.5j * theta) * np.array([[turn * s, c], [turn * c, -s]])


def _empties_left(a: complex, b: complex) -> tuple[float, float]:
    """theta, phi of the cell whose inverse on the right makes (a, b) empty on the left."""
    if abs(a) < _EMPTY:
        return np.pi, np.pi
    if abs(b) < _EMPTY:
        return 0.0, np.pi
    return 2.0 * float(np.arctan2(abs(b), abs(a))), float(np.angle(-a / b))


def _empties_lower(a: complex, b: complex) -> tuple[float, float]:
    """theta, phi of the cell that makes the lower one of a column (a, b) empty."""
    if abs(b) < _EMPTY:
        return np.pi, np.pi
    if abs(a) < _EMPTY:
        return 0.0, np.pi
    return 2.0 * float(np.arctan2(abs(a), abs(b))), float(np.angle(b / a))


def _in_order(light: list[tuple[int, float, float]], out: Floats) -> Floats:
    """Phases in element order of cells (mode, theta, phi) in the order of the light."""
    ports = len(out)
    where = layout(ports)
    number = {
        (int(c), int(m)): k for k, (c, m) in enumerate(zip(where.column, where.mode, strict=True))
    }
    free = np.zeros(ports, dtype=int)
    """first column in which each mode is still free"""
    phases = np.empty(ports * ports)
    for mode, theta, phi in light:
        column = int(free[mode : mode + 2].max())
        column += (column - mode) % 2
        free[mode : mode + 2] = column + 1
        cell = number[column, mode]
        phases[2 * cell], phases[2 * cell + 1] = theta, phi
    phases[2 * where.cells :] = out
    wrapped = phases % (2.0 * np.pi)
    # A tiny negative number's remainder rounds to 2 pi itself.
    return np.where(wrapped >= 2.0 * np.pi, 0.0, wrapped)
