"""The optical power budget as tables to read."""

from __future__ import annotations

from collections.abc import Callable

from hil.bench.detector_noise import Reading
from hil.bench.file import BenchFile
from hil.bench.optics import Optics, dbm
from hil.bench.power_budget import PowerBudget
from hil.bench.tables import Table, si

_TITLE = "Optical power budget"


def power_tables(bench: BenchFile, budget: PowerBudget) -> list[Table]:
    """Give the light's way, the readings it makes, and what follows for the detectors."""
    return [_stages(budget), _readings(budget), _detectors(bench, budget)]


def _stages(budget: PowerBudget) -> Table:
    # The local oscillator's way begins at the same laser.
    rows = tuple(
        (one.name, f"{one.loss_db:.2f} dB", f"{dbm(one.power):.2f} dBm, {si(one.power, 'W', 4)}")
        for one in (*budget.signal, *budget.lo[1:])
    )
    return Table(_TITLE, ("stage", "loss", "after it (a port's, from the fan-out on)"), rows)


def _readings(budget: PowerBudget) -> Table:
    readings = (budget.homodyne, budget.intensity)
    said: dict[str, Callable[[Reading], str]] = {
        "full scale": lambda one: si(one.full_scale, "A", 4),
        "shot noise": lambda one: si(one.noise.shot, "A rms", 3),
        "amplifier's and thermal noise": lambda one: si(one.noise.thermal, "A rms", 3),
        "laser's intensity noise": lambda one: si(one.noise.rin, "A rms", 3),
        "noise in all": _noise,
        "SNR": lambda one: f"{one.snr_db:.1f} dB, {one.bits:.1f} bits",
        "SNR of a sample's mean, white": lambda one: f"{one.sample_snr_db:.1f} dB",
    }
    rows = tuple((name, *map(say, readings)) for name, say in said.items())
    band = si(budget.homodyne.bandwidth, "Hz", 4)
    title = f"{_TITLE}: a reading at one signal unit, in {band}"
    return Table(title, ("", "homodyne", "intensity (LO off)"), rows)


def _noise(reading: Reading) -> str:
    total = si(reading.noise.total, "A rms", 3)
    if not reading.full_scale:
        return total
    return f"{total}, {100 * reading.noise.total / reading.full_scale:.2g} % of full scale"


def _detectors(bench: BenchFile, budget: PowerBudget) -> Table:
    optics = bench.optics
    ports = bench.ports_in_order
    full = min((bench.full_scale_of(one) for one in ports), default=0.0)
    clip = min(one.detector_range * bench.full_scale_of(one) for one in ports)
    volts = all(facts.unit == "V" for one in ports for facts in bench.readouts_of(one))
    boxes = all(one.box is not None for one in ports)
    where, what = ("box", "boxes") if boxes else ("input", "inputs")
    rows = [
        (
            "detectors are linear",
            f"up to {budget.linear_range:.3g} signal units; {what} clip at {clip:g}",
        ),
        ("modulator at its darkest", f"{budget.null_field:.3g} signal units"),
        (
            "signal's own light",
            f"{100 * budget.self_share:.2g} % of full scale in a homodyne reading",
        ),
    ]
    if volts:
        rows.append(_gain(budget, optics.transimpedance, clip, full, where))
    if left := optics.at_defaults:
        say = "all" if len(left) == len(Optics().at_defaults) else str(len(left))
        rows.append(("still at defaults", f"{say} numbers of [optics]: put in your bench's own"))
    return Table(f"{_TITLE}: what follows", (), tuple(rows))


def _gain(
    budget: PowerBudget, gain: float | None, clip: float, most: float, where: str
) -> tuple[str, str]:
    """`clip`: signal units at which an input of `most` V clips; `where`: what has that input."""
    full_scale = budget.homodyne.full_scale
    if gain is not None and full_scale:
        volts = gain * full_scale
        return (
            "one signal unit",
            f"{si(volts, 'V', 3)} at the {where}, so detector_range {1.0 / volts:.3g} "
            f"(the file: {clip / most:g})",
        )
    needed = most / (clip * full_scale) if full_scale else float("inf")
    return "gain for this detector_range", f"{si(needed, 'V/A', 3)} from photocurrent to {where}"
