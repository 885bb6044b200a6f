"""What stands beside the signal path: the thermal stage under the chips, the laser, taps.

The stage comes first and stays on when the bench is off: a chip that is kept at its temperature
drifts least. The laser comes last, and goes first.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping

from drivers.errors import InstrumentError
from drivers.quantity import Quantity
from drivers.roles import ThermalStage, TunableSource
from drivers.transport.link import LinkError
from hil.bench.assembly import Assembled
from hil.bench.beside_tables import Light, Stage
from hil.bench.file import BenchFile
from hil.bench.states import BenchError
from hil.telemetry.events import Event, Fault, Readings, Severity

#: s of bench time from one look at the stage, or at the laser, to the next.
LOOK = 1.0
#: s from one word about a stage that is not yet stable to the next.
SAY = 10.0
#: dB that the laser may be off what was asked for.
POWER_TOLERANCE = 1.0
#: What is said when triggers are lost.
TOO_SOON = (
    "{} was triggered while it was busy, and has left out a trigger: see to noise on its trigger "
    "input and to its threshold"
)

#: Units in which the methods of a role tell what they read.
STAGE_UNITS = {"set": "degC", "actual": "degC", "current": "A", "voltage": "V", "stable": ""}
LASER_UNITS = {"power": "W", "wavelength": "m"}
#: Units in which people read what is declared in another, and what they are less of it.
FOR_PEOPLE = {"degC": ("°C", 1.0), "m": ("nm", 1e9)}

Tell = Callable[[str], None]


async def steady(stage: ThermalStage, asked: Stage, tell: Tell) -> None:
    """Regulate at the set point, and wait until the stage says that it is stable.

    Raises
    ------
    BenchError
        When it is not within the file's patience.
    """
    await stage.set_setpoint_celsius(asked.setpoint_celsius)
    await stage.on()
    loop = asyncio.get_running_loop()
    began = said = loop.time()
    tell(f"thermal stage {asked.controller}: to {asked.setpoint_celsius:g} °C")
    while not await stage.stable():
        waited = loop.time() - began
        actual = await stage.read_temperature_celsius()
        if waited > asked.patience:
            raise BenchError(
                f"thermal stage {asked.controller} is not stable at {asked.setpoint_celsius:g} °C "
                f"after {asked.patience:g} s, it is at {actual:.3f} °C: see to its sensor, its "
                f"limits and its heat sink, or raise stage.patience in the bench file"
            )
        if loop.time() - said >= SAY:
            said = loop.time()
            tell(f"thermal stage {asked.controller}: {actual:.3f} °C after {waited:.0f} s")
        await asyncio.sleep(LOOK)
    tell(f"thermal stage {asked.controller}: stable after {loop.time() - began:.0f} s")


async def lit(laser: TunableSource, asked: Light, tell: Tell) -> None:
    """Set wavelength and power, switch the laser on, and see that it gives that power.

    Raises
    ------
    BenchError
        When it does not: an interlock, a key, a shutter.
    """
    await laser.set_wavelength(asked.wavelength)
    await laser.set_power_dbm(asked.power_dbm)
    tell(f"laser {asked.laser}: on, {asked.power_dbm:g} dBm at {1e9 * asked.wavelength:g} nm")
    await laser.on()
    await see_lit(laser, asked)


async def see_lit(laser: TunableSource, asked: Light) -> float:
    """What the laser gives, W.

    Raises
    ------
    BenchError
        When that is not what was asked for.
    """
    power = await laser.read_power()
    given = 10.0 * math.log10(max(power, 1e-13) / 1e-3)
    if abs(given - asked.power_dbm) > POWER_TOLERANCE:
        raise BenchError(
            f"laser {asked.laser} gives {given:.1f} dBm and not {asked.power_dbm:g} dBm: see to "
            f"its key, interlock and shutter, or to light.power_dbm in the bench file"
        )
    return power


def told(
    source: str,
    role: str,
    instrument: object,
    values: Mapping[str, float],
    units: Mapping[str, str],
) -> Readings:
    """What an instrument tells, in units for people: those that its driver declares, `units` of its
    role where it declares none; and the declared range of what can be set.
    """
    declared: Mapping[str, Quantity] = getattr(instrument, "shown", {})
    said = {name: declared[name].unit if name in declared else units[name] for name in values}
    shown = {name: FOR_PEOPLE.get(unit, (unit, 1.0)) for name, unit in said.items()}
    ends = {
        name: (declared[name].low * factor, declared[name].high * factor)
        for name, (_, factor) in shown.items()
        if name in declared and declared[name].writable
    }
    return Readings(
        source=source,
        role=role,
        values={name: values[name] * factor for name, (_, factor) in shown.items()},
        units={name: unit for name, (unit, _) in shown.items()},
        lowest={name: low for name, (low, _) in ends.items() if math.isfinite(low)},
        highest={name: high for name, (_, high) in ends.items() if math.isfinite(high)},
    )


async def readings(file: BenchFile, parts: Assembled) -> AsyncIterator[Event]:
    """What stage and laser measure of themselves, and the power at each tap; a fault where one
    does not answer, or a delay generator has lost a trigger.

    Raises
    ------
    InstrumentError
        Where an error has stopped the stage (too hot, no sensor): every phase moves from then on.
    BenchError
        Where the laser gives another power than was asked for. Both are told as faults first.
    """
    if parts.stage is not None and file.stage is not None:
        try:
            current, voltage = await parts.stage.read_output()
            values = {
                "set": await parts.stage.read_setpoint_celsius(),
                "actual": await parts.stage.read_temperature_celsius(),
                "current": current,
                "voltage": voltage,
                "stable": float(await parts.stage.stable()),
            }
            yield told(file.stage.controller, "thermal stage", parts.stage, values, STAGE_UNITS)
        except LinkError as error:
            yield Fault(source=file.stage.controller, text=str(error), severity=Severity.MINOR)
        except InstrumentError as error:
            yield Fault(source=file.stage.controller, text=str(error))
            raise
    if parts.laser is not None and file.light is not None:
        try:
            values = {
                "power": await see_lit(parts.laser, file.light),
                "wavelength": await parts.laser.read_wavelength(),
            }
            yield told(file.light.laser, "laser", parts.laser, values, LASER_UNITS)
        except (InstrumentError, LinkError) as error:
            yield Fault(source=file.light.laser, text=str(error), severity=Severity.MINOR)
        except BenchError as error:
            yield Fault(source=file.light.laser, text=str(error))
            raise
    for one in parts.delays:
        name = one.table.generator
        try:
            if (await one.generator.read_events()).too_soon:
                yield Fault(source=name, text=TOO_SOON.format(name), severity=Severity.MINOR)
        except (InstrumentError, LinkError) as error:
            yield Fault(source=name, text=str(error), severity=Severity.MINOR)
    for tap in parts.taps:
        # Taps of one meter are told apart; of most there is but one.
        alone = sum(one.meter is tap.meter for one in parts.taps) == 1
        source = tap.table.meter if alone else tap.table.label
        try:
            yield Readings(
                source=source, role="tap", values={"power": await tap.read()}, units={"power": "W"}
            )
        except (InstrumentError, LinkError) as error:
            yield Fault(source=source, text=str(error), severity=Severity.MINOR)
