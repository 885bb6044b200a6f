"""What two small steps of one heater tell: whether it turns light, whose, and which way.

A step by d and one by 2d change the matrix by B (e^{i d} - 1) and B (e^{2 i d} - 1). B is of rank
one and of unit size wherever the mesh stands: all the light at a heater comes from some inputs and
leaves by some outputs. Its row is the field at the heater by input, which only one place of the
mesh can have (`walk`); the ratio of the two changes, 1 + e^{i d}, says which way the phase turns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Complexes = NDArray[np.complex128]

#: Size of an answer over the largest that noise alone would have.
_CLEAR = 2.5
#: Share of an answer's size in a second direction: two heaters have moved.
_MIXED = 0.3
#: Standard errors of a turn beyond which its sign is sure.
_SURE = 4.0


@dataclass(frozen=True)
class Answer:
    """What a matrix answered to two steps.

    row : (N,) unit vector, the field at the heater by input; column : (N,) unit vector, what
    becomes of it by output. strength : size of both changes together. turn : rad of the first
    step, with its sign; error : its standard uncertainty. clear : whether it stands out of the
    noise; mixed : whether it is of more than one heater.
    """

    row: Complexes
    column: Complexes
    strength: float
    turn: float
    error: float
    clear: bool
    mixed: bool

    @property
    def sign(self) -> int:
        """Whether the phase rises (1) or falls (-1) with power; 0 where that is not sure."""
        if not self.clear or abs(self.turn) < _SURE * self.error:
            return 0
        return 1 if self.turn > 0.0 else -1

    def conjugate(self) -> Answer:
        """The same for a local oscillator that is stepped the other way."""
        return Answer(
            self.row.conj(), self.column.conj(), self.strength, -self.turn, self.error, self.clear,
            self.mixed,
        )  # fmt: skip


def answer(first: Complexes, second: Complexes, sigma: float) -> Answer:
    """An answer from the changes (N, N) by one step and by two.

    sigma : rms noise of the real or imaginary part of an entry of a matrix that was looked at.
    """
    ports = first.shape[0]
    both = np.concatenate([first, second])
    _, values, rows = np.linalg.svd(both, full_matrices=False)
    row = rows[0]
    one, two = first @ row.conj(), second @ row.conj()
    noise = 2.0 * sigma  # rms of a complex change: two looks, two quadratures
    largest = noise * (np.sqrt(2.0 * ports) + np.sqrt(ports))
    power = float(np.vdot(one, one).real)
    ratio = complex(np.vdot(one, two)) / max(power, 1e-30)
    turn = 2.0 * float(np.angle(ratio))
    column = two / max(float(np.linalg.norm(two)), 1e-30)
    return Answer(
        row=row,
        column=column,
        strength=float(values[0]),
        turn=turn,
        # Of the angle between a vector and one of about twice its length, both with noise across.
        error=2.0 * noise * float(np.sqrt(0.625 / max(power, 1e-30))),
        clear=bool(values[0] > _CLEAR * largest),
        mixed=bool(values[1] > max(_CLEAR * largest, _MIXED * values[0])),
    )
