"""Instruments whose channels drive heaters."""

from __future__ import annotations

import numpy as np

from sim_backends.bench_file import BenchDocumentError, Instrument, element_index
from sim_backends.joints import Heaters
from sim_backends.qdevil_qdac2 import Qdac2
from sim_backends.qontrol_q8 import MODELS, QontrolChain, ReadbackNumbers

from .site import Site

_CHASSIS = 0x0C1A


def chassis(site: Site, item: Instrument, index: int) -> QontrolChain:
    """Build a chain of Qontrol modules."""
    modules = int(item.options.get("modules", 8))
    model = site.model(item, index, "Q8iv", MODELS, "Qontrol Q8")
    numbers = site.numbers
    return QontrolChain(
        heaters(site, item, modules),
        modules,
        model,
        item.identity.get("serial", "****"),
        ReadbackNumbers(
            numbers.readback_offset, numbers.readback_noise, site.seed(_CHASSIS, index)
        ),
        numbers.heater_dac_bits,
    )


def dac(site: Site, item: Instrument, index: int) -> Qdac2:
    """Build a DAC of 24 channels, three modules of eight to the bench file."""
    return Qdac2(
        site.clock.now,
        serial=item.identity["serial"],
        loads=heaters(site, item, 3),
        seed=site.seed(_CHASSIS, index),
    )


def heaters(site: Site, item: Instrument, modules: int) -> Heaters:
    """What hangs on an instrument's channels, eight a module."""
    bank = np.full(modules * 8, -1, np.intp)
    element = np.zeros(modules * 8, np.intp)
    for heater in site.file.wiring.elements:
        if heater.chassis != item.name:
            continue
        channel = heater.module * 8 + heater.channel
        if channel >= modules * 8:
            raise BenchDocumentError(
                f"wiring.elements: {item.name} has {modules} modules, no number {heater.module}"
            )
        bank[channel] = heater.bank
        element[channel] = element_index(heater, site.file.ports) or 0
    return Heaters(site.wiring, bank, element)
