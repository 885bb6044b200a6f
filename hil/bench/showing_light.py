"""What a bench file says of the light, as a table to read; nothing where it says nothing."""

from __future__ import annotations

from hil.bench.beside_tables import Tap
from hil.bench.file import BenchFile
from hil.bench.tables import Table, si
from hil.bench.tapping import decibels, expected


def light_tables(bench: BenchFile) -> list[Table]:
    """Laser, its way to the chip, its taps, the thermal stage, and what else is done by hand; no
    table without any.
    """
    rows: list[tuple[str, str]] = []
    if light := bench.light:
        hand = ", by hand" if light.kind == "manual" else ""
        told = f"{light.power_dbm:g} dBm at {1e9 * light.wavelength:g} nm{hand}"
        rows.append((f"laser {light.laser}", told))
    for route in bench.routes:
        hand = ", by hand" if route.kind == "manual" else ""
        rows.append((f"switch {route.switch}", f"{route.told}{hand}"))
    rows += [(f"tap {tap.label}", _tap(bench, tap)) for tap in bench.taps]
    if stage := bench.stage:
        hand = ", by hand" if stage.kind == "manual" else ""
        rows.append((f"thermal stage {stage.controller}", f"{stage.setpoint_celsius:g} C{hand}"))
    rows += [(f"by hand {one.name}", one.do) for one in bench.by_hand]
    return [Table("Light and temperature", (), tuple(rows))] if rows else []


def _tap(bench: BenchFile, tap: Tap) -> str:
    if tap.port is not None or bench.light is None:
        return f"{tap.share:g} of the light of port {tap.port}"
    due = expected(tap, bench.light)
    return f"{tap.share:g} of the laser's light: {decibels(due)}, {si(due, 'W', 3)}"
