"""Reading a calibration record: from JSON to types, every fault told at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.record import (
    MESH,
    MICRORING,
    MOST_BANKS,
    MOST_PORTS,
    SCHEMA,
    VERSION,
    BankRecord,
    Beyond,
    CalibrationRecord,
    RecordError,
)
from calibration.record_values import Values

Floats = NDArray[np.float64]

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


def parse_record(document: Mapping[str, Any], *, source: str) -> CalibrationRecord:
    """Check a decoded record and return it typed.

    Raises
    ------
    RecordError
        Naming `source` and every fault with its path.
    """
    values = Values()
    if document.get("schema") != SCHEMA:
        raise RecordError(
            f"{source}: schema is {document.get('schema')!r}, not {SCHEMA!r}: "
            "is this a calibration record?"
        )
    if document.get("version") != VERSION:
        raise RecordError(
            f"{source}: record version {document.get('version')!r}; this program reads {VERSION}"
        )
    bench = values.table(document, "bench", "")
    ports = values.size(bench.get("ports"), 2, MOST_PORTS, "bench.ports")
    n_banks = values.size(bench.get("n_banks"), 1, MOST_BANKS, "bench.n_banks")
    core = bench.get("core", MESH)
    if not isinstance(core, str) or core not in _BANK_ARRAYS:
        told = " or ".join(map(repr, _BANK_ARRAYS))
        values.faults.append(f"bench.core: {str(core)[:20]!r}; must be {told}")
    # Without them no shape below can be judged.
    values.refuse(source)
    tables = document.get("banks")
    if not isinstance(tables, list) or len(tables) != n_banks:
        values.faults.append(f"banks: {n_banks} tables are needed, one a bank")
        tables = []
    banks = tuple(
        _bank(values, table if isinstance(table, dict) else {}, core, ports, f"banks.{k}")
        for k, table in enumerate(tables)
    )
    port_table = values.table(document, "ports", "")
    port_estimates = {
        name: values.estimate(port_table, name, ports, "ports") for name in _PORT_ARRAYS
    }
    machine = values.table(document, "machine", "")
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
            None if saturation is None else values.positive(saturation, "machine.saturation")
        ),
        memory=values.number(machine.get("memory", 0.0), "machine.memory"),
        leak=values.floats(leak, (n_banks * n_banks, 2), "machine.leak"),
        lo_phase=values.number(machine.get("lo_phase", 0.0), "machine.lo_phase"),
        raw=document,
        core=core,
        beyond=_beyond(values, document, machine, ports, n_banks),
        serials=values.texts(document.get("serials", {}), "serials"),
        steps=values.tables(document.get("steps", []), "steps"),
        bench_time=values.number(document.get("bench_time", 0.0), "bench_time"),
    )
    values.refuse(source)
    return record


def _bank(
    values: Values, document: Mapping[str, Any], core: str, ports: int, path: str
) -> BankRecord:
    sizes = {"elements": ports * ports, "cells": ports * (ports - 1) // 2}
    estimates = {
        name: values.estimate(document, name, sizes[size], path)
        for name, size in _BANK_ARRAYS[core].items()
    }
    spacing = None
    if core == MICRORING:
        spacing = values.positive(document.get("spacing"), f"{path}.spacing")
    crosstalk = values.table(document, "crosstalk", path)
    c1, cg = (
        values.number(crosstalk.get(name, 0.0), f"{path}.crosstalk.{name}") for name in ("c1", "cg")
    )
    d0 = values.positive(crosstalk.get("d0", 1.0), f"{path}.crosstalk.d0")
    return BankRecord(estimates, c1, d0, cg, spacing)


def _beyond(
    values: Values,
    document: Mapping[str, Any],
    machine: Mapping[str, Any],
    ports: int,
    n_banks: int,
) -> Beyond:
    rise = machine.get("rise_time")
    share = values.number(machine.get("tail_share", 0.0), "machine.tail_share")
    tau = values.positive(machine.get("tail_tau", 0.3), "machine.tail_tau")

    def floats(name: str, size: int) -> Floats | None:
        given = machine.get(name)
        return None if given is None else values.floats(given, (size,), f"machine.{name}")

    return Beyond(
        quadrature_error=values.number(
            machine.get("quadrature_error", 0.0), "machine.quadrature_error"
        ),
        tail=(share, tau),
        rise_time=None if rise is None else values.number(rise, "machine.rise_time"),
        noise=floats("noise", ports),
        bank_delay=floats("bank_delay", n_banks),
        faults=values.tables(document.get("faults", []), "faults"),
    )
