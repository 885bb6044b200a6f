"""A TSL-570 that stands alone, its light going nowhere."""

from __future__ import annotations

from sim_backends.instrument import OptionError, Placement, refuse_unknown

from .laser import SantecTsl570

_SETS = {"legacy": False, "scpi": True}
_SWITCHES = {"separate": False, "linked": True}


def build(placement: Placement) -> SantecTsl570:
    """Options: `product` (code, with the range), `commands` (legacy or scpi), `shutter` (separate
    or linked: one switch with the diode).
    """
    options, identity = placement.options, placement.identity
    refuse_unknown("santec_tsl570", options, ("product", "commands", "shutter"))
    commands = str(options.get("commands", "legacy"))
    shutter = str(options.get("shutter", "separate"))
    if commands not in _SETS or shutter not in _SWITCHES:
        raise OptionError("commands are legacy or scpi, a shutter is separate or linked")
    if identity.get("model", "TSL-570") != "TSL-570":
        raise OptionError(f"{identity['model']!r} is no TSL-570")
    try:
        return SantecTsl570(
            placement.clock.now,
            product=str(options.get("product", "C-480640-P-F-AP-00-1")),
            serial=identity.get("serial", "21020001"),
            firmware=identity.get("firmware", "0001.0000.0001"),
            scpi=_SETS[commands],
            linked=_SWITCHES[shutter],
            seed=placement.seed,
        )
    except ValueError as error:
        raise OptionError(str(error)) from None
