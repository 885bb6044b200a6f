"""One source-measure cycle of a 2400: how long it takes, and the data string that comes of it.

Status word after 2400S-900-01, section 18 (FORMat:ELEMents).
"""

from __future__ import annotations

import math

from sim_backends.engine.settings import Settings
from sim_backends.source_measure.unit import Drive
from sim_backends.source_measure.unit import Reading as Analogue

from .readings import Reading
from .sense import Sense

COMMAND_SECONDS = 2e-3
"""What a source-measure cycle takes besides its delays and conversions."""
FRONT, REAL_COMPLIANCE, OVP, OVERFLOW, FILTER = 1 << 2, 1 << 3, 1 << 4, 1 << 0, 1 << 1
AUTO_OHMS, V_MEASURED, I_MEASURED, OHMS_MEASURED = 1 << 10, 1 << 11, 1 << 12, 1 << 13
V_SOURCED, I_SOURCED, RANGE_COMPLIANCE, REMOTE = 1 << 14, 1 << 15, 1 << 16, 1 << 22


def cycle_seconds(settings: Settings, sense: Sense) -> float:
    """Conversions of all functions and of two zeros, as often as the filter asks."""
    conversions = len(sense.functions) + 2 * (settings.word("auto zero") == "1")
    repeats = 1.0
    if settings.on("filter") and settings.word("filter kind") == "REP":
        repeats = settings.value("filter count")
    line = float(settings.word("line"))
    return COMMAND_SECONDS + repeats * conversions * settings.value("nplc") / line


def made(
    read: Analogue,
    drive: Drive,
    sense: Sense,
    settings: Settings,
    seconds: float,
    compliance: float,
) -> Reading:
    """The data string of what was read: measured, else sourced, else no number.

    `seconds`: its timestamp; `compliance`: the limit that is set, A or V.
    """
    functions = sense.functions
    sourced = "VOLT" if drive.volts else "CURR"
    shown = {
        name: value if name in functions else drive.level if name == sourced else math.nan
        for name, value in (("VOLT", read.volts), ("CURR", read.amperes))
    }
    ohms = math.nan
    if "RES" in functions:
        ohms = read.volts / read.amperes if read.amperes else math.inf
    status = FRONT * (settings.word("terminals") == "FRON") | REMOTE * drive.remote_sense
    status |= FILTER * settings.on("filter") | OVERFLOW * read.overflow
    by_range = read.limited and drive.limit < compliance
    status |= RANGE_COMPLIANCE * by_range | REAL_COMPLIANCE * (read.limited and not by_range)
    status |= OVP * read.clamped
    status |= V_MEASURED * ("VOLT" in functions) | I_MEASURED * ("CURR" in functions)
    status |= OHMS_MEASURED * ("RES" in functions) | AUTO_OHMS * sense.auto_ohms
    status |= V_SOURCED if drive.volts else I_SOURCED
    return Reading(shown["VOLT"], shown["CURR"], ohms, seconds, status)
