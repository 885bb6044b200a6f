"""A pattern generator that stands alone, its lines open."""

from __future__ import annotations

from sim_backends.instrument import Placement, refuse_unknown

from .device import PulseStreamer
from .program import Playback


class OpenLines:
    """Lines that lead nowhere."""

    def before_change(self) -> None:
        """Nothing depends on the past."""

    def play(self, playback: Playback) -> None:
        """Nobody looks."""


def build(placement: Placement) -> PulseStreamer:
    """No options; `identity` may give the serial number."""
    refuse_unknown("pulse_streamer", placement.options, ())
    return PulseStreamer(
        OpenLines(),
        placement.clock.now,
        serial=placement.identity.get("serial", "00:26:32:f0:00:01"),
    )
