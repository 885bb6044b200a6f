"""What a person is told of a run: where it starts from, and how it ended."""

from __future__ import annotations

from typing import Any

from calibration.record import CalibrationRecord
from hil.calibrating.validity import failed_steps
from hil.learn.results import Result


def record_line(record: CalibrationRecord, source: str) -> str:
    """Which record a run starts from, and what is doubtful about it."""
    doubts = [f"step {name} FAILED its gate" for name in failed_steps(record)]
    if record.raw.get("complete") is False:
        doubts.append("the calibration did not come to its end")
    return f"starting from {source}" + "".join(f"; {doubt}" for doubt in doubts)


def _watched(found: dict[str, Any] | None) -> list[str]:
    """What drift watch and gate found, where there was anything."""
    if found is None:
        return []
    counted = [f"alarms {found['alarms']}"]
    counted += [f"{name} {number}" for name, number in found["actions"].items()]
    counted += [f"gate {name} {number}" for name, number in found["gate"].items()]
    return [f"{'drift watch':15s} " + ", ".join(counted)]


def summary(result: Result) -> str:
    """The end of a run, for a person."""
    s, ledger = result.summary, result.ledger
    lines = [
        "",
        f"accuracy        {result.accuracy:.4f}  on {s['test_items']} test items, measured on the "
        f"{s['measured_on']} with the last weights",
        f"held-out        {result.held_out_accuracy:.4f}",
        *(f"{name:15s} {value:.4f}" for name, value in result.baselines.items()),
        f"bench time      {ledger['bench_seconds']:.1f} s, wall {result.wall_seconds:.1f} s",
        "  by category   "
        + ", ".join(f"{name} {value:.1f} s" for name, value in ledger["seconds"].items()),
        "  device passes "
        + ", ".join(f"{name} {value}" for name, value in ledger["device_passes"].items()),
        "  counts        "
        + ", ".join(f"{name} {value}" for name, value in ledger["counts"].items()),
        *_watched(s["drift_watch"]),
        f"run folder      {result.folder}",
    ]
    return "\n".join(lines)
