"""Tables of the bench document beside its wiring: laser, stage, taps, the way of the light."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Table(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Light(_Table):
    """`[light]`: the laser that feeds the bench, its nominal power and wavelength (m)."""

    laser: str
    power_dbm: float = Field(allow_inf_nan=False)
    wavelength: float = Field(1.55e-6, gt=0.1e-6, lt=20e-6)

    @property
    def watts(self) -> float:
        """Nominal power, W."""
        return 1e-3 * 10.0 ** (self.power_dbm / 10.0)


class Stage(_Table):
    """`[stage]`: what keeps the chips at the temperature that they were surveyed at."""

    controller: str
    setpoint_celsius: float = Field(allow_inf_nan=False)


class Tap(_Table):
    """One `[[tap]]`: an input of a power meter, and the light of which it sees a share."""

    meter: str
    input: int = Field(ge=1)
    of: Literal["laser", "port"] = "laser"
    port: int | None = None
    share: float = Field(gt=0.0, le=1.0)


class Route(_Table):
    """One `[[route]]`: how a switch must stand for the light to reach the chip."""

    switch: str
    kind: str = "instrument"
    position: int | None = None
    connect: list[tuple[int, int]] = []


def tap_faults(
    taps: Sequence[Tap],
    routes: Sequence[Route],
    light: Light | None,
    names: Collection[str],
    ports: int,
) -> Iterator[str]:
    """What is wrong with the taps and ways of a bench of instruments `names` and so many ports."""
    for index, tap in enumerate(taps):
        if light is None:
            yield f"tap.{index}: without [light] there is no light to tap"
        if tap.meter not in names:
            yield f"tap.{index}.meter: no instrument is named {tap.meter!r}"
        if (tap.of == "port") != (tap.port is not None) or not 0 <= (tap.port or 0) < ports:
            yield f"tap.{index}.port: of = 'port' needs a port from 0 to {ports - 1}, laser none"
    for index, route in enumerate(routes):
        if route.kind != "manual" and route.switch not in names:
            yield f"route.{index}.switch: no instrument is named {route.switch!r}"
