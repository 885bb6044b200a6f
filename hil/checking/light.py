"""Dark level, light and local oscillator at every port, with all heaters at 0 V.

Every shot drives the inputs by the same signs, so that it does not matter which way the light takes
through a mesh that nobody has set: over all patterns a port gets its whole share of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.setup import Detection, Observation, Setup, Shot
from hil.checking.report import Report

Floats = NDArray[np.float64]
#: Patterns of a shot; their drive in V_pi, which makes half the modulators' amplitude.
PATTERNS = 64
DRIVE = 1.0 / 3.0
#: Shares of a port's full scale: largest dark offset, and rms noise of a sample.
OFFSET = 0.05
NOISE = 0.02
#: Share of the middle port's light below which a port is dark.
DARK = 0.2
#: Of the light, what must not be left when it is gated off; what must beat with the oscillator.
LEAK = 0.01
BEAT = 0.1
BEAT_ONE_QUADRATURE = 0.01
#: Correlation of the two quadratures from which on they are one and the same.
SAME = 0.98
#: Share of samples that may clip.
CLIPPED = 0.001
#: Light within so many standard errors of the noise is none.
_SIGMAS = 6.0
#: Light of an input that is driven by DRIVE, of 1 at full drive.
DRIVEN_POWER = float(np.sin(np.pi / 2.0 * DRIVE) ** 2)


@dataclass(frozen=True, eq=False)
class Dark:
    """What the ports (ports,) read without light: offset (LO off) and rms noise of a sample."""

    offset: Floats
    noise: Floats


@dataclass(frozen=True, eq=False)
class Lit:
    """One bank's answer in signal units.

    intensity : (ports,) mean without the local oscillator, dark level taken out; of balanced pairs
    the power of the beats, which is all that they see. beats : (PATTERNS,
    ports) of each quadrature there is, the part that changes sign with the drive. clipped :
    (ports,) share of samples.
    """

    intensity: Floats
    beats: tuple[Floats, ...]
    clipped: Floats


def patterns(ports: int) -> Floats:
    """Drives (PATTERNS, ports) in V_pi: the same signs on every bench."""
    return DRIVE * np.random.default_rng([ports, 0x11]).choice([-1.0, 1.0], (PATTERNS, ports))


async def check_dark(report: Report, setup: Setup) -> Dark:
    """Items of the dark level and of the signal gate; gives the dark level."""
    drive = patterns(setup.ports)
    still = np.zeros_like(drive)
    # Of a balanced pair without a gate the oscillator's own light falls out, on or off.
    without = Detection.HOMODYNE if _paired(setup) else Detection.INTENSITY
    alone, quiet, plus, minus = await setup.observe(
        [
            Shot(0, still, without, lit=False),
            Shot(0, still, Detection.HOMODYNE, lit=False),
            Shot(0, drive, Detection.HOMODYNE, lit=False),
            Shot(0, -drive, Detection.HOMODYNE, lit=False),
        ]
    )
    return judge_dark(report, setup, alone, quiet, (plus, minus))


def _paired(setup: Setup) -> bool:
    """Whether light shows by its beat alone: balanced pairs, the oscillator never off."""
    return Detection.INTENSITY not in setup.detections


def judge_dark(
    report: Report,
    setup: Setup,
    alone: Observation,
    quiet: Observation,
    driven: tuple[Observation, Observation],
) -> Dark:
    """Enter dark level and signal gate, light off; gives the dark level.

    Parameters
    ----------
    alone, quiet : without and with the local oscillator (the same where there is none).
    driven : as `quiet`, inputs driven by the patterns and by their opposite.
    """
    plus, minus = driven
    dark = Dark(alone.measured.mean(axis=0), quiet.measured.std(axis=0))
    offset = quiet.measured.mean(axis=0)
    full = setup.full_scale
    bad = np.flatnonzero((np.abs(offset) > OFFSET * full) | (dark.noise > NOISE * full))
    if not bad.size:
        report.passed(
            "dark level",
            f"{setup.ports} ports: offset at most {np.abs(offset).max():.3g}, noise "
            f"{dark.noise.max():.2g} rms a sample (limits {OFFSET * full.min():.2g} and "
            f"{NOISE * full.min():.2g} signal units)",
        )
    for port in bad.tolist():
        report.failed(
            f"dark level of port {port}",
            f"offset {offset[port]:.3g}, noise {dark.noise[port]:.2g} rms a sample (limits "
            f"{OFFSET * full[port]:.2g} and {NOISE * full[port]:.2g} signal units)",
            "shield it from room light; look at its amplifier, its supply and its ground",
        )
    odd = (plus.measured - minus.measured) / 2.0
    # Of a difference of two samples without light the noise alone is left, by half in power.
    _check_gate(report, np.maximum((odd**2).mean(axis=0) - dark.noise**2 / 2.0, 0.0))
    return dark


def _check_gate(report: Report, left: Floats) -> None:
    """Enter whether the gate closes; `left` (ports,) is the power that follows the drive."""
    limit = LEAK * DRIVEN_POWER
    told = f"closed, {left.max():.2g} of light is left (limit {limit:.2g})"
    if (left <= limit).all():
        report.passed("signal gate", told)
    else:
        report.failed(
            "signal gate",
            f"{told} at port {', '.join(map(str, np.flatnonzero(left > limit).tolist()))}",
            "see that wiring.lines.signal_gate names the line that gates the light, and its switch",
        )


async def check_light(report: Report, setup: Setup, dark: Dark) -> None:
    """Items of each bank's light and local oscillator."""
    two = Detection.QUADRATURE in setup.detections
    for bank in range(setup.n_banks):
        lit = await _observe(setup, bank, dark, two)
        seen = check_intensity(report, lit, dark, bank)
        check_range(report, lit, bank)
        if seen.any():
            if not _paired(setup):
                _check_beat(report, lit, bank, seen)
            if two:
                _check_step(report, lit, bank, seen)
        else:
            report.skipped(f"local oscillator, bank {bank}", "there is no light to beat with")
    if not two:
        report.skipped("quadrature step", "the file names no line for it (lo_quadrature)")


async def _observe(setup: Setup, bank: int, dark: Dark, two: bool) -> Lit:
    drive = patterns(setup.ports)
    paired = _paired(setup)
    shots = [] if paired else [Shot(bank, drive, Detection.INTENSITY)]
    for how in (Detection.HOMODYNE, Detection.QUADRATURE)[: 1 + two]:
        shots += [Shot(bank, drive, how), Shot(bank, -drive, how)]
    seen = await setup.observe(shots)
    pairs = seen if paired else seen[1:]
    beats = tuple(
        (plus.measured - minus.measured) / 2.0
        for plus, minus in zip(pairs[::2], pairs[1::2], strict=True)
    )
    if paired:
        light = np.sum([(part**2).mean(axis=0) for part in beats], axis=0)
    else:
        light = seen[0].measured.mean(axis=0) - dark.offset
    return Lit(
        intensity=light,
        beats=beats,
        clipped=np.concatenate([one.clipped for one in seen]).mean(axis=0),
    )


def check_intensity(report: Report, lit: Lit, dark: Dark, bank: int) -> NDArray[np.bool_]:
    """Enter which ports see light; give them, (ports,)."""
    light, middle = lit.intensity, float(np.median(lit.intensity))
    floor = _SIGMAS * float(dark.noise.max()) / np.sqrt(PATTERNS)
    limit = max(DARK * middle, floor)
    seen = light > limit
    name = f"light, bank {bank}"
    if not seen.any():
        report.failed(
            name,
            f"no port sees any: at most {light.max():.2g} signal units (limit {limit:.2g})",
            "see that the laser is on, that wiring.lines names the lines of the signal gate and of "
            "this bank, and that its fibres are in place",
        )
        return seen
    for port in np.flatnonzero(~seen).tolist():
        report.failed(
            f"light at port {port}, bank {bank}",
            f"dark: {light[port]:.2g} signal units (limit {limit:.2g}; the middle port has "
            f"{middle:.2g})",
            "look at its fibre and its detector; is `input` of its line in wiring.ports right?",
        )
    if seen.all():
        report.passed(
            name,
            f"{light.size} ports see {light.min():.2g} (port {light.argmin()}) to "
            f"{light.max():.2g} signal units (limit {limit:.2g})",
        )
    return seen


def check_range(report: Report, lit: Lit, bank: int) -> None:
    """Enter ports whose converters clip."""
    for port in np.flatnonzero(lit.clipped > CLIPPED).tolist():
        report.failed(
            f"range of port {port}, bank {bank}",
            f"{100 * lit.clipped[port]:.2g} % of samples clip (limit {100 * CLIPPED:g} %)",
            "less light or less gain of its amplifier, and its detector_range to suit",
        )


def _check_beat(report: Report, lit: Lit, bank: int, seen: NDArray[np.bool_]) -> None:
    beat = np.sum([(part**2).mean(axis=0) for part in lit.beats], axis=0)
    share = beat[seen] / lit.intensity[seen]
    limit = BEAT if len(lit.beats) > 1 else BEAT_ONE_QUADRATURE
    name = f"local oscillator, bank {bank}"
    ports = np.flatnonzero(seen)
    told = f"beats with {share.min():.2g} to {share.max():.2g} of the light (limit {limit:g})"
    if (share >= limit).all():
        report.passed(name, told)
    else:
        weak = ", ".join(map(str, ports[share < limit].tolist()))
        report.failed(
            name,
            f"{told}; too little at port {weak}",
            "see that wiring.lines.lo_gate names its line, that it reaches these detectors, and "
            "with the signal's polarisation",
        )


def _check_step(report: Report, lit: Lit, bank: int, seen: NDArray[np.bool_]) -> None:
    first, second = (part[:, seen].ravel() for part in lit.beats)
    alike = float(np.corrcoef(first, second)[0, 1])
    name = f"quadrature step, bank {bank}"
    told = f"the quadratures correlate by {alike:+.3f} (limit +-{SAME:g})"
    if abs(alike) <= SAME:
        report.passed(name, told)
    else:
        report.failed(
            name, told, "see that wiring.lines.lo_quadrature names the line that steps the LO"
        )
