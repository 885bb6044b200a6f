"""The laser that feeds the bench."""

from __future__ import annotations

from sim_backends.bench_file import Instrument
from sim_backends.instrument import SimulatedInstrument
from sim_backends.keysight_816x import Keysight816x
from sim_backends.santec_tsl570 import SantecTsl570

from .site import Site


def laser(site: Site, item: Instrument, index: int) -> SimulatedInstrument:
    """Build a laser; the one that `[light]` names feeds the plant."""
    made = site.alone(item, index)
    assert isinstance(made, SantecTsl570)
    _feed(site, item, made)
    return made


def mainframe(site: Site, item: Instrument, index: int) -> SimulatedInstrument:
    """Build an 816x as `laser`, in the slot where the driver looks for it.

    It is locked where the driver has a pin to unlock it by; else somebody has unlocked it.
    """
    kept = {key: item.options[key] for key in ("slot", "pin") if key in item.options}
    made = site.alone(item, index, {**kept, "locked": int("pin" in kept)})
    assert isinstance(made, Keysight816x)
    _feed(site, item, made)
    return made


def _feed(site: Site, item: Instrument, made: SantecTsl570 | Keysight816x) -> None:
    light = site.file.light
    if light is not None and light.laser == item.name:
        site.light.lit_by(made.source)
        made.source.before_change = site.before_change
