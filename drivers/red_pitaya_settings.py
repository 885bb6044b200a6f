"""The settings of a Red Pitaya as declared properties, and the order that prepares it for frames.

Source: Red Pitaya scpi-server source (`scpi-commands.cpp`, `generate.cpp`, `acquire.cpp`).
"""

from __future__ import annotations

from drivers.errors import LimitError
from drivers.numbered import NumberedSwitch
from drivers.quantity import Quantity

SAMPLE_CLOCK = 125e6
WAVEFORM_POINTS = 16384
DECIMATIONS = tuple(2**power for power in range(17))

FUNCTION = Quantity(
    "function", "SOUR{channel}:FUNC", "Control an output's waveform.", kind=str,
    choices=("ARBITRARY", "DC", "DC_NEG", "PWM", "SAWD", "SAWU", "SINE", "SQUARE", "TRIANGLE"),
)  # fmt: skip
FREQUENCY = Quantity(
    "frequency", "SOUR{channel}:FREQ:FIX",
    "Control how often 16384 points are played in Hz (1 to 62.5e6).", unit="Hz", low=1.0,
    high=62.5e6,
)  # fmt: skip
AMPLITUDE = Quantity(
    "amplitude", "SOUR{channel}:VOLT", "Control the volts of a waveform's 1 in V (0 to 1).",
    unit="V", low=0.0, high=1.0,
)  # fmt: skip
OFFSET = Quantity(
    "offset", "SOUR{channel}:VOLT:OFFS", "Control an output's offset in V (-1 to 1).", unit="V",
    low=-1.0, high=1.0, safe=0.0,
)  # fmt: skip
BURST = Quantity(
    "burst", "SOUR{channel}:BURS:STAT", "Control how an output repeats.", kind=str,
    choices=("CONTINUOUS", "BURST", "STREAM"),
)  # fmt: skip
CYCLES = Quantity(
    "cycles", "SOUR{channel}:BURS:NCYC", "Control the cycles of a burst (1 to 65536).", kind=int,
    low=1, high=65536,
)  # fmt: skip
REPETITIONS = Quantity(
    "repetitions", "SOUR{channel}:BURS:NOR", "Control the bursts of a trigger (1 to 65536).",
    kind=int, low=1, high=65536,
)  # fmt: skip
INITIAL = Quantity(
    "initial", "SOUR{channel}:BURS:INITV", "Control the volts before a burst in V (-1 to 1).",
    unit="V", low=-1.0, high=1.0, safe=0.0,
)  # fmt: skip
LAST = Quantity(
    "last", "SOUR{channel}:BURS:LASTV", "Control the volts after a burst in V (-1 to 1).",
    unit="V", low=-1.0, high=1.0, safe=0.0,
)  # fmt: skip
OUTPUT_TRIGGER = Quantity(
    "output_trigger", "SOUR{channel}:TRig:SOUR", "Control what starts an output.", kind=str,
    choices=("INT", "EXT_PE", "EXT_NE", "GATED"),
)  # fmt: skip
OUTPUT = Quantity(
    "output", "OUTPUT{channel}:STATE", "Control whether an output drives its connector.", kind=bool,
    safe=False,
)  # fmt: skip
FORMAT = Quantity(
    "format", "ACQ:DATA:FORMAT", "Control how points are sent, for this client only.", kind=str,
    choices=("BIN", "ASCII"),
)  # fmt: skip
UNITS = Quantity(
    "units",
    "ACQ:DATA:Units",
    "Control what points are sent as.",
    kind=str,
    choices=("RAW", "VOLTS"),
)
GAIN = Quantity(
    "gain", "ACQ:SOUR{channel}:GAIN", "Control an input's range: +-1 V (LV) or +-20 V (HV).",
    kind=str, choices=("LV", "HV"),
)  # fmt: skip
DECIMATION = Quantity(
    "decimation", "ACQ:DEC", "Control the clock ticks of a point (1 to 65536).", kind=int, low=1,
    high=65536,
)  # fmt: skip
AVERAGE = Quantity(
    "average", "ACQ:AVG", "Control whether a point is the mean of its clock ticks.", kind=bool
)
TRIGGER_DELAY = Quantity(
    "trigger_delay", "ACQ:TRig:DLY",
    "Control the points recorded after the trigger, less 8192 (-8192 to 8192).", kind=int,
    low=-8192, high=8192,
)  # fmt: skip
INPUT_DEBOUNCE = Quantity(
    "input_debounce", "ACQ:TRig:EXT:DEBouncer:US",
    "Control for how long the acquisition's trigger is deaf after an edge in s (0 to 1).", unit="s",
    low=0.0, high=1.0, scale=1e6,
)  # fmt: skip
OUTPUT_DEBOUNCE = Quantity(
    "output_debounce", "SOUR:TRig:EXT:DEBouncer:US",
    "Control for how long the generator's trigger is deaf after an edge in s (0 to 1).", unit="s",
    low=0.0, high=1.0, scale=1e6,
)  # fmt: skip
PHASE = Quantity(
    "phase", "SOUR{channel}:PHAS", "Control a waveform's phase in degrees (-360 to 360).",
    unit="degrees", low=-360.0, high=360.0,
)  # fmt: skip
DUTY_CYCLE = Quantity(
    "duty_cycle", "SOUR{channel}:DCYC", "Control the part of a PWM's period that is high (0 to 1).",
    low=0.0, high=1.0,
)  # fmt: skip
BURST_PERIOD = Quantity(
    "burst_period", "SOUR{channel}:BURS:INT:PER",
    "Control the time from burst to burst of a trigger in s (1e-6 to 500).", unit="s", low=1e-6,
    high=500.0, scale=1e6,
)  # fmt: skip
TRIGGER_LEVEL = Quantity(
    "trigger_level", "ACQ:TRig:LEV",
    "Control the volts at which an input triggers in V (-20 to 20).", unit="V", low=-20.0,
    high=20.0,
)  # fmt: skip
HYSTERESIS = Quantity(
    "trigger_hysteresis", "ACQ:TRig:HYST",
    "Control the volts by which an input must leave that level in V (0 to 1).", unit="V", low=0.0,
    high=1.0,
)  # fmt: skip
LEDS = tuple(f"LED{number}" for number in range(8))
DIGITAL = tuple(f"DIO{number}_{side}" for side in "PN" for number in range(8))
PIN = NumberedSwitch(
    "pin", "DIG:PIN {channel},{value}", "Control an LED, or a digital pin that is an output.",
    question="DIG:PIN? {channel}", channels=LEDS + DIGITAL,
)  # fmt: skip
PIN_DIRECTION = Quantity(
    "pin_direction", "DIG:PIN:DIR {value},{channel}", "Control the direction of a digital pin.",
    kind=str, choices=("IN", "OUT"), question="DIG:PIN:DIR? {channel}", channels=DIGITAL,
)  # fmt: skip
SLOW_OUTPUT = Quantity(
    "slow_output", "ANALOG:PIN {channel},{value}",
    "Control a slow analogue output in V (0 to 1.8).", unit="V", low=0.0, high=1.8, safe=0.0,
    question="ANALOG:PIN? {channel}", channels=tuple(f"AOUT{number}" for number in range(4)),
)  # fmt: skip
SLOW_INPUT = Quantity(
    "slow_input", "ANALOG:PIN {channel}", "Measure a slow analogue input in V.", unit="V",
    question="ANALOG:PIN? {channel}", channels=tuple(f"AIN{number}" for number in range(4)),
)  # fmt: skip
PINS = (PIN, PIN_DIRECTION, SLOW_OUTPUT)
"""Settings that are no part of a frame."""
QUANTITIES = (
    FUNCTION, FREQUENCY, AMPLITUDE, OFFSET, PHASE, DUTY_CYCLE, BURST, CYCLES, REPETITIONS,
    BURST_PERIOD, INITIAL, LAST, OUTPUT_TRIGGER, OUTPUT, FORMAT, UNITS, GAIN, DECIMATION, AVERAGE,
    TRIGGER_DELAY, TRIGGER_LEVEL, HYSTERESIS, INPUT_DEBOUNCE, OUTPUT_DEBOUNCE, PIN, PIN_DIRECTION,
    SLOW_OUTPUT, SLOW_INPUT,
)  # fmt: skip


def check(instrument: str, dwell: float, decimation: int) -> None:
    """See that a dwell (s) and a decimation can be had.

    The generator steps a phase of 16384 points at a fixed frequency, so only dwells of whole clock
    ticks are played without jitter. Raises `LimitError` for a dwell that is too short or too long,
    `ValueError` for one off the 8 ns grid and for a decimation that is no power of 2.
    """
    longest = 1.0 / (WAVEFORM_POINTS * FREQUENCY.low)
    if not 1.0 / SAMPLE_CLOCK * (1 - 1e-9) <= dwell <= longest:
        limit = f"{1.0 / SAMPLE_CLOCK:g} to {longest:g} s"
        raise LimitError(instrument, "dwell", dwell, limit, "s")
    ticks = dwell * SAMPLE_CLOCK
    if abs(ticks - round(ticks)) > 1e-6 * ticks:
        raise ValueError(
            f"{instrument}: a dwell of {dwell:g} s is no multiple of 8 ns; "
            f"{round(ticks) / SAMPLE_CLOCK:g} s is"
        )
    if decimation not in DECIMATIONS:
        raise ValueError(
            f"{instrument}: decimation {decimation!r} is no power of 2 from 1 to {DECIMATIONS[-1]}"
        )


def preparation(
    instrument: str,
    dwell: float,
    decimation: int,
    average: bool,
    *,
    raw: bool,
    debounce: float | None,
    gain: str,
) -> list[str]:
    """The commands, in order, that reset a box and make it play and record triggered frames.

    Both outputs stay off; the first load turns them on, after their data.
    """

    def both(quantity: Quantity, value: float | int | str) -> list[str]:
        return [quantity.setting(value, instrument=instrument, channel=n) for n in (1, 2)]

    def one(quantity: Quantity, value: float | int | bool | str) -> str:
        return quantity.setting(value, instrument=instrument)

    ticks = round(dwell * SAMPLE_CLOCK)
    units = [
        "GEN:RST",
        "ACQ:RST",
        one(FORMAT, "BIN"),
        one(UNITS, "RAW" if raw else "VOLTS"),
        one(DECIMATION, decimation),
        one(AVERAGE, average),
        *both(GAIN, gain),
    ]
    if debounce is not None:
        units += [one(INPUT_DEBOUNCE, debounce), one(OUTPUT_DEBOUNCE, debounce)]
    for quantity, value in (
        (FUNCTION, "ARBITRARY"),
        (FREQUENCY, SAMPLE_CLOCK / (WAVEFORM_POINTS * ticks)),
        (AMPLITUDE, 1.0),
        (OFFSET, 0.0),
        (BURST, "BURST"),
        (CYCLES, 1),
        (REPETITIONS, 1),
        (INITIAL, 0.0),
        (LAST, 0.0),
        (OUTPUT_TRIGGER, "EXT_PE"),
    ):
        units += both(quantity, value)
    return units
