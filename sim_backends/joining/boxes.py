"""Boxes, which play and read."""

from __future__ import annotations

import numpy as np

from sim_backends.bench_file import Instrument
from sim_backends.joints import BoxJoint
from sim_backends.red_pitaya import BoxNumbers, RedPitaya
from sim_backends.red_pitaya.clock import BoxClock

from .site import Site

_CLOCKS = 0xB0C5
_SPAN = 8e-9
"""s over which the boxes' clock phases are spread."""


def box(site: Site, item: Instrument, index: int) -> RedPitaya:
    """Build a box: its outputs drive modulators, its inputs see detectors."""
    numbers = site.numbers
    draw = np.random.default_rng(np.random.SeedSequence([site.plant_seed, _CLOCKS, index]))
    error, phase, spread = draw.standard_normal(), draw.random(), draw.uniform(-1.0, 1.0)
    clock = BoxClock(
        float(error) * numbers.clock_error,
        float(phase) * _SPAN,
        numbers.trigger_latency + float(spread) * numbers.trigger_latency_spread,
        numbers.clock_grid > 0.0,
    )
    made = RedPitaya(
        BoxJoint(site.wiring, item.name),
        BoxNumbers(clock, numbers.dac_bits, numbers.adc_bits),
    )
    site.wiring.join_box(item.name, made)
    return made
