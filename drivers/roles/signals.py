"""What drives the modulators and what reads the detectors."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

DetectionMode = Literal["homodyne", "intensity", "balanced"]


@runtime_checkable
class InputSource(Protocol):
    """The waveforms that drive the modulators, in instrument volts."""

    @property
    def max_points(self) -> int:
        """Most samples of one load."""
        ...

    @property
    def full_scale(self) -> NDArray[np.float64]:
        """Largest magnitude (ports,) in V that the outputs can play."""
        ...

    @property
    def min_dwell(self) -> float:
        """Shortest time a sample can be held, in s."""
        ...

    @property
    def trigger_latency(self) -> float:
        """Nominal time from the trigger to the first sample, in s."""
        ...

    def planned_load(self, samples: int) -> float:
        """Seconds to load so many samples, by the link models."""
        ...

    async def load(self, volts: NDArray[np.float64], dwell: float) -> None:
        """Load volts (samples, ports), each held for `dwell` s. Raises `LimitError`."""
        ...

    async def arm(self) -> None:
        """Let the next trigger start what is loaded."""
        ...

    def quantise(self, volts: NDArray[np.float64]) -> NDArray[np.float64]:
        """The volts (samples, ports) that would really be played."""
        ...

    def planned_arm(self) -> float:
        """Seconds to arm, by the link models."""
        ...

    async def off(self) -> None:
        """Outputs off."""
        ...


@runtime_checkable
class Readout(Protocol):
    """The detectors, as the instruments read them: V at their inputs, W for power meters."""

    @property
    def mode(self) -> DetectionMode:
        """How the detectors see the field."""
        ...

    @property
    def max_points(self) -> int:
        """Most points of one acquisition."""
        ...

    @property
    def full_scale(self) -> NDArray[np.float64]:
        """Largest magnitude (ports,) in V (W) that the inputs can represent."""
        ...

    @property
    def resolution(self) -> NDArray[np.float64]:
        """Smallest step (ports,) in V (W) of what is read; 0 where it is far below the noise."""
        ...

    def planned_arm(self, points: int) -> float:
        """Seconds to arm for so many points, by the link models."""
        ...

    def planned_fetch(self, points: int) -> float:
        """Seconds to fetch so many points, by the link models."""
        ...

    async def arm(self, points: int) -> None:
        """Be ready to record `points` points after the trigger."""
        ...

    async def fetch(self, first: int, count: int) -> NDArray[np.float64]:
        """V or W (count, ports) from point `first` after the trigger on."""
        ...
