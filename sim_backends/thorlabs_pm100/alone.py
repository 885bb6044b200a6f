"""A meter that stands alone, at the end of a dark fibre or of one with steady light."""

from __future__ import annotations

from sim_backends.instrument import OptionError, Placement, refuse_unknown

from .meter import ThorlabsPm100
from .sensor import SENSORS, DarkFibre

MODELS = ("PM100D", "PM100A", "PM100USB", "PM400")


class SteadyLight:
    """Light of one power (W) and wavelength (m)."""

    def __init__(self, power: float, wavelength: float) -> None:
        self.power = power
        self.wavelength = wavelength


def build(placement: Placement) -> ThorlabsPm100:
    """Options: `sensor` (or none), `power` (W) and `wavelength` (m) of the light, `quotes`."""
    options, identity = placement.options, placement.identity
    refuse_unknown("thorlabs_pm100", options, ("sensor", "power", "wavelength", "quotes"))
    model, sensor = identity.get("model", "PM100D"), str(options.get("sensor", "S155C"))
    if model not in MODELS:
        raise OptionError(f"{model!r} is not simulated; there are {', '.join(MODELS)}")
    if sensor != "none" and sensor not in SENSORS:
        raise OptionError(f"{sensor!r} is no sensor; there are {', '.join(SENSORS)}, or none")
    power = float(options.get("power", 0.0))
    wavelength = float(options.get("wavelength", DarkFibre.wavelength))
    if not power >= 0.0 or not 1e-7 < wavelength < 1e-5:
        raise OptionError("power is in W and not negative, a wavelength is in m")
    return ThorlabsPm100(
        placement.clock.now,
        model=model,
        serial=identity.get("serial", "P0012345"),
        firmware=identity.get("firmware", "2.7.0"),
        sensor=None if sensor == "none" else sensor,
        light=SteadyLight(power, wavelength),
        quotes=str(options.get("quotes", "0")) not in ("0", "False"),
        seed=placement.seed,
    )
