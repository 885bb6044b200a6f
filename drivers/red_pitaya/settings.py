"""The settings of a Red Pitaya as declared properties.

Source: Red Pitaya scpi-server source (`scpi-commands.cpp`, `generate.cpp`, `acquire.cpp`,
`sweep.cpp`). Boxes of older releases lack sweeps, and most lack the offset of an input, which the
maker calls under development: they refuse these (-113). No frame depends on them.
"""

from __future__ import annotations

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
INPUT_OFFSET = Quantity(
    "input_offset", "ACQ:SOUR{channel}:OFFS",
    "Control what is added to an input's points that are sent as volts in V (-20 to 20).", unit="V",
    low=-20.0, high=20.0,
)  # fmt: skip
SWEEP_START = Quantity(
    "sweep_start", "SOUR{channel}:SWeep:FREQ:START",
    "Control the frequency at which a sweep begins, whole, in Hz (1 to 62.5e6).", unit="Hz",
    low=1.0, high=62.5e6,
)  # fmt: skip
SWEEP_STOP = Quantity(
    "sweep_stop", "SOUR{channel}:SWeep:FREQ:STOP",
    "Control the frequency at which a sweep ends, whole, in Hz (1 to 62.5e6).", unit="Hz", low=1.0,
    high=62.5e6,
)  # fmt: skip
SWEEP_TIME = Quantity(
    "sweep_time", "SOUR{channel}:SWeep:TIME",
    "Control how long a sweep takes, in whole microseconds, in s (1e-6 to 2000).", unit="s",
    low=1e-6, high=2000.0, scale=1e6,
)  # fmt: skip
SWEEP_MODE = Quantity(
    "sweep_mode", "SOUR{channel}:SWeep:MODE", "Control how a sweep goes (LINEAR, LOG).", kind=str,
    choices=("LINEAR", "LOG"),
)  # fmt: skip
SWEEP_DIRECTION = Quantity(
    "sweep_direction", "SOUR{channel}:SWeep:DIR",
    "Control whether every other sweep goes back (UP_DOWN) or all go forth (NORMAL).", kind=str,
    choices=("NORMAL", "UP_DOWN"),
)  # fmt: skip
SWEEP_ENDLESS = Quantity(
    "sweep_endless", "SOUR{channel}:SWeep:REP:INF", "Control whether sweeps go on for ever.",
    kind=bool,
)  # fmt: skip
SWEEP_COUNT = Quantity(
    "sweep_count", "SOUR{channel}:SWeep:REP:COUNT",
    "Control how often a sweep is done that does not go on for ever (0 to 1000000).", kind=int,
    low=0, high=1_000_000,
)  # fmt: skip
SWEEP = Quantity(
    "sweep", "SOUR{channel}:SWeep:STATE",
    "Control whether the frequency of an output that plays continuously is swept.", kind=bool,
    safe=False,
)  # fmt: skip
TRIGGER_SENT = Quantity(
    "trigger_sent", "DAISY:TRig:Out:ENable", "Control whether DIO0_N sends a trigger.", kind=bool
)
TRIGGER_SENT_SOURCE = Quantity(
    "trigger_sent_source", "DAISY:TRig:Out:SOUR",
    "Control whether that is the acquisition's (ADC) or the generator's (DAC).", kind=str,
    choices=("ADC", "DAC"),
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
SWEEPING = (
    SWEEP_START, SWEEP_STOP, SWEEP_TIME, SWEEP_MODE, SWEEP_DIRECTION, SWEEP_ENDLESS, SWEEP_COUNT,
    SWEEP,
)  # fmt: skip
"""In this order: a sweep goes as soon as it is on."""
APART = (PIN, PIN_DIRECTION, SLOW_OUTPUT, TRIGGER_SENT, TRIGGER_SENT_SOURCE)
"""Settings that are no part of a frame."""
QUANTITIES = (
    FUNCTION, FREQUENCY, AMPLITUDE, OFFSET, PHASE, DUTY_CYCLE, BURST, CYCLES, REPETITIONS,
    BURST_PERIOD, INITIAL, LAST, OUTPUT_TRIGGER, OUTPUT, FORMAT, UNITS, GAIN, INPUT_OFFSET,
    DECIMATION, AVERAGE, TRIGGER_DELAY, TRIGGER_LEVEL, HYSTERESIS, INPUT_DEBOUNCE, OUTPUT_DEBOUNCE,
    *SWEEPING, PIN, PIN_DIRECTION, SLOW_OUTPUT, SLOW_INPUT, TRIGGER_SENT, TRIGGER_SENT_SOURCE,
)  # fmt: skip
