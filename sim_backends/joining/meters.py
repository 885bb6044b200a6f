"""Power meters, whose inputs see light."""

from __future__ import annotations

from sim_backends.bench_file import Instrument
from sim_backends.joints import MeterJoint
from sim_backends.keysight_n7744a import KeysightN7744A
from sim_backends.keysight_n7744a.meter import PORTS

from .site import Site


def meter(site: Site, item: Instrument, index: int) -> KeysightN7744A:
    """Build a meter; its Trig In is at the trigger line."""
    made = KeysightN7744A(
        site.clock.now,
        MeterJoint(site.wiring, item.name),
        model=site.model(item, index, "N7745A", PORTS, "N7744A or N7745A"),
        serial=item.identity.get("serial", "MY49700101"),
        seed=site.seed(index),
    )
    site.wiring.join_meter(made)
    return made
