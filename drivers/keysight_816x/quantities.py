"""What can be set and read, the laser's slot as channel. Source: the programming guide."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.numbered import NumberedSwitch, NumberedWord, numbered
from drivers.quantity import Quantity, Value

SHORTEST, LONGEST = 1240e-9, 1680e-9
"""m; all modules lie within, and each tells its own range."""


@dataclass(frozen=True)
class Suffixed(Quantity):
    """A number that is sent in another unit with its suffix (`1550.0000NM`), and read in SI."""

    suffix: str = ""
    per_si: float = 1.0
    places: int = 4

    def text(self, value: Value) -> str:
        """The number and its suffix."""
        return f"{float(value) * self.per_si:.{self.places}f}{self.suffix}"


LOCKED = NumberedSwitch("locked", "LOCK", "Get whether a lock keeps the light in.")
EMISSION = NumberedSwitch(
    "emission", "SOUR{channel}:POW:STAT", "Control whether the laser is on.", settle=3.0, safe=False
)
WAVELENGTH = Suffixed(
    "wavelength", "SOUR{channel}:WAV", "Control the wavelength in m (1240e-9 to 1680e-9).",
    unit="m", low=SHORTEST, high=LONGEST, settle=2.0, suffix="NM", per_si=1e9,
)  # fmt: skip
POWER_DBM = Suffixed(
    "power_dbm", "SOUR{channel}:POW", "Control the power at the output in dBm (-15 to 15).",
    unit="dBm", low=-15.0, high=15.0, settle=1.0, suffix="DBM", places=3,
)  # fmt: skip
POWER_UNIT = NumberedWord(
    "power_unit", "SOUR{channel}:POW:UNIT", "Get the unit in which powers are told.",
    choices=("dBm", "W"), words=numbered("dBm", "W"),
)  # fmt: skip
MODULATION = NumberedSwitch(
    "modulation", "SOUR{channel}:AM:STAT", "Control whether the light is modulated."
)
SWEEP_MODE = Quantity(
    "sweep_mode", "SOUR{channel}:WAV:SWE:MODE", "Control how sweeps go.", kind=str,
    choices=("STEPped", "MANual", "CONTinuous"),
)  # fmt: skip
SWEEP_START = Suffixed(
    "sweep_start", "SOUR{channel}:WAV:SWE:STAR",
    "Control where sweeps start in m (1240e-9 to 1680e-9).", unit="m", low=SHORTEST, high=LONGEST,
    suffix="NM", per_si=1e9,
)  # fmt: skip
SWEEP_STOP = Suffixed(
    "sweep_stop", "SOUR{channel}:WAV:SWE:STOP",
    "Control where sweeps stop in m (1240e-9 to 1680e-9).", unit="m", low=SHORTEST, high=LONGEST,
    suffix="NM", per_si=1e9,
)  # fmt: skip
SWEEP_STEP = Suffixed(
    "sweep_step", "SOUR{channel}:WAV:SWE:STEP",
    "Control the distance of steps and triggers in m (1e-13 to 4.4e-7).", unit="m", low=1e-13,
    high=4.4e-7, suffix="PM", per_si=1e12, places=1,
)  # fmt: skip
SWEEP_SPEED = Suffixed(
    "sweep_speed", "SOUR{channel}:WAV:SWE:SPE",
    "Control the speed of sweeps in m/s (5e-10 to 2e-7).", unit="m/s", low=5e-10, high=2e-7,
    suffix="NM/S", per_si=1e9, places=3,
)  # fmt: skip
SWEEP_CYCLES = Quantity(
    "sweep_cycles", "SOUR{channel}:WAV:SWE:CYCL", "Control the cycles of a sweep (0 to 999).",
    kind=int, low=0, high=999,
)  # fmt: skip
SWEEP_REPEAT = Quantity(
    "sweep_repeat", "SOUR{channel}:WAV:SWE:REP", "Control whether cycles go back.", kind=str,
    choices=("ONEWay", "TWOWay"),
)  # fmt: skip
SWEEP_DWELL = Suffixed(
    "sweep_dwell", "SOUR{channel}:WAV:SWE:DWEL", "Control the time at a step in s (0.1 to 3600).",
    unit="s", low=0.1, high=3600.0, suffix="S", places=1,
)  # fmt: skip
LOGGING = NumberedSwitch(
    "logging", "SOUR{channel}:WAV:SWE:LLOG", "Control whether sweeps log their wavelengths."
)
SWEEP_STATE = Quantity(
    "sweep_state", "SOUR{channel}:WAV:SWE", "Measure what the sweep does (0 to 2).", kind=int
)
SWEEP_FLAG = Quantity(
    "sweep_flag", "SOUR{channel}:WAV:SWE:FLAG", "Measure how often a sweep has waited or logged.",
    kind=int,
)  # fmt: skip
EXPECTED = Quantity(
    "expected",
    "SOUR{channel}:WAV:SWE:EXP",
    "Measure how many triggers a sweep will give.",
    kind=int,
)
POINTS = Quantity(
    "points", "SOUR{channel}:READ:POIN", "Measure how many wavelengths are logged.", kind=int,
    question="SOUR{channel}:READ:POIN? LLOG",
)  # fmt: skip
TRIGGER_OUT = Quantity(
    "trigger_out", "TRIG{channel}:OUTP", "Control when the trigger output acts.", kind=str,
    choices=("DISabled", "MODulation", "STFinished", "SWFinished", "SWSTarted"),
)  # fmt: skip
TRIGGER_IN = Quantity(
    "trigger_in", "TRIG{channel}:INP", "Control what a trigger does.", kind=str,
    choices=("IGNore", "NEXTstep", "SWStart"),
)  # fmt: skip
ROUTING = Quantity(
    "routing", "TRIG:CONF", "Control how the mainframe passes triggers on.", kind=str,
    choices=("DISabled", "DEFault", "PASSthrough", "LOOPback"),
)  # fmt: skip

QUANTITIES = (
    EMISSION, LOCKED, WAVELENGTH, POWER_DBM, POWER_UNIT, MODULATION, SWEEP_MODE, SWEEP_START,
    SWEEP_STOP, SWEEP_STEP, SWEEP_SPEED, SWEEP_CYCLES, SWEEP_REPEAT, SWEEP_DWELL, LOGGING,
    SWEEP_STATE, SWEEP_FLAG, EXPECTED, POINTS, TRIGGER_OUT, TRIGGER_IN, ROUTING,
)  # fmt: skip
