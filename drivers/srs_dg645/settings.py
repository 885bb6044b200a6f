"""The settings of a DG645, how the wire spells them, and what its errors mean.

Sources: the EPICS module delaygen (`drvAsynDG645.cpp`), QCoDeS' and InstrumentKit's drivers.
Unsure, since no source gives them: the ranges of trigger rate, level and holdoff, of prescalers,
and of output levels. Those here are of the data sheet as it is quoted; what the instrument refuses
for its own reasons it says itself.
"""

from __future__ import annotations

import re

from drivers.quantity import Quantity, Value

DELAY_MAX = 2000.0
"""s"""
LEVEL_LOW, LEVEL_HIGH = -2.0, 5.0
"""V that an output may have, at rest or active."""

OUTPUTS = ("T0", "AB", "CD", "EF", "GH")
"""Names by number on the wire. AB is active from channel A to channel B."""


def _numbered(*choices: str) -> dict[str, str]:
    """The wire's number of each choice."""
    return {choice: str(number) for number, choice in enumerate(choices)}


_SOURCES = _numbered(
    "internal", "external rising", "external falling", "single external rising",
    "single external falling", "single shot", "line",
)  # fmt: skip
_POLARITIES = _numbered("negative", "positive")

TRIGGER_SOURCE = Quantity(
    "trigger_source", "TSRC", "Control what triggers it.", str,
    choices=tuple(_SOURCES), words=_SOURCES, safe="single shot",
)  # fmt: skip
TRIGGER_RATE = Quantity(
    "trigger_rate", "TRAT", "Control the internal trigger's rate in Hz (1e-4 to 1e7).", float, "Hz",
    1e-4, 1e7,
)  # fmt: skip
TRIGGER_LEVEL = Quantity(
    "trigger_level", "TLVL", "Control the external trigger's threshold in V (-3.5 to 3.5).", float,
    "V", -3.5, 3.5,
)  # fmt: skip
HOLDOFF = Quantity(
    "holdoff", "HOLD", "Control the least time between two triggers in s (0 to 2000).", float, "s",
    0.0, DELAY_MAX,
)  # fmt: skip
ADVANCED = Quantity(
    "advanced_triggering", "ADVT", "Control whether prescalers and holdoff are used.", bool
)
BURST = Quantity(
    "burst", "BURM", "Control whether a trigger starts a burst.", bool, safe=False
)  # fmt: skip
BURST_COUNT = Quantity(
    "burst_count", "BURC", "Control the cycles of a burst (1 to 4294967295).", int, "", 1, 2**32 - 1
)
BURST_PERIOD = Quantity(
    "burst_period", "BURP", "Control the time between the cycles of a burst in s "
    "(100e-9 to 1999.99999999).", float, "s", 100e-9, DELAY_MAX - 10e-9,
)  # fmt: skip
BURST_DELAY = Quantity(
    "burst_delay", "BURD", "Control the time from the trigger to a burst in s (0 to 2000).", float,
    "s", 0.0, DELAY_MAX,
)  # fmt: skip
BURST_T0_FIRST = Quantity(
    "burst_t0_first_only", "BURT", "Control whether T0 comes with the first cycle only.", bool
)
AMPLITUDE = Quantity(
    "amplitude", "LAMP {channel},{value}",
    "Control the step of an output into 50 ohm in V (0.5 to 5).", float, "V", 0.5, 5.0,
    question="LAMP?{channel}", channels=OUTPUTS,
)  # fmt: skip
OFFSET = Quantity(
    "offset", "LOFF {channel},{value}",
    "Control the lower level of an output into 50 ohm in V (-2 to 2).", float, "V", -2.0, 2.0,
    safe=0.0, question="LOFF?{channel}", channels=OUTPUTS,
)  # fmt: skip
POLARITY = Quantity(
    "polarity", "LPOL {channel},{value}", "Control which way an output steps.", str,
    choices=tuple(_POLARITIES), words=_POLARITIES, safe="positive", question="LPOL?{channel}",
    channels=OUTPUTS,
)  # fmt: skip
PRESCALE = Quantity(
    "prescale", "PRES {channel},{value}",
    "Control how many triggers make one pulse of an output (1 to 32767).", int, "", 1, 32767,
    question="PRES?{channel}", channels=OUTPUTS[1:],
)  # fmt: skip
PHASE = Quantity(
    "prescale_phase", "PHAS {channel},{value}",
    "Control which of those triggers makes it (0 to 32767).", int, "", 0, 32767,
    question="PHAS?{channel}", channels=OUTPUTS[1:],
)  # fmt: skip

CHANNELS = tuple("ABCDEFGH")
"""Channels whose time can be set."""
_REFERENCES = {"T0": "0", **{channel: str(number) for number, channel in enumerate(CHANNELS, 2)}}

DELAY = Quantity(
    "delay", "DLAY {channel},{value}",
    "Control the time from its reference to a channel in s (-2000 to 2000).", float, "s",
    -DELAY_MAX, DELAY_MAX, question="DLAY?{channel}", channels=CHANNELS,
)  # fmt: skip
DELAY_FROM = Quantity(
    "delay_from", "DLAY {channel},{value}", "Control what a channel is timed from.", str,
    choices=tuple(_REFERENCES), words=_REFERENCES, question="DLAY?{channel}", channels=CHANNELS,
)  # fmt: skip
DELAYS = (DELAY, DELAY_FROM)
"""The two parts of one setting: each is set with the other as it is."""

QUANTITIES = (
    TRIGGER_SOURCE, TRIGGER_RATE, TRIGGER_LEVEL, HOLDOFF, ADVANCED, BURST, BURST_COUNT,
    BURST_PERIOD, BURST_DELAY, BURST_T0_FIRST, AMPLITUDE, POLARITY, OFFSET, PRESCALE, PHASE,
    DELAY_FROM, DELAY,
)  # fmt: skip

ERRORS = {
    10: "illegal value", 11: "illegal mode", 12: "illegal delay", 13: "illegal link",
    14: "recall failed", 15: "not allowed", 16: "failed self test", 17: "failed calibration",
    30: "lost data", 32: "no listener", 110: "illegal command", 111: "undefined command",
    112: "illegal query", 113: "illegal set", 114: "null parameter", 115: "extra parameters",
    116: "missing parameters", 117: "parameter overflow", 118: "invalid floating-point number",
    120: "invalid integer", 121: "integer overflow", 122: "invalid hexadecimal",
    126: "syntax error", 170: "communication error", 171: "overrun", 254: "too many errors",
}  # fmt: skip
"""Error codes, as the EPICS driver lists them; others are of self tests and calibrations."""

_INTEGER = re.compile(r"[+-]?\d{1,12}")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def setting(quantity: Quantity, value: Value, number: str) -> str:
    """The command that sets a quantity, of the output `number`, to a checked value."""
    text = str(int(value)) if quantity.kind is bool else quantity.text(value)
    if quantity.has_channels:
        return quantity.command.format(channel=number, value=text)
    return f"{quantity.command} {text}"


def parse(quantity: Quantity, text: str) -> Value:
    """Read an answer. Raises `ValueError` when it is not of the quantity's type."""
    if quantity.kind is float:
        return parse_number(text)
    number = parse_integer(text)
    if quantity.kind is int:
        return number
    if quantity.kind is bool:
        if number not in (0, 1):
            raise ValueError(f"{quantity.name}: {text!r} is neither 0 nor 1")
        return bool(number)
    for choice, word in quantity.words.items():
        if number == int(word):
            return choice
    raise ValueError(f"{quantity.name}: {text!r} stands for nothing in its list")


def parse_integer(text: str) -> int:
    """Read a whole number. Raises `ValueError`."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{text!r} is no whole number")
    return int(text)


def parse_number(text: str) -> float:
    """Read a finite number: `+0.000000010000`, `100E-9`, but no bare integer. Raises `ValueError`.

    All that was recorded has a point or an exponent; what has none is the answer to another query.
    """
    if (
        not _NUMBER.fullmatch(text)
        or _INTEGER.fullmatch(text)
        or not abs(float(text)) < float("inf")
    ):
        raise ValueError(f"{text!r} is no number")
    return float(text)
