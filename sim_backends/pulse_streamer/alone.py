"""A pattern generator that stands alone, its lines open."""

from __future__ import annotations

import math

from sim_backends.instrument import OptionError, Placement, refuse_unknown

from .device import PulseStreamer
from .program import Playback
from .sequencer import NextEdge


class OpenLines:
    """Lines that lead nowhere."""

    def before_change(self) -> None:
        """Nothing depends on the past."""

    def play(self, playback: Playback) -> None:
        """Nobody looks."""


def square(period: float) -> NextEdge:
    """A square wave: rising edges at whole periods, falling ones half a period later."""

    def next_edge(after: float, rising: bool) -> float | None:
        shift = 0.0 if rising else 0.5 * period
        edge = (math.floor((after - shift) / period) + 1) * period + shift
        return edge if edge > after else edge + period

    return next_edge


def build(placement: Placement) -> PulseStreamer:
    """Option: `period` (s) of a square wave at the trigger input, where nothing is otherwise;
    `identity` may give the serial number.
    """
    options = placement.options
    refuse_unknown("pulse_streamer", options, ("period",))
    edges = None
    if "period" in options:
        period = float(options["period"])
        if not period >= 1e-6:
            raise OptionError("the trigger's period is at least 1e-6 s")
        edges = square(period)
    return PulseStreamer(
        OpenLines(),
        placement.clock.now,
        serial=placement.identity.get("serial", "00:26:32:f0:00:01"),
        edges=edges,
    )
