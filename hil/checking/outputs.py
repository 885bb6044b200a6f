"""What the heater channels read: is anything hot that nobody asked for?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivers.roles import VoltageOutputs
from hil.bench.assembly import Assembled
from hil.bench.catalogue import CHANNELS_PER_MODULE
from hil.bench.file import BenchFile
from hil.checking.channels import heaters_of
from hil.checking.report import Report

#: Share of full scale above which a channel counts as hot: ten times a read-back's usual offset.
HOT = 0.004
#: Channels told one by one; beyond that they are counted.
TOLD = 8
_SET = {"measured": "", "set": "; volts as they were set, this instrument measures none"}


def hot_channels(
    chassis: VoltageOutputs, volts: NDArray[np.float64], amps: NDArray[np.float64]
) -> list[int]:
    """Channels of volts (channels,) and amps (channels,) that are not at rest."""
    hot = (np.abs(volts) > HOT * chassis.v_full) | (np.abs(amps) > HOT * chassis.i_full)
    return np.flatnonzero(hot).tolist()


async def check_outputs(
    report: Report, file: BenchFile, parts: Assembled, when: str, mend: str
) -> None:
    """One item a chassis; `when` heads its name, `mend` is for channels that are hot."""
    for chassis in parts.chassis:
        name = f"{when} of {chassis.name}"
        if not chassis.is_open:
            report.skipped(name, "the chassis was not reached")
            continue
        with report.looking_at(name):
            volts, amps = await chassis.read_volts(), await chassis.read_amps()
            limit = f"limit {HOT * chassis.v_full:.3g} V, {HOT * 1e3 * chassis.i_full.min():.2g} mA"
            hot = hot_channels(chassis, volts, amps)
            if not hot:
                report.passed(
                    name,
                    f"{chassis.channels} channels at most {np.abs(volts).max():.3f} V and "
                    f"{1e3 * np.abs(amps).max():.3f} mA ({limit}){_SET[chassis.layout.volts]}",
                )
            else:
                told = _told(file, chassis, hot, volts, amps)
                report.failed(name, f"{len(hot)} channels are hot: {told} ({limit})", mend)


def _told(
    file: BenchFile,
    chassis: VoltageOutputs,
    hot: Sequence[int],
    volts: NDArray[np.float64],
    amps: NDArray[np.float64],
) -> str:
    wired = {one.channel: one.label for one in heaters_of(file, chassis.name)}
    lines = []
    for channel in hot[:TOLD]:
        place = f"{chassis.name} {channel // CHANNELS_PER_MODULE}:{channel % CHANNELS_PER_MODULE}"
        who = f"heater {wired[channel]}" if channel in wired else f"{place} (no heater)"
        lines.append(f"{who} {volts[channel]:.3f} V {1e3 * amps[channel]:.3f} mA")
    if len(hot) > TOLD:
        lines.append(f"and {len(hot) - TOLD} more")
    return ", ".join(lines)
