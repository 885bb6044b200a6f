"""Declared settings of a DS1000Z.

Commands as Rigol's programming guide gives them; limits are the widest of all probe factors and
scales, an instrument that stands in the way of a value refuses it or takes its own, which the
driver reads back.
"""

from __future__ import annotations

from drivers.quantity import Quantity

DISPLAY = Quantity(
    "display", "CHAN{channel}:DISP", "Control whether a channel is shown and acquired.", kind=bool
)
COUPLING = Quantity(
    "coupling", "CHAN{channel}:COUP", "Control the coupling of a channel (AC, DC, GND).", kind=str,
    choices=("AC", "DC", "GND"),
)  # fmt: skip
PROBE = Quantity(
    "probe", "CHAN{channel}:PROB", "Control the factor of a channel's probe (0.01 to 1000).",
    low=0.01, high=1000.0,
)  # fmt: skip
SCALE = Quantity(
    "scale", "CHAN{channel}:SCAL", "Control the scale of a channel in V/div (1e-5 to 1e4).",
    unit="V/div", low=1e-5, high=1e4,
)  # fmt: skip
OFFSET = Quantity(
    "offset", "CHAN{channel}:OFFS",
    "Control what a channel's trace is moved up by in V (-1e5 to 1e5).",
    unit="V", low=-1e5, high=1e5,
)  # fmt: skip
BANDWIDTH = Quantity(
    "bandwidth_limit", "CHAN{channel}:BWL", "Control the bandwidth limit of a channel (OFF, 20M).",
    kind=str, choices=("OFF", "20M"),
)  # fmt: skip
INVERT = Quantity(
    "invert", "CHAN{channel}:INV", "Control whether a channel is shown upside down.", kind=bool
)
TIME_MODE = Quantity(
    "time_mode", "TIM:MODE", "Control the time base (MAIN, XY, ROLL).", kind=str,
    choices=("MAIN", "XY", "ROLL"),
)  # fmt: skip
TIME_SCALE = Quantity(
    "time_scale", "TIM:MAIN:SCAL", "Control the time scale in s/div (5e-9 to 50).", unit="s/div",
    low=5e-9, high=50.0,
)  # fmt: skip
TIME_OFFSET = Quantity(
    "time_offset", "TIM:MAIN:OFFS",
    "Control the time from the trigger to the middle of the screen in s (-5000 to 5000).",
    unit="s", low=-5000.0, high=5000.0,
)  # fmt: skip
ACQUIRE_TYPE = Quantity(
    "acquire_type", "ACQ:TYPE", "Control how points are acquired (NORM, AVER, PEAK, HRES).",
    kind=str, choices=("NORM", "AVER", "PEAK", "HRES"),
)  # fmt: skip
AVERAGES = Quantity(
    "averages", "ACQ:AVER", "Control the number of averages, a power of 2 (2 to 1024).", kind=int,
    low=2, high=1024,
)  # fmt: skip
DEPTH_WORDS = (
    "AUTO", "3000", "6000", "12000", "30000", "60000", "120000", "300000", "600000", "1200000",
    "3000000", "6000000", "12000000", "24000000",
)  # fmt: skip
DEPTH = Quantity(
    "memory_depth", "ACQ:MDEP", f"Control the depth of memory ({', '.join(DEPTH_WORDS)}).",
    kind=str, choices=DEPTH_WORDS,
)  # fmt: skip
SAMPLE_RATE = Quantity("sample_rate", "ACQ:SRAT", "Get the sample rate in Sa/s.", unit="Sa/s")
TRIGGER_MODE = Quantity(
    "trigger_mode", "TRIG:MODE", "Control what triggers (EDGE, PULS, SLOP, VID).", kind=str,
    choices=("EDGE", "PULS", "SLOP", "VID"),
)  # fmt: skip
SOURCES = ("CHAN1", "CHAN2", "CHAN3", "CHAN4", "EXT", "AC")
TRIGGER_SOURCE = Quantity(
    "trigger_source", "TRIG:EDGE:SOUR", f"Control the source of edges ({', '.join(SOURCES)}).",
    kind=str, choices=SOURCES,
)  # fmt: skip
TRIGGER_SLOPE = Quantity(
    "trigger_slope", "TRIG:EDGE:SLOP", "Control the slope that triggers (POS, NEG, RFAL).",
    kind=str, choices=("POS", "NEG", "RFAL"),
)  # fmt: skip
TRIGGER_LEVEL = Quantity(
    "trigger_level", "TRIG:EDGE:LEV", "Control the level that triggers in V (-1e5 to 1e5).",
    unit="V", low=-1e5, high=1e5,
)  # fmt: skip
TRIGGER_COUPLING = Quantity(
    "trigger_coupling", "TRIG:COUP", "Control the coupling of the trigger (AC, DC, LFR, HFR).",
    kind=str, choices=("AC", "DC", "LFR", "HFR"),
)  # fmt: skip
SWEEP = Quantity(
    "trigger_sweep", "TRIG:SWE", "Control what happens without a trigger (AUTO, NORM, SING).",
    kind=str, choices=("AUTO", "NORM", "SING"),
)  # fmt: skip
HOLDOFF = Quantity(
    "trigger_holdoff", "TRIG:HOLD", "Control the time between triggers in s (1.6e-8 to 10).",
    unit="s", low=16e-9, high=10.0,
)  # fmt: skip
STATUS = Quantity(
    "trigger_status", "TRIG:STAT", "Measure the state of the trigger (TD, WAIT, RUN, AUTO, STOP).",
    kind=str,
)  # fmt: skip
QUANTITIES = (
    DISPLAY, COUPLING, PROBE, SCALE, OFFSET, BANDWIDTH, INVERT, TIME_MODE, TIME_SCALE, TIME_OFFSET,
    ACQUIRE_TYPE, AVERAGES, DEPTH, SAMPLE_RATE, TRIGGER_MODE, TRIGGER_SOURCE, TRIGGER_SLOPE,
    TRIGGER_LEVEL, TRIGGER_COUPLING, SWEEP, HOLDOFF, STATUS,
)  # fmt: skip
