"""The text of a starting bench file, for an operator to edit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hil.bench.catalogue import MAX_BINARY, MAX_ONE_HOT, PATTERN, SELECT_LINES
from hil.bench.core_text import bank_headings, text_of
from hil.bench.cores import MESH, Core, places
from hil.bench.kits import KITS, USUAL
from hil.bench.kits.kit import Kit
from hil.bench.layout import element_count

CHIP_POWER = 12.0  # W a chip of up to 16 ports; a larger one is given as much a heater
LARGEST_AT_CHIP_POWER = 16
LO_LINE = 2  # gates the local oscillator, or where nothing gates it turns its phase


@dataclass(frozen=True)
class Start:
    """What a starting bench file is written from.

    Raises
    ------
    ValueError
        If `ports` is not in 2..64, the five select lines cannot tell the banks apart, or there are
        no such instruments for that core.
    """

    ports: int
    n_banks: int
    name: str
    description: str = ""
    severity: str = "std"
    seed: int = 1
    core: Core = MESH
    instruments: str = USUAL

    def __post_init__(self) -> None:
        """Refuse what cannot be wired."""
        if not 2 <= self.ports <= 64:
            raise ValueError(f"ports: {self.ports} is not in 2..64")
        if not 1 <= self.n_banks <= MAX_BINARY:
            raise ValueError(
                f"n_banks: {self.n_banks} is not in 1..{MAX_BINARY}: the {len(SELECT_LINES)} "
                f"select lines fit {MAX_ONE_HOT} banks one-hot and {MAX_BINARY} in binary coding"
            )

        if self.instruments not in KITS:
            raise ValueError(
                f"instruments: no set {self.instruments!r}; there are {', '.join(KITS)}"
            )
        if self.core != MESH and self.instruments != USUAL:
            raise ValueError(
                f"instruments: {self.instruments!r} is written for {MESH} alone; write the file "
                f"with {USUAL!r} and put yours in place of them"
            )

    @property
    def kit(self) -> Kit:
        """What is said of its instruments."""
        return KITS[self.instruments]

    @property
    def chassis_per_bank(self) -> int:
        """Heater chassis that a bank needs; the last may be partly used."""
        return -(-element_count(self.ports) // self.kit.chassis.channels)

    @property
    def power_max(self) -> float:
        """Heater power a chip, W."""
        scale = max(1.0, (self.ports / LARGEST_AT_CHIP_POWER) ** 2)
        return round(CHIP_POWER * scale, 3)


def starting_text(start: Start) -> str:
    """Write a complete bench file: every element, port and line wired in the plainest order."""
    return "\n".join(
        [
            *_head(start),
            *_instruments(start),
            *_wiring(start),
            _optics(start.kit),
            *_plant(start),
        ]
    )


def _text(value: str) -> str:
    # A JSON string is a TOML basic string but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _head(start: Start) -> Iterator[str]:
    banks = "one bank" if start.n_banks == 1 else f"{start.n_banks} banks"
    text = text_of(start.core)
    description = (
        start.description or f"{start.ports}-port {text.called}, {banks}{start.kit.described}"
    )
    yield f"""\
# The wiring document of one bench: edit it until it says what is really joined to what, then look
# at it with `python -m hil.bench show FILE`, which also checks it. All numbers are in SI units.
schema = 1
name = {_text(start.name)}
description = {_text(description)}
{text.core}
ports = {start.ports}
n_banks = {start.n_banks}
feedback = "controller"     # between slots the controller measures, computes and sends again
{text.detection}

[timing]
{start.kit.timing}settle = 100e-6             # s from the last heater write to the first frame

[chip]                      # what every bank's chip bears
power_max = {start.power_max}            # W of heater power in all
{text.p_pi}
idle_voltage = 1.0          # V, the least bias on a heater while the chip is warm
ramp_time = 0.5             # s to bring all heaters from rest to operating power, or back
ramp_steps = 10             # in equal steps of power
warm_up = 2.0               # s after a large change of levels until slow thermal tails are gone

[calibration]               # how long what a calibration has found holds
max_age_hours = 24.0        # h, of every step that `ages` does not name
# ages: h by step, of {text.steps}
ages = {{}}                   # such as {{ dark = 1.0, phases = 8.0 }}
"""


def _instruments(start: Start) -> Iterator[str]:
    chassis = start.kit.chassis
    yield f"""\
# ---- Instruments -------------------------------------------------------------------------------
# resource   where it is reached, as a VISA resource string
# backend    "sim" or "real"; without it the command's --backend decides
# identity   what must answer there, checked on opening; leave out what you do not know
# link       seconds an exchange and bytes a second: for planning, and for the simulated link
# options    of the driver

{chassis.heading}"""
    total = start.n_banks * start.chassis_per_bank
    for number in range(total):
        bank = number // start.chassis_per_bank
        yield f"[[instrument]]                          # bank {bank}\n{chassis.text(number)}"
    yield f"""\
# Pattern generator: fires every frame, gates the light, selects the bank. The resource is a host.
[[instrument]]
name = "pattern"
driver = "{PATTERN}"
resource = "TCPIP::pulsestreamer::INSTR"
identity = {{ model = "Pulse Streamer 8/2", serial = "00:26:32:f0:00:01" }}
link = {{ latency = 0.0008, bytes_per_second = 1.0e7 }}

{start.kit.instruments(start.ports)}"""


def _wiring(start: Start) -> Iterator[str]:
    kit = start.kit
    yield f"""\
# ---- Wiring ------------------------------------------------------------------------------------
[wiring]
# One line a heater, in any order.
{text_of(start.core).places}
#   chassis, module, channel   what drives it
#   r_nom        ohms: a level p in watts is written as V = sqrt(p * r_nom)
#   v_max, i_max, p_max   volts, amperes, watts it bears; the tightest of the three holds
elements = ["""
    for bank in range(start.n_banks):
        yield from _bank(start, bank)
    yield f"""\
]

# One line a port: the modulator before it and the {kit.receiver} behind it.
{kit.port_keys}#   polarity         1 or -1: sign of the modulator's drive
#   v_pi             modulator volts for a phase of pi
#   drive_gain       modulator volts per instrument volt: +-1 V must reach +-1.5 v_pi
#   detector_range   signal units at {kit.unit} (1 signal unit: {text_of(start.core).signal})
ports = ["""
    for port in range(start.ports):
        yield (
            f"  {{ port = {port}, {kit.port(port, start.ports)}, polarity = 1, v_pi = 3.0, "
            f"drive_gain = 4.5, detector_range = {kit.detector_range} }},"
        )
    yield "]\n"
    one_hot = start.n_banks <= MAX_ONE_HOT
    count = start.n_banks if one_hot else (start.n_banks - 1).bit_length()
    free = SELECT_LINES[count:]
    light = _light_lines(start, free)
    yield f"""\
# Lines of the pattern generator, 0 to 7, each used once.
[wiring.lines]
trigger = 0                 # {kit.trigger}
signal_gate = 1             # gates the signal light
{light}bank_select = {list(SELECT_LINES[:count])}
coding = "{"one-hot" if one_hot else "binary"}"          \
# "one-hot": a line a bank; "binary": the bank's index, first line = least significant bit
"""


def _light_lines(start: Start, free: Sequence[int]) -> str:
    """The lines of the local oscillator; `free`: select lines that no bank needs."""
    gate = text_of(start.core).lo_gate if start.kit.lo_gate else ""
    if start.core != MESH:
        return gate
    if not start.kit.lo_gate:
        late = "high: the local oscillator's phase a quarter wave later"
        return f"lo_quadrature = {LO_LINE}           # {late}\n"
    if not free:
        return f"{gate}# lo_quadrature: no line is left for it, so phases cannot be told fully\n"
    return f"{gate}lo_quadrature = {free[0]}           # high: its phase a quarter wave later\n"


def _bank(start: Start, bank: int) -> Iterator[str]:
    first = bank * start.chassis_per_bank
    held = start.kit.chassis
    bounds = text_of(start.core).bounds.replace("i_max = 0.012", f"i_max = {held.i_max}")
    for index, place in enumerate(places(start.core, start.ports)):
        yield from bank_headings(start.core, start.ports, bank, place)
        chassis, rest = divmod(index, held.channels)
        yield (
            f"  {{ bank = {bank}, column = {place.column}, row = {place.row}, "
            f'kind = "{place.kind}", chassis = "heaters-{first + chassis}", '
            f"{held.place(rest)}, r_nom = 800.0, {bounds} }},"
        )


def _optics(kit: Kit) -> str:
    power, read, band = kit.laser_power_dbm, kit.input_name, kit.bandwidth
    return f"""\
# ---- Optics -------------------------------------------------------------------------------------
# For the power budget of `python -m hil.bench show` alone: neither control nor training nor the
# simulation reads it. These are defaults, typical of fibre-coupled silicon at 1550 nm: replace each
# by what your bench has. Losses are in dB, and a port's are the same for every port.
[optics]
laser_power_dbm = {power}              # dBm at the laser's output, or behind its amplifier
wavelength = 1.55e-6                # m, in vacuum
signal_share = 0.5                  # of that power; the local oscillator has the rest
fanout_loss_db = 1.0                # of each splitter to N ports, beyond 10 log10 N
modulator_loss_db = 4.0             # at its brightest
modulator_extinction_db = 25.0      # its brightest over its darkest
facet_loss_db = 2.0                 # each time that light enters or leaves the chip
cell_loss_db = 0.15                 # a cell of the mesh
# cells_per_path = 7                # without it N - 1, the mean over the paths of a mesh
switch_loss_db = 3.0                # of the bank switch in all; if light is split to K banks and
                                    # joined again passively, 20 log10 K is in it too
other_loss_db = 1.0                 # connectors, fibres, coupler, from laser to detector
lo_loss_db = 6.0                    # local oscillator beyond its fan-out: gate, phase shifter, pads
# lo_power_dbm = -9.0               # dBm of it measured at each detector; replaces lo_loss_db
responsivity = 0.9                  # A/W of a photodiode
common_mode_rejection_db = 25.0     # of a balanced pair, in photocurrent. 0: a single photodiode;
                                    # then put the coupler's loss into other_loss_db and lo_loss_db
full_scale_current = 2.0e-3         # A up to which detector and amplifier are linear
# transimpedance = 3600.0           # V at the {read} a photoampere: shown beside detector_range
bandwidth = {band}                  # Hz of noise: 1.57 times the 3 dB bandwidth of a single pole
dark_current = 10.0e-9              # A
noise_current_density = 10.0e-12    # A/sqrt(Hz) of the amplifier at its input, thermal noise in it
rin_db_per_hz = -150.0              # dB/Hz, the laser's relative intensity noise
"""


def _plant(start: Start) -> Iterator[str]:
    yield f"""\
# ---- The simulated bench ------------------------------------------------------------------------
# Read by the simulation only: nothing here is known to control or training. Every number of the
# simulated plant can be set here by its own name.
[plant]
seed = {start.seed}                    # another seed is another chip of the same make
severity = "{start.severity}"            # or "harsh"
switch_off = []             # names of imperfections to switch off; ["all"] is an ideal bench
{text_of(start.core).drift}
drift_tau = 25.0            # s of bench time
{start.kit.simulated}"""
