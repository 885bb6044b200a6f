"""All methods on one plant, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hil.learn.results import Result

#: (label, method, twin mode), in the order of the table.
COMPARED: tuple[tuple[str, str, str], ...] = (
    ("ideal", "ideal", "fixed"),
    ("pat online", "pat", "online"),
    ("pat fixed", "pat", "fixed"),
    ("pat-final", "pat-final", "fixed"),
    ("in-silico", "in-silico", "fixed"),
    ("in-silico-refit", "in-silico-refit", "fixed"),
    ("frozen", "frozen", "online"),
)


def comparison_table(results: Mapping[str, Result]) -> tuple[str, dict[str, Any]]:
    """The table as text and as data, logistic regression on the same inputs beside the methods."""
    lines = [
        f"{'method':18s} {'accuracy':>8s} {'held-out':>8s} {'residual':>8s} "
        f"{'passes':>9s} {'bench s':>8s} {'wall s':>7s}"
    ]
    data: dict[str, Any] = {}
    for label, result in results.items():
        residual = result.summary["twin_residual"]
        passes = sum(result.ledger["device_passes"].values())
        lines.append(
            f"{label:18s} {result.accuracy:8.4f} {result.held_out_accuracy:8.4f} "
            f"{'-' if residual is None else format(residual, '.4f'):>8s} {passes:9d} "
            f"{result.ledger['bench_seconds']:8.1f} {result.wall_seconds:7.1f}"
        )
        data[label] = {
            "accuracy": result.accuracy,
            "held_out_accuracy": result.held_out_accuracy,
            "folder": str(result.folder),
        }
    for name, value in next(iter(results.values())).baselines.items():
        lines.append(f"{name:18s} {value:8.4f}")
        data[name] = {"accuracy": value}
    lines.append("held-out of ideal and in-silico is their twin's; every other number the bench's")
    return "\n".join(lines), data
