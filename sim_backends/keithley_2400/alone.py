"""A 2400 that stands alone, as `python -m sim_backends serve --instrument` makes it."""

from __future__ import annotations

import math
from typing import Any

from sim_backends.instrument import OptionError, Placement, refuse_unknown
from sim_backends.source_measure.load import Heater, Load, Resistor

from .instrument import Keithley2400

OPTIONS = ("load", "ohms", "per_watt", "lead_ohms", "line_end")
_LINE_ENDS = {"LF": b"\n", "CR": b"\r", "CRLF": b"\r\n", "LFCR": b"\n\r"}


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


def build(placement: Placement) -> Keithley2400:
    """A 2400 with a load of its own. Raises `OptionError`."""
    options = dict(placement.options)
    refuse_unknown("keithley_2400", options, OPTIONS)
    end = str(options.get("line_end", "LF"))
    if end not in _LINE_ENDS:
        raise OptionError(f"keithley_2400: option line_end = {end!r} is none of LF, CR, CRLF, LFCR")
    identity = {
        key: placement.identity[key] for key in ("serial", "firmware") if key in placement.identity
    }
    return Keithley2400(
        placement.clock.now, load_of("keithley_2400", options), seed=placement.seed,
        lead_ohms=float(options.get("lead_ohms", 0.2)), line_end=_LINE_ENDS[end], **identity,
    )  # fmt: skip
