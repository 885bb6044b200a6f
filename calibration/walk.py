"""From the light at every heater to every phase and splitter, column by column, in closed form.

The field at a heater by input (its row, see `rank_one`) is measured. Before the first column the
fields are the inputs themselves. In a cell whose inputs carry u (upper) and v (lower), theta's
heater sees cos(a) e^{i phi} u + i sin(a) v, so the ratio of its components gives phi and the first
splitter; in the next column, a phi's heater sees the upper output of a cell, or its lower one, and
the ratio of that to the cell's two arms gives theta and the second splitter. So each column is
solved from the one before it, in the order of the light; nothing has to be known beforehand, and
every phase comes out with its sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.mesh import Layout, layout

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: Farthest that a splitter is believed to be from one half, rad: beyond, the data are wrong.
_MOST_ERROR = 0.3


@dataclass(frozen=True)
class Walked:
    """What a walk found, at the setting of the rows.

    phase : (N^2,) rad. splitter_a, splitter_b : (cells,) rad. misfit : (N^2,) share of a heater's
    row that no light at its place can explain: near zero, unless it is wired to another place.
    """

    phase: Floats
    splitter_a: Floats
    splitter_b: Floats
    misfit: Floats


def walk(rows: Complexes, alive: NDArray[np.bool_], seen: Complexes, loss_db: float) -> Walked:
    """Solve a mesh from the rows of its heaters.

    Parameters
    ----------
    rows : (N^2, N) unit vectors, with the phases at the setting of `seen`.
    alive : (N^2,) which rows mean something; one dead heater a cell is walked around.
    seen : (N, N) the matrix at that setting. loss_db : the usual loss of a cell.
    """
    return _Walk(rows, alive, loss_db).run(seen)


class _Walk:
    def __init__(self, rows: Complexes, alive: NDArray[np.bool_], loss_db: float) -> None:
        self._where: Layout = layout(rows.shape[1])
        self._rows = rows
        self._alive = alive
        self._gain = 10.0 ** (-loss_db / 20.0)
        ports = rows.shape[1]
        #: field of each mode by input, before the column at hand: (N, N)
        self._field = np.eye(ports, dtype=complex)
        self._phase = np.zeros(len(rows))
        self._a = np.zeros(self._where.cells)
        self._b = np.zeros(self._where.cells)
        self._misfit = np.zeros(len(rows))

    def run(self, seen: Complexes) -> Walked:
        where, ports = self._where, self._where.ports
        arms: dict[int, Complexes] = {}
        for column in range(ports):
            here = where.in_column(column)
            if column:
                self._leave(column - 1, here, arms)
            for cell in here:
                arms[int(cell)] = self._enter(int(cell))
        self._leave(ports - 1, np.zeros(0, dtype=np.intp), arms)
        for port in np.flatnonzero(self._alive[2 * where.cells :]):
            self._components(2 * where.cells + int(port), self._field[port][None])
        outputs = (seen * self._field.conj()).sum(axis=1)
        self._phase[2 * where.cells :] = np.angle(outputs)
        return Walked(self._phase, self._a, self._b, self._misfit)

    def _enter(self, cell: int) -> Complexes:
        """Solve phi and the first splitter of a cell; returns the fields of its arms (2, N)."""
        mode = int(self._where.mode[cell])
        upper, lower = self._field[mode], self._field[mode + 1]
        theta, phi = 2 * cell, 2 * cell + 1
        turn, angle = 1.0 + 0j, np.pi / 4
        if self._alive[phi]:
            self._components(phi, upper[None])
        if self._alive[theta]:
            x, y = self._components(theta, np.stack([upper, lower]))
            turn = 1j * x / y if abs(y) > 1e-9 else 1.0 + 0j
            angle = np.arctan2(abs(y), abs(x))
        self._phase[phi] = np.angle(turn)
        self._a[cell] = np.clip(angle - np.pi / 4, -_MOST_ERROR, _MOST_ERROR)
        a, outer = np.pi / 4 + self._a[cell], np.exp(1j * self._phase[phi])
        pair: Complexes = np.empty((2, len(upper)), dtype=np.complex128)
        pair[0] = np.cos(a) * outer * upper + 1j * np.sin(a) * lower
        pair[1] = 1j * np.sin(a) * outer * upper + np.cos(a) * lower
        return pair

    def _components(self, element: int, basis: Complexes) -> Complexes:
        """Components of a heater's row in a basis (n, N); what is left over is its misfit."""
        row = self._rows[element]
        found: Complexes = np.asarray(
            np.linalg.lstsq(basis.T, row, rcond=None)[0], dtype=np.complex128
        )
        self._misfit[element] = float(np.linalg.norm(row - found @ basis))
        return found

    def _leave(self, column: int, following: Sequence[int] | NDArray, arms: dict) -> None:
        """Solve theta and second splitter of a column from the heaters behind it; move on."""
        where = self._where
        upper_of = {int(where.mode[cell]): int(cell) for cell in following}
        last = not len(following)  # then the output phases' heaters are next
        for cell in map(int, where.in_column(column)):
            mode, pair = int(where.mode[cell]), arms.pop(cell)
            ratios = self._behind_last(mode, pair) if last else self._behind(mode, pair, upper_of)
            if ratios:
                turn = sum(ratio / abs(ratio) for ratio in ratios)
                cotangent = np.exp(np.mean([np.log(abs(ratio)) for ratio in ratios]))
                self._phase[2 * cell] = np.angle(turn)
                error = np.arctan2(1.0, cotangent) - np.pi / 4
                self._b[cell] = np.clip(error, -_MOST_ERROR, _MOST_ERROR)
            b, inner = np.pi / 4 + self._b[cell], np.exp(1j * self._phase[2 * cell])
            first, second = inner * pair[0], pair[1]
            self._field[mode] = self._gain * (np.cos(b) * first + 1j * np.sin(b) * second)
            self._field[mode + 1] = self._gain * (1j * np.sin(b) * first + np.cos(b) * second)

    def _behind(self, mode: int, pair: Complexes, upper_of: dict[int, int]) -> list[complex]:
        """Estimates of cot(b) e^{i theta} from the heaters of the next column."""
        found: list[complex] = []
        below, above = upper_of.get(mode + 1), upper_of.get(mode - 1)
        if below is not None and self._alive[2 * below + 1]:
            # phi of the cell below sees the lower output: i sin(b) e^{i theta} first + cos(b) other
            x, y = self._components(2 * below + 1, pair)
            found += _as_cotangent(x, y, lower=True)
        if above is not None and self._alive[[2 * above, 2 * above + 1]].all():
            # theta of the cell above sees the upper output through its first splitter, beside the
            # light of its own phi's heater, whose direction is measured
            basis = np.concatenate([self._rows[2 * above + 1][None], pair])
            _, x, y = self._components(2 * above, basis)
            found += _as_cotangent(x, y, lower=False)
        return found

    def _behind_last(self, mode: int, pair: Complexes) -> list[complex]:
        """The same from the heaters of the output phases."""
        found: list[complex] = []
        for lower in (False, True):
            element = 2 * self._where.cells + mode + lower
            if self._alive[element]:
                x, y = self._components(element, pair)
                found += _as_cotangent(x, y, lower=lower)
        return found


def _as_cotangent(x: complex, y: complex, *, lower: bool) -> list[complex]:
    """cot(b) e^{i theta} from components of an output in the arms; nothing where one is dark."""
    if abs(x) < 1e-6 or abs(y) < 1e-6:
        return []
    ratio = complex(x / y)
    if not lower:
        return [1j * ratio]  # cos(b) e^{i theta} / (i sin(b))
    turned = -1j * ratio  # tan(b) e^{i theta}
    return [turned / abs(turned) ** 2]
