"""Slow weights: a bank of elements by level, and the voltage outputs that they hang on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

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


AtLimit = Literal["cut off", "held", "nothing"]
"""`cut off`: the instrument takes the output to 0 by itself. `held`: it gives no more current, and
its driver switches it off with the next write. `nothing`: it goes on; the voltage alone is limited.
"""


@dataclass(frozen=True)
class OutputLayout:
    """The outputs that instruments of a driver have, as a bench file counts them: eight a module.

    modules, channels : how many modules at most, and outputs in each, from 0 on (at most eight).
    v_full : V, the most that an output gives. i_full : A, the most that is measured, by model as
    the instrument tells it ("" for all others). option : of the driver, how many modules are
    fitted. level : name of the quantity that an output's volts are set by. at_limit : what becomes
    of an output that asks for more than its i_max. volts : whether they are measured at the output,
    or told as they were set. first : the number that the panel gives the first output.
    """

    modules: int
    channels: int
    v_full: float
    i_full: Mapping[str, float]
    option: str = ""
    level: str = "volts"
    at_limit: AtLimit = "cut off"
    volts: Literal["measured", "set"] = "measured"
    first: int = 0

    def fitted(self, options: Mapping[str, Any]) -> int:
        """Modules of an instrument with these options; a value that is no number counts as all."""
        given = options.get(self.option, self.modules) if self.option else self.modules
        return given if type(given) is int else self.modules

    def amps(self, model: str) -> float | None:
        """A, the most that a model measures; None where it cannot be told."""
        return self.i_full.get(model, self.i_full.get(""))


@runtime_checkable
class VoltageOutputs(Protocol):
    """One instrument of many outputs that are set in V: heaters or bias voltages hang on them.

    Channels are counted from 0, whatever the instrument's panel says. Limits are the narrower of
    the hardware's and of what `set_limits` was given. A class that fills this role says its
    `layout`, which is all that a bench file is checked by.
    """

    layout: ClassVar[OutputLayout]

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

    async def check_held(self, *, every: bool = False) -> None:
        """Raise `InstrumentError` where outputs no longer give what was acknowledged last: power
        was lost, one was switched off or set by hand, one tripped.

        `every`: all of them, before what was measured with them is believed; else as many as a
        look every few seconds may cost. Raises `LinkError`.
        """
        ...

    async def off(self) -> None:
        """All outputs to 0 V, whatever is believed to be set."""
        ...


@runtime_checkable
class MeasuresTo(Protocol):
    """Outputs whose maker says how far their readings may be off."""

    def reading_errors(
        self, volts: NDArray[np.float64], amps: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Most that readings of volts (n,) V and amps (n,) A may be off: (n,) V and (n,) A."""
        ...
