"""What calibration sees of a bench: levels to program, frames to observe, nothing of its models.

The same procedures run on a real bench and on a simulated one; whoever opens a bench fills this
protocol from its roles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Detection(StrEnum):
    """How the detectors see the field E of a sample."""

    HOMODYNE = "homodyne"
    """Local oscillator on: Re(e^{-i psi} E)."""
    QUADRATURE = "quadrature"
    """Local oscillator on and a quarter wave later: Im(e^{-i psi} E), but for the step's error."""
    INTENSITY = "intensity"
    """Local oscillator off: |E|^2."""


@dataclass(frozen=True, eq=False)
class Shot:
    """Samples sent one after the other through one bank.

    values : (samples, ports) in V_pi, within +-1.5. lit : whether the signal light is on.
    """

    bank: int
    values: Floats
    detection: Detection = Detection.HOMODYNE
    lit: bool = True


@dataclass(frozen=True, eq=False)
class Observation:
    """What came of a shot.

    sent : (samples, ports) V_pi, as the converters played it. measured : (samples, ports) signal
    units. clipped : (samples, ports) bool. time : bench s at which its frame fired.
    """

    sent: Floats
    measured: Floats
    clipped: NDArray[np.bool_]
    time: float


@dataclass(frozen=True, eq=False)
class LineTest:
    """A frame in which the bank changes by a pattern while the inputs stand still.

    They stand still from a dwell before the pattern, in its first bank, to a dwell behind it, in
    its last.

    values : (ports,) V_pi, held throughout. banks : the bank selected in each chip of the pattern;
    -1 for none. chip : s, duration of one, a multiple of 1 ns.
    """

    values: Floats
    banks: Sequence[int]
    chip: float
    detection: Detection = Detection.HOMODYNE


@dataclass(frozen=True, eq=False)
class Points:
    """A line test as the boxes recorded it.

    times : (points, ports) s at the middle of each point, counted from the moment at which the
    pattern's first chip would be seen if lines and drives were equally late. A port's own clock is
    set by the frame's markers. signal : (points, ports) signal units.
    """

    times: Floats
    signal: Floats


class Setup(Protocol):
    """A bench, warm and lit, as calibration uses it."""

    @property
    def name(self) -> str:
        """Of the bench."""
        ...

    @property
    def core(self) -> str:
        """`mzi-mesh` or `microring`."""
        ...

    @property
    def ports(self) -> int:
        """Optical ports N."""
        ...

    @property
    def n_banks(self) -> int:
        """Banks."""
        ...

    @property
    def p_pi(self) -> float:
        """W, nominal power of a phase of pi."""
        ...

    @property
    def level_idle(self) -> Floats:
        """Least level (n_banks, elements) in W of a warm bench: the idle bias."""
        ...

    @property
    def level_max(self) -> Floats:
        """Highest level (n_banks, elements) in W."""
        ...

    @property
    def levels(self) -> Floats:
        """Levels (n_banks, elements) in W as last programmed; 0 before."""
        ...

    @property
    def power_max(self) -> float:
        """W of a chip in all."""
        ...

    @property
    def dwell(self) -> float:
        """S a sample is held."""
        ...

    @property
    def detections(self) -> frozenset[Detection]:
        """What the bench can do."""
        ...

    @property
    def full_scale(self) -> Floats:
        """(ports,) signal units at which the converters clip."""
        ...

    @property
    def serials(self) -> Mapping[str, str]:
        """Serial numbers by instrument name, where known."""
        ...

    def now(self) -> float:
        """Bench time, s."""
        ...

    async def program(self, levels: Floats) -> None:
        """Write levels (n_banks, elements) in W; the next observation waits until they settle.

        Raises
        ------
        ValueError
            (a LimitError) when a level is out of range, NaN or infinite: nothing is written.
        """
        ...

    async def rest(self, seconds: float) -> None:
        """Hold the present levels for `seconds` of bench time."""
        ...

    async def observe(self, shots: Sequence[Shot]) -> list[Observation]:
        """Run shots in one hardware frame where they fit, else in as few as they need."""
        ...

    async def line_test(self, test: LineTest) -> Points:
        """Run a line test.

        Raises
        ------
        NotImplementedError
            Where the bench has no timing (the slot path).
        """
        ...

    async def electrical(self) -> tuple[Floats, Floats]:
        """Volts and amperes (n_banks, elements) that the heater drivers measure.

        Raises
        ------
        NotImplementedError
            Where there are no drivers (the slot path).
        """
        ...
