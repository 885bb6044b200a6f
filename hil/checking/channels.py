"""Heater channels by their wires: which element hangs on which channel of which chassis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hil.bench.catalogue import CHANNELS_PER_MODULE
from hil.bench.file import BenchFile
from hil.bench.layout import places
from hil.bench.sections import ElementWiring


@dataclass(frozen=True)
class WiredHeater:
    """A heater and where it is: `element` in element order, `channel` counted through the chain."""

    bank: int
    element: int
    channel: int
    wiring: ElementWiring

    @property
    def label(self) -> str:
        """Every name that an operator may know it by."""
        wire = self.wiring
        return (
            f"{self.bank}:{self.element} (column {wire.column}, row {wire.row}, {wire.kind}; "
            f"{wire.chassis} {wire.module}:{wire.channel})"
        )


def heaters_of(file: BenchFile, chassis: str) -> list[WiredHeater]:
    """The heaters of one chassis, by bank and element."""
    return [
        WiredHeater(bank, element, CHANNELS_PER_MODULE * wire.module + wire.channel, wire)
        for bank in range(file.n_banks)
        for element, wire in enumerate(file.bank_wiring(bank))
        if wire.chassis == chassis
    ]


def heater_at(file: BenchFile, bank: int, element: int) -> WiredHeater:
    """One heater. IndexError where there is none."""
    if not 0 <= element < len(places(file.ports)):
        raise IndexError(f"no element {element}")
    wire = file.bank_wiring(bank)[element]
    channel = CHANNELS_PER_MODULE * wire.module + wire.channel
    return WiredHeater(bank, element, channel, wire)


def column(heaters: list[WiredHeater], limit: str) -> NDArray[np.float64]:
    """One number of every heater's wiring (heaters,): r_nom, v_max, i_max or p_max."""
    return np.array([getattr(one.wiring, limit) for one in heaters], dtype=np.float64)
