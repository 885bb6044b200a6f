"""The preflight: every item in order, and everything off at the end, whatever happened."""

from __future__ import annotations

import asyncio

from hil.bench.assembly import Assembled
from hil.bench.calibration_setup import BenchSetup
from hil.bench.loop_thread import to_the_end
from hil.bench.opening import OpenBench
from hil.checking import balanced, light
from hil.checking.delays import check_delays, check_triggers
from hil.checking.heaters import check_heaters
from hil.checking.instruments import (
    check_identities,
    check_limits,
    check_routes,
    check_stage,
    check_taps,
    check_temperatures,
)
from hil.checking.outputs import check_outputs
from hil.checking.report import Report

_OPTICS = ("dark level", "signal gate", "light")


async def preflight(core: OpenBench, report: Report, *, iv: bool) -> None:
    """Look at a bench that is not open, and leave it off and closed.

    Parameters
    ----------
    iv : whether each heater is driven to the idle bias, to see its current.
    """
    core.begin()
    try:
        await core.guard(report.tell)
        await _look(core, report, iv=iv)
    finally:
        await to_the_end(asyncio.ensure_future(_end(core, report)))


async def heaters_alone(core: OpenBench, report: Report) -> None:
    """The I-V test alone, of a bench that is not open; leaves it off and closed."""
    core.begin()
    try:
        await core.guard(report.tell)
        check_identities(report, core.file, core.parts, await core.open_instruments())
        await check_heaters(report, core.file, core.parts)
    finally:
        await to_the_end(asyncio.ensure_future(_end(core, report)))


async def _look(core: OpenBench, report: Report, *, iv: bool) -> None:
    file, parts = core.file, core.parts
    check_identities(report, file, parts, await core.open_instruments())
    check_limits(report, file, parts)
    await check_outputs(
        report,
        file,
        parts,
        "outputs as found",
        "another program or a crash left them so: end that program; this one drives them to 0 V "
        "at the end",
    )
    await check_temperatures(report, parts)
    if away := _beside_away(parts):
        for name in _OPTICS:
            report.skipped(name, f"{' and '.join(away)} not reached: see to that first")
    elif parts.switch_is_open and all(one.is_open for one in parts.signal_instruments):
        with report.looking_at("light"):
            await core.carry(report.tell)
            await check_stage(report, file, parts)
            await core.light_up(report.tell)
            await check_delays(report, parts)
            await check_routes(report, parts)
            await check_taps(report, file, parts)
            setup = BenchSetup(core)
            optics = light if file.detection == "homodyne" else balanced
            await optics.check_light(report, setup, await optics.check_dark(report, setup))
            await check_triggers(report, parts)
    else:
        for name in _OPTICS:
            report.skipped(
                name, "the pattern generator or an instrument of the signal path was not reached"
            )
    if iv:
        await check_heaters(report, file, parts)
    else:
        report.skipped("heaters", "no I-V test was asked for (--no-iv)")


def _beside_away(parts: Assembled) -> list[str]:
    """Names of what the light needs beside the signal path, and was not reached."""
    needed = [parts.stage, parts.laser]
    needed += [one.meter for one in parts.taps] + [one.generator for one in parts.delays]
    needed += [one.switch for one in parts.routes]
    return [
        one.name
        for one in parts.instruments
        if not one.is_open and any(one is other for other in needed)
    ]


async def _end(core: OpenBench, report: Report) -> None:
    """Drive to `off`, see that it is so, and close."""
    opened = [one for one in core.parts.instruments if one.is_open]
    for line in await core.off(report.tell):
        report.failed("off", line, "switch it off by hand")
    if any(one.is_open for one in core.parts.chassis):
        await check_outputs(
            report, core.file, core.parts, "outputs at the end", "switch this chassis off by hand"
        )
    elif not opened:
        report.skipped("off", "no instrument was reached")
    for line in await core.close(report.tell):  # what is to be undone by hand, too
        report.failed("close", line, "switch it off by hand")
