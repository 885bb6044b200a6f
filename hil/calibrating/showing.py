"""A calibration in lines: its steps with gates and costs, its quantities; what two differ by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import BANK_QUANTITIES, PORT_QUANTITIES, Knowledge
from calibration.record import MESH, CalibrationRecord

Floats = NDArray[np.float64]
_WORDS = {"passed": "PASS", "failed": "FAIL", "skipped": "SKIPPED"}
#: Units of quantities as the record has them.
UNITS = {
    "phase_offset": "rad",
    "slope": "rad/W",
    "curvature": "1/W",
    "splitter_a": "rad",
    "splitter_b": "rad",
    "cell_loss_db": "dB",
    "resonance_offset": "half-widths",
    "shift": "half-widths/W",
    "amplitude": "1",
    "modulator_gain": "1",
    "modulator_bias": "rad",
    "detector_gain": "1",
    "detector_offset": "signal units",
}
#: Quantities whose uncertainty is relative.
_RELATIVE = ("slope", "shift")
#: Phases count modulo a turn.
_TURNING = ("phase_offset",)


def step_lines(row: Mapping[str, Any]) -> Iterator[str]:
    """A step of a record in lines: verdict and cost, gates, faults, notes."""
    word = _WORDS.get(str(row["state"]), str(row["state"]))
    if row["state"] == "skipped":
        yield f"{word:8s}{row['name']}: {'; '.join(map(str, row['notes']))}"
        return
    yield (
        f"{word:8s}{row['name']}: {row['frames']} frames, {row['samples']} samples, "
        f"{row['writes']} heater writes, {row['bench_seconds']:.3g} s of bench time"
    )
    for gate in row["gates"]:
        sign = ">=" if gate["least"] else "<="
        value = "no finite number" if gate["value"] is None else f"{gate['value']:.4g}"
        unit = f" {gate['unit']}" if gate["unit"] else ""
        verdict = "" if gate["passed"] else "   FAILED"
        yield f"          {gate['name']}: {value} ({sign} {gate['limit']:g}{unit}){verdict}"
    for fault in row["faults"]:
        yield f"          fault: {fault}"
    for note in row["notes"]:
        yield f"          {note}"


def record_lines(record: CalibrationRecord, source: str) -> Iterator[str]:
    """A record in lines."""
    made = record.raw
    yield f"{source}: {record.kind} of bench {record.bench_name}, {record.core}"
    yield f"  ports {record.ports}, banks {len(record.banks)}, made {record.created}"
    yield f"  method {record.method}; code {made.get('code_version') or 'unknown'}"
    if record.serials:
        yield "  serials " + ", ".join(
            f"{name} {serial}" for name, serial in record.serials.items()
        )
    yield f"  gauge: {record.gauge}"
    if made.get("complete") is False:
        yield "  NOT COMPLETE: it was interrupted; go on with it by --resume"
    for row in record.steps:
        yield from (f"  {line}" for line in step_lines(row))
    yield "  quantity           bank        mean      spread   uncertainty  unit"
    for name, bank, value, sigma in _quantities(record):
        known = f"{float(np.sqrt((sigma**2).mean())):.3g}" + (" rel" if name in _RELATIVE else "")
        middle, spread = f"{value.mean():.5g}", f"{value.std():.4g}"
        yield f"  {name:18s} {bank:>4s} {middle:>11s} {spread:>11s} {known:>13s}  {UNITS[name]}"
    for k, bank in enumerate(record.banks):
        yield (
            f"  crosstalk          {k:>4d}  c1 {bank.crosstalk_c1:.4g}, d0 {bank.crosstalk_d0:.4g} "
            f"pitches, cg {bank.crosstalk_cg:.3g}"
        )
    for fault in record.beyond.faults:
        yield f"  fault: {fault.get('kind')}: {fault.get('detail')}"


def _quantities(record: CalibrationRecord) -> Iterator[tuple[str, str, Floats, Floats]]:
    """Name, bank or `all`, values and uncertainties of every quantity."""
    for name in BANK_QUANTITIES[record.core]:
        for k, bank in enumerate(record.banks):
            yield name, str(k), bank.estimates[name].value, bank.estimates[name].sigma
    for name in PORT_QUANTITIES:
        held = record.port_estimates[name]
        yield name, "all", held.value, held.sigma


def difference_lines(a: CalibrationRecord, b: CalibrationRecord) -> Iterator[str]:
    """What moved from `a` to `b`, against the uncertainties of both.

    Phases are compared at p_pi too, where one of the two says what that is: there, in the middle of
    the levels, they are known best.
    """
    yield "  quantity           bank   rms change    worst (entry)   rms change / uncertainty  unit"
    for (name, bank, old, old_sigma), (_, _, new, new_sigma) in zip(
        _quantities(a), _quantities(b), strict=True
    ):
        change = new - old
        if name in _TURNING:
            change = (change + np.pi) % (2.0 * np.pi) - np.pi
        scale = np.abs(old) if name in _RELATIVE else 1.0
        both = np.hypot(old_sigma * scale, new_sigma * scale)
        worst = int(np.abs(change).argmax())
        known = both > 0.0
        ratio = float(np.sqrt(((change[known] / both[known]) ** 2).mean())) if known.any() else 0.0
        yield (
            f"  {name:18s} {bank:>4s} {_rms(change):12.4g} {change[worst]:10.4g} ({worst:3d}) "
            f"{ratio if known.any() else float('nan'):16.2f}            {UNITS[name]}"
        )
    tables = (one.raw.get("bench", {}) for one in (a, b))
    p_pi = next((float(t["p_pi"]) for t in tables if isinstance(t.get("p_pi"), float)), None)
    if a.core == MESH and p_pi is not None:
        at = _phases(b, p_pi) - _phases(a, p_pi)
        at = (at + np.pi) % (2.0 * np.pi) - np.pi
        for k, bank in enumerate(at):
            yield (
                f"  phase at p_pi      {k:>4d} {_rms(bank):12.4g} "
                f"{bank[np.abs(bank).argmax()]:10.4g} ({int(np.abs(bank).argmax()):3d})"
                f"{'':29s}rad"
            )


def _phases(record: CalibrationRecord, level: float) -> Floats:
    """Phases (n_banks, N^2) with every heater at a level, crosstalk left out."""
    known = Knowledge.from_record(record, level)
    offset, slope, bend = (known.value[name] for name in ("phase_offset", "slope", "curvature"))
    return offset + slope * level * (1.0 + bend * level)


def _rms(values: Floats) -> float:
    return float(np.sqrt((values**2).mean()))
