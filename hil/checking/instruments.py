"""Do the right instruments answer, and do limits and temperatures leave room to work?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np

from drivers.errors import IdentityError
from drivers.instrument import Instrument
from hil.bench.assembly import Assembled
from hil.bench.file import BenchFile
from hil.bench.tapping import TOLERANCE, decibels, expected
from hil.checking.channels import column, heaters_of
from hil.checking.report import Report
from hil.control.machine import DRIVE_LIMIT

#: Degrees Celsius that electronics in a rack should stay below.
WARMEST = 70.0
_ROUNDING = 1e-9
_AT_LIMIT = {
    "cut off": "an output beyond its limits is cut off by the chassis itself",
    "held": "an output gives no more than its largest current by itself",
    "nothing": "NO output is cut off at a current: only its largest voltage protects it",
}


@runtime_checkable
class TellsTemperature(Protocol):
    """An instrument whose driver reads a temperature."""

    async def temperature(self) -> float:
        """Degrees Celsius."""
        ...


def check_identities(
    report: Report, file: BenchFile, parts: Assembled, failed: Mapping[str, BaseException]
) -> None:
    """One item an instrument: whether it is reached, and is the one that the file names."""
    for instrument in parts.instruments:
        name = f"instrument {instrument.name}"
        error = failed.get(instrument.name)
        if isinstance(error, IdentityError):
            report.failed(name, str(error), "the file and the bench must name the same instrument")
        elif error is not None:
            what, _, mend = str(error).partition("; ")
            report.failed(
                name,
                f"not reached at {instrument.resource}: {what}",
                f"{mend or 'see that it is on, connected, and free of other programs'}; compare "
                "its `resource` in the bench file",
            )
        else:
            report.passed(name, _who(instrument, file))


def _who(instrument: Instrument, file: BenchFile) -> str:
    who, expect = instrument.identity, file.instrument(instrument.name).identity.expect
    told = [] if who is None else [who.model, f"serial {who.serial}" if who.serial else "no serial"]
    if who is not None and who.firmware:
        told.append(f"firmware {who.firmware}")
    stated = ", ".join(f"{part} {value}" for part, value in expect.items())
    said = f"as the file says ({stated})" if stated else "the file does not say who it must be"
    return f"{', '.join(told)} at {instrument.resource}; {said}"


def check_limits(report: Report, file: BenchFile, parts: Assembled) -> None:
    """One item a chassis: the driver's limits within the file's, and these within full scale."""
    for chassis in parts.chassis:
        name = f"limits of {chassis.name}"
        heaters = heaters_of(file, chassis.name)
        channels = np.array([one.channel for one in heaters], dtype=np.intp)
        free = np.setdiff1d(np.arange(chassis.channels), channels)
        v_file, i_file = column(heaters, "v_max"), column(heaters, "i_max")
        more = 1.0 + _ROUNDING
        wide = (chassis.v_max[channels] > v_file * more) | (chassis.i_max[channels] > i_file * more)
        if wide.any() or chassis.v_max[free].any() or chassis.i_max[free].any():
            report.failed(name, "the driver's limits exceed the file's", "do not use this bench")
            continue
        if not chassis.is_open:
            report.skipped(name, "full scale is not known: the chassis was not reached")
            continue
        beyond = (v_file > chassis.v_full * more) | (i_file > chassis.i_full[channels] * more)
        for at in np.flatnonzero(beyond).tolist():
            i_full = float(chassis.i_full[channels[at]])
            report.failed(
                name,
                f"heater {heaters[at].label} is given {v_file[at]:g} V and {1e3 * i_file[at]:g} mA,"
                f" full scale is {chassis.v_full:g} V and {1e3 * i_full:g} mA",
                "lower v_max and i_max in the bench file: beyond full scale nothing trips",
            )
        if not beyond.any() and len(heaters):
            report.passed(
                name,
                f"{len(heaters)} heaters at most {chassis.v_max[channels].max():.4g} V and "
                f"{1e3 * chassis.i_max[channels].max():.4g} mA (full scale {chassis.v_full:g} V, "
                f"{1e3 * chassis.i_full.min():g} mA), {free.size} free channels at 0; "
                f"{_AT_LIMIT[chassis.layout.at_limit]}",
            )
        elif not len(heaters):
            report.passed(name, f"no heater is wired to it, {free.size} free channels at 0")
    _check_drives(report, parts)


def _check_drives(report: Report, parts: Assembled) -> None:
    need = DRIVE_LIMIT * np.abs(parts.scale.volts_per_v_pi)
    full = parts.source.full_scale
    told = f"{DRIVE_LIMIT:g} V_pi of drive needs at most {need.max():.4g} V of {full.min():g} V"
    if (need <= full * (1.0 + _ROUNDING)).all():
        report.passed("limits of the drives", told)
    else:
        ports = ", ".join(map(str, np.flatnonzero(need > full).tolist()))
        report.failed(
            "limits of the drives",
            f"{told}; too much at port {ports}",
            "a larger drive_gain there, or another modulator",
        )


async def check_temperatures(report: Report, parts: Assembled) -> None:
    """One item an instrument that tells its temperature."""
    tells = [one for one in parts.instruments if one.is_open and isinstance(one, TellsTemperature)]
    for instrument in tells:
        name = f"temperature of {instrument.name}"
        with report.looking_at(name):
            degrees = await instrument.temperature()
            told = f"{degrees:.1f} C (limit {WARMEST:g} C)"
            if degrees <= WARMEST:
                report.passed(name, told)
            else:
                report.failed(name, told, "give it air, and let it cool down")
    if not tells and parts.stage is None:
        report.skipped(
            "temperatures", "no driver of this bench reads one, and it has no thermal stage"
        )


async def check_stage(report: Report, file: BenchFile, parts: Assembled) -> None:
    """One item of the thermal stage once it is stable."""
    if parts.stage is None or file.stage is None:
        return
    name, asked = f"thermal stage {file.stage.controller}", file.stage.setpoint_celsius
    with report.looking_at(name):
        at = await parts.stage.read_temperature_celsius()
        amps, volts = await parts.stage.read_output()
        told = f"{at:.3f} C of {asked:g} C, {amps:.3g} A at {volts:.3g} V"
        if await parts.stage.stable():
            report.passed(name, f"stable, {told}")
        else:
            report.failed(name, told, "see to its sensor, its limits and its heat sink")


async def check_routes(report: Report, parts: Assembled) -> None:
    """One item a switch of the light's way."""
    for route in parts.routes:
        if route.switch is None:
            continue
        name = f"switch {route.table.switch}"
        with report.looking_at(name):
            if await route.stands():
                report.passed(name, route.table.told)
            else:
                report.failed(name, f"not at {route.table.told}", "see what else commands it")


async def check_taps(report: Report, file: BenchFile, parts: Assembled) -> None:
    """One item a tap: of the laser, whether its share of the power is there."""
    for tap in parts.taps:
        name = f"light at tap {tap.table.label}"
        if file.light is None or tap.table.of != "laser":
            report.skipped(name, f"how much port {tap.table.port} gives depends on the weights")
            continue
        with report.looking_at(name):
            watts, due = await tap.read(), expected(tap.table, file.light)
            told = f"{decibels(watts)} of {decibels(due)} (limit +-{TOLERANCE:g} dB)"
            if watts > 0.0 and abs(10.0 * np.log10(watts / due)) <= TOLERANCE:
                report.passed(name, told)
            else:
                report.failed(
                    name,
                    told,
                    "see to the fibres from the laser, to the switches on the way, and to `share` "
                    "of the tap in the bench file",
                )
