"""A matrix switch that stands alone, dark."""

from __future__ import annotations

from typing import cast

from sim_backends.instrument import OptionError, Placement, refuse_unknown

from .matrix import Polatis


def build(placement: Placement) -> Polatis:
    """Options: `inputs`, `outputs`, `switching_time` (s), `in_use` (moves, refused)."""
    options = placement.options
    refuse_unknown("polatis", options, ("inputs", "outputs", "switching_time", "in_use"))
    inputs, outputs = int(options.get("inputs", 16)), int(options.get("outputs", 16))
    seconds, in_use = float(options.get("switching_time", 0.025)), options.get("in_use", "moves")
    if not 1 <= inputs <= 576 or not 1 <= outputs <= 576:
        raise OptionError("polatis: inputs and outputs are 1 to 576 each")
    if not 0.0 <= seconds <= 60.0:
        raise OptionError(f"polatis: switching_time = {seconds:g} s is not within 0 to 60 s")
    if in_use not in ("moves", "refused"):
        raise OptionError(f"polatis: in_use = {in_use!r} is neither moves nor refused")
    return Polatis(
        placement.clock.now,
        inputs,
        outputs,
        serial=placement.identity.get("serial", "002414"),
        firmware=placement.identity.get("firmware", "6.5.2.18"),
        switching_time=seconds,
        in_use=cast("str", in_use),  # type: ignore[arg-type]  # one of the two
    )
