"""Plots of a calibration of microring banks: lines of rings, weights asked for and seen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from calibration.record import CalibrationRecord
from calibration.ring_faults import ring_name
from hil.calibrating.folder import CalibrationFolder
from hil.plots.svg import Series, chart, heat_map

#: Rings shown, spread over the first bank, and dots of a chart at most.
RINGS, DOTS = 6, 400


def ring_plots(record: CalibrationRecord, folder: CalibrationFolder) -> Iterator[str]:
    """All of them, as SVG."""
    yield from _lines(record, folder)
    yield from _weights(folder)


def _lines(record: CalibrationRecord, folder: CalibrationFolder) -> Iterator[str]:
    """Some rings of bank 0: the weight seen in the coarse sweep, and the fitted line."""
    raw = folder.raw("resonances")
    parts = [raw[name] for name in sorted(raw) if name.startswith("settings-")]
    found = raw.get("found", {})
    if not parts or not {"peak", "shift", "base", "height"} <= found.keys():
        return
    p_pi = float(record.raw.get("bench", {}).get("p_pi", 0.02))
    levels = np.concatenate([part["levels"][:, 0] for part in parts])
    seen = np.concatenate([part["seen"][:, 0] for part in parts]).reshape(len(levels), -1)
    rings = levels.shape[1]
    # A stride that is no multiple of the ports: other outputs and other wavelengths each time.
    for number in range(min(RINGS, rings)):
        ring = (number * (rings // RINGS + 1)) % rings
        peak, shift, base, height = (
            found[name][0, ring] for name in ("peak", "shift", "base", "height")
        )
        fine = np.linspace(levels[:, ring].min(), levels[:, ring].max(), 200)
        line = base + height / (1.0 + (shift * (fine / p_pi - peak)) ** 2)
        yield chart(
            f"bank 0, {ring_name(record.ports, ring)}",
            f"level, mW (p_pi {1e3 * p_pi:g} mW)",
            "gain times weight, 1",
            [
                Series(1e3 * fine, line, line=True, label="fit", colour=0),
                Series(1e3 * levels[:, ring], seen[:, ring], label="measured", colour=1),
            ],
        )


def _weights(folder: CalibrationFolder) -> Iterator[str]:
    """Of the fresh weights of `verify`: asked for and seen, and where the errors are."""
    found = folder.raw("verify").get("found", {})
    if not {"asked", "seen", "counted"} <= found.keys():
        return
    asked, counted = found["asked"], found["counted"].astype(bool)
    errors = np.where(counted, found["seen"] - asked, np.nan)
    for bank in range(asked.shape[1]):
        at, off = asked[:, bank][counted[:, bank]], errors[:, bank][counted[:, bank]]
        some = slice(None, None, -(-len(at) // DOTS) or 1)
        yield chart(
            f"bank {bank}: errors of fresh weights",
            "weight asked for, 1",
            "weight seen less asked for, 1",
            [Series(at[some], off[some])],
        )
    for bank in range(asked.shape[1]):
        squares = np.where(counted[:, bank], errors[:, bank] ** 2, 0.0).sum(axis=0)
        count = counted[:, bank].sum(axis=0)
        rms = np.sqrt(np.where(count > 0, squares / np.maximum(count, 1), np.nan))
        yield heat_map(
            f"bank {bank}: errors of each ring, rms", "input, wavelength", "output", rms, "weight"
        )
