"""The transfer matrix of a rectangular mesh of imperfect Mach-Zehnder cells.

One cell is T = g BS(b) diag(e^{i theta}, 1) BS(a) diag(e^{i phi}, 1) with
BS(x) = [[cos x, i sin x], [i sin x, cos x]], a = pi/4 + alpha, b = pi/4 + beta, and g its field
transmission. Columns are those of Clements et al., Optica 3, 1460 (2016); the bare waveguides at
the edges of a column lose nothing; the output phases come last.
"""

from __future__ import annotations

import numpy as np

from sim_backends.plant.layout import cells_in_column
from sim_backends.plant.signals import Complexes, Floats


def field_transmission(loss_db: Floats) -> Floats:
    """Field factor of an insertion loss in dB (of power)."""
    return 10.0 ** (-loss_db / 20.0)


def cell_matrices(
    theta: Floats, phi: Floats, alpha: Floats, beta: Floats, loss_db: Floats
) -> Complexes:
    """Matrices of cells, (..., cells, 2, 2), from arrays (..., cells) in rad, rad, rad, rad, dB.

    Multiplied out by hand: with a, b the splitter angles and g the field transmission,
    T11 = g e^{i phi} (cos b cos a e^{i theta} - sin b sin a),
    T12 = i g (cos b sin a e^{i theta} + sin b cos a),
    T21 = i g e^{i phi} (sin b cos a e^{i theta} + cos b sin a),
    T22 = g (cos b cos a - sin b sin a e^{i theta}).
    """
    a, b = np.pi / 4 + alpha, np.pi / 4 + beta
    cos_a, sin_a, cos_b, sin_b = np.cos(a), np.sin(a), np.cos(b), np.sin(b)
    inner = np.exp(1j * theta)
    gain = field_transmission(loss_db)
    outer = gain * np.exp(1j * phi)
    cells = np.empty((*theta.shape, 2, 2), dtype=np.complex128)
    cells[..., 0, 0] = outer * (cos_b * cos_a * inner - sin_b * sin_a)
    cells[..., 0, 1] = 1j * gain * (cos_b * sin_a * inner + sin_b * cos_a)
    cells[..., 1, 0] = 1j * outer * (sin_b * cos_a * inner + cos_b * sin_a)
    cells[..., 1, 1] = gain * (cos_b * cos_a - sin_b * sin_a * inner)
    return cells


def mesh_matrix(phases: Floats, alpha: Floats, beta: Floats, loss_db: Floats) -> Complexes:
    """Transfer matrix W, (N, N), field out = W field in.

    Parameters
    ----------
    phases : (N^2,) rad in element order.
    alpha, beta : (cells,) rad, errors of the first and second splitter.
    loss_db : (cells,) insertion loss.
    """
    ports = round(float(np.sqrt(phases.size)))
    count = alpha.size
    inner = phases[: 2 * count].reshape(count, 2)
    cells = cell_matrices(inner[:, 0], inner[:, 1], alpha, beta, loss_db)
    product = np.eye(ports, dtype=np.complex128)
    first = 0
    for column in range(ports):
        width = cells_in_column(ports, column)
        top = column % 2
        rows = product[top : top + 2 * width]
        block = cells[first : first + width] @ rows.reshape(width, 2, ports)
        rows[:] = block.reshape(2 * width, ports)
        first += width
    return np.exp(1j * phases[2 * count :])[:, None] * product
