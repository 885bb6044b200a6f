"""A rectangular mesh as a calibration fits it: matrices and their derivatives, in numpy.

One cell is T = g BS(pi/4 + beta) diag(e^{i theta}, 1) BS(pi/4 + alpha) diag(e^{i phi}, 1), with
BS(x) = [[cos x, i sin x], [i sin x, cos x]]; column l couples the modes 2k + (l mod 2) and the
next (Clements et al., Optica 3, 1460 (2016)); output phases come last. Order of elements and cells
as in docs/calibration-record.md.

Every derivative is a product of what lies behind an element, what it does, and what lies before
it, so that one pass forward and one backward through the columns give them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Integers = NDArray[np.intp]

_LOSS = np.log(10.0) / 20.0


@dataclass(frozen=True)
class Layout:
    """Where the elements of a mesh of N ports lie.

    column, mode : (cells,) of each cell, the mode being that of its upper arm. kind : (N^2,) 0
    theta, 1 phi, 2 output phase. cell : (N^2,) cell of each element, of an output phase its port.
    place : (N^2, 2) position in heater pitches.
    """

    ports: int
    column: Integers
    mode: Integers
    kind: Integers
    cell: Integers
    place: Floats

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.column)

    def in_column(self, column: int) -> Integers:
        """Cells of a column, top to bottom."""
        return np.flatnonzero(self.column == column)


@cache
def layout(ports: int) -> Layout:
    """The layout of a rectangular mesh."""
    columns, modes = [], []
    for column in range(ports):
        for mode in range(column % 2, ports - 1, 2):
            columns.append(column)
            modes.append(mode)
    cells = len(columns)
    column, mode = np.array(columns, dtype=np.intp), np.array(modes, dtype=np.intp)
    kind = np.concatenate([np.tile([0, 1], cells), np.full(ports, 2)]).astype(np.intp)
    cell = np.concatenate([np.repeat(np.arange(cells), 2), np.arange(ports)]).astype(np.intp)
    place = np.empty((ports * ports, 2))
    inner = slice(0, 2 * cells)
    place[inner, 0] = 2 * column[cell[inner]] + kind[inner]
    place[inner, 1] = mode[cell[inner]]
    place[2 * cells :, 0] = 2 * ports
    place[2 * cells :, 1] = np.arange(ports)
    return Layout(ports, column, mode, kind, cell, place)


@cache
def distances(ports: int) -> Floats:
    """Distances of all heaters of a chip in pitches, (N^2, N^2); not to be written to."""
    x, y = layout(ports).place.T
    return np.hypot(np.subtract.outer(x, x), np.subtract.outer(y, y))


def cell_blocks(theta: Floats, phi: Floats, alpha: Floats, beta: Floats, loss: Floats) -> Complexes:
    """Cells (..., cells, 2, 2) from phases and splitter errors in rad and losses in dB."""
    first, second = _splitter(alpha), _splitter(beta)
    inner = np.exp(1j * theta)[..., None]
    outer = (10.0 ** (-loss / 20.0))[..., None] * np.exp(1j * phi)[..., None]
    # second diag(inner, 1) first diag(outer phase, 1), written column by column
    upper = second[..., :, 0] * inner
    lower = second[..., :, 1]
    gain = (10.0 ** (-loss / 20.0))[..., None]
    left = outer * (upper * first[..., 0, 0, None] + lower * first[..., 1, 0, None])
    right = gain * (upper * first[..., 0, 1, None] + lower * first[..., 1, 1, None])
    return np.stack([left, right], axis=-1)


def _splitter(error: Floats) -> Complexes:
    c, s = np.cos(np.pi / 4 + error), np.sin(np.pi / 4 + error)
    return np.stack([np.stack([c + 0j, 1j * s], -1), np.stack([1j * s, c + 0j], -1)], -2)


def _splitter_slope(error: Floats) -> Complexes:
    """Derivative of `_splitter` in its error."""
    c, s = np.cos(np.pi / 4 + error), np.sin(np.pi / 4 + error)
    return np.stack([np.stack([-s + 0j, 1j * c], -1), np.stack([1j * c, -s + 0j], -1)], -2)


def _split(phases: Floats, cells: int) -> tuple[Floats, Floats, Floats]:
    """theta, phi (..., cells) and output phases (..., N) of phases (..., N^2)."""
    return phases[..., 0 : 2 * cells : 2], phases[..., 1 : 2 * cells : 2], phases[..., 2 * cells :]


def mesh_matrix(phases: Floats, alpha: Floats, beta: Floats, loss: Floats) -> Complexes:
    """Transfer matrices (..., N, N) for phases (..., N^2); alpha, beta, loss are (cells,)."""
    ports = round(phases.shape[-1] ** 0.5)
    where = layout(ports)
    theta, phi, out = _split(phases, where.cells)
    blocks = cell_blocks(theta, phi, alpha, beta, loss)
    matrix = np.broadcast_to(np.eye(ports, dtype=complex), (*phases.shape[:-1], ports, ports))
    matrix = matrix.copy()
    for column in range(ports):
        _through(matrix, blocks, where, column)
    return np.exp(1j * out)[..., None] * matrix


def _through(matrix: Complexes, blocks: Complexes, where: Layout, column: int) -> None:
    """Pass the rows of `matrix` (..., N, M) through a column, in place."""
    chosen = where.in_column(column)
    if not chosen.size:
        return
    top = int(where.mode[chosen[0]])
    rows = matrix[..., top : top + 2 * chosen.size, :]
    paired = rows.reshape(*rows.shape[:-2], chosen.size, 2, rows.shape[-1])
    rows[...] = (blocks[..., chosen, :, :] @ paired).reshape(rows.shape)


@dataclass(frozen=True)
class Derivatives:
    """A mesh's matrix and its derivatives, for settings (S,).

    matrix : (S, N, N). phase : (S, N^2, N, N) per rad. alpha, beta : (S, cells, N, N) per rad.
    loss : (S, cells, N, N) per dB.
    """

    matrix: Complexes
    phase: Complexes
    alpha: Complexes
    beta: Complexes
    loss: Complexes


def derivatives(
    phases: Floats, alpha: Floats, beta: Floats, loss: Floats, *, cells_too: bool = True
) -> Derivatives:
    """The matrix and its derivatives for phases (S, N^2).

    cells_too : whether derivatives in alpha, beta and loss are wanted (else they are empty).
    """
    settings, elements = phases.shape
    ports = round(elements**0.5)
    where = layout(ports)
    count = where.cells
    theta, phi, out = _split(phases, count)
    blocks = cell_blocks(theta, phi, alpha, beta, loss)
    before = np.empty((settings, count, 2, ports), dtype=complex)
    """fields of a cell's two inputs, by the mesh's input"""
    matrix = np.broadcast_to(np.eye(ports, dtype=complex), (settings, ports, ports)).copy()
    for column in range(ports):
        chosen = where.in_column(column)
        for cell in chosen:
            m = where.mode[cell]
            before[:, cell] = matrix[:, m : m + 2]
        _through(matrix, blocks, where, column)
    turned = np.exp(1j * out)
    matrix *= turned[..., None]
    after = np.empty((settings, count, ports, 2), dtype=complex)
    """fields at the mesh's outputs, by a cell's two outputs"""
    rest = np.zeros((settings, ports, ports), dtype=complex)
    rest[:, np.arange(ports), np.arange(ports)] = turned
    for column in range(ports - 1, -1, -1):
        chosen = where.in_column(column)
        for cell in chosen:
            m = where.mode[cell]
            after[:, cell] = rest[:, :, m : m + 2]
        for cell in chosen:
            m = where.mode[cell]
            rest[:, :, m : m + 2] = rest[:, :, m : m + 2] @ blocks[:, cell]
    first, second = _splitter(alpha), _splitter(beta)
    gain = 10.0 ** (-loss / 20.0)
    inner, outer = np.exp(1j * theta), np.exp(1j * phi)
    # What the first splitter gives, by the mesh's input: (S, cells, 2, N).
    entering = before.copy()
    entering[:, :, 0] *= outer[..., None]
    arms = first @ entering
    behind = after @ (gain[:, None, None] * second)  # from the arms on: (S, cells, N, 2)
    phase = np.zeros((settings, elements, ports, ports), dtype=complex)
    phase[:, 0 : 2 * count : 2] = (
        1j * inner[..., None, None] * behind[..., :, 0, None] * arms[..., None, 0, :]
    )
    whole = after @ blocks
    phase[:, 1 : 2 * count : 2] = 1j * whole[..., :, 0, None] * before[..., None, 0, :]
    port = np.arange(ports)
    phase[:, 2 * count + port, port] = 1j * matrix
    if not cells_too:
        empty = np.zeros((settings, 0, ports, ports), dtype=complex)
        return Derivatives(matrix, phase, empty, empty, empty)
    driven = arms.copy()
    driven[:, :, 0] *= inner[..., None]
    turned_back = behind.copy()
    turned_back[..., 0] *= inner[..., None]
    d_alpha = turned_back @ (_splitter_slope(alpha) @ entering)
    d_beta = (after @ (gain[:, None, None] * _splitter_slope(beta))) @ driven
    d_loss = -_LOSS * (whole @ before)
    return Derivatives(matrix, phase, d_alpha, d_beta, d_loss)


def matrix_fidelity(a: Complexes, b: Complexes) -> Floats:
    """|Tr(a^† b)|^2 / (Tr(a^† a) Tr(b^† b)) of matrices (..., N, N)."""
    overlap = np.abs((a.conj() * b).sum(axis=(-2, -1))) ** 2
    return overlap / ((np.abs(a) ** 2).sum(axis=(-2, -1)) * (np.abs(b) ** 2).sum(axis=(-2, -1)))


def amplitude_fidelity(a: Complexes, b: Complexes) -> Floats:
    """Tr(|a^†| |b|) / N with both scaled to unit mean row power: the figure of processor papers."""
    ports = a.shape[-1]

    def scaled(m: Complexes) -> Floats:
        power = (np.abs(m) ** 2).sum(axis=(-2, -1), keepdims=True) / ports
        return np.abs(m) / np.sqrt(power)

    return (scaled(a) * scaled(b)).sum(axis=(-2, -1)) / ports
