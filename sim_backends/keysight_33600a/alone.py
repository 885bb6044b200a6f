"""A generator that stands alone: 50 ohm at its outputs, an edge at Ext Trig every `period`."""

from __future__ import annotations

import math

from sim_backends.edges import next_periodic
from sim_backends.host.clock import Clock
from sim_backends.instrument import OptionError, Placement, refuse_unknown

from .generator import Keysight33600A
from .models import LARGER_MEMORY, MODELS

OPTIONS = ("period", "load", "memory", "upload_rate", "latency", "jitter")


class Bench:
    """Pulses of a tenth of `period` (s) at Ext Trig."""

    def __init__(self, clock: Clock, period: float = 0.01) -> None:
        self._clock = clock
        self._period = period

    def next_edge(self, after: float, rising: bool) -> float | None:
        """Rising edges at whole periods. Those that nobody has asked for in a second are over."""
        after = max(after, self._clock.now() - 1.0)
        shift = 0.0 if rising else 0.1 * self._period
        return next_periodic(after, self._period, shift)

    def before_change(self) -> None:
        """Nothing depends on it."""


def build(placement: Placement) -> Keysight33600A:
    """Options: `period` of the trigger (s), `load` at the outputs (ohm, inf for none), `memory`
    (standard or large), `upload_rate` (bytes/s at which a block is taken in), `latency` and
    `jitter` of the trigger (s).
    """
    options, identity = placement.options, placement.identity
    refuse_unknown("keysight_33600a", options, OPTIONS)
    model = identity.get("model", "33622A")
    if model not in MODELS:
        raise OptionError(f"there is no {model!r}; there are {', '.join(MODELS)}")
    memory = str(options.get("memory", "standard"))
    if memory not in ("standard", "large"):
        raise OptionError(f"memory is standard or large, not {memory!r}")
    period, load = float(options.get("period", 0.01)), float(options.get("load", 50.0))
    rate = float(options.get("upload_rate", math.inf))
    if not (period > 0.0 and load > 0.0 and rate > 0.0):
        raise OptionError("period, load and upload_rate are positive")
    latency, jitter = float(options.get("latency", 160e-9)), float(options.get("jitter", 2.5e-9))
    if not (0.0 <= latency < 1.0 and 0.0 <= jitter < 1.0):
        raise OptionError("latency and jitter are 0 to 1 s")
    return Keysight33600A(
        placement.clock.now,
        Bench(placement.clock, period),
        model=model,
        serial=identity.get("serial", "MY53800001"),
        firmware=identity.get("firmware", "A.02.03-3.15-03-64-02"),
        maker=identity.get("maker", "Keysight Technologies"),
        memory_times=LARGER_MEMORY if memory == "large" else 1,
        upload_rate=rate,
        latency=latency,
        jitter=jitter,
        attached=load,
        seed=placement.seed,
    )
