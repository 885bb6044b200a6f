"""The current of every heater of a chassis at a small voltage, a tenth of it first.

What would draw too much at the full test voltage shows it at the tenth, and is not raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.errors import InstrumentError
from drivers.roles import VoltageOutputs
from hil.checking.channels import WiredHeater, column

Floats = NDArray[np.float64]
#: Share of the test voltage that is tried first.
PROBE = 0.1
#: A channel that reads less than this share of what was asked gives no voltage.
FOLLOWED = 0.5
_TRIES = 3


@dataclass(frozen=True, eq=False)
class Response:
    """Of each heater (heaters,): V asked, V and A read less those at rest, these, tripped."""

    asked: Floats
    volts: Floats
    amps: Floats
    rest: Floats
    rest_amps: Floats
    tripped: NDArray[np.bool_]


async def current_voltage(
    chassis: VoltageOutputs, heaters: Sequence[WiredHeater], voltage: float
) -> Response:
    """Drive the chassis' heaters to `voltage` V where they bear it; all are at 0 V again after.

    Raises
    ------
    InstrumentError, LinkError
        When the chassis does not answer as it should; a trip is a finding, and not raised.
    """
    heaters = list(heaters)
    channels = np.array([one.channel for one in heaters], dtype=np.intp)
    i_max = np.minimum(column(heaters, "i_max"), chassis.i_full[channels])
    await chassis.off()
    try:
        rest_volts, rest_amps, _ = await _read(chassis)
        probe = np.full(len(heaters), PROBE * voltage)
        asked, tripped, _, amps = await _drive(chassis, channels, probe)
        bears = (amps - rest_amps)[channels] <= PROBE * i_max
        raised = np.where(bears & (asked > 0.0), voltage, asked)
        asked, more, volts, amps = await _drive(chassis, channels, raised)
    finally:
        await chassis.off()
    return Response(
        # Those that were cut off were asked for what cut them off.
        asked=np.where(more, raised, np.where(tripped, probe, asked)),
        volts=(volts - rest_volts)[channels],
        amps=(amps - rest_amps)[channels],
        rest=rest_volts[channels],
        rest_amps=rest_amps[channels],
        tripped=tripped | more,
    )


async def _drive(
    chassis: VoltageOutputs, channels: NDArray[np.intp], volts: Floats
) -> tuple[Floats, NDArray[np.bool_], Floats, Floats]:
    """Set volts (n,); give those held, which tripped (n,), and volts and amps of all channels.

    A fault line counts its channel within a module that it does not name: after one, the channels
    are set one by one, each looked at before the next.
    """
    tripped = np.zeros(channels.size, dtype=bool)
    faulty = not await _write(chassis, channels, volts)
    read_volts, read_amps, late = await _read(chassis)
    if not (faulty or late):
        return volts, tripped, read_volts, read_amps
    await chassis.off()
    held = np.zeros(channels.size)
    for at in np.flatnonzero(volts).tolist():
        faulty = not await _write(chassis, channels[at : at + 1], volts[at : at + 1])
        read_volts, _, late = await _read(chassis)
        if faulty or late:
            tripped[at] = True
            await _write(chassis, channels[at : at + 1], np.zeros(1))
        else:
            held[at] = volts[at]
    read_volts, read_amps, _ = await _read(chassis)
    return held, tripped, read_volts, read_amps


async def _write(chassis: VoltageOutputs, channels: NDArray[np.intp], volts: Floats) -> bool:
    """Whether a write went without a fault."""
    try:
        await chassis.write_volts(channels, volts)
    except InstrumentError:
        return False
    return True


async def _read(chassis: VoltageOutputs) -> tuple[Floats, Floats, bool]:
    """Volts and amps (channels,), and whether faults were told meanwhile."""
    faulty = False
    for _ in range(_TRIES - 1):
        try:
            return await chassis.read_volts(), await chassis.read_amps(), faulty
        except InstrumentError:
            faulty = True
    return await chassis.read_volts(), await chassis.read_amps(), faulty
