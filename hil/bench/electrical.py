"""What the heater drivers of a bench measure, by bank and element."""

from __future__ import annotations

import asyncio

import numpy as np
from numpy.typing import NDArray

from hil.bench.assembly import Assembled
from hil.bench.file import BenchFile

Floats = NDArray[np.float64]


async def read_electrical(file: BenchFile, parts: Assembled) -> tuple[Floats, Floats]:
    """Volts and amperes (n_banks, elements) at the heaters, all chassis asked at once."""
    chassis = parts.chassis
    both = await asyncio.gather(
        *(one.read_volts() for one in chassis), *(one.read_amps() for one in chassis)
    )
    names = [one.name for one in chassis]
    by_volts = dict(zip(names, both[: len(names)], strict=True))
    by_amps = dict(zip(names, both[len(names) :], strict=True))
    volts = np.empty((file.n_banks, file.elements_per_bank))
    amps = np.empty_like(volts)
    for bank in range(file.n_banks):
        held = file.bank_elements(bank)
        for at, (name, channel) in enumerate(zip(held.chassis, held.channel, strict=True)):
            volts[bank, at] = by_volts[name][channel]
            amps[bank, at] = by_amps[name][channel]
    return volts, amps
