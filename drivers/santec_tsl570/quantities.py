"""What can be set and read. Source: TSL-570 manual, section on commands."""

from __future__ import annotations

from dataclasses import dataclass, replace

from drivers.numbered import NumberedSwitch, NumberedWord, numbered
from drivers.quantity import Quantity, Value

SHORTEST, LONGEST = 1240e-9, 1680e-9
"""m; all product codes lie within, and each laser tells its own range."""
SPEEDS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
"""nm/s, the only ones that there are."""


@dataclass(frozen=True)
class Length(Quantity):
    """A wavelength or a part of one: m in the SCPI set, nm in the Legacy set."""

    unit: str = "m"

    def text(self, value: Value) -> str:
        """In m, to 0.01 pm: `1.55000000E-06`; in nm, to 0.1 pm: `1550.0000`."""
        if self.scale == 1.0:
            return f"{value:.8E}"
        return f"{float(value) * self.scale:.4f}"

    def parse(self, text: str) -> Value:
        """Read an answer of either set: with an exponent it is in m, without in nm."""
        if "E" in text.upper():
            return replace(self, scale=1.0)._number(text)
        return replace(self, scale=1e9)._number(text)

    def in_legacy(self) -> Length:
        """The same as the Legacy set wants it."""
        return replace(self, scale=1e9)

    def _number(self, text: str) -> Value:
        return super().parse(text)


@dataclass(frozen=True)
class Decimal(Quantity):
    """A number without a unit on the wire, of so many places in either set."""

    places: int = 2

    def text(self, value: Value) -> str:
        """`10.00`."""
        return f"{value:.{self.places}f}"


WAVELENGTH = Length(
    "wavelength", "WAV", "Control the wavelength in m (1240e-9 to 1680e-9).", low=SHORTEST,
    high=LONGEST, settle=2.0,
)  # fmt: skip
FINE = Decimal(
    "fine", "WAV:FIN", "Control fine tuning in its own steps (-100 to 100).", low=-100.0, high=100.0
)
OFFSET = Length(
    "offset", "WAV:OFFS", "Control what is added to all wavelengths in m (-1e-10 to 1e-10).",
    low=-1e-10, high=1e-10,
)  # fmt: skip
POWER_DBM = Decimal(
    "power_dbm", "POW", "Control the power at the output in dBm (-15 to 13).", unit="dBm",
    low=-15.0, high=13.0, settle=1.0,
)  # fmt: skip
MONITORED_DBM = Decimal(
    "monitored_dbm", "POW:ACT", "Measure the power at the built-in monitor in dBm.", unit="dBm"
)
POWER_UNIT = NumberedWord(
    "power_unit", "POW:UNIT", "Get the unit of powers without one.", choices=("dBm", "mW"),
    words=numbered("dBm", "mW"),
)  # fmt: skip
SHUTTER_OPEN = NumberedSwitch(
    "shutter_open", "POW:SHUT", "Control whether the shutter is open.", safe=False, yes="0", no="1"
)
DIODE = NumberedSwitch(
    "diode", "POW:STAT", "Control whether the laser diode is on.", settle=5.0, safe=False
)
ATTENUATION = Decimal(
    "attenuation", "POW:ATT", "Control the attenuator in dB (0 to 30).", unit="dB", low=0.0,
    high=30.0, follows="power_control",
)  # fmt: skip
POWER_CONTROL = NumberedSwitch(
    "power_control", "POW:ATT:AUT", "Control whether the attenuator follows the power."
)
COHERENCE_CONTROL = NumberedSwitch(
    "coherence_control", "COHC", "Control whether the line is broadened."
)
MODULATION = NumberedSwitch("modulation", "AM:STAT", "Control whether the light is modulated.")
MODULATION_SOURCE = NumberedWord(
    "modulation_source", "AM:SOUR", "Control what the modulation input acts on.",
    choices=("coherence", "intensity", "frequency"),
    words={"coherence": "0", "intensity": "1", "frequency": "3"},
)  # fmt: skip
SWEEP_START = Length(
    "sweep_start", "WAV:SWE:STAR", "Control where sweeps start in m (1240e-9 to 1680e-9).",
    low=SHORTEST, high=LONGEST,
)  # fmt: skip
SWEEP_STOP = Length(
    "sweep_stop", "WAV:SWE:STOP", "Control where sweeps stop in m (1240e-9 to 1680e-9).",
    low=SHORTEST, high=LONGEST,
)  # fmt: skip
SWEEP_STEP = Length(
    "sweep_step", "WAV:SWE:STEP", "Control the step of stepped sweeps in m (1e-13 to 4.4e-7).",
    low=1e-13, high=4.4e-7,
)  # fmt: skip
SWEEP_SPEED = Quantity(
    "sweep_speed", "WAV:SWE:SPE", "Control the speed of sweeps in m/s (1e-9 to 2e-7).", unit="m/s",
    low=1e-9, high=2e-7, scale=1e9,
)  # fmt: skip
SWEEP_DWELL = Decimal(
    "sweep_dwell", "WAV:SWE:DWEL", "Control the time at a step in s (0 to 999.9).", unit="s",
    low=0.0, high=999.9, places=1,
)  # fmt: skip
SWEEP_DELAY = Decimal(
    "sweep_delay", "WAV:SWE:DEL", "Control the time between sweeps in s (0 to 999.9).", unit="s",
    low=0.0, high=999.9, places=1,
)  # fmt: skip
SWEEP_CYCLES = Quantity(
    "sweep_cycles", "WAV:SWE:CYCL", "Control the sweeps of a repeated one (0 to 999).", kind=int,
    low=0, high=999,
)  # fmt: skip
_MODES = ("stepped", "continuous", "stepped both ways", "continuous both ways")
SWEEP_MODE = NumberedWord(
    "sweep_mode", "WAV:SWE:MOD", "Control how sweeps go.", choices=_MODES, words=numbered(*_MODES)
)
SWEEP_STATE = Quantity("sweep_state", "WAV:SWE", "Measure what the sweep does (0 to 4).", kind=int)
SWEEPS_DONE = Quantity("sweeps_done", "WAV:SWE:COUN", "Measure how many sweeps are done.", kind=int)
POINTS = Quantity("points", "READ:POIN", "Measure how many points are logged.", kind=int)
TRIGGER_IN = NumberedSwitch(
    "trigger_in", "TRIG:INP:EXT", "Control whether the trigger input starts sweeps."
)
TRIGGER_IN_FALLING = NumberedSwitch(
    "trigger_in_falling", "TRIG:INP:ACT", "Control whether the trigger input takes falling edges."
)
STANDBY = NumberedSwitch("standby", "TRIG:INP:STAN", "Control whether sweeps wait for a trigger.")
_TIMES = ("none", "stop", "start", "step")
TRIGGER_OUT = NumberedWord(
    "trigger_out", "TRIG:OUTP", "Control when the trigger output acts.", choices=_TIMES,
    words=numbered(*_TIMES),
)  # fmt: skip
TRIGGER_OUT_FALLING = NumberedSwitch(
    "trigger_out_falling",
    "TRIG:OUTP:ACT",
    "Control whether output triggers are falling edges.",
)
TRIGGER_STEP = Length(
    "trigger_step", "TRIG:OUTP:STEP",
    "Control the distance of output triggers in m (1e-13 to 4.4e-7).", low=1e-13, high=4.4e-7,
)  # fmt: skip
_PERIODS = ("wavelength", "time")
TRIGGER_PERIOD = NumberedWord(
    "trigger_period", "TRIG:OUTP:SETT", "Control what output triggers are periodic in.",
    choices=_PERIODS, words=numbered(*_PERIODS),
)  # fmt: skip
TRIGGER_THROUGH = NumberedSwitch(
    "trigger_through", "TRIG:THR", "Control whether the trigger input is passed to the output."
)
_SETS = ("Legacy", "SCPI")
COMMAND_SET = NumberedWord(
    "command_set", "SYST:COMM:COD", "Get the command set.", choices=_SETS, words=numbered(*_SETS)
)
INTERLOCKED = NumberedSwitch(
    "interlocked", "SYST:LOCK", "Measure whether the external interlock keeps the light off."
)
PRODUCT = Quantity("product", "SYST:COD", "Get the product code.", kind=str)
ALERT = Quantity("alert", "SYST:ALER", "Measure what the laser warns of.", kind=str)

QUANTITIES = (
    SHUTTER_OPEN, DIODE, WAVELENGTH, FINE, OFFSET, POWER_DBM, MONITORED_DBM, POWER_UNIT,
    ATTENUATION, POWER_CONTROL, COHERENCE_CONTROL, MODULATION, MODULATION_SOURCE,
    SWEEP_START, SWEEP_STOP, SWEEP_STEP, SWEEP_SPEED, SWEEP_DWELL, SWEEP_DELAY,
    SWEEP_CYCLES, SWEEP_MODE, SWEEP_STATE, SWEEPS_DONE,
    POINTS, TRIGGER_IN, TRIGGER_IN_FALLING, STANDBY, TRIGGER_OUT, TRIGGER_OUT_FALLING, TRIGGER_STEP,
    TRIGGER_PERIOD, TRIGGER_THROUGH, COMMAND_SET, INTERLOCKED, PRODUCT, ALERT,
)  # fmt: skip
