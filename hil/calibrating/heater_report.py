"""What was measured of heaters: a table for a person, and the files that keep it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from calibration.heater_sweep import HeaterSweep
from hil.bench.file import BenchFile
from hil.checking.channels import WiredHeater
from hil.record.versions import versions

SCHEMA = "hil-heater-curves"
#: Verdict of a heater that is as it should be.
OK = "ok"
CURVES, READINGS = "heaters.json", "heaters.csv"

Measured = tuple[WiredHeater, HeaterSweep]


def verdict(heater: WiredHeater, found: HeaterSweep, tolerance: float) -> str:
    """`ok`, or what is wrong with a heater; `tolerance` is relative to r_nom."""
    if found.fault:
        return found.fault
    if found.curve is None:
        return f"no law: {len(found.levels)} levels only; {found.note}"
    off = found.curve.r0 / heater.wiring.r_nom - 1.0
    if abs(off) > tolerance:
        return f"out of tolerance: {100 * off:+.1f} % from r_nom {heater.wiring.r_nom:g} ohm"
    return OK


def table_lines(measured: Sequence[Measured], tolerance: float) -> Iterator[str]:
    """A line a heater: its law with standard uncertainties, and the power that a level makes."""
    yield (
        "element   chassis             R0 in ohm             k in 1/W           "
        "top level makes  verdict"
    )
    for heater, found in measured:
        name = f"{heater.bank}:{heater.element}"
        wire = heater.wiring
        where = f"{wire.chassis} {wire.module}:{wire.channel}"
        said = verdict(heater, found, tolerance)
        if found.curve is None:
            yield f"{name:9s} {where:16s} {'-':>15s} {'-':>20s} {'-':>22s}    {said}"
            continue
        law, level = found.curve, float(found.levels[-1])
        watts = float(law.power((level * wire.r_nom) ** 0.5))
        note = f" ({found.note})" if found.note else ""
        star = "" if law.bounded else " *"
        yield (
            f"{name:9s} {where:16s} {law.r0:9.3f} +- {law.r0_sigma:7.3f} "
            f"{law.per_watt:9.4f} +- {law.per_watt_sigma:7.4f}   "
            f"{1e3 * level:6.2f} -> {1e3 * watts:6.2f} mW  {said}{star}{note}"
        )
    if any(found.curve is not None and not found.curve.bounded for _, found in measured):
        yield (
            "* of readings whose accuracy the maker does not say: the uncertainty is that of "
            "repeating them"
        )


def write_files(
    folder: Path, file: BenchFile, measured: Sequence[Measured], tolerance: float, meter: str
) -> None:
    """Write laws (JSON) and readings (CSV), each whole or not at all."""
    document = {
        "schema": SCHEMA,
        "version": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "bench": {"name": file.name, "core": file.core, "ports": file.ports,
                  "n_banks": file.n_banks},
        "code_version": versions()["hil-photonics"],
        "meter": meter or None,
        "heaters": [_entry(heater, found, tolerance) for heater, found in measured],
    }  # fmt: skip
    _write(folder / CURVES, json.dumps(document, indent=1) + "\n")
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(["bank", "element", "level_w", "volts", "amperes"])
    for heater, found in measured:
        for row in zip(found.levels, found.volts, found.amps, strict=True):
            numbers = [f"{float(value):.9g}" for value in row]
            writer.writerow([heater.bank, heater.element, *numbers])
    _write(folder / READINGS, rows.getvalue())


def _entry(heater: WiredHeater, found: HeaterSweep, tolerance: float) -> dict[str, Any]:
    law = found.curve
    wire = heater.wiring
    entry: dict[str, Any] = {
        "bank": heater.bank,
        "element": heater.element,
        "chassis": wire.chassis,
        "module": wire.module,
        "channel": wire.channel,
        "r_nom": wire.r_nom,
        "verdict": verdict(heater, found, tolerance),
        "note": found.note,
        "law": None,
    }
    if law is not None and np.isfinite([law.r0_sigma, law.per_watt_sigma]).all():
        entry["law"] = {
            "r0": {"value": law.r0, "sigma": law.r0_sigma},
            "per_watt": {"value": law.per_watt, "sigma": law.per_watt_sigma},
            "scatter_volts": law.scatter,
            "points": law.points,
            "accuracy_known": law.bounded,
        }
    return entry


def _write(path: Path, text: str) -> None:
    aside = path.with_name(path.name + ".part")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
