"""A Keysight oscilloscope that stands alone: a decaying sine, triggered again and again."""

from __future__ import annotations

from sim_backends.instrument import OptionError, Placement, refuse_unknown
from sim_backends.oscilloscope.alone import OPTIONS, decaying_sine

from .models import MODELS
from .scope import KeysightInfiniivision


def build(placement: Placement) -> KeysightInfiniivision:
    """Options as those of `decaying_sine`."""
    options, identity = placement.options, placement.identity
    refuse_unknown("keysight_infiniivision", options, OPTIONS)
    model = identity.get("model", "DSOX1102G")
    if model not in MODELS:
        raise OptionError(f"{model!r} is not simulated; there are {', '.join(MODELS)}")
    return KeysightInfiniivision(
        placement.clock.now,
        decaying_sine(placement.clock, options),
        model=model,
        serial=identity.get("serial", "CN00000001"),
        firmware=identity.get("firmware", "01.20.2019061038"),
        seed=placement.seed,
    )
