"""Where the cells and elements of a Clements mesh lie, and in which order they are counted.

Rectangular mesh of Clements et al., Optica 3, 1460 (2016): N columns; the cells of column l couple
the modes 2k + (l mod 2) and the next one down, k = 0, 1, … from the top.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

Kind = Literal["theta", "phi", "out", "ring"]


class Place(NamedTuple):
    """Where an element sits on a bank's chip.

    `row` counts the cells of the column from the top; for an output phase (`kind` "out", column N)
    it is the port. Of a microring bank (`kind` "ring", see `cores`) row is the output, column the
    wavelength.
    """

    column: int
    row: int
    kind: Kind


def cells_in_column(ports: int, column: int) -> int:
    """Give the number of cells in a column 0..ports-1 of a mesh of `ports` modes."""
    return (ports - column % 2) // 2


def upper_mode(column: int, row: int) -> int:
    """Give the upper one of the two modes that a cell couples."""
    return 2 * row + column % 2


def element_count(ports: int) -> int:
    """Give the number of elements of a bank: two a cell and one a port, N^2 in all."""
    return ports * ports


@cache
def places(ports: int) -> tuple[Place, ...]:
    """List the elements of a bank in element order, (ports^2,).

    Cells by column, then top to bottom, theta then phi; then the output phases.
    """
    order: list[Place] = []
    for column in range(ports):
        for row in range(cells_in_column(ports, column)):
            order += [Place(column, row, "theta"), Place(column, row, "phi")]
    order += [Place(ports, port, "out") for port in range(ports)]
    return tuple(order)


@cache
def index_of(ports: int) -> dict[Place, int]:
    """Map each element's place to its index in element order."""
    return {place: index for index, place in enumerate(places(ports))}
