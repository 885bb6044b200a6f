"""Options of source-measure units that stand alone: what they are joined to."""

from __future__ import annotations

import math
from typing import Any

from sim_backends.instrument import OptionError

from .load import Heater, Load, Resistor

LOAD_OPTIONS = ("load", "ohms", "per_watt", "lead_ohms")


def load_of(model: str, options: dict[str, Any]) -> Load:
    """The load that options name: `resistor` (default), `heater`, `open` or `short`."""
    kind = options.get("load", "resistor")
    ohms = float(options.get("ohms", 1000.0))
    if not (ohms > 0.0 and math.isfinite(ohms)):
        raise OptionError(f"{model}: option ohms = {ohms:g} must be positive; see load for others")
    if kind == "resistor":
        return Resistor(ohms)
    if kind == "heater":
        return Heater(ohms, float(options.get("per_watt", 2.0)))
    if kind in ("open", "short"):
        return Resistor(math.inf if kind == "open" else 0.0)
    raise OptionError(f"{model}: option load = {kind!r} is none of resistor, heater, open, short")
