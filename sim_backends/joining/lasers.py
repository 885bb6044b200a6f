"""The laser that feeds the bench."""

from __future__ import annotations

from sim_backends.bench_file import Instrument
from sim_backends.instrument import SimulatedInstrument
from sim_backends.santec_tsl570 import SantecTsl570

from .site import Site


def laser(site: Site, item: Instrument, index: int) -> SimulatedInstrument:
    """Build a laser; the one that `[light]` names feeds the plant."""
    made = site.alone(item, index)
    assert isinstance(made, SantecTsl570)
    light = site.file.light
    if light is not None and light.laser == item.name:
        nominal = 1e-3 * 10.0 ** (light.power_dbm / 10.0)
        site.wiring.plant.join_light(lambda at: made.source.power / nominal)
    return made
