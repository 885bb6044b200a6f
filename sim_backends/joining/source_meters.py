"""Source-measure units, at whose terminals a heater hangs, or none until a person joins one."""

from __future__ import annotations

from sim_backends.bench_file import BenchDocumentError, Instrument, element_index
from sim_backends.instrument import SimulatedInstrument
from sim_backends.joints import HeaterTerminals
from sim_backends.keithley_2400.instrument import Keithley2400
from sim_backends.keithley_2450.instrument import Keithley2450

from .site import Site

_UNIT = 0x0501
_KINDS = {"keithley_2400": Keithley2400, "keithley_2450": Keithley2450}
LEADS = 0.2
"""ohm of both leads to a heater: in what is measured, unless volts are sensed at the heater."""


def source_meter(site: Site, item: Instrument, index: int) -> SimulatedInstrument:
    """Build a unit; its terminals are at the heater that the wiring names, if it names one."""
    terminals = HeaterTerminals(site.wiring)
    for heater in site.file.wiring.elements:
        if heater.chassis != item.name:
            continue
        if (heater.module, heater.channel) != (0, 0) or terminals.joined:
            raise BenchDocumentError(f"wiring.elements: {item.name} has module 0, channel 0 alone")
        terminals.join(heater.bank, element_index(heater, site.file.ports) or 0)
    return _KINDS[item.driver](
        site.clock.now,
        terminals,
        serial=item.identity["serial"],
        seed=site.seed(_UNIT, index),
        lead_ohms=LEADS,
    )
