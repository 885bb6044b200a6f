"""Power meters, whose inputs see light."""

from __future__ import annotations

from sim_backends.bench_file import Instrument
from sim_backends.instrument import SimulatedInstrument
from sim_backends.joints import MeterJoint
from sim_backends.keysight_n7744a import KeysightN7744A
from sim_backends.keysight_n7744a.meter import PORTS
from sim_backends.light_path import TapLight
from sim_backends.thorlabs_pm100 import ThorlabsPm100

from .site import Site


def meter(site: Site, item: Instrument, index: int) -> KeysightN7744A:
    """Build a meter; its Trig In is at the trigger line."""
    made = KeysightN7744A(
        site.clock.now,
        MeterJoint(site.wiring, item.name),
        model=site.model(item, index, "N7745A", PORTS, "N7744A or N7745A"),
        serial=item.identity["serial"],
        seed=site.seed(index),
    )
    site.wiring.join_reader(made)
    return made


def monitor(site: Site, item: Instrument, index: int) -> SimulatedInstrument:
    """Build a console with a head: it sees what its tap lets through, or nothing."""
    made = site.alone(item, index)
    assert isinstance(made, ThorlabsPm100)
    if site.taps.of(item.name):
        made.light = TapLight(site.taps, site.light, item.name, site.clock.now)
    return made
