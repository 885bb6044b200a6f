"""The light: on and off, a laser that is tuned, the local oscillator."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class LightSource(Protocol):
    """The signal light; a gate line will do."""

    async def on(self) -> None:
        """Light on."""
        ...

    async def off(self) -> None:
        """Light off."""
        ...


@runtime_checkable
class TunableSource(LightSource, Protocol):
    """A laser whose power and wavelength are set. It is lit when `on` returns, at its power."""

    async def wavelength_range(self) -> tuple[float, float]:
        """Shortest and longest wavelength that can be set, m."""
        ...

    async def set_wavelength(self, wavelength: float) -> None:
        """Tune to a wavelength in m. Raises `LimitError` before that leaves."""
        ...

    async def read_wavelength(self) -> float:
        """The wavelength that is set, m."""
        ...

    async def set_power_dbm(self, power_dbm: float) -> None:
        """Set the power at its output in dBm. Raises `LimitError` before that leaves."""
        ...

    async def set_power(self, power: float) -> None:
        """Set the power at its output in W. Raises `LimitError` before that leaves."""
        ...

    async def read_power_dbm(self) -> float:
        """The power that is set, dBm."""
        ...

    async def read_power(self) -> float:
        """The power that leaves, W, as the laser tells it; 0 where it is switched off or shut."""
        ...

    async def lit(self) -> bool:
        """Whether light leaves, as the laser tells it."""
        ...


@runtime_checkable
class PhaseReference(Protocol):
    """The local oscillator of a homodyne detection: its gate."""

    async def on(self) -> None:
        """Local oscillator on."""
        ...

    async def off(self) -> None:
        """Local oscillator off."""
        ...
