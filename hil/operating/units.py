"""From what an operator asks of an element (mW, V, rad) to its level; out of range is refused.

A phase is never wrapped: to heat an element by a turn more or less is the operator's choice.
"""

from __future__ import annotations

import math

import numpy as np

from calibration.record import CalibrationRecord
from drivers.errors import LimitError
from hil.bench.cores import MICRORING
from hil.bench.file import BenchFile
from hil.checking.channels import heater_at
from hil.operating.request import ElementName, RequestError

_TURN = 2.0 * math.pi


def level_of(
    value: float,
    unit: str,
    name: ElementName,
    file: BenchFile,
    record: CalibrationRecord | None,
) -> float:
    """Level in W that `value` in `unit` asks of an element.

    Raises
    ------
    LimitError
        Out of range, naming chassis, channel, value and limit.
    RequestError
        For a phase without a record, or of a ring.
    """
    heater = heater_at(file, name.bank, name.element)
    wire = heater.wiring
    most, where = wire.level_max, f"element {heater.label}"
    if unit == "mW":
        level, low, high = 1e-3 * value, 0.0, 1e3 * most
    elif unit == "V":
        level, low, high = value * abs(value) / wire.r_nom, 0.0, math.sqrt(most * wire.r_nom)
    else:
        if file.core == MICRORING:
            raise RequestError(f"{where} is a ring, which has no phase to set; set it in mW or V")
        if record is None:
            raise RequestError("a phase needs a calibration record: start with --record FILE")
        law = PhaseLaw.of(record, name)
        most = law.rises_to(most)
        low, high = law.phase(0.0), law.phase(most)
        level = law.level(value, most)
    if not low <= value <= high:
        limit = f"{low:.6g} to {high:.6g} {unit}"
        if unit == "rad" and (turned := same_phase(value, low, high)) is not None:
            turns = round((turned - value) / _TURN)
            limit += f"; {turned:.6g} rad, {turns:+d} turns from it, can be had"
        raise LimitError(where, "", value, limit, unit)
    return min(max(level, 0.0), most)


def same_phase(value: float, low: float, high: float) -> float | None:
    """The phase in low..high nearest to `value` and whole turns from it, or None."""
    up = value + _TURN * math.ceil((low - value) / _TURN)
    down = value + _TURN * math.floor((high - value) / _TURN)
    fits = [phase for phase in (up, down) if low <= phase <= high]
    return min(fits, key=lambda phase: abs(phase - value), default=None)


class PhaseLaw:
    """phase = offset + slope p (1 + curvature p): an element's own, its neighbours left out."""

    def __init__(self, offset: float, slope: float, curvature: float) -> None:
        self.offset = offset
        self.slope = slope
        self.curvature = curvature

    @classmethod
    def of(cls, record: CalibrationRecord, name: ElementName) -> PhaseLaw:
        """The law of an element of a record.

        Raises
        ------
        RequestError
            When the record holds no slope for it, or one that heating does not raise.
        """
        bank = record.banks[name.bank]
        numbers = (bank.array(key)[name.element] for key in ("phase_offset", "slope", "curvature"))
        law = cls(*map(float, numbers))
        if not law.slope > 0.0:
            raise RequestError(
                f"element {name}: its phase does not rise with power in the record (slope "
                f"{law.slope:g} rad/W); set it in mW"
            )
        return law

    def phase(self, level: float) -> float:
        """Rad at a level in W."""
        return self.offset + self.slope * level * (1.0 + self.curvature * level)

    def rises_to(self, most: float) -> float:
        """Level in W, at most `most`, up to which the phase rises with it."""
        return min(most, -0.5 / self.curvature) if self.curvature < 0.0 else most

    def level(self, phase: float, most: float) -> float:
        """Level in W of a phase in rad, by bisection in 0..most; the nearer end beyond it."""
        levels = np.array([0.0, most])
        for _ in range(60):
            middle = float(levels.mean())
            levels[int(self.phase(middle) >= phase)] = middle
        return float(levels.mean())
