"""The calibration record: what is known of a bench, with its uncertainty.

One JSON schema, described in docs/calibration-record.md. The as-built file is written in it,
calibration writes it, the twin reads only it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCHEMA = "hil-calibration-record"
VERSION = 1
#: Kinds of banks.
MESH, MICRORING = "mzi-mesh", "microring"
#: Largest bench that a record may be of.
MOST_PORTS, MOST_BANKS = 64, 32

Floats = NDArray[np.float64]


class RecordError(ValueError):
    """A calibration record that is missing, unreadable, malformed or of another bench."""


@dataclass(frozen=True)
class Estimate:
    """A value and the standard uncertainty of its entries, in the unit of its name."""

    value: Floats
    sigma: Floats


@dataclass(frozen=True)
class BankRecord:
    """What is known of one bank. Arrays are in element order or cell order.

    spacing : half-widths from one laser to the next; of a microring bank only.
    """

    estimates: Mapping[str, Estimate]
    crosstalk_c1: float
    crosstalk_d0: float
    crosstalk_cg: float
    spacing: float | None = None

    def array(self, name: str) -> Floats:
        """The values of one quantity: phase_offset, slope, curvature, splitter_a, …"""
        return self.estimates[name].value


@dataclass(frozen=True)
class Beyond:
    """What a calibration finds beyond what the twin's law needs.

    quadrature_error : rad. tail : share and time constant (s) of the heaters' slow thermal tail.
    rise_time : s, or None. noise : (N,) rms of a sample, signal units, or None. bank_delay :
    (n_banks,) s, or None. faults : what was found broken.
    """

    quadrature_error: float = 0.0
    tail: tuple[float, float] = (0.0, 0.3)
    rise_time: float | None = None
    noise: Floats | None = None
    bank_delay: Floats | None = None
    faults: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class CalibrationRecord:
    """A whole record. See docs/calibration-record.md for names, units, shapes and gauge.

    steps : plain data of each step, in the order in which they ran; none of an as-built file.
    bench_time : s, at which the last step ended.
    """

    kind: str
    method: str
    created: str
    gauge: str
    bench_name: str
    ports: int
    banks: tuple[BankRecord, ...]
    port_estimates: Mapping[str, Estimate]
    saturation: float | None
    memory: float
    leak: Floats
    lo_phase: float
    raw: Mapping[str, Any]
    core: str = MESH
    beyond: Beyond = Beyond()
    serials: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Mapping[str, Any], ...] = ()
    bench_time: float = 0.0

    def port_array(self, name: str) -> Floats:
        """The values of one quantity of the ports: modulator_gain, detector_offset, …"""
        return self.port_estimates[name].value


_BANK_ARRAYS = {
    MESH: {
        "phase_offset": "elements",
        "slope": "elements",
        "curvature": "elements",
        "splitter_a": "cells",
        "splitter_b": "cells",
        "cell_loss_db": "cells",
    },
    MICRORING: {
        "resonance_offset": "elements",
        "shift": "elements",
        "curvature": "elements",
        "amplitude": "elements",
    },
}
_PORT_ARRAYS = ("modulator_gain", "modulator_bias", "detector_gain", "detector_offset")


class _Reader:
    """Collects every fault of a document, each with its path, so that all are told at once."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def number(self, value: Any, path: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.faults.append(f"{path}: a number is needed, not {type(value).__name__}")
            return 0.0
        try:
            number = float(value)
        except OverflowError:
            number = np.inf
        if not np.isfinite(number):
            self.faults.append(f"{path}: {number} is not finite")
            return 0.0
        return number

    def positive(self, value: Any, path: str) -> float:
        """A number above zero."""
        before = len(self.faults)
        number = self.number(value, path)
        if number <= 0.0 and len(self.faults) == before:
            self.faults.append(f"{path}: {number:g} is not above zero")
        return number

    def size(self, value: Any, least: int, most: int, path: str) -> int:
        """A whole number in least..most; the least where it is none."""
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        told = repr(value) if isinstance(value, int | float) else type(value).__name__
        self.faults.append(f"{path}: a whole number in {least}..{most} is needed, not {told[:20]}")
        return least

    def refuse(self, source: str) -> None:
        """Raise what was found so far, if anything."""
        if self.faults:
            lines = "; ".join(fault.lstrip(".") for fault in self.faults)
            raise RecordError(f"{source}: {lines}")

    def table(self, parent: Mapping[str, Any], name: str, path: str) -> Mapping[str, Any]:
        value = parent.get(name)
        if not isinstance(value, dict):
            self.faults.append(f"{path}.{name}: missing or not a table")
            return {}
        return value

    def floats(self, value: Any, shape: tuple[int, ...], path: str) -> Floats:
        try:
            given = np.asarray(value)
        except ValueError:
            given = np.asarray(None)
        # Text, and whole numbers too large for a float, make arrays of other kinds.
        if given.dtype.kind not in "iuf":
            self.faults.append(f"{path}: not an array of numbers")
            return np.zeros(shape)
        array = given.astype(np.float64)
        if array.shape != shape:
            self.faults.append(f"{path}: shape {array.shape} where {shape} is needed")
            return np.zeros(shape)
        if not np.isfinite(array).all():
            self.faults.append(f"{path}: holds NaN or infinity")
        return array

    def estimate(self, parent: Mapping[str, Any], name: str, size: int, path: str) -> Estimate:
        entry = self.table(parent, name, path)
        if not entry:
            return Estimate(np.zeros(size), np.zeros(size))
        here = f"{path}.{name}"
        value = self.floats(entry.get("value"), (size,), f"{here}.value")
        given = entry.get("sigma", 0.0)
        if isinstance(given, list):
            sigma = self.floats(given, (size,), f"{here}.sigma")
        else:
            sigma = np.full(size, self.number(given, f"{here}.sigma"))
        if (sigma < 0.0).any():
            self.faults.append(f"{here}.sigma: an uncertainty below zero")
        return Estimate(value, sigma)


def _bank(
    reader: _Reader, document: Mapping[str, Any], core: str, ports: int, path: str
) -> BankRecord:
    sizes = {"elements": ports * ports, "cells": ports * (ports - 1) // 2}
    estimates = {
        name: reader.estimate(document, name, sizes[size], path)
        for name, size in _BANK_ARRAYS[core].items()
    }
    spacing = None
    if core == MICRORING:
        spacing = reader.positive(document.get("spacing"), f"{path}.spacing")
    crosstalk = reader.table(document, "crosstalk", path)
    c1, cg = (
        reader.number(crosstalk.get(name, 0.0), f"{path}.crosstalk.{name}") for name in ("c1", "cg")
    )
    d0 = reader.positive(crosstalk.get("d0", 1.0), f"{path}.crosstalk.d0")
    return BankRecord(estimates, c1, d0, cg, spacing)


def parse_record(document: Mapping[str, Any], *, source: str) -> CalibrationRecord:
    """Check a decoded record and return it typed.

    Raises
    ------
    RecordError
        Naming `source` and every fault with its path.
    """
    reader = _Reader()
    if document.get("schema") != SCHEMA:
        raise RecordError(
            f"{source}: schema is {document.get('schema')!r}, not {SCHEMA!r}: "
            "is this a calibration record?"
        )
    if document.get("version") != VERSION:
        raise RecordError(
            f"{source}: record version {document.get('version')!r}; this program reads {VERSION}"
        )
    bench = reader.table(document, "bench", "")
    ports = reader.size(bench.get("ports"), 2, MOST_PORTS, "bench.ports")
    n_banks = reader.size(bench.get("n_banks"), 1, MOST_BANKS, "bench.n_banks")
    core = bench.get("core", MESH)
    if not isinstance(core, str) or core not in _BANK_ARRAYS:
        told = " or ".join(map(repr, _BANK_ARRAYS))
        reader.faults.append(f"bench.core: {str(core)[:20]!r}; must be {told}")
    # Without them no shape below can be judged.
    reader.refuse(source)
    tables = document.get("banks")
    if not isinstance(tables, list) or len(tables) != n_banks:
        reader.faults.append(f"banks: {n_banks} tables are needed, one a bank")
        tables = []
    banks = tuple(
        _bank(reader, table if isinstance(table, dict) else {}, core, ports, f"banks.{k}")
        for k, table in enumerate(tables)
    )
    port_table = reader.table(document, "ports", "")
    port_estimates = {
        name: reader.estimate(port_table, name, ports, "ports") for name in _PORT_ARRAYS
    }
    machine = reader.table(document, "machine", "")
    saturation = machine.get("saturation")
    leak = machine.get("leak", np.zeros((n_banks * n_banks, 2)).tolist())
    record = CalibrationRecord(
        kind=str(document.get("kind", "")),
        method=str(document.get("method", "")),
        created=str(document.get("created", "")),
        gauge=str(document.get("gauge", "")),
        bench_name=str(bench.get("name", "")),
        ports=ports,
        banks=banks,
        port_estimates=port_estimates,
        saturation=(
            None if saturation is None else reader.positive(saturation, "machine.saturation")
        ),
        memory=reader.number(machine.get("memory", 0.0), "machine.memory"),
        leak=reader.floats(leak, (n_banks * n_banks, 2), "machine.leak"),
        lo_phase=reader.number(machine.get("lo_phase", 0.0), "machine.lo_phase"),
        raw=document,
        core=core,
        beyond=_beyond(reader, document, machine, ports, n_banks),
        serials=_serials(reader, document.get("serials", {})),
        steps=_tables(reader, document.get("steps", []), "steps"),
        bench_time=reader.number(document.get("bench_time", 0.0), "bench_time"),
    )
    reader.refuse(source)
    return record


def _beyond(
    reader: _Reader,
    document: Mapping[str, Any],
    machine: Mapping[str, Any],
    ports: int,
    n_banks: int,
) -> Beyond:
    rise = machine.get("rise_time")
    share = reader.number(machine.get("tail_share", 0.0), "machine.tail_share")
    tau = reader.positive(machine.get("tail_tau", 0.3), "machine.tail_tau")

    def floats(name: str, size: int) -> Floats | None:
        given = machine.get(name)
        return None if given is None else reader.floats(given, (size,), f"machine.{name}")

    return Beyond(
        quadrature_error=reader.number(
            machine.get("quadrature_error", 0.0), "machine.quadrature_error"
        ),
        tail=(share, tau),
        rise_time=None if rise is None else reader.number(rise, "machine.rise_time"),
        noise=floats("noise", ports),
        bank_delay=floats("bank_delay", n_banks),
        faults=_tables(reader, document.get("faults", []), "faults"),
    )


def _tables(reader: _Reader, given: Any, path: str) -> tuple[Mapping[str, Any], ...]:
    """A list of tables."""
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        reader.faults.append(f"{path}: a list of tables is needed")
        return ()
    return tuple(given)


def _serials(reader: _Reader, given: Any) -> Mapping[str, str]:
    if not isinstance(given, dict) or not all(isinstance(one, str) for one in given.values()):
        reader.faults.append("serials: a table of strings is needed")
        return {}
    return given


def read_record(path: Path) -> CalibrationRecord:
    """Read a record from a JSON file.

    Raises
    ------
    RecordError
        When the file is missing, is no JSON, or is malformed.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecordError(
            f"{path}: no such calibration record; calibrate the bench, or name another file"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"{path}: not a readable calibration record ({error})") from error
    if not isinstance(document, dict):
        raise RecordError(f"{path}: not a calibration record (no table at the top)")
    return parse_record(document, source=str(path))


def check_fits(
    record: CalibrationRecord,
    *,
    ports: int,
    n_banks: int,
    names: Sequence[str],
    source: str,
    core: str = MESH,
) -> None:
    """Refuse a record of another bench.

    Raises
    ------
    RecordError
        When core or sizes differ, or the record's bench is none of `names`.
    """
    if record.core != core:
        raise RecordError(f"{source}: made for a {record.core!r}; this bench is a {core!r}")
    if record.ports != ports or len(record.banks) != n_banks:
        raise RecordError(
            f"{source}: made for {record.ports} ports and {len(record.banks)} banks; "
            f"this bench has {ports} and {n_banks}"
        )
    if record.bench_name not in names:
        raise RecordError(
            f"{source}: made for the bench {record.bench_name!r}, not for {names[0]!r}"
        )
