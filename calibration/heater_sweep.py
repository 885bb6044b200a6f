"""One heater stepped up within its limits, its volts and amperes measured at each level.

Whatever drives it and reads back will do. What would be too much is seen coming: the sweep ends
below the level at which the resistance that was measured last says so. It always ends at 0 V.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.heater_curve import LEAST_POINTS, HeaterCurve, fit_heater
from drivers.errors import InstrumentError
from drivers.roles import MeasuresTo, VoltageOutputs

Floats = NDArray[np.float64]
#: Readings of the offsets, at 0 V.
RESTING = 5
#: Shares of the nominal current below which a heater counts as open, and of r_nom as shorted.
OPEN, SHORT = 0.1, 0.25
#: Share of the volts asked for below which an output counts as giving none.
FOLLOWED = 0.5
#: Share of full scale above which an output at rest counts as stuck.
STUCK = 0.004
#: Share of the largest level at which a heater is tried first (a fiftieth of the volts).
FIRST = 4e-4


@dataclass(frozen=True)
class HeaterLimits:
    """What a heater bears, SI, and its nominal resistance."""

    r_nom: float
    v_max: float
    i_max: float
    p_max: float

    @property
    def level_max(self) -> float:
        """W of nominal power that all limits allow together."""
        return min(self.p_max, self.v_max**2 / self.r_nom, self.i_max**2 * self.r_nom)


@dataclass(frozen=True, eq=False)
class HeaterSweep:
    """What was measured of one heater.

    levels : (n,) W nominal, volts, amps : (n,) less the offsets, from the lowest level up.
    fault : what is wrong with it, or "". note : why it ended early, or "". curve : None where
    there are too few readings.
    """

    levels: Floats
    volts: Floats
    amps: Floats
    fault: str
    note: str
    curve: HeaterCurve | None


async def sweep_heater(
    outputs: VoltageOutputs,
    channel: int,
    limits: HeaterLimits,
    levels: int,
    settle: float,
    reached: Callable[[int], None] = lambda count: None,
) -> HeaterSweep:
    """Step a heater to `levels` equal steps of nominal power, `settle` s each, and back to 0 V.

    Raises
    ------
    LinkError
        When the instrument is lost; its output was driven to 0 V, or tried to be.
    InstrumentError
        When it does not even go to 0 V.
    """
    try:
        return await _sweep(outputs, channel, limits, levels, settle, reached)
    finally:
        try:
            await outputs.write_volts(np.array([channel]), np.zeros(1))
        except InstrumentError:
            await outputs.off()  # a late trip is told with the next write


async def _sweep(
    outputs: VoltageOutputs,
    channel: int,
    limits: HeaterLimits,
    levels: int,
    settle: float,
    reached: Callable[[int], None],
) -> HeaterSweep:
    at = np.array([channel])
    await outputs.write_volts(at, np.zeros(1))
    await asyncio.sleep(settle)
    rest = np.array([await _read(outputs, channel) for _ in range(RESTING)])
    offset, rest_sigma = rest.mean(axis=0), rest.std(axis=0, ddof=1) / RESTING**0.5
    full = np.array([outputs.v_full, outputs.i_full[channel]])
    top = limits.level_max
    nominal = np.concatenate([[FIRST * top], np.linspace(top / levels, top, levels)])
    rows: list[tuple[float, float, float]] = []
    fault = note = ""
    if (np.abs(offset) > STUCK * full).any():
        fault = f"stuck: reads {offset[0]:.3f} V and {1e3 * offset[1]:.3f} mA at 0 V"
        nominal = nominal[:0]
    for count, level in enumerate(nominal.tolist()):
        asked = float(np.sqrt(level * limits.r_nom))
        if rows and (note := _too_much(asked, rows[-1], limits)):
            break
        try:
            await outputs.write_volts(at, np.array([asked]))
            await asyncio.sleep(settle)
            volts, amps = await _read(outputs, channel) - offset
        except InstrumentError as error:
            fault = f"shorted: {outputs.name} gave in at {asked:.3g} V ({error})"
            break
        if fault := _fault(asked, volts, amps, limits):
            break
        if count:  # the first was only to see whether it is a heater
            rows.append((level, volts, amps))
        reached(count)
    table = np.array(rows).reshape(-1, 3)
    curve = None
    if len(rows) >= LEAST_POINTS and not fault:
        errors = None
        if isinstance(outputs, MeasuresTo):
            errors = outputs.reading_errors(table[:, 1], table[:, 2])
        curve = fit_heater(
            table[:, 1],
            table[:, 2],
            rest_sigma=(float(rest_sigma[0]), float(rest_sigma[1])),
            errors=errors,
        )
    return HeaterSweep(table[:, 0], table[:, 1], table[:, 2], fault, note, curve)


async def _read(outputs: VoltageOutputs, channel: int) -> Floats:
    """V and A of a channel."""
    volts, amps = await outputs.read_volts(), await outputs.read_amps()
    return np.array([volts[channel], amps[channel]])


def _too_much(asked: float, last: tuple[float, float, float], limits: HeaterLimits) -> str:
    """Why a level is not asked for, by the resistance that was measured last, or ""."""
    _, volts, amps = last
    amperes = asked * amps / volts
    if amperes > limits.i_max:
        return f"ended below {asked:.3g} V: {1e3 * amperes:.3g} mA are beyond i_max"
    if asked * amperes > limits.p_max:
        return f"ended below {asked:.3g} V: {1e3 * asked * amperes:.3g} mW are beyond p_max"
    return ""


def _fault(asked: float, volts: float, amps: float, limits: HeaterLimits) -> str:
    """What is wrong with a heater that reads so, or ""."""
    due = asked / limits.r_nom
    read = f"{1e3 * amps:.3f} mA at {asked:.3g} V, {1e3 * due:.3g} mA is due"
    if volts < FOLLOWED * asked:
        return f"no voltage: reads {volts:.3f} V where {asked:.3g} V was set"
    if amps < OPEN * due:
        return f"open: {read}"
    if volts < SHORT * limits.r_nom * amps:
        return f"shorted: {read}"
    return ""
