"""The laser's light on its way to the chip, and what of it falls on taps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .light_tables import Light, Route, Tap
from .tunable_source import TunableSource

Floats = NDArray[np.float64]
#: m that no laser can be set to: a wavelength that is off by less is the nominal one.
_NONE = 1e-15


class LightPath:
    """Where the light comes from, and the switches that it must pass.

    Without a laser that is simulated it has the nominal power and wavelength of [light]; without
    switches it reaches the chip.
    """

    def __init__(self, light: Light | None) -> None:
        self._nominal = 1.0 if light is None else light.watts
        self._wavelength = Light.model_fields["wavelength"].default
        if light is not None:
            self._wavelength = light.wavelength
        self._source: TunableSource | None = None
        self._open: list[Callable[[], bool]] = []

    def lit_by(self, source: TunableSource) -> None:
        """It is this laser's light."""
        self._source = source

    def pass_through(self, is_open: Callable[[], bool]) -> None:
        """It must pass a switch, and does while `is_open()`."""
        self._open.append(is_open)

    @property
    def power(self) -> float:
        """The power that goes to the chip now, W."""
        if not all(is_open() for is_open in self._open):
            return 0.0
        return self._nominal if self._source is None else self._source.power

    @property
    def nominal(self) -> float:
        """The laser's nominal power, W."""
        return self._nominal

    @property
    def wavelength(self) -> float:
        """The wavelength that the laser is tuned to, m."""
        return self._wavelength if self._source is None else self._source.setting_now

    def brightness(self, at: float) -> float:
        """The power in units of the nominal one."""
        return self.power / self._nominal

    def detuning(self, at: float) -> float:
        """The wavelength less the nominal one, m.

        What this laser is off by, and always is, the survey of the chip saw too.
        """
        off = self.wavelength - self._wavelength
        return off if abs(off) > _NONE else 0.0


class PortLight(Protocol):
    """Light on its way to the detectors."""

    def tapped(self, port: int, start: float, step: float, count: int) -> Floats:
        """Its mean (count,) in windows of `step` s from bench time `start` on, in units of the
        laser's nominal power.
        """
        ...


class Taps:
    """What falls on the inputs of power meters that are joined to taps."""

    def __init__(self, taps: tuple[Tap, ...], path: LightPath, ports: PortLight) -> None:
        self._taps = {(tap.meter, tap.input): tap for tap in taps}
        self._path = path
        self._ports = ports

    def of(self, meter: str) -> bool:
        """Whether any tap leads to a meter."""
        return any(name == meter for name, _ in self._taps)

    def watts(self, meter: str, number: int, start: float, step: float, count: int) -> Floats:
        """Mean power (count,) in W at an input in windows of `step` s from bench time `start` on.

        An input that no tap leads to is dark.
        """
        tap = self._taps.get((meter, number))
        if tap is None:
            return np.zeros(count)
        if tap.port is None:
            return np.full(count, tap.share * self._path.power)
        seen = self._ports.tapped(tap.port, start, step, count)
        return tap.share * self._path.nominal * seen


class TapLight:
    """What the only input of a meter sees now."""

    _WINDOW = 1e-6
    """s over which light is looked at: a pattern's samples are shorter, a meter's longer."""

    def __init__(self, taps: Taps, path: LightPath, meter: str, now: Callable[[], float]) -> None:
        self._taps, self._path, self._meter, self._now = taps, path, meter, now

    @property
    def power(self) -> float:
        """W."""
        start = self._now() - self._WINDOW
        return float(self._taps.watts(self._meter, 1, start, self._WINDOW, 1)[0])

    @property
    def wavelength(self) -> float:
        """M."""
        return self._path.wavelength


class MatrixGate:
    """What a matrix switch passes on, of which some ways must be there."""

    def __init__(self, route: Route, before_change: Callable[[], None]) -> None:
        self._wanted = dict(route.connect)
        self._before_change = before_change
        self._ways: Mapping[int, int] = {}

    def routed(self, ways: Mapping[int, int]) -> None:
        """From now on light goes these ways, input to output."""
        self._before_change()
        self._ways = dict(ways)

    def is_open(self) -> bool:
        """Whether all that are wanted are there."""
        return all(self._ways.get(a) == b for a, b in self._wanted.items())
