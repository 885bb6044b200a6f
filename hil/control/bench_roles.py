"""The roles of a whole bench: all that sequencing and planning know of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.roles import InputSource, Readout, SwitchSequencer, WeightBank
from hil.control.frame import FrameFormat, PortScale


class BenchRoles(Protocol):
    """What a bench is made of, whatever its instruments."""

    @property
    def banks(self) -> Sequence[WeightBank]:
        """One role a bank."""
        ...

    @property
    def switch(self) -> SwitchSequencer:
        """The only role that fires."""
        ...

    @property
    def source(self) -> InputSource:
        """What drives the modulators."""
        ...

    @property
    def readout(self) -> Readout:
        """What reads the detectors."""
        ...

    @property
    def form(self) -> FrameFormat:
        """How frames look."""
        ...

    @property
    def scale(self) -> PortScale:
        """Units of the ports."""
        ...

    @property
    def lsb(self) -> NDArray[np.float64]:
        """V (W), the readout's step at each port, (ports,)."""
        ...
