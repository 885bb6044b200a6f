"""A meter that stands alone: dark fibres, or a steady power, and an edge every `period`."""

from __future__ import annotations

import numpy as np

from sim_backends.edges import next_periodic
from sim_backends.host.clock import Clock
from sim_backends.instrument import OptionError, Placement, refuse_unknown

from .meter import PORTS, KeysightN7744A
from .port import Floats

OPTIONS = ("power_dbm", "period", "noise", "latency")


class Fibres:
    """The same power (W) in all fibres, and pulses every `period` (s) at the trigger input."""

    def __init__(self, clock: Clock, watts: float = 0.0, period: float = 0.01) -> None:
        self._clock = clock
        self._watts = watts
        self._period = period

    def watts(self, port: int, start: float, step: float, count: int) -> Floats:
        """Steady light."""
        return np.full(count, self._watts)

    def next_edge(self, after: float, rising: bool) -> float | None:
        """Rising edges at whole periods. Those that nobody has asked for in a second are over."""
        after = max(after, self._clock.now() - 1.0)
        shift = 0.0 if rising else 0.1 * self._period
        return next_periodic(after, self._period, shift)


def build(placement: Placement) -> KeysightN7744A:
    """Options: `power_dbm` in all fibres (none: dark), `period` of the trigger (s), `noise` (1: its
    own, 0: none), `latency` of the trigger (s).
    """
    options, identity = placement.options, placement.identity
    refuse_unknown("keysight_n7744a", options, OPTIONS)
    model = identity.get("model", "N7745A")
    if model not in PORTS:
        raise OptionError(f"there is no {model!r}; there are {', '.join(PORTS)}")
    period, noise = float(options.get("period", 0.01)), float(options.get("noise", 1.0))
    latency = float(options.get("latency", 1e-6))
    if not (period > 0.0 and noise >= 0.0 and 0.0 <= latency < 1.0):
        raise OptionError("a period is positive, noise and latency are not negative")
    watts = 1e-3 * 10.0 ** (0.1 * float(options["power_dbm"])) if "power_dbm" in options else 0.0
    return KeysightN7744A(
        placement.clock.now,
        Fibres(placement.clock, watts, period),
        model=model,
        serial=identity.get("serial", "MY49700101"),
        firmware=identity.get("firmware", "V1.204"),
        maker=identity.get("maker", "Agilent Technologies"),
        latency=latency,
        noise=noise,
        seed=placement.seed,
    )
