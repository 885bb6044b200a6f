"""Declared settings of a 33500B/33600A.

Commands as the QCoDeS and pymeasure drivers of the family use them; limits are the widest of all
models, an instrument of a smaller one answers -222 and takes its own.
"""

from __future__ import annotations

from drivers.quantity import Quantity

MOST_EMF = 10.0
"""V behind the 50 ohm of an output: |offset| + half the amplitude is at most half of it into 50 ohm
and all of it into an open circuit."""

OUTPUT = Quantity(
    "output", "OUTP{channel}", "Control whether the output is on (ON or OFF).", kind=bool,
    safe=False,
)  # fmt: skip
BURST = Quantity(
    "burst", "SOUR{channel}:BURS:STAT", "Control whether bursts are played (ON or OFF).",
    kind=bool, safe=False,
)  # fmt: skip
FUNCTIONS = ("SIN", "SQU", "TRI", "RAMP", "PULS", "PRBS", "NOIS", "ARB", "DC")
FUNCTION = Quantity(
    "function", "SOUR{channel}:FUNC", f"Control the function ({', '.join(FUNCTIONS)}).", kind=str,
    choices=FUNCTIONS, safe="DC",
)  # fmt: skip
OFFSET = Quantity(
    "offset", "SOUR{channel}:VOLT:OFFS", "Control the offset into the load in V (-10 to 10).",
    unit="V", low=-10.0, high=10.0, safe=0.0,
)  # fmt: skip
AMPLITUDE = Quantity(
    "amplitude", "SOUR{channel}:VOLT",
    "Control the peak-to-peak amplitude into the load in V (0.001 to 20).",
    unit="V", low=0.001, high=20.0,
)  # fmt: skip
UNIT = Quantity(
    "unit", "SOUR{channel}:VOLT:UNIT", "Control the unit of the amplitude (VPP, VRMS, DBM).",
    kind=str, choices=("VPP", "VRMS", "DBM"),
)  # fmt: skip
LOAD = Quantity(
    "load", "OUTP{channel}:LOAD",
    "Control the load that the output is believed to have in ohm (1 to 10000).",
    unit="ohm", low=1.0, high=1e4,
)  # fmt: skip
POLARITY = Quantity(
    "polarity", "OUTP{channel}:POL", "Control the polarity of the output (NORM, INV).", kind=str,
    choices=("NORM", "INV"),
)  # fmt: skip
MODE = Quantity(
    "mode", "OUTP{channel}:MODE", "Control whether the trigger gates the output (NORM, GAT).",
    kind=str, choices=("NORM", "GAT"),
)  # fmt: skip
FREQUENCY = Quantity(
    "frequency", "SOUR{channel}:FREQ", "Control the frequency in Hz (1e-6 to 1.2e8).", unit="Hz",
    low=1e-6, high=1.2e8,
)  # fmt: skip
PHASE = Quantity(
    "phase", "SOUR{channel}:PHAS", "Control the phase in deg (-360 to 360).", unit="deg",
    low=-360.0, high=360.0,
)  # fmt: skip
SAMPLE_RATE = Quantity(
    "sample_rate", "SOUR{channel}:FUNC:ARB:SRAT",
    "Control the sample rate of arbitrary waveforms in Sa/s (1e-6 to 1e9).", unit="Sa/s",
    low=1e-6, high=1e9,
)  # fmt: skip
FILTER = Quantity(
    "filter", "SOUR{channel}:FUNC:ARB:FILT",
    "Control the filter of arbitrary waveforms (NORM, STEP, OFF).", kind=str,
    choices=("NORM", "STEP", "OFF"),
)  # fmt: skip
ADVANCE = Quantity(
    "advance", "SOUR{channel}:FUNC:ARB:ADV",
    "Control what advances arbitrary waveforms by a point (TRIG, SRAT).", kind=str,
    choices=("TRIG", "SRAT"),
)  # fmt: skip
BURST_MODE = Quantity(
    "burst_mode", "SOUR{channel}:BURS:MODE", "Control how bursts are started (TRIG, GAT).",
    kind=str, choices=("TRIG", "GAT"),
)  # fmt: skip
CYCLES = Quantity(
    "cycles", "SOUR{channel}:BURS:NCYC", "Control the cycles of a burst (1 to 1e8).", low=1.0,
    high=1e8,
)  # fmt: skip
TRIGGER_SOURCE = Quantity(
    "trigger_source", "TRIG{channel}:SOUR", "Control the trigger source (IMM, EXT, TIM, BUS).",
    kind=str, choices=("IMM", "EXT", "TIM", "BUS"),
)  # fmt: skip
TRIGGER_SLOPE = Quantity(
    "trigger_slope", "TRIG{channel}:SLOP", "Control the slope that triggers (POS, NEG).", kind=str,
    choices=("POS", "NEG"),
)  # fmt: skip
TRIGGER_DELAY = Quantity(
    "trigger_delay", "TRIG{channel}:DEL",
    "Control the delay after a trigger in s (0 to 1000).", unit="s", low=0.0, high=1000.0,
)  # fmt: skip
BYTE_ORDER = Quantity(
    "byte_order", "FORM:BORD", "Control the byte order of blocks (NORM, SWAP).", kind=str,
    choices=("NORM", "SWAP"),
)  # fmt: skip
SYNC = Quantity("sync", "OUTP:SYNC", "Control whether Sync is on (ON or OFF).", kind=bool)
SYNC_SOURCE = Quantity(
    "sync_source", "OUTP:SYNC:SOUR", "Control the channel that Sync follows (CH1, CH2).", kind=str,
    choices=("CH1", "CH2"),
)  # fmt: skip
VOLTAGE_LIMITED = Quantity(
    "voltage_limited", "SOUR{channel}:VOLT:LIM:STAT",
    "Control whether the voltage limits are kept (ON or OFF).", kind=bool,
)  # fmt: skip
VOLTAGE_MAX = Quantity(
    "voltage_max", "SOUR{channel}:VOLT:LIM:HIGH",
    "Control the highest voltage into the load that may be set in V (-10 to 10).", unit="V",
    low=-10.0, high=10.0,
)  # fmt: skip
VOLTAGE_MIN = Quantity(
    "voltage_min", "SOUR{channel}:VOLT:LIM:LOW",
    "Control the lowest voltage into the load that may be set in V (-10 to 10).", unit="V",
    low=-10.0, high=10.0,
)  # fmt: skip
SHAPES = ("SIN", "SQU", "RAMP", "NRAM", "TRI", "NOIS", "PRBS", "ARB")


def _mode(name: str, command: str, what: str) -> Quantity:
    return Quantity(
        name, f"SOUR{{channel}}:{command}:STAT", f"Control whether {what} (ON or OFF).", kind=bool,
        safe=False,
    )  # fmt: skip


def _rate(name: str, command: str, what: str, low: float, high: float) -> Quantity:
    return Quantity(
        name, f"SOUR{{channel}}:{command}", f"Control {what} in Hz ({low:g} to {high:g}).",
        unit="Hz", low=low, high=high,
    )  # fmt: skip


def _shape(name: str, command: str) -> Quantity:
    return Quantity(
        f"{name}_shape", f"SOUR{{channel}}:{command}:INT:FUNC",
        f"Control the shape of the modulating signal of {command} ({', '.join(SHAPES)}).",
        kind=str, choices=SHAPES,
    )  # fmt: skip


def _source(name: str, command: str) -> Quantity:
    return Quantity(
        f"{name}_source", f"SOUR{{channel}}:{command}:SOUR",
        f"Control where the modulating signal of {command} comes from (INT, EXT, CH1, CH2).",
        kind=str, choices=("INT", "EXT", "CH1", "CH2"),
    )  # fmt: skip


AM = _mode("am", "AM", "the amplitude is modulated")
AM_DEPTH = Quantity(
    "am_depth", "SOUR{channel}:AM:DEPT", "Control the depth of AM in % (0 to 120).", unit="%",
    low=0.0, high=120.0,
)  # fmt: skip
AM_FREQUENCY = _rate("am_frequency", "AM:INT:FREQ", "the modulating frequency of AM", 1e-6, 1.2e8)
FM = _mode("fm", "FM", "the frequency is modulated")
FM_DEVIATION = _rate("fm_deviation", "FM:DEV", "the deviation of FM", 1e-6, 1.2e8)
FM_FREQUENCY = _rate("fm_frequency", "FM:INT:FREQ", "the modulating frequency of FM", 1e-6, 1.2e8)
PM = _mode("pm", "PM", "the phase is modulated")
PM_DEVIATION = Quantity(
    "pm_deviation", "SOUR{channel}:PM:DEV", "Control the deviation of PM in deg (0 to 360).",
    unit="deg", low=0.0, high=360.0,
)  # fmt: skip
PM_FREQUENCY = _rate("pm_frequency", "PM:INT:FREQ", "the modulating frequency of PM", 1e-6, 1.2e8)
FSK = _mode("fsk", "FSK", "the frequency hops between two")
FSK_FREQUENCY = _rate("fsk_frequency", "FSK:FREQ", "the other frequency of FSK", 1e-6, 1.2e8)
FSK_RATE = _rate("fsk_rate", "FSK:INT:RATE", "how often FSK hops there and back", 1.25e-4, 1e6)
SWEEP = _mode("sweep", "SWE", "the frequency is swept")
SWEEP_START = _rate(
    "sweep_start", "FREQ:STAR", "the frequency at which a sweep begins", 1e-6, 1.2e8
)
SWEEP_STOP = _rate("sweep_stop", "FREQ:STOP", "the frequency at which a sweep ends", 1e-6, 1.2e8)
SWEEP_TIME = Quantity(
    "sweep_time", "SOUR{channel}:SWE:TIME",
    "Control how long a sweep takes in s (0.001 to 250000).", unit="s", low=1e-3, high=250e3,
)  # fmt: skip
SWEEP_SPACING = Quantity(
    "sweep_spacing", "SOUR{channel}:SWE:SPAC", "Control how a sweep goes (LIN, LOG).", kind=str,
    choices=("LIN", "LOG"),
)  # fmt: skip
MODES = (AM, FM, PM, FSK, SWEEP)
"""One of them, or bursts, can be on."""
MADE_SAFE = (OUTPUT, BURST, *MODES, FUNCTION, OFFSET)
"""Those with a safe value in the order in which they are made safe."""
MODULATION = (
    AM_DEPTH, AM_FREQUENCY, _shape("am", "AM"), _source("am", "AM"), FM_DEVIATION, FM_FREQUENCY,
    _shape("fm", "FM"), _source("fm", "FM"), PM_DEVIATION, PM_FREQUENCY, _shape("pm", "PM"),
    _source("pm", "PM"), FSK_FREQUENCY, FSK_RATE, SWEEP_START, SWEEP_STOP, SWEEP_TIME,
    SWEEP_SPACING,
)  # fmt: skip
QUANTITIES = (
    OUTPUT, BURST, *MODES, FUNCTION, OFFSET, AMPLITUDE, UNIT, LOAD, POLARITY, MODE, FREQUENCY,
    PHASE, SAMPLE_RATE, FILTER, ADVANCE, BURST_MODE, CYCLES, TRIGGER_SOURCE, TRIGGER_SLOPE,
    TRIGGER_DELAY, BYTE_ORDER, SYNC, SYNC_SOURCE,
    *MODULATION, VOLTAGE_MAX, VOLTAGE_MIN, VOLTAGE_LIMITED,
)  # fmt: skip
"""All of them; those with a safe value in the order in which they are made safe."""
