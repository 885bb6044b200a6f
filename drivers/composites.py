"""Several instruments as one role: banks of heaters over chassis, ports over boxes."""

from __future__ import annotations

from drivers.box_array import BoxArray, BoxPort
from drivers.chassis_bank import ChassisBank, HeaterElement

__all__ = ["BoxArray", "BoxPort", "ChassisBank", "HeaterElement"]
