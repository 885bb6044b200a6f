"""The parameters of a TEC-1091 that this driver knows, as quantities.

The command of a quantity is its parameter number; an int is an INT32 on the wire, a float a
FLOAT32. Numbers, types and ranges: Meerstetter's `MeCom.h`, pyMeCom's `commands.py`, and a dump of
the metadata of a real 4 A, 21 V device (JulienKluge/pyMeComTEC, `params.csv`). The texts of the
device errors are from one source (the same repository's `error_numbers.txt`).
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum

from drivers.quantity import Quantity


class Status(IntEnum):
    """What the controller is doing (parameter 104)."""

    INIT = 0
    READY = 1
    RUN = 2
    ERROR = 3
    BOOTLOADER = 4
    RESETTING = 5


class Stability(IntEnum):
    """Whether the object is at its target (parameter 1200)."""

    NOT_REGULATED = 0
    UNSTABLE = 1
    STABLE = 2


TEMPERATURE_CONTROLLER = 2
"""Input selection in which the output follows the temperature."""
OUTPUT_OFF, OUTPUT_ON = 0, 1


def _float(name: str, number: int, doc: str, unit: str, low: float, high: float) -> Quantity:
    return Quantity(name, str(number), doc, float, unit, low, high)


def _word(name: str, number: int, doc: str, low: int = 0, high: int = 2**31 - 1) -> Quantity:
    return Quantity(name, str(number), doc, int, "", low, high)


def _measured(name: str, number: int, doc: str, unit: str) -> Quantity:
    return Quantity(name, str(number), doc, float, unit)


DEVICE_TYPE = _word("device_type", 100, "Get the number of the model.")
HARDWARE_VERSION = _word("hardware_version", 101, "Get the version of the hardware.")
SERIAL_NUMBER = _word("serial_number", 102, "Get the serial number.")
FIRMWARE_VERSION = _word("firmware_version", 103, "Get the version of the firmware.")
STATUS = _word("status", 104, "Measure what the controller is doing (0 to 5).", 0, 5)
ERROR_NUMBER = _word("error_number", 105, "Measure the number of the error that stopped it.")
ERROR_INSTANCE = _word("error_instance", 106, "Measure the channel of that error.")
ERROR_PARAMETER = _word("error_parameter", 107, "Measure the parameter of that error.")

TEMPERATURE = _measured(
    "temperature_celsius", 1000, "Measure the object's temperature in degC.", "degC"
)
SINK_TEMPERATURE = _measured(
    "sink_temperature_celsius", 1001, "Measure the heat sink's temperature in degC.", "degC"
)
TARGET = _measured("target_celsius", 1010, "Measure the target that is in force in degC.", "degC")
RAMP_TEMPERATURE = _measured(
    "ramp_celsius", 1011, "Measure where the ramp to the target is in degC.", "degC"
)
CURRENT = _measured("current", 1020, "Measure the output current in A.", "A")
VOLTAGE = _measured("voltage", 1021, "Measure the output voltage in V.", "V")
INPUT_VOLTAGE = _measured("input_voltage", 1060, "Measure the supply in V.", "V")
STABLE = _word("stability", 1200, "Measure whether the temperature is stable (0 to 2).", 0, 2)

INPUT_SELECTION = replace(
    _word(
        "input_selection", 2000,
        "Control what drives the output: 0 static, 1 live, 2 the temperature controller (0 to 2).",
        0, 2,
    ),
    drives=True,
)  # fmt: skip
OUTPUT_ENABLE = replace(
    _word(
        "output_enable", 2010,
        "Control the output stage: 0 off, 1 on, 2 live, 3 by a hardware line (0 to 3).", 0, 3,
    ),
    drives=True,
)  # fmt: skip
CURRENT_LIMIT = _float(
    "current_limit", 2030, "Control the current limit in A (0 to 4).", "A", 0.0, 4.0
)
VOLTAGE_LIMIT = _float(
    "voltage_limit", 2031, "Control the voltage limit in V (0 to 21).", "V", 0.0, 21.0
)
CURRENT_ERROR = _float(
    "current_error", 2032, "Control the current that stops it in A (0 to 5.6).", "A", 0.0, 5.6
)
VOLTAGE_ERROR = _float(
    "voltage_error", 2033, "Control the voltage that stops it in V (0 to 25).", "V", 0.0, 25.0
)
SETPOINT = replace(
    _float(
        "setpoint_celsius", 3000, "Control the target temperature in degC (-273 to 1000).", "degC",
        -273.0, 1000.0,
    ),
    drives=True,  # of a stage that is on, which goes on in a bench that is off
)  # fmt: skip
PROXIMITY = _float(
    "proximity_width", 3002, "Control where the ramp slows down in K (0 to 200).", "K", 0.0, 200.0
)
RAMP_RATE = _float(
    "ramp_rate", 3003, "Control the slope of the ramp in K/s (1e-6 to 50).", "K/s", 1e-6, 50.0
)
GAIN = _float(
    "proportional_gain", 3010, "Control the proportional gain in %/K (0 to 1e4).", "%/K", 0.0, 1e4
)
INTEGRATION_TIME = _float(
    "integration_time", 3011, "Control the integration time in s (1e-4 to 1e4).", "s", 1e-4, 1e4
)
DIFFERENTIAL_TIME = _float(
    "differential_time", 3012, "Control the differential time in s (0 to 1e4).", "s", 0.0, 1e4
)
LOW_ERROR = _float(
    "low_error_celsius", 4010, "Control the object temperature below which it stops in degC "
    "(-273 to 1000).", "degC", -273.0, 1000.0,
)  # fmt: skip
HIGH_ERROR = _float(
    "high_error_celsius", 4011, "Control the object temperature above which it stops in degC "
    "(-273 to 1000).", "degC", -273.0, 1000.0,
)  # fmt: skip
STABILITY_WINDOW = _float(
    "stability_window", 4040, "Control how near the target is stable in K (0 to 50).", "K", 0.0,
    50.0,
)  # fmt: skip
STABILITY_TIME = _float(
    "stability_time", 4041, "Control how long it must be near in s (0 to 86400).", "s", 0.0, 86400.0
)  # fmt: skip
RESTART_DELAY = _float(
    "restart_delay", 6310, "Control the time to a restart after an error in s (0 to 86400).", "s",
    0.0, 86400.0,
)  # fmt: skip

QUANTITIES = (
    DEVICE_TYPE, HARDWARE_VERSION, SERIAL_NUMBER, FIRMWARE_VERSION, STATUS, ERROR_NUMBER,
    ERROR_INSTANCE, ERROR_PARAMETER, TEMPERATURE, SINK_TEMPERATURE, TARGET, RAMP_TEMPERATURE,
    CURRENT, VOLTAGE, INPUT_VOLTAGE, STABLE,
    INPUT_SELECTION, OUTPUT_ENABLE, CURRENT_LIMIT, VOLTAGE_LIMIT, CURRENT_ERROR, VOLTAGE_ERROR,
    SETPOINT, PROXIMITY, RAMP_RATE, GAIN, INTEGRATION_TIME, DIFFERENTIAL_TIME, LOW_ERROR,
    HIGH_ERROR, STABILITY_WINDOW, STABILITY_TIME, RESTART_DELAY,
)  # fmt: skip

COMMON = {
    quantity.name
    for quantity in QUANTITIES
    if int(quantity.command) < 200 or quantity in (INPUT_VOLTAGE, RESTART_DELAY)
}
"""Quantities of the device, not of a channel: always of instance 1."""

DEVICE_ERRORS = {
    11: "emergency stop",
    30: "supply voltage too low",
    31: "supply voltage too high",
    60: "the controller is too hot",
    100: "current above its error threshold at OUT+",
    101: "negative current above its error threshold at OUT+",
    102: "current above its error threshold at OUT-",
    103: "negative current above its error threshold at OUT-",
    104: "voltage above its error threshold at OUT+",
    105: "voltage above its error threshold at OUT-",
    108: "output stage in saturation",
    137: "object temperature below its error threshold",
    138: "object temperature above its error threshold",
    139: "object temperature changes too fast",
    182: "no stable temperature within the time allowed",
}
"""What the commoner error numbers (parameter 105) mean."""
