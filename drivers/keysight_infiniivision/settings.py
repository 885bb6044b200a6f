"""Declared settings of an InfiniiVision oscilloscope.

Commands as Keysight's programmer's guides give them; limits are the widest of all probe factors and
models, an instrument that stands in the way of a value refuses it or takes its own, which the
driver reads back.
"""

from __future__ import annotations

from drivers.quantity import Quantity

DISPLAY = Quantity(
    "display", "CHAN{channel}:DISP", "Control whether a channel is shown and acquired.", kind=bool
)
COUPLING = Quantity(
    "coupling", "CHAN{channel}:COUP", "Control the coupling of a channel (AC, DC).", kind=str,
    choices=("AC", "DC"),
)  # fmt: skip
PROBE = Quantity(
    "probe", "CHAN{channel}:PROB", "Control the factor of a channel's probe (0.1 to 10000).",
    low=0.1, high=1e4,
)  # fmt: skip
SCALE = Quantity(
    "scale", "CHAN{channel}:SCAL", "Control the scale of a channel in V/div (1e-4 to 5e4).",
    unit="V/div", low=1e-4, high=5e4,
)  # fmt: skip
OFFSET = Quantity(
    "offset", "CHAN{channel}:OFFS",
    "Control the voltage at the middle of a channel's screen in V (-1e6 to 1e6).",
    unit="V", low=-1e6, high=1e6,
)  # fmt: skip
BANDWIDTH = Quantity(
    "bandwidth_limit", "CHAN{channel}:BWL", "Control whether a channel's bandwidth is limited.",
    kind=bool,
)  # fmt: skip
INVERT = Quantity(
    "invert", "CHAN{channel}:INV", "Control whether a channel is shown upside down.", kind=bool
)
TIME_MODE = Quantity(
    "time_mode", "TIM:MODE", "Control the time base (MAIN, WIND, XY, ROLL).", kind=str,
    choices=("MAIN", "WIND", "XY", "ROLL"),
)  # fmt: skip
TIME_RANGE = Quantity(
    "time_range", "TIM:RANG", "Control the time that the screen shows in s (2e-8 to 500).",
    unit="s", low=2e-8, high=500.0,
)  # fmt: skip
TIME_POSITION = Quantity(
    "time_position", "TIM:POS",
    "Control the time from the trigger to the reference of the screen in s (-500 to 500).",
    unit="s", low=-500.0, high=500.0,
)  # fmt: skip
TIME_REFERENCE = Quantity(
    "time_reference", "TIM:REF", "Control the reference of the screen (LEFT, CENT, RIGH).",
    kind=str, choices=("LEFT", "CENT", "RIGH"),
)  # fmt: skip
ACQUIRE_TYPE = Quantity(
    "acquire_type", "ACQ:TYPE", "Control how points are acquired (NORM, AVER, HRES, PEAK).",
    kind=str, choices=("NORM", "AVER", "HRES", "PEAK"),
)  # fmt: skip
ACQUIRE_MODE = Quantity(
    "acquire_mode", "ACQ:MODE", "Control how memory is used (RTIM, SEGM).", kind=str,
    choices=("RTIM", "SEGM"),
)  # fmt: skip
AVERAGES = Quantity(
    "averages", "ACQ:COUN", "Control the number of averages (2 to 65536).", kind=int, low=2,
    high=65536,
)  # fmt: skip
SAMPLE_RATE = Quantity("sample_rate", "ACQ:SRAT", "Get the rate of the ADC in Sa/s.", unit="Sa/s")
TRIGGER_MODE = Quantity(
    "trigger_mode", "TRIG:MODE", "Control what triggers (EDGE, GLIT, PATT, TV).", kind=str,
    choices=("EDGE", "GLIT", "PATT", "TV"),
)  # fmt: skip
SOURCES = ("CHAN1", "CHAN2", "CHAN3", "CHAN4", "EXT", "LINE")
TRIGGER_SOURCE = Quantity(
    "trigger_source", "TRIG:EDGE:SOUR", f"Control the source of edges ({', '.join(SOURCES)}).",
    kind=str, choices=SOURCES,
)  # fmt: skip
TRIGGER_SLOPE = Quantity(
    "trigger_slope", "TRIG:EDGE:SLOP", "Control the slope that triggers (POS, NEG, EITH, ALT).",
    kind=str, choices=("POS", "NEG", "EITH", "ALT"),
)  # fmt: skip
TRIGGER_LEVEL = Quantity(
    "trigger_level", "TRIG:EDGE:LEV",
    "Control the level of the source that triggers in V (-1e6 to 1e6).",
    unit="V", low=-1e6, high=1e6,
)  # fmt: skip
TRIGGER_COUPLING = Quantity(
    "trigger_coupling", "TRIG:EDGE:COUP", "Control the coupling of the trigger (AC, DC, LFR).",
    kind=str, choices=("AC", "DC", "LFR"),
)  # fmt: skip
SWEEP = Quantity(
    "trigger_sweep", "TRIG:SWE", "Control what happens without a trigger (AUTO, NORM).", kind=str,
    choices=("AUTO", "NORM"),
)  # fmt: skip
HOLDOFF = Quantity(
    "trigger_holdoff", "TRIG:HOLD", "Control the time between triggers in s (4e-8 to 10).",
    unit="s", low=40e-9, high=10.0,
)  # fmt: skip
CONDITION = Quantity(
    "operation_condition", "OPER:COND", "Measure the operation condition register.", kind=int
)
QUANTITIES = (
    DISPLAY, COUPLING, PROBE, SCALE, OFFSET, BANDWIDTH, INVERT, TIME_MODE, TIME_RANGE,
    TIME_POSITION, TIME_REFERENCE, ACQUIRE_TYPE, ACQUIRE_MODE, AVERAGES, SAMPLE_RATE, TRIGGER_MODE,
    TRIGGER_SOURCE, TRIGGER_SLOPE, TRIGGER_LEVEL, TRIGGER_COUPLING, SWEEP, HOLDOFF, CONDITION,
)  # fmt: skip
