"""A Rigol oscilloscope that stands alone: a decaying sine, triggered again and again."""

from __future__ import annotations

from sim_backends.instrument import OptionError, Placement, refuse_unknown
from sim_backends.oscilloscope.alone import OPTIONS, decaying_sine

from .models import MODELS
from .scope import RigolDs1000z


def build(placement: Placement) -> RigolDs1000z:
    """Options as those of `decaying_sine`; without EXT the last input sees the pulses."""
    options, identity = placement.options, placement.identity
    refuse_unknown("rigol_ds1000z", options, OPTIONS)
    model = identity.get("model", "DS1104Z-S Plus")
    if model not in MODELS:
        raise OptionError(f"{model!r} is not simulated; there are {', '.join(MODELS)}")
    pulsed = 0 if MODELS[model].external else MODELS[model].inputs
    return RigolDs1000z(
        placement.clock.now,
        decaying_sine(placement.clock, options, pulsed),
        model=model,
        serial=identity.get("serial", "DS1ZB000000001"),
        firmware=identity.get("firmware", "00.04.05.SP2"),
        seed=placement.seed,
    )
