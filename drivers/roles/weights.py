"""Slow weights: a bank of elements by level, and the voltage outputs that they hang on."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@runtime_checkable
class WeightBank(Protocol):
    """One bank of slow weight elements, set by level: nominal heater power in W."""

    @property
    def elements(self) -> int:
        """Number of elements."""
        ...

    @property
    def settle_time(self) -> float:
        """Seconds from the end of `program` until the elements have followed."""
        ...

    def check(self, levels: NDArray[np.float64]) -> None:
        """Refuse levels (elements,) in W as `program` would, without sending anything."""
        ...

    def planned_write(self, changed: int) -> float:
        """Seconds to write so many elements, by the instruments' link models."""
        ...

    async def program(self, levels: NDArray[np.float64]) -> int:
        """Set levels (elements,) in W; returns how many were really written.

        Raises `LimitError` before a byte leaves when a level is out of range, NaN or inf.
        """
        ...

    async def read_back(self) -> NDArray[np.float64]:
        """Levels (elements,) in W as the instruments measure them."""
        ...

    async def off(self) -> None:
        """All elements to 0, whatever is believed to be set."""
        ...


@runtime_checkable
class VoltageOutputs(Protocol):
    """One instrument of many outputs that are set in V: heaters or bias voltages hang on them.

    Channels are counted from 0, whatever the instrument's panel says. Limits are the narrower of
    the hardware's and of what `set_limits` was given.
    """

    @property
    def name(self) -> str:
        """Its name on the bench."""
        ...

    @property
    def channels(self) -> int:
        """Number of outputs."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether it can be spoken to."""
        ...

    @property
    def v_full(self) -> float:
        """Full scale of the outputs, V."""
        ...

    @property
    def i_full(self) -> NDArray[np.float64]:
        """Full scale of the current readings (channels,), A."""
        ...

    @property
    def v_max(self) -> NDArray[np.float64]:
        """Highest voltage of each channel (channels,), V."""
        ...

    @property
    def i_max(self) -> NDArray[np.float64]:
        """Highest current of each channel (channels,), A."""
        ...

    def set_limits(self, v_max: NDArray[np.float64], i_max: NDArray[np.float64]) -> None:
        """Narrow the limits to v_max (channels,) V and i_max (channels,) A; sends nothing.

        Raises `ValueError` for a wrong shape, `LimitError` for NaN or a negative limit.
        """
        ...

    async def apply_limits(self) -> None:
        """Have the hardware keep the limits too, as far as it can; again after a reconnection."""
        ...

    async def write_volts(self, channels: NDArray[np.intp], volts: NDArray[np.float64]) -> int:
        """Set channels (n,) to volts (n,); returns how many had to be written.

        Raises `LimitError` before a byte leaves, `InstrumentError`, `LinkError`.
        """
        ...

    def planned_write(self, changed: int) -> float:
        """Seconds to write so many channels, by the link model."""
        ...

    async def read_volts(self) -> NDArray[np.float64]:
        """The voltage of every output (channels,), V, as the instrument knows it."""
        ...

    async def read_amps(self) -> NDArray[np.float64]:
        """Measure the current of every output (channels,), A."""
        ...

    async def off(self) -> None:
        """All outputs to 0 V, whatever is believed to be set."""
        ...
