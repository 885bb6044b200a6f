"""Where the cells and heaters of a rectangular mesh lie, in element order.

Element order: cells by column, then top to bottom, theta then phi; then the output phases. The
mesh is that of Clements et al., Optica 3, 1460 (2016): N columns, column l coupling the modes
2k + (l mod 2) and the next one.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from sim_backends.plant.signals import Floats

#: Vertical pitch of the heater layout: distance of two neighbouring modes, in heater pitches
#: along a mode (theta and phi of one cell are 1 apart).
MODE_PITCH = 1.0


def cells_in_column(ports: int, column: int) -> int:
    """Number of cells of a column."""
    return (ports - column % 2) // 2


@cache
def element_index(ports: int) -> dict[tuple[int, int, str], int]:
    """Index in element order of each (column, row, kind), kind "theta", "phi" or "out"."""
    index: dict[tuple[int, int, str], int] = {}
    for column in range(ports):
        for row in range(cells_in_column(ports, column)):
            for kind in ("theta", "phi"):
                index[column, row, kind] = len(index)
    for port in range(ports):
        index[ports, port, "out"] = len(index)
    return index


@cache
def ring_index(ports: int) -> dict[tuple[int, int, str], int]:
    """Index in element order of each (column, row, "ring") of a microring bank.

    By row, that is by output; in a row by column, that is by wavelength.
    """
    return {(i % ports, i // ports, "ring"): i for i in range(ports * ports)}


def element_positions(ports: int) -> Floats:
    """Places of the heaters, (elements, 2), in heater pitches.

    x = 2 column for theta, 2 column + 1 for phi, 2 N for an output phase; y = the mode of the
    cell's upper arm (of an output phase: its port) times `MODE_PITCH`.
    """
    places = np.empty((ports * ports, 2))
    for (column, row, kind), i in element_index(ports).items():
        mode = row if kind == "out" else 2 * row + column % 2
        places[i] = 2 * column + (kind == "phi"), MODE_PITCH * mode
    return places


def crosstalk_matrix(ports: int, c1: float, d0: float, cg: float) -> Floats:
    """Thermal crosstalk C, (elements, elements): phase of i per own phase of aggressor j.

    C_ij = c1 exp(-(d_ij - 1) / d0) + cg for i != j, with d_ij the distance in heater pitches: an
    exponential near field on a uniform rise of the substrate.
    """
    return distance_law(element_positions(ports), c1, d0, cg)


def distance_law(positions: Floats, c1: float, d0: float, cg: float) -> Floats:
    """The law of `crosstalk_matrix` for heaters at positions (elements, 2) in heater pitches."""
    x, y = positions.T
    # In place: at 64 ports each of these arrays takes 134 MB.
    coupling = np.subtract.outer(x, x)
    np.hypot(coupling, np.subtract.outer(y, y), out=coupling)
    coupling -= 1.0
    coupling /= -d0
    np.exp(coupling, out=coupling)
    coupling *= c1
    coupling += cg
    np.fill_diagonal(coupling, 0.0)
    return coupling
