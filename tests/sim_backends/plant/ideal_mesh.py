"""An ideal Clements mesh, multiplied out plainly from its components, for comparison."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPLITTER = np.array([[1, 1j], [1j, 1]]) / np.sqrt(2)


def shifter(phase: float) -> NDArray[np.complex128]:
    """A phase on the upper one of two arms."""
    return np.diag([np.exp(1j * phase), 1.0])


def ideal_mesh(ports: int, phases: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Transfer matrix of a lossless mesh of perfect splitters, phases in element order."""
    remaining = list(phases)
    total = np.eye(ports, dtype=complex)
    for column in range(ports):
        for upper in range(column % 2, ports - 1, 2):
            theta, phi = remaining.pop(0), remaining.pop(0)
            cell = SPLITTER @ shifter(theta) @ SPLITTER @ shifter(phi)
            total[upper : upper + 2] = cell @ total[upper : upper + 2]
    assert len(remaining) == ports
    return np.diag(np.exp(1j * np.array(remaining))) @ total
