"""Declared settings of an N7744A/N7745A.

Commands and forms of replies as the programming guides of the 816x mainframes and of the N774xC
give them; ports are slots. Limits are those of the N7744A.
"""

from __future__ import annotations

from drivers.numbered import NumberedSwitch, NumberedWord
from drivers.quantity import Quantity

WAVELENGTH = Quantity(
    "wavelength", "SENS{channel}:POW:WAV",
    "Control the wavelength that the port is calibrated for in m (1.25e-6 to 1.65e-6).",
    unit="m", low=1.25e-6, high=1.65e-6,
)  # fmt: skip
UNIT = NumberedWord(
    "unit", "SENS{channel}:POW:UNIT", "Control the unit of readings (DBM, W).",
    choices=("DBM", "W"), words={"DBM": "0", "W": "1"},
)  # fmt: skip
RANGE = Quantity(
    "range_dbm", "SENS{channel}:POW:RANG",
    "Control the range (the nearest multiple of 10) in dBm (-30 to 10).",
    unit="dBm", low=-30.0, high=10.0, follows="auto_range",
)  # fmt: skip
AUTO_RANGE = NumberedSwitch(
    "auto_range", "SENS{channel}:POW:RANG:AUTO",
    "Control whether the range follows the power (ON or OFF).",
)  # fmt: skip
AUTO_GAIN = NumberedSwitch(
    "auto_gain", "SENS{channel}:POW:GAIN:AUTO",
    "Control whether the gain favours dynamic range over transient response (ON or OFF).",
)  # fmt: skip
AVERAGING = Quantity(
    "averaging", "SENS{channel}:POW:ATIM",
    "Control the averaging time of a reading in s (1e-6 to 10).", unit="s", low=1e-6, high=10.0,
)  # fmt: skip
CONTINUOUS = NumberedSwitch(
    "continuous", "INIT{channel}:CONT",
    "Control whether readings are taken all the time (ON or OFF).",
)  # fmt: skip
TRIGGER_INPUT = Quantity(
    "trigger_input", "TRIG{channel}:INP",
    "Control what a trigger starts: nothing, a sample, all samples (IGN, SME, CME, MME).", kind=str,
    choices=("IGN", "SME", "CME", "MME"),
)  # fmt: skip
TRIGGER_OUTPUT = Quantity(
    "trigger_output", "TRIG{channel}:OUTP",
    "Control when the port sends a trigger (DIS, AVG, MEAS).", kind=str,
    choices=("DIS", "AVG", "MEAS"),
)  # fmt: skip
TRIGGER_ROUTING = Quantity(
    "trigger_routing", "TRIG:CONF",
    "Control how trigger input and output are joined (DIS, DEF, PASS, LOOP).", kind=str,
    choices=("DIS", "DEF", "PASS", "LOOP"),
)  # fmt: skip
CORRECTION = Quantity(
    "correction", "SENS{channel}:CORR",
    "Control what is added to the readings of a port in dB (-200 to 200).", unit="dB", low=-200.0,
    high=200.0,
)  # fmt: skip
TEMPERATURE = Quantity(
    "temperature_celsius", "SYST:TEMP", "Measure the temperature of the meter in degC.",
    unit="degC",
)  # fmt: skip
QUANTITIES = (
    WAVELENGTH, UNIT, RANGE, AUTO_RANGE, AUTO_GAIN, AVERAGING, CONTINUOUS, TRIGGER_INPUT,
    TRIGGER_OUTPUT, TRIGGER_ROUTING, CORRECTION, TEMPERATURE,
)  # fmt: skip
