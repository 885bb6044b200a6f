"""The instruments a bench file may name, and what the wiring may ask of them.

Only what is needed to check a wiring document before any instrument answers; the drivers know the
rest. Sources: Qontrol BP8 manual and the vendor's Python API 1.1.20 (eight channels a module, up
to eight modules a backplane, 12 V full scale, current by model); Swabian Pulse Streamer 8/2 data
sheet (eight digital lines, 1 ns); Red Pitaya STEMlab 125-14 documentation (two outputs and inputs
of +-1 V at 125 MS/s, 16384 points a buffer).
"""

from __future__ import annotations

from typing import Literal

Driver = Literal["qontrol_q8", "pulse_streamer", "red_pitaya"]

CHASSIS: Driver = "qontrol_q8"
PATTERN: Driver = "pulse_streamer"
BOX: Driver = "red_pitaya"

CHANNELS_PER_MODULE = 8
MODULES_PER_CHASSIS = 8
CHANNELS_PER_CHASSIS = CHANNELS_PER_MODULE * MODULES_PER_CHASSIS
CHASSIS_FULL_SCALE_VOLTS = 12.0
CHASSIS_FULL_SCALE_AMPS = {"Q8iv": 24.0e-3, "Q8b": 83.333333e-3, "Q8a": 0.1, "Q8bi": 0.1}

PATTERN_LINES = 8
SELECT_LINES = (3, 4, 5, 6, 7)

BOX_OUTPUTS = 2
BOX_BASE_RATE = 125.0e6  # points a second
BOX_MAX_DECIMATION = 65536
BOX_MAX_POINTS = 16384
BOX_FULL_SCALE_VOLTS = 1.0

MAX_DRIVE = 1.5  # |u| in units of V_pi that full scale of a box's output must reach
MAX_ONE_HOT = len(SELECT_LINES)
MAX_BINARY = 2 ** len(SELECT_LINES)
