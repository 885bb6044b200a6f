"""A 2450 that stands alone, as `python -m sim_backends serve --instrument` makes it."""

from __future__ import annotations

from sim_backends.instrument import OptionError, Placement, refuse_unknown
from sim_backends.source_measure.options import LOAD_OPTIONS, load_of

from .instrument import Keithley2450

OPTIONS = (*LOAD_OPTIONS, "language")
_LANGUAGES = ("SCPI", "SCPI2400")


def build(placement: Placement) -> Keithley2450:
    """A 2450 with a load of its own. Raises `OptionError`."""
    options = dict(placement.options)
    refuse_unknown("keithley_2450", options, OPTIONS)
    language = str(options.get("language", "SCPI"))
    if language not in _LANGUAGES:
        raise OptionError(
            f"keithley_2450: option language = {language!r} is none of {', '.join(_LANGUAGES)}"
        )
    identity = {
        key: placement.identity[key] for key in ("serial", "firmware") if key in placement.identity
    }
    return Keithley2450(
        placement.clock.now, load_of("keithley_2450", options), seed=placement.seed,
        lead_ohms=float(options.get("lead_ohms", 0.2)), language=language, **identity,
    )  # fmt: skip
