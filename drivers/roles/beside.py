"""What stands beside the signal path: temperature, power at taps, and the ways of fibres."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, runtime_checkable


@runtime_checkable
class ThermalStage(Protocol):
    """What holds a chip at its temperature. Set points are in degC, as all that sell stages say."""

    async def set_setpoint_celsius(self, celsius: float) -> None:
        """Set the target temperature in degC. Raises `LimitError` before a byte leaves."""
        ...

    async def read_setpoint_celsius(self) -> float:
        """The target temperature in degC."""
        ...

    async def read_temperature_celsius(self) -> float:
        """Measure the temperature in degC."""
        ...

    async def read_output(self) -> tuple[float, float]:
        """Measure what it drives the stage with: current in A, voltage in V."""
        ...

    async def stable(self) -> bool:
        """True when the temperature is regulated and has been at its target for long enough.

        Raises `InstrumentError` when an error keeps it from regulating.
        """
        ...

    async def on(self) -> None:
        """Regulate the temperature."""
        ...

    async def off(self, *, stop: bool = False) -> None:
        """The bench's off state: the stage goes on as it is, unless it is asked to `stop`."""
        ...


@runtime_checkable
class PowerMonitor(Protocol):
    """What reads the power of steady light at its inputs, counted from 1."""

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        ...

    async def watch(self, number: int, wavelength: float) -> None:
        """Be ready for light of a wavelength in m at an input: its response is corrected for it,
        and its range follows the power. Raises `LimitError` before that leaves.
        """
        ...

    async def read_input(self, number: int) -> float:
        """Measure the power at an input in W; a dark one may read a little below 0.

        Raises `LimitError` for an input that there is not, `InstrumentError` above the range.
        """
        ...


@runtime_checkable
class OpticalSwitch(Protocol):
    """A slow switch of fibres: one way of several, counted from 1."""

    @property
    def positions(self) -> int:
        """Number of ways."""
        ...

    @property
    def settle_time(self) -> float:
        """Seconds from the end of `select` until the light goes the new way."""
        ...

    async def select(self, position: int) -> None:
        """Send the light the way `position`, 1 to `positions`. Raises `LimitError`."""
        ...

    async def position(self) -> int:
        """Which way the light goes. Raises `InstrumentError` where that is not known."""
        ...


@runtime_checkable
class OpticalMatrix(Protocol):
    """A slow switch that joins any of its inputs to any of its outputs.

    Ports are counted as the instrument counts them: inputs from 1 on, outputs after the inputs.
    """

    @property
    def settle_time(self) -> float:
        """Seconds from the end of a change until the light goes the new way."""
        ...

    async def connections(self) -> dict[int, int]:
        """What is joined: input to output."""
        ...

    def check(self, pairs: Mapping[int, int]) -> None:
        """Refuse pairs as `connect` would, without sending anything. Raises `LimitError`."""
        ...

    async def connect(self, pairs: Mapping[int, int]) -> None:
        """Join inputs to outputs; what is joined already stays. Raises `LimitError`."""
        ...

    async def only(self, pairs: Mapping[int, int]) -> None:
        """Join these inputs to these outputs, and nothing else. Raises `LimitError`."""
        ...

    async def disconnect(self, inputs: Iterable[int]) -> None:
        """Part these inputs from their outputs. Raises `LimitError`."""
        ...

    async def off(self) -> None:
        """Nothing joined: dark."""
        ...
