"""Waveform generators, whose outputs drive modulators."""

from __future__ import annotations

from sim_backends.bench_file import Instrument
from sim_backends.joints import Played, TriggerLine
from sim_backends.keysight_33600a import Keysight33600A
from sim_backends.keysight_33600a.models import MODELS

from .site import Site


def generator(site: Site, item: Instrument, index: int) -> Keysight33600A:
    """Build a generator; its Ext Trig is at the trigger line."""
    model = site.model(item, index, "33622A", MODELS, "33500B or 33600A")
    load = item.options.get("load", 50.0)
    line = TriggerLine(site.wiring, item.name)
    made = Keysight33600A(
        site.clock.now,
        line,
        model=model,
        serial=item.identity["serial"],
        attached=float(load[0] if isinstance(load, list) else load),
        seed=site.seed(index),
    )
    line.joined = True
    site.wiring.join_player(item.name, Played(made))
    return made
