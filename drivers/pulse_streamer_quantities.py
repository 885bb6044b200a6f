"""What can be set and read of a Pulse Streamer 8/2, as declared properties.

The command of each is a method of its JSON-RPC, `question` that which tells it. Source: Pulse
Streamer client 2.1.2, `enums.py` and `jrpc/pulse_streamer_jrpc.py`; what the bits of the status
register and of the supply's state mean is not told there.
"""

from __future__ import annotations

from drivers.numbered import NumberedSwitch, NumberedWord, numbered
from drivers.quantity import Quantity

TRIGGERS = ("immediate", "software", "hardware_rising", "hardware_falling", "hardware_both")
REARMS = ("auto", "manual")
CLOCKS = ("internal", "external_125MHz", "external_10MHz")
NEXT_ACTIONS = ("stop", "switch_slot", "switch_slot_expect_new_data", "repeat_slot")
WHENS = ("immediate", "trigger")
ON_NO_DATA = ("error", "wait_idling", "wait_repeating")
STATES = ("idling", "breakpoint", "streaming", "finished", "error")
CONDITIONS = ("none", "wait_for_trigger", "wait_for_rearm", "wait_for_data", "wait_for_start")
"""Words of the client's enumerations, each in the place of its number."""

MASK = Quantity(
    "mask", "constant", "Set the lines to hold, bit n for line n (0 to 255).", kind=int, low=0,
    high=255, safe=0,
)  # fmt: skip
ANALOG_0 = Quantity(
    "analog_0", "constant", "Set the first analogue output to hold in V (-1 to 1).", unit="V",
    low=-1.0, high=1.0, safe=0.0,
)  # fmt: skip
ANALOG_1 = Quantity(
    "analog_1", "constant", "Set the second analogue output to hold in V (-1 to 1).", unit="V",
    low=-1.0, high=1.0, safe=0.0,
)  # fmt: skip
SQUARE_WAVE = Quantity(
    "square_wave", "setSquareWave125MHz",
    "Set the lines that carry 125 MHz, bit n for line n (0 to 255).", kind=int, low=0, high=255,
    safe=0,
)  # fmt: skip
TRIGGER_START = NumberedWord(
    "trigger_start", "setTrigger", "Control what starts a program.", choices=TRIGGERS,
    words=numbered(*TRIGGERS), question="getTriggerStart",
)  # fmt: skip
TRIGGER_REARM = NumberedWord(
    "trigger_rearm", "setTrigger", "Control whether a program that has run arms itself again.",
    choices=REARMS, words=numbered(*REARMS), question="getTriggerRearm",
)  # fmt: skip
CLOCK = NumberedWord(
    "clock", "selectClock", "Control which clock it runs by.", choices=CLOCKS,
    words=numbered(*CLOCKS), question="getClock",
)  # fmt: skip
HARDWARE_VERSION = Quantity(
    "hardware_version", "getHardwareVersion", "Get the version of the hardware.", kind=str,
    question="getHardwareVersion",
)  # fmt: skip
FPGA_ID = Quantity(
    "fpga_id", "getFPGAID", "Get the number of its FPGA.", kind=str, question="getFPGAID"
)
HOSTNAME = Quantity(
    "hostname", "getHostname", "Get its name in the network.", kind=str, question="getHostname"
)
STREAMING = NumberedSwitch(
    "streaming", "isStreaming", "Measure whether a program runs.", question="isStreaming"
)
HAS_SEQUENCE = NumberedSwitch(
    "has_sequence", "hasSequence", "Measure whether a program is loaded.", question="hasSequence"
)
HAS_FINISHED = NumberedSwitch(
    "has_finished", "hasFinished", "Measure whether a program has run to its end.",
    question="hasFinished",
)  # fmt: skip
TEMPERATURE = Quantity(
    "temperature_celsius", "getTemperature", "Measure its temperature in degC.", unit="degC",
    question="getTemperature",
)  # fmt: skip
UNDERFLOW = NumberedSwitch(
    "underflow", "getUnderflow", "Measure whether its memory could not keep up.",
    question="getUnderflow",
)  # fmt: skip
SUPPLY_STATE = Quantity(
    "supply_state", "getSupplyState", "Measure the number of its supply's state.", kind=int,
    question="getSupplyState",
)  # fmt: skip
STATUS_REGISTER = Quantity(
    "status_register", "getStatusRegister", "Measure the bits of its status register.", kind=int,
    question="getStatusRegister",
)  # fmt: skip
QUANTITIES = (
    MASK, ANALOG_0, ANALOG_1, SQUARE_WAVE, TRIGGER_START, TRIGGER_REARM, CLOCK, HARDWARE_VERSION,
    FPGA_ID, HOSTNAME, STREAMING, HAS_SEQUENCE, HAS_FINISHED, TEMPERATURE, UNDERFLOW, SUPPLY_STATE,
    STATUS_REGISTER,
)  # fmt: skip
