"""Open, shorted and odd heaters, by their current at the idle bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drivers.roles import OutputLayout, VoltageOutputs
from hil.bench.assembly import Assembled
from hil.bench.file import BenchFile
from hil.checking.channels import WiredHeater, column, heaters_of
from hil.checking.current_voltage import FOLLOWED, PROBE, Response, current_voltage
from hil.checking.outputs import HOT
from hil.checking.report import Report

#: Shares of r_nom: how far a resistance may be off, and below which a heater counts as shorted.
TOLERANCE = 0.2
SHORT = 0.25
#: Share of the nominal current below which a heater counts as open.
OPEN = 0.1

Fault = tuple[str, str]
_LOOK = "look at its connector, cable and bonds"
_AT_LIMIT = {
    "cut off": "the chassis cut it off",
    "held": "it took all the current that it may have, and was switched off",
    "nothing": "the chassis reported an error",
}


def announcement(file: BenchFile) -> str:
    """What the test applies, for the operator to read before it does."""
    volts = file.chip.idle_voltage
    powers = [file.bank_elements(bank).level(volts) for bank in range(file.n_banks)]
    most, total = max(p.max() for p in powers), sum(p.sum() for p in powers)
    return (
        f"I-V test: {PROBE * volts:g} V, then {volts:g} V (the idle bias) on each heater, one "
        f"chassis at a time: at most {1e3 * most:.3g} mW a heater, {total:.3g} W if all at once. "
        "The limits are written to the chassis first. --no-iv leaves it out"
    )


async def check_heaters(report: Report, file: BenchFile, parts: Assembled) -> None:
    """One item a heater that is not well, and one a chassis and bank for all others."""
    volts = file.chip.idle_voltage
    if volts <= 0.0:
        report.skipped("heaters", "chip.idle_voltage is 0: there is no voltage to test with")
        return
    report.tell(announcement(file))
    for chassis in parts.chassis:
        name = f"heaters on {chassis.name}"
        heaters = heaters_of(file, chassis.name)
        if not chassis.is_open:
            report.skipped(name, "the chassis was not reached")
        elif heaters:
            with report.looking_at(name):
                await chassis.apply_limits()
                seen = await current_voltage(chassis, heaters, volts)
                judge(report, name, heaters, seen, chassis)


@dataclass(frozen=True)
class _Point:
    """One heater's answer in V, A, ohm; hot: V and A at which a channel at rest counts as hot."""

    asked: float
    volts: float
    amps: float
    rest: float
    rest_amps: float
    tripped: bool
    r_nom: float
    i_max: float
    hot: float
    hot_amps: float
    layout: OutputLayout


def judge(
    report: Report,
    name: str,
    heaters: list[WiredHeater],
    seen: Response,
    chassis: VoltageOutputs,
) -> None:
    """Enter what came of the heaters of one chassis, by what that instrument can do."""
    v_full, hot_amps = chassis.v_full, HOT * chassis.i_full
    r_nom, i_max = column(heaters, "r_nom"), column(heaters, "i_max")
    faults = [
        _fault(
            _Point(
                asked=float(seen.asked[at]),
                volts=float(seen.volts[at]),
                amps=float(seen.amps[at]),
                rest=float(seen.rest[at]),
                tripped=bool(seen.tripped[at]),
                r_nom=float(r_nom[at]),
                i_max=float(i_max[at]),
                hot=HOT * v_full,
                rest_amps=float(seen.rest_amps[at]),
                hot_amps=float(hot_amps[heaters[at].channel]),
                layout=chassis.layout,
            )
        )
        for at in range(len(heaters))
    ]
    well = np.array([fault is None for fault in faults])
    for heater, fault in zip(heaters, faults, strict=True):
        if fault is not None:
            report.failed(f"heater {heater.label}", *fault)
    if not well.any():
        return
    ohms = seen.volts[well] / seen.amps[well]
    least, most = r_nom[well].min(), r_nom[well].max()
    nominal = f"{least:g}" if least == most else f"{least:g} to {most:g}"
    report.passed(
        name,
        f"{well.sum()} of {well.size} are {ohms.min():.0f} to {ohms.max():.0f} ohm at "
        f"{seen.asked[well].max():g} V (limit {nominal} ohm +-{100 * TOLERANCE:g} %)",
    )


def _fault(one: _Point) -> Fault | None:
    """What is wrong with a heater, and the mend."""
    due = one.asked / one.r_nom
    read = f"{1e3 * one.amps:.3f} mA at {one.asked:g} V, {1e3 * due:.3g} mA is due"
    if abs(one.rest) > one.hot:
        return (
            f"stuck: reads {one.rest:.2f} V when it was set to 0 V (limit {one.hot:.3g} V)",
            "switch the chassis off, nothing here can; then replace the module",
        )
    if abs(one.rest_amps) > one.hot_amps:
        return (
            f"stuck: draws {1e3 * one.rest_amps:.3f} mA when it was set to 0 V (limit "
            f"{1e3 * one.hot_amps:.2g} mA)",
            "something else feeds it: switch the chassis off and follow its wire",
        )
    if one.tripped:
        return (
            f"shorted: {_AT_LIMIT[one.layout.at_limit]} at {one.asked:g} V (limit "
            f"{1e3 * one.i_max:g} mA)",
            f"leave it unpowered; {_LOOK} for a bridge",
        )
    if one.volts < FOLLOWED * one.asked:
        return (
            f"no voltage: reads {one.volts:.3f} V where {one.asked:g} V was set",
            "try the heater on another channel: if it is well there, this output is dead",
        )
    if one.amps < OPEN * due:
        told = f"open: {read} (limit {1e3 * OPEN * due:.2g} mA)"
        if one.layout.volts == "measured":
            return told, f"{_LOOK} for a break"
        return (
            f"{told}; this instrument does not measure its volts: the output may be dead as well",
            f"{_LOOK} for a break; if there is none, try the heater on another channel",
        )
    ohms = one.volts / one.amps
    if ohms < SHORT * one.r_nom:
        return (
            f"shorted: {read}: {ohms:.3g} ohm (limit {SHORT * one.r_nom:g} ohm)",
            f"leave it unpowered; {_LOOK} for a bridge",
        )
    if abs(ohms / one.r_nom - 1.0) > TOLERANCE:
        return (
            f"{ohms:.4g} ohm is {100 * (ohms / one.r_nom - 1.0):+.0f} % from r_nom "
            f"{one.r_nom:g} ohm (limit +-{100 * TOLERANCE:g} %)",
            f"see that this heater is wired here; if so, write r_nom = {ohms:.0f} in its line",
        )
    return None
