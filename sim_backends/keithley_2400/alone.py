"""A 2400 that stands alone, as `python -m sim_backends serve --instrument` makes it."""

from __future__ import annotations

from sim_backends.instrument import OptionError, Placement, refuse_unknown
from sim_backends.source_measure.options import LOAD_OPTIONS, load_of

from .instrument import Keithley2400

OPTIONS = (*LOAD_OPTIONS, "line_end")
_LINE_ENDS = {"LF": b"\n", "CR": b"\r", "CRLF": b"\r\n", "LFCR": b"\n\r"}


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
