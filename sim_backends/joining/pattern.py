"""The pattern generator, whose lines lead everywhere."""

from __future__ import annotations

from sim_backends.bench_file import Instrument
from sim_backends.endpoints import host_of
from sim_backends.pulse_streamer.device import PulseStreamer

from .site import Site


def pattern(site: Site, item: Instrument, index: int) -> PulseStreamer:
    """Build the pattern generator."""
    del index
    return PulseStreamer(
        site.wiring,
        site.clock.now,
        serial=item.identity.get("serial", "00:26:32:f0:00:01"),
        hostname=host_of(item.resource) or "pulsestreamer",
    )
