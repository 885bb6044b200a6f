"""A chain that stands alone, a resistor at each output."""

from __future__ import annotations

import numpy as np

from sim_backends.instrument import OptionError, Placement, refuse_unknown

from .chain import MODELS, Channels, Floats, QontrolChain, ReadbackNumbers


class Resistors:
    """`ohms` at every output."""

    def __init__(self, ohms: float) -> None:
        self._ohms = ohms

    def drive(self, channels: Channels, volts: Floats) -> None:
        """Nothing heats up here."""

    def amps(self, channels: Channels, volts: Floats) -> Floats:
        """Ohm's law."""
        return np.asarray(volts) / self._ohms


def build(placement: Placement) -> QontrolChain:
    """Options: `modules` (1 to 8), `ohms` at every output, `noise` of a reading over full scale."""
    options = placement.options
    refuse_unknown("qontrol_q8", options, ("modules", "ohms", "noise"))
    model = placement.identity.get("model", "Q8iv")
    modules, ohms = int(options.get("modules", 1)), float(options.get("ohms", 800.0))
    if model not in MODELS:
        raise OptionError(f"{model!r} is no Qontrol Q8; there are {', '.join(MODELS)}")
    if not 1 <= modules <= 8 or not ohms > 0.0:
        raise OptionError("modules are 1 to 8, ohms positive")
    noise = float(options.get("noise", 1e-4))
    return QontrolChain(
        Resistors(ohms),
        modules,
        model,
        placement.identity.get("serial", "0001"),
        ReadbackNumbers(noise, noise, placement.seed),
    )
