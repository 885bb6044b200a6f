"""What serves single ports of a bench: instruments that play, and instruments that read.

An instrument whose driver names the role `InputSource` plays at ports through `PortSource`; one
that names `Readout` reads at ports through `PortReadout`. `drivers.source_array` and
`drivers.readout_array` make one source and one readout of any number of them. What a wiring is
checked by before any instrument answers, the driver's class states as `plays` and `reads`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from drivers.roles.signals import InputSource
from drivers.roles.timing import Edge

Unit = Literal["V", "W"]
Means = Literal["means", "values", "both"]
CLOSE = 1e-6
"""Of a tick: the rounding of decimal seconds, far below any clock's jitter."""


def whole(seconds: float, tick: float) -> int | None:
    """How many ticks a time is; None where it is no whole number of them, 1 or more."""
    ticks = seconds / tick
    if not 0.0 < ticks < 2**53:  # nor is NaN
        return None
    count = round(ticks)
    return count if count >= 1 and abs(ticks - count) <= CLOSE * max(1.0, ticks) else None


@dataclass(frozen=True)
class PlayFacts:
    """What a wiring may ask of a model that plays.

    outputs : numbered from 1. full_scale : V of either sign. samples : most of one load.
    shortest : s, least time for which a sample can be held; tick : s of which that time must be a
    whole number, 0 for any. latency : nominal s from the trigger to the first sample.
    """

    outputs: int
    full_scale: float
    samples: int
    shortest: float
    tick: float = 0.0
    latency: float = 0.0

    @classmethod
    def nothing(cls) -> PlayFacts:
        """Of a model that plays nothing, or does not say what."""
        return cls(0, 0.0, 0, math.inf)


@dataclass(frozen=True)
class ReadFacts:
    """What a wiring may ask of a model that reads.

    inputs : numbers of those that ports can have. full_scale : largest magnitude in `unit`, V at a
    balanced receiver or W of light. shortest, longest : s, of a point. tick : s of which a point
    must be a whole number, 0 for any; ticks : the numbers there are, none given for all. points :
    most of one record; `of_ticks` if that counts ticks. averages : whether a point is the mean over
    its duration, the value at its start, or as asked for. trigger_edge, trigger_level : the edge
    that starts a record, and the V that it must pass, None of a logic input.
    """

    inputs: tuple[int, ...]
    unit: Unit
    full_scale: float
    shortest: float
    points: int
    longest: float = math.inf
    tick: float = 0.0
    ticks: tuple[int, ...] = ()
    of_ticks: bool = False
    averages: Means = "both"
    trigger_edge: Edge = "rising"
    trigger_level: float | None = None

    @classmethod
    def nothing(cls) -> ReadFacts:
        """Of a model that reads nothing, or does not say what."""
        return cls((), "V", 0.0, math.inf, 0)

    def most_points(self, point: float) -> int:
        """Points of `point` s of one record."""
        if not self.of_ticks or not self.tick:
            return self.points
        return self.points // max(1, round(point / self.tick))


@runtime_checkable
class PortSource(InputSource, Protocol):
    """An instrument that plays: an `InputSource` whose ports are its own outputs.

    One that reads as well has one `full_scale` and one `max_points` for both, unless it is
    `ReadsApart`, and takes an `arm` without points for the source's.
    """

    name: str

    @property
    def outputs(self) -> int:
        """Number of outputs, which count from 1."""
        ...

    def check_volts(self, volts: NDArray[np.float64]) -> None:
        """Raise `LimitError` for volts (samples, outputs) that cannot be played. Sends nothing."""
        ...


@runtime_checkable
class PortReadout(Protocol):
    """An instrument that reads: a `Readout` of its own inputs."""

    name: str

    @property
    def unit(self) -> Unit:
        """V at balanced receivers, or W of light."""
        ...

    @property
    def read_inputs(self) -> tuple[int, ...]:
        """Numbers of the inputs that are read, in the order of what `fetch` returns."""
        ...

    @property
    def max_points(self) -> int:
        """Most points of one record."""
        ...

    @property
    def full_scale(self) -> NDArray[np.float64]:
        """Largest magnitude (inputs read,) in V or W; what was beyond it is told as it."""
        ...

    @property
    def resolution(self) -> float:
        """Smallest step in V or W; 0 where it is far below the noise."""
        ...

    def time_points(self, point: float, *, average: bool) -> None:
        """Let points last `point` s each from the next `arm` on: means over it, or values at its
        start. Sends nothing. Raises `ValueError` (`LimitError`) for what cannot be had.
        """
        ...

    async def arm(self, points: int) -> None:
        """Be ready to record `points` points after the trigger."""
        ...

    async def fetch(self, first: int, count: int) -> NDArray[np.float64]:
        """V or W (count, inputs read) from point `first` after the trigger on."""
        ...

    def planned_arm(self, points: int) -> float:
        """Seconds that `arm` takes by the link model."""
        ...

    def planned_fetch(self, points: int) -> float:
        """Seconds that `fetch` of so many points takes by the link model."""
        ...

    async def off(self) -> None:
        """Stop recording."""
        ...


@runtime_checkable
class ReadsApart(Protocol):
    """A `PortReadout` that plays too, whose inputs reach otherwise than its outputs."""

    @property
    def read_full_scale(self) -> NDArray[np.float64]:
        """Largest magnitude (inputs read,) in V or W."""
        ...

    @property
    def read_points(self) -> int:
        """Most points of one record."""
        ...


def read_full_scale(driver: PortReadout) -> NDArray[np.float64]:
    """Largest magnitude (inputs read,) in V or W of an instrument's inputs."""
    return driver.read_full_scale if isinstance(driver, ReadsApart) else driver.full_scale


def read_points(driver: PortReadout) -> int:
    """Most points of one record of an instrument's inputs."""
    return driver.read_points if isinstance(driver, ReadsApart) else driver.max_points
