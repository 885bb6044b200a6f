"""A laser that stands alone, its light going nowhere."""

from __future__ import annotations

from sim_backends.instrument import OptionError, Placement, refuse_unknown

from .mainframe import MODELS, Keysight816x


def build(placement: Placement) -> Keysight816x:
    """Options: `slot` (0 to 4), `pin`, `locked` (1 or 0 at the start). Models: `MODELS`."""
    options, identity = placement.options, placement.identity
    refuse_unknown("keysight_816x", options, ("slot", "pin", "locked"))
    model = identity.get("model", "8164B")
    if model not in MODELS:
        raise OptionError(f"{model!r} is not simulated; there are {', '.join(MODELS)}")
    slot = int(options.get("slot", MODELS[model].slot))
    if not 0 <= slot <= 4:
        raise OptionError("a slot is 0 to 4")
    return Keysight816x(
        placement.clock.now,
        model,
        serial=identity.get("serial", "DE45601234"),
        slot=slot,
        pin=str(options.get("pin", "1234")),
        locked=str(options.get("locked", "1")) not in ("0", "False"),
        seed=placement.seed,
    )
