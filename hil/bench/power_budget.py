"""The optical power budget: how much light reaches a detector, and how much noise is in a reading.

Computed from a bench file alone, in SI units. Full scale is one signal unit: the whole input of
one port, transmitted to one detector. Losses in dB add up; a rectangular mesh of N ports has
N (N - 1) / 2 cells of two ports each, so that a path crosses N - 1 of them on the average (Clements
et al., Optica 3, 1460 (2016)). Drift, and the noise of the boxes' converters, are not in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from scipy.constants import c, e, h

from hil.bench.detector_noise import Reading, detector_noise
from hil.bench.file import BenchFile
from hil.bench.optics import Optics, dbm, decibels, watts

LEAST_SNR_DB = 20.0  # noise of a tenth of full scale: training starts to lose by it


@dataclass(frozen=True)
class Stage:
    """What the light meets: the loss there in dB, and the power in W that is left to a port."""

    name: str
    loss_db: float
    power: float


@dataclass(frozen=True)
class PowerBudget:
    """What a bench file lets expect of its light.

    Attributes
    ----------
    signal, lo
        The light's way from the laser to a detector, and that of the local oscillator.
    homodyne, intensity
        Readings with the local oscillator on and off.
    null_field
        Share of a signal unit that a modulator at its darkest still lets through.
    self_share
        Share of full scale by which the signal's own R |E|^2 shows in a homodyne reading.
    linear_range
        Signal units up to which a homodyne reading does not saturate the detector.
    warnings
        What would spoil readings, and what to change, a line each.
    """

    signal: tuple[Stage, ...]
    lo: tuple[Stage, ...]
    homodyne: Reading
    intensity: Reading
    null_field: float
    self_share: float
    linear_range: float
    warnings: tuple[str, ...] = ()

    @property
    def signal_power(self) -> float:
        """W at a detector, at one signal unit."""
        return self.signal[-1].power

    @property
    def lo_power(self) -> float:
        """W of local oscillator at a detector."""
        return self.lo[-1].power


def power_budget(file: BenchFile) -> PowerBudget:
    """Compute the power budget of a bench file."""
    optics = file.optics
    signal, lo = _signal(optics, file.ports), _lo(optics, file.ports)
    p_signal, p_lo = signal[-1].power, lo[-1].power
    direct, steady = optics.responsivity * p_signal, optics.responsivity * (p_signal + p_lo)
    beat = 2 * optics.responsivity * math.sqrt(p_signal * p_lo)
    seen = beat + optics.rejection * steady
    band = sample_bandwidth(file)
    homodyne = Reading(beat, seen, detector_noise(optics, steady, seen), optics.bandwidth, band)
    intensity = Reading(
        direct, direct, detector_noise(optics, direct, direct), optics.bandwidth, band
    )
    return PowerBudget(
        signal,
        lo,
        homodyne,
        intensity,
        null_field=10 ** (-optics.modulator_extinction_db / 20),
        self_share=optics.rejection * direct / beat if beat else 0.0,
        linear_range=_linear_range(optics, p_signal, p_lo),
        warnings=tuple(_warnings(file, homodyne, intensity)),
    )


def sample_bandwidth(file: BenchFile) -> float:
    """Give the noise bandwidth, Hz, of the mean over a sample's settled points.

    1 / (2 T) of a mean over T; of n points that are each the value of a moment, B / n at best.
    """
    band, points = file.optics.bandwidth, file.settled_points
    mean = 1 / (2 * points * file.point_duration)
    return min(band, mean if file.timing.average else max(mean, band / points))


def _linear_range(optics: Optics, p_signal: float, p_lo: float) -> float:
    # Of y signal units: y beat + rejection R (y^2 P_sig + P_LO) = full_scale_current.
    square = optics.rejection * optics.responsivity * p_signal
    beat = 2 * optics.responsivity * math.sqrt(p_signal * p_lo)
    room = optics.full_scale_current - optics.rejection * optics.responsivity * p_lo
    if room <= 0:
        return 0.0
    # The form of the root that keeps its digits where `square` is small.
    below = beat + math.sqrt(beat**2 + 4 * square * room)
    return 2 * room / below if below else math.inf


def _path(laser: float, losses: list[tuple[str, float]]) -> tuple[Stage, ...]:
    stages, lost = [Stage("laser", 0.0, laser)], 0.0
    for name, loss in losses:
        lost += loss
        stages.append(Stage(name, loss, laser * 10 ** (-lost / 10)))
    return tuple(stages)


def _signal(optics: Optics, ports: int) -> tuple[Stage, ...]:
    cells = ports - 1 if optics.cells_per_path is None else optics.cells_per_path
    return _path(
        optics.laser_power,
        [
            (f"signal's share, {optics.signal_share:.4g}", -decibels(optics.signal_share)),
            (f"fan-out to {ports} ports", decibels(ports) + optics.fanout_loss_db),
            ("modulator", optics.modulator_loss_db),
            ("facet, in", optics.facet_loss_db),
            (f"mesh, {cells} cells", cells * optics.cell_loss_db),
            ("facet, out", optics.facet_loss_db),
            ("bank switch", optics.switch_loss_db),
            ("connectors, to the detector", optics.other_loss_db),
        ],
    )


def _lo(optics: Optics, ports: int) -> tuple[Stage, ...]:
    branch = _path(
        optics.laser_power,
        [
            (f"LO's share, {1 - optics.signal_share:.4g}", -decibels(1 - optics.signal_share)),
            (f"LO fan-out to {ports} ports", decibels(ports) + optics.fanout_loss_db),
        ],
    )
    if optics.lo_power_dbm is None:
        left = branch[-1].power * 10 ** (-optics.lo_loss_db / 10)
        return (*branch, Stage("LO branch, to the detector", optics.lo_loss_db, left))
    loss = dbm(branch[-1].power) - optics.lo_power_dbm
    return (*branch, Stage("LO at the detector, as stated", loss, watts(optics.lo_power_dbm)))


_QUIETER = {
    "shot": "more signal light (less loss, more optics.laser_power_dbm) or less optics.bandwidth",
    "thermal": "more light, a quieter amplifier or less optics.bandwidth",
    "rin": "a quieter laser, a better balanced pair or less optics.bandwidth",
}
_CALLED = {"shot": "shot noise", "thermal": "the amplifier's noise", "rin": "the laser's noise"}


def _warnings(file: BenchFile, homodyne: Reading, intensity: Reading) -> Iterator[str]:
    optics = file.optics
    highest = optics.wavelength * e / (h * c)
    if optics.responsivity > highest:
        yield (
            f"optics.responsivity: {optics.responsivity:.5g} A/W is above {highest:.5g} A/W, an "
            "electron a photon; mend it or optics.wavelength (a diode with gain has other noise)"
        )
    branch = _lo(optics, file.ports)
    if branch[-1].loss_db < 0:
        yield (
            f"optics.lo_power_dbm: {optics.lo_power_dbm:.4g} dBm at each detector is more than "
            f"the {dbm(branch[-2].power):.4g} dBm that the laser gives; "
            "lower optics.signal_share, or raise optics.laser_power_dbm"
        )
    which, most = max(
        ("homodyne", homodyne.peak), ("intensity", intensity.peak), key=lambda one: one[1]
    )
    if most > optics.full_scale_current:
        keys = "optics.laser_power_dbm"
        keys += " and optics.lo_power_dbm" if optics.lo_power_dbm is not None else ""
        yield (
            f"optics.full_scale_current: {optics.full_scale_current:.4g} A is below the "
            f"{most:.4g} A of one signal unit ({which}), so detectors saturate: take "
            f"{_up(decibels(most / optics.full_scale_current))} dB from {keys}"
        )
    if homodyne.snr_db < LEAST_SNR_DB:
        noise = homodyne.noise
        yield (
            f"optics: SNR of a homodyne reading is {homodyne.snr_db:.1f} dB, below "
            f"{LEAST_SNR_DB:g} dB (a sample's mean: {homodyne.sample_snr_db:.1f} dB); "
            f"{_CALLED[noise.largest]} is the most of it: {_QUIETER[noise.largest]}"
        )


def _up(loss: float) -> str:
    # Rounded up: what the message says must be enough.
    return f"{math.ceil(loss * 10 - 1e-9) / 10:.1f}"
