"""A controller that stands alone, with a small Peltier stage of its own."""

from __future__ import annotations

from sim_backends.instrument import OptionError, Placement, refuse_unknown

from .controller import Tec1091
from .stage import PeltierStage


def build(placement: Placement) -> Tec1091:
    """Options: `address` (1 to 254), `firmware`, `ambient` in degC, `heat_load` in W."""
    options = placement.options
    refuse_unknown("meerstetter_tec1091", options, ("address", "firmware", "ambient", "heat_load"))
    address = int(options.get("address", 2))
    if not 1 <= address <= 254:
        raise OptionError(f"address {address} is not between 1 and 254")
    ambient = float(options.get("ambient", 23.0))
    stage = PeltierStage(
        ambient_celsius=ambient,
        heat_load=float(options.get("heat_load", 0.3)),
        object_celsius=ambient,
        sink_celsius=ambient,
    )
    model = placement.identity.get("model", "TEC-1091").upper().removeprefix("TEC-")
    return Tec1091(
        placement.clock.now,
        stage=stage,
        seed=placement.seed,
        serial=int(placement.identity.get("serial", "5021")),
        address=address,
        firmware=int(options.get("firmware", 512)),
        device_type=int(model),
    )
