"""A QDAC-II that stands alone, a resistor at each output."""

from __future__ import annotations

from sim_backends.instrument import OptionError, Placement, refuse_unknown

from .dac import Qdac2
from .loads import Resistors


def build(placement: Placement) -> Qdac2:
    """Options: `ohms` at every output. Raises `OptionError`."""
    refuse_unknown("qdevil_qdac2", placement.options, ("ohms",))
    ohms = float(placement.options.get("ohms", 1000.0))
    if not ohms > 0.0:
        raise OptionError(f"qdevil_qdac2: option ohms = {ohms:g} must be positive (inf: open)")
    return Qdac2(
        placement.clock.now,
        serial=placement.identity.get("serial", "242"),
        firmware=placement.identity.get("firmware", "13-1.57"),
        loads=Resistors(ohms),
        seed=placement.seed,
    )
