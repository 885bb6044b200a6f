"""The instruments a bench file may name, and what the wiring may ask of them.

Only what is needed to check a wiring document before any instrument answers; the drivers know the
rest, and what outputs heaters may hang on (`OutputLayout`). Sources: Qontrol BP8 manual (eight
channels a module, eight modules a backplane: what a new file is written with); Swabian Pulse
Streamer 8/2 data sheet (eight digital lines, 1 ns); Red Pitaya STEMlab 125-14 documentation (two
outputs and inputs of +-1 V at 125 MS/s, 16384 points a buffer).
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from drivers.registry import RegistryError, entries, load
from drivers.roles import OutputLayout

CHASSIS = "qontrol_q8"
PATTERN = "pulse_streamer"
BOX = "red_pitaya"

CHANNELS_PER_MODULE = 8  # as a file counts: channel = 8 * module + channel of the module
MODULES_PER_CHASSIS = 8
CHANNELS_PER_CHASSIS = CHANNELS_PER_MODULE * MODULES_PER_CHASSIS

PATTERN_LINES = 8
SELECT_LINES = (3, 4, 5, 6, 7)

BOX_OUTPUTS = 2
BOX_BASE_RATE = 125.0e6  # points a second
BOX_MAX_DECIMATION = 65536
BOX_MAX_POINTS = 16384
BOX_FULL_SCALE_VOLTS = 1.0


@dataclass(frozen=True)
class SourceFacts:
    """What a wiring may ask of an instrument that plays.

    outputs; full_scale : V of either sign; samples : most of one load.
    """

    outputs: int
    full_scale: float
    samples: int


@dataclass(frozen=True)
class ReadoutFacts:
    """What a wiring may ask of an instrument that reads.

    inputs; shortest : s, least duration of a point; points : most of one record; unit : of what it
    reads; clocked : whether points are counted in ticks of its own clock (`timing.decimation`) and
    not told in seconds (`timing.point`).
    """

    inputs: int
    shortest: float
    points: int
    unit: str
    clocked: bool


#: Instruments that drive modulators, and those that read detectors. The generator: a 33600A at its
#: driver's usual 2 Vpp, standard memory; the meter: an N7745A of eight ports (an N7744A has four).
SOURCES: dict[str, SourceFacts] = {
    "red_pitaya": SourceFacts(BOX_OUTPUTS, BOX_FULL_SCALE_VOLTS, BOX_MAX_POINTS),
    "keysight_33600a": SourceFacts(2, 1.0, 4_000_000),
}
READOUTS: dict[str, ReadoutFacts] = {
    "red_pitaya": ReadoutFacts(BOX_OUTPUTS, 1.0 / BOX_BASE_RATE, BOX_MAX_POINTS, "V", True),
    "keysight_n7744a": ReadoutFacts(8, 1e-6, 1_000_000, "W", False),
}
#: What the drivers of heaters, lasers and thermal stages must be able to do: roles, by name.
HEATER_ROLE, LASER_ROLE, STAGE_ROLE = "VoltageOutputs", "TunableSource", "ThermalStage"
#: And those of taps' meters, and of fibre switches.
TAP_ROLE, FIBRE_SWITCH_ROLE, MATRIX_ROLE = "PowerMonitor", "OpticalSwitch", "OpticalMatrix"


def drivers_of(role: str) -> tuple[str, ...]:
    """Names of all registered drivers that fill a role, those of other packages too."""
    return tuple(entry.name for entry in entries() if fills(entry.name, role))


@cache
def fills(driver: str, role: str) -> bool:
    """Whether a driver fills a role; False for one that there is not."""
    try:
        return role in load(driver).roles
    except RegistryError:
        return False


@cache
def outputs_of(driver: str) -> OutputLayout | None:
    """The outputs that heaters may hang on; None for a driver that has none, or is none."""
    if not fills(driver, HEATER_ROLE):
        return None
    layout = getattr(load(driver), "layout", None)
    return layout if isinstance(layout, OutputLayout) else None


def registered(driver: str) -> str:
    """The name of a driver that there is.

    Raises `ValueError` naming those that there are.
    """
    known = [entry.name for entry in entries()]
    if driver not in known:
        near = get_close_matches(driver, known, n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"no driver {driver!r}; {meant}there are {', '.join(known)}")
    return driver


MAX_DRIVE = 1.5  # |u| in units of V_pi that full scale of a box's output must reach
MAX_ONE_HOT = len(SELECT_LINES)
MAX_BINARY = 2 ** len(SELECT_LINES)
