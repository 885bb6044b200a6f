"""An oscilloscope that stands alone: what its inputs see, from its options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim_backends.host.clock import Clock
from sim_backends.instrument import OptionError

from .inputs import DecayingSine

OPTIONS = ("period", "amplitude", "frequency", "decay")


def decaying_sine(clock: Clock, options: Mapping[str, Any], pulsed: int = 0) -> DecayingSine:
    """Options: `period` of the pulses at EXT (s), `amplitude` (V), `frequency` (Hz) and `decay` (s)
    of the sine that begins with each. `pulsed` is the input that sees the pulses where there is no
    EXT. Raises `OptionError`.
    """
    try:
        values = {name: float(options[name]) for name in OPTIONS if name in options}
    except ValueError as error:
        raise OptionError(f"{', '.join(OPTIONS)} are numbers: {error}") from None
    if any(not 0.0 < value < 1e12 for value in values.values()):
        raise OptionError(f"{', '.join(OPTIONS)} are positive")
    return DecayingSine(clock.now, pulsed=pulsed, **values)
