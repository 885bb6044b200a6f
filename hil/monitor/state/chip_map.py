"""Where the elements of a bank lie on a picture of its chip."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hil.bench.cores import MESH, MICRORING
from hil.bench.layout import places, upper_mode
from hil.monitor.state.part import MOST_PORTS

#: How phases are written.
SIGNS = {"theta": "θ", "phi": "φ"}


@dataclass(frozen=True)
class ChipMap:
    """A grid, and which element is where.

    across, down : what the axes are. index : (columns, rows) element there, -1 where none is.
    x, y : (elements,) middle of each. names : of the elements, for a person.
    """

    across: str
    down: str
    index: NDArray[np.intp]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    names: tuple[str, ...]

    def place(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of elements (elements,) on the grid (columns, rows); NaN where none is."""
        return np.where(self.index >= 0, values[np.maximum(self.index, 0)], np.nan)


@lru_cache(maxsize=8)
def chip_map(core: str, ports: int, elements: int) -> ChipMap:
    """The map of a bank; a plain grid where the core is not known."""
    if 0 < ports <= MOST_PORTS and elements == ports * ports:
        if core == MESH:
            return _mesh(ports)
        if core == MICRORING:
            return _rings(ports)
    return _grid(elements)


def _mesh(ports: int) -> ChipMap:
    """Two columns a column of cells (theta, phi), each two rows high; output phases at the end."""
    index = np.full((2 * ports + 1, ports), -1, dtype=np.intp)
    x, y, names = np.empty(ports * ports), np.empty(ports * ports), []
    for number, place in enumerate(places(ports)):
        if place.kind == "out":
            column, rows = 2 * ports, [place.row]
            names.append(f"out {place.row}")
        else:
            upper = upper_mode(place.column, place.row)
            column, rows = 2 * place.column + (place.kind == "phi"), [upper, upper + 1]
            names.append(f"{SIGNS[place.kind]} {place.column}.{place.row}")
        index[column, rows] = number
        x[number], y[number] = column, np.mean(rows)
    return ChipMap("heater column", "port", index, x, y, tuple(names))


def _rings(ports: int) -> ChipMap:
    """Outputs down, wavelengths across."""
    number = np.arange(ports * ports)
    row, column = number // ports, number % ports
    names = tuple(f"ring {r}.{c}" for r, c in zip(row, column, strict=True))
    x, y = column.astype(float), row.astype(float)
    return ChipMap("wavelength", "output", number.reshape(ports, ports).T, x, y, names)


def _grid(elements: int) -> ChipMap:
    columns = math.ceil(math.sqrt(elements))
    rows = -(-elements // columns)
    index = np.full(columns * rows, -1, dtype=np.intp)
    number = np.arange(elements)
    index[:elements] = number
    x, y = (number % columns).astype(float), (number // columns).astype(float)
    names = tuple(f"element {k}" for k in number)
    grid = index.reshape(rows, columns).T
    return ChipMap("element modulo the columns", "row", grid, x, y, names)
