"""The instruments a bench file may name, and what the wiring may ask of them.

Only what is needed to check a wiring document before any instrument answers; the drivers know the
rest, and what outputs heaters may hang on (`OutputLayout`). Sources: Qontrol BP8 manual (eight
channels a module, eight modules a backplane: what a new file is written with); Swabian Pulse
Streamer 8/2 data sheet (eight digital lines, 1 ns); Red Pitaya STEMlab 125-14 documentation (125
MS/s). What plays and reads at ports states its own numbers, in its driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from drivers.instrument import Instrument
from drivers.registry import RegistryError, entries, load
from drivers.roles import DelayFacts, OutputLayout, PlayFacts, ReadFacts

CHASSIS = "qontrol_q8"
PATTERN = "pulse_streamer"
BOX = "red_pitaya"

CHANNELS_PER_MODULE = 8  # as a file counts: channel = 8 * module + channel of the module
MODULES_PER_CHASSIS = 8
CHANNELS_PER_CHASSIS = CHANNELS_PER_MODULE * MODULES_PER_CHASSIS

PATTERN_LINES = 8
SELECT_LINES = (3, 4, 5, 6, 7)

BOX_OUTPUTS = 2
BOX_BASE_RATE = 125.0e6  # points a second: what `timing.decimation` counts from
BOX_MAX_DECIMATION = 65536

#: Roles, by name, of what plays at ports and what reads there; of what plays the lines.
SOURCE_ROLE, READOUT_ROLE, PATTERN_ROLE = "InputSource", "Readout", "SwitchSequencer"
#: What the drivers of heaters, lasers and thermal stages must be able to do: roles, by name.
HEATER_ROLE, LASER_ROLE, STAGE_ROLE = "VoltageOutputs", "TunableSource", "ThermalStage"
#: And those of taps' meters, and of fibre switches.
TAP_ROLE, FIBRE_SWITCH_ROLE, MATRIX_ROLE = "PowerMonitor", "OpticalSwitch", "OpticalMatrix"
#: And of what delays triggers.
DELAY_ROLE = "DelayGenerator"


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
def links_of(driver: str) -> tuple[tuple[str, ...], int | None]:
    """Kinds of links that a driver has, and the TCP port of its own; none where there is none."""
    try:
        known = load(driver)
    except RegistryError:
        return (), None
    return known.links, getattr(known, "default_port", None)


@cache
def outputs_of(driver: str) -> OutputLayout | None:
    """The outputs that heaters may hang on; None for a driver that has none, or is none."""
    if not fills(driver, HEATER_ROLE):
        return None
    layout = getattr(load(driver), "layout", None)
    return layout if isinstance(layout, OutputLayout) else None


def plays(driver: str, options: Mapping[str, Any]) -> PlayFacts | None:
    """What a driver states of what it plays, with these options; None where it does not play.

    Options that are wrong in themselves are left to its constructor, which says what is wrong.
    """
    known = _of_role(driver, SOURCE_ROLE)
    if known is None:
        return None
    try:
        found = known.plays_with(options)
    except (TypeError, ValueError):
        found = known.plays
    return found if found.outputs else None


def reads(driver: str, options: Mapping[str, Any]) -> ReadFacts | None:
    """What a driver states of what it reads, with these options; otherwise as `plays`."""
    known = _of_role(driver, READOUT_ROLE)
    if known is None:
        return None
    try:
        found = known.reads_with(options)
    except (TypeError, ValueError):
        found = known.reads
    return found if found.inputs else None


def delays(driver: str, options: Mapping[str, Any]) -> DelayFacts | None:
    """What a driver states of how it delays triggers; None where it does not. Otherwise as `plays`.

    Of a driver that says it fills the role and states nothing, nothing is known.
    """
    known = _of_role(driver, DELAY_ROLE)
    with_options = getattr(known, "delays_with", None)
    try:
        found = None if with_options is None else with_options(options)
    except (TypeError, ValueError):
        found = getattr(known, "delay_facts", None)
    return found if isinstance(found, DelayFacts) else None


def whole_inputs(driver: str) -> tuple[int, ...]:
    """Inputs that a driver's model has, whatever the options."""
    known = _of_role(driver, READOUT_ROLE)
    return () if known is None else known.reads.inputs


@cache
def _of_role(driver: str, role: str) -> type[Instrument] | None:
    return load(driver) if fills(driver, role) else None


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
