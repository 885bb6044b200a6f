"""What the plant is told of a bench: its part of the bench document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim_backends.plant.faults import HardwareFaults, read_faults
from sim_backends.plant.layout import element_index, ring_index
from sim_backends.plant.numbers import (
    IMPERFECTIONS,
    SEVERITIES,
    PlantNumbers,
    number_faults,
)
from sim_backends.plant.signals import Floats

#: Kinds of banks, as the bench file calls them.
MESH, MICRORING = "mzi-mesh", "microring"
#: s, one sample of the boxes at their base rate of 125 MS/s.
RAW_SAMPLE = 8e-9
#: m, of a bench whose [light] does not say.
USUAL_WAVELENGTH = 1.55e-6


class PlantSpecError(ValueError):
    """A bench document that the plant cannot be built from; names every fault by its path."""


@dataclass(frozen=True)
class LineRoles:
    """Which pattern line does what, and how the select lines code a bank.

    lo_gate : None where detection needs no local oscillator. lo_quadrature : high, the local
    oscillator is a quarter wave later; None where no line does so.
    """

    signal_gate: int
    lo_gate: int | None
    lo_quadrature: int | None
    bank_select: tuple[int, ...]
    one_hot: bool


@dataclass(frozen=True)
class PlantSpec:
    """A bench as the plant sees it.

    Attributes
    ----------
    p_pi : W; of a microring bank the unit of power, which shifts a ring by `ring_shift`.
    r_nom : (n_banks, N^2) ohm, in element order.
    polarity, v_pi, drive_gain, detector_range : (N,); see the bench file.
    metered : (ports,) bool, whether what reads a port has no converter to speak of: no box does.
    wavelength : m, the laser's, at which the chips were surveyed.
    point : s, duration of a read point; `points` of them are left of a sample after the guard.
    switched_off : names of the imperfections taken away; their numbers are already neutral.
    faults : what is broken or wired wrongly.
    serials : serial number by instrument name, where the document states one.
    """

    name: str
    core: str
    ports: int
    n_banks: int
    seed: int
    p_pi: float
    r_nom: Floats
    polarity: Floats
    v_pi: Floats
    drive_gain: Floats
    detector_range: Floats
    lines: LineRoles
    wavelength: float
    point: float
    points: int
    average: bool
    metered: NDArray[np.bool_]
    severity: str
    switched_off: frozenset[str]
    numbers: PlantNumbers
    faults: HardwareFaults
    serials: Mapping[str, str]

    @property
    def elements(self) -> int:
        """Heaters of a bank, N^2."""
        return self.ports**2

    @property
    def cells(self) -> int:
        """Mach-Zehnder cells of a bank."""
        return self.ports * (self.ports - 1) // 2

    def has(self, imperfection: str) -> bool:
        """Whether an imperfection is on.

        Raises
        ------
        KeyError
            When no imperfection has that name.
        """
        if imperfection not in IMPERFECTIONS:
            raise KeyError(
                f"no imperfection {imperfection!r}; there are {', '.join(IMPERFECTIONS)}"
            )
        return imperfection not in self.switched_off

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PlantSpec:
        """Read the decoded TOML of a bench file.

        Raises
        ------
        PlantSpecError
            Naming every fault with its path.
        """
        faults: list[str] = []
        try:
            spec = _read(document, faults)
        except KeyError as error:
            faults.append(f"{error.args[0]}: missing; the plant needs it")
        except (TypeError, AttributeError) as error:
            faults.append(f"a table or list of the wrong type ({error})")
        else:
            if not faults:
                return spec
        raise PlantSpecError("; ".join(faults))


def _read(document: Mapping[str, Any], faults: list[str]) -> PlantSpec:
    ports, n_banks = int(document["ports"]), int(document["n_banks"])
    timing, wiring, plant = document["timing"], document["wiring"], document.get("plant", {})
    core = document.get("core")
    if core not in (MESH, MICRORING):
        faults.append(f"core: {core!r} is not simulated; use {MESH!r} or {MICRORING!r}")
    if not 2 <= ports <= 64:
        faults.append(f"ports: {ports} is not from 2 to 64")
    if n_banks < 1:
        faults.append(f"n_banks: {n_banks} is less than 1")
    severity = plant.get("severity", "std")
    if severity not in SEVERITIES:
        faults.append(f"plant.severity: {severity!r} is none of {', '.join(SEVERITIES)}")
    off = _switched_off(plant.get("switch_off", []), faults)
    point = _point(timing)
    points = int((timing["dwell"] - timing["guard"]) / point + 1e-6)
    if points < 1:
        faults.append("timing: no point is left of a sample after the guard; lower it")
    seed = plant.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        faults.append(f"plant.seed: a whole number >= 0 is needed, not {seed!r}")
    sound = not faults
    return PlantSpec(
        name=str(document.get("name", "")),
        core=str(core),
        ports=ports,
        n_banks=n_banks,
        seed=seed,
        p_pi=float(document["chip"]["p_pi"]),
        r_nom=(
            _resistances(wiring["elements"], ports, n_banks, str(core), faults)
            if sound
            else np.zeros(0)
        ),
        **(_port_columns(wiring["ports"], ports, faults) if sound else _no_columns()),
        lines=_line_roles(wiring["lines"], n_banks, core == MESH, faults),
        wavelength=_wavelength(document.get("light", {}), faults),
        point=point,
        points=points,
        average=bool(timing.get("average", True)),
        metered=_metered(document, ports) if sound else np.zeros(0, bool),
        severity=severity,
        switched_off=off,
        numbers=_numbers(plant, severity, off, faults),
        faults=read_faults(plant.get("fault", []), ports, n_banks, core == MESH, faults),
        serials={
            str(entry["name"]): str(entry.get("identity", {}).get("serial", ""))
            for entry in document.get("instrument", [])
        },
    )


def _metered(document: Mapping[str, Any], ports: int) -> NDArray[np.bool_]:
    drivers = {one.get("name"): one.get("driver") for one in document.get("instrument", [])}
    metered = np.zeros(ports, bool)
    for wire in document["wiring"]["ports"]:
        reader = wire.get("readout")
        metered[wire["port"]] = reader is not None and drivers.get(reader) != "red_pitaya"
    return metered


def _point(timing: Mapping[str, Any]) -> float:
    """S of a read point: told as such, or as a decimation of the boxes' rate."""
    if "point" in timing:
        return float(timing["point"])
    return int(timing["decimation"]) * RAW_SAMPLE


def _wavelength(light: Mapping[str, Any], faults: list[str]) -> float:
    """M of the laser, by the bench file's [light]."""
    wavelength = float(light.get("wavelength", USUAL_WAVELENGTH))
    if not 0.1e-6 < wavelength < 20e-6:
        faults.append(f"light.wavelength: {wavelength} m is no wavelength of light")
    return wavelength


def _switched_off(names: Any, faults: list[str]) -> frozenset[str]:
    if not isinstance(names, list | tuple):
        faults.append("plant.switch_off: a list of names is needed")
        return frozenset()
    if "all" in names:
        return frozenset(IMPERFECTIONS)
    faults += [
        f"plant.switch_off: no imperfection {name!r}; there are all, {', '.join(IMPERFECTIONS)}"
        for name in names
        if name not in IMPERFECTIONS
    ]
    return frozenset(name for name in names if name in IMPERFECTIONS)


def _numbers(
    plant: Mapping[str, Any], severity: str, off: frozenset[str], faults: list[str]
) -> PlantNumbers:
    known = {field.name for field in fields(PlantNumbers)}
    chosen: dict[str, Any] = dict(SEVERITIES.get(severity, {}))
    for name, value in plant.items():
        if name in ("seed", "severity", "switch_off", "fault"):
            continue
        if name not in known:
            faults.append(f"plant.{name}: no such number; there are {', '.join(sorted(known))}")
            continue
        fault = number_faults(name, value)
        if fault is None:
            chosen[name] = value
        else:
            faults.append(f"plant.{name}: {fault}")
    for imperfection in off:
        chosen.update(IMPERFECTIONS[imperfection])
    return replace(PlantNumbers(), **chosen)


def _resistances(
    wires: Sequence[Mapping[str, Any]], ports: int, n_banks: int, core: str, faults: list[str]
) -> Floats:
    index = element_index(ports) if core == MESH else ring_index(ports)
    r_nom = np.full((n_banks, ports * ports), np.nan)
    for number, wire in enumerate(wires):
        bank, place = wire["bank"], (wire["column"], wire["row"], wire["kind"])
        if place not in index or not 0 <= bank < n_banks:
            faults.append(
                f"wiring.elements.{number}: a {core} of {ports} ports and {n_banks} banks has no "
                f"element bank {bank}, column {place[0]}, row {place[1]}, {place[2]}"
            )
            continue
        r_nom[bank, index[place]] = wire["r_nom"]
    missing = int(np.isnan(r_nom).sum())
    if missing:
        faults.append(
            f"wiring.elements: {missing} of {r_nom.size} elements are not wired (N^2 a bank)"
        )
    elif not (r_nom > 0).all():
        faults.append("wiring.elements: an r_nom is not above zero")
    return r_nom


_PORT_COLUMNS = ("polarity", "v_pi", "drive_gain", "detector_range")


def _no_columns() -> dict[str, Floats]:
    return {name: np.zeros(0) for name in _PORT_COLUMNS}


def _port_columns(
    wires: Sequence[Mapping[str, Any]], ports: int, faults: list[str]
) -> dict[str, Floats]:
    by_port = {wire["port"]: wire for wire in wires}
    if sorted(by_port) != list(range(ports)) or len(wires) != ports:
        faults.append(f"wiring.ports: each port from 0 to {ports - 1} is needed once")
        return _no_columns()
    return {
        name: np.array([float(by_port[port][name]) for port in range(ports)])
        for name in _PORT_COLUMNS
    }


def _line_roles(
    lines: Mapping[str, Any], n_banks: int, homodyne: bool, faults: list[str]
) -> LineRoles:
    one_hot = lines["coding"] == "one-hot"
    select = tuple(int(line) for line in lines["bank_select"])
    room = len(select) if one_hot else 2 ** len(select)
    if room < n_banks:
        faults.append(
            f"wiring.lines.bank_select: {len(select)} lines, {lines['coding']}, tell {room} banks "
            f"apart; the bench has {n_banks}"
        )
    gate = lines.get("lo_gate") if homodyne else None
    lo_gate = None if gate is None else int(gate)
    stepped = lines.get("lo_quadrature") if homodyne else None
    quadrature = None if stepped is None else int(stepped)
    return LineRoles(int(lines["signal_gate"]), lo_gate, quadrature, select, one_hot)
