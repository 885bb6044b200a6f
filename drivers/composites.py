"""Several instruments as one role: banks of heaters over chassis, ports over instruments."""

from __future__ import annotations

from drivers.chassis_bank import ChassisBank, HeaterElement
from drivers.readout_array import PortInput, ReadoutArray, ReadoutPort
from drivers.source_array import SourceArray, SourcePort

__all__ = [
    "ChassisBank",
    "HeaterElement",
    "PortInput",
    "ReadoutArray",
    "ReadoutPort",
    "SourceArray",
    "SourcePort",
]
