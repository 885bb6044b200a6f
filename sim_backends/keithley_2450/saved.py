"""*SAV and *RCL: set-ups in five places, which hold the *RST set-up until one is saved there.

Reading buffers stay as they are. The output is off after a recall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.engine.saved import Part, SavedStates

if TYPE_CHECKING:
    from .instrument import Keithley2450

MOST = 4


def add_saved(unit: Keithley2450) -> SavedStates:
    """Enter them; comes last, when everything has its default."""
    sides, sense = (unit.source.volts, unit.source.amperes), unit.sense
    ranges = [*(side.range for side in sides), *sense.ranges.values()]
    parts: list[Part] = [
        *((side, ("list", "_followed")) for side in sides),
        *((one, ("auto", "fixed")) for one in ranges),
        (sense, ("followed",)),
    ]

    def stop() -> None:
        unit.triggers.abort()
        unit.output_off()

    return SavedStates(unit.commands, unit.settings, parts, MOST, before=stop, after=lambda: None)
