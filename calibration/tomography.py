"""Seeing whole matrices: every input pattern through every bank, in one frame a setting.

N orthogonal patterns of signs drive all ports at once, so that each entry of a matrix is a mean
over N samples; a frame holds them for both quadratures of the local oscillator and, where asked,
with the oscillator off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import hadamard

from calibration.knowledge import Knowledge
from calibration.model import Tomogram
from calibration.setup import Detection, Observation, Setup, Shot
from calibration.step import Array

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: Modulated amplitude of a pattern: large against noise, small against the detectors' saturation.
AMPLITUDE = 0.6
#: Read noise of a sample, signal units, where none was measured.
USUAL_NOISE = 0.01


class NotPossibleError(ValueError):
    """A procedure that this bench has not the means for; says which are missing."""


def sign_patterns(ports: int) -> Floats:
    """Signs (patterns, ports): orthogonal where the number of ports allows it.

    A Hadamard matrix for powers of two; else random signs, the best conditioned of many draws.
    """
    if ports & (ports - 1) == 0:
        return hadamard(ports).astype(np.float64)
    rng = np.random.default_rng([ports, 0x516])
    draws = [rng.choice([-1.0, 1.0], (ports, ports)) for _ in range(200)]
    return min(draws, key=lambda signs: float(np.linalg.cond(signs)))


def amplitudes(knowledge: Knowledge, sent: Floats) -> Floats:
    """Modulated field amplitudes (..., N) of what was sent (..., N), V_pi."""
    value = knowledge.value
    return np.sin(0.5 * np.pi * value["modulator_gain"] * sent + value["modulator_bias"])


def drives(knowledge: Knowledge, wanted: Floats) -> Floats:
    """Drives (..., N) in V_pi for wanted amplitudes (..., N), none beyond what a sine can make."""
    value = knowledge.value
    turned = np.arcsin(np.clip(wanted, -1.0, 1.0)) - value["modulator_bias"]
    return turned / (0.5 * np.pi * value["modulator_gain"])


def linear(knowledge: Knowledge, measured: Floats) -> Floats:
    """Signals (..., N) times detector gain, with offset and saturation taken out."""
    value = knowledge.value
    signal = measured - value["detector_offset"]
    limit = knowledge.saturation
    if limit is None:
        return signal
    scaled = signal / (value["detector_gain"] * limit)
    return value["detector_gain"] * limit * np.arctanh(np.clip(scaled, -0.995, 0.995))


@dataclass(frozen=True)
class View:
    """What one look shows.

    seen : (n_banks, N, N) complex, as `Tomogram.seen`. intensity : (n_banks, patterns, N) real, of
    each pattern with the local oscillator off; empty where not asked for. clipped : (N,) share of
    a port's samples at its converter's end. time : bench s.
    """

    seen: Complexes
    intensity: Floats
    clipped: Floats
    time: float


class Tomograph:
    """Looks at all banks of a bench at once.

    repeats : times that each pattern is sent in a frame. intensity : whether the patterns are sent
    with the local oscillator off as well.

    Raises
    ------
    NotPossibleError
        When the bench cannot detect both quadratures.
    """

    def __init__(
        self, setup: Setup, knowledge: Knowledge, *, repeats: int = 1, intensity: bool = False
    ) -> None:
        missing = {Detection.HOMODYNE, Detection.QUADRATURE} - setup.detections
        if missing:
            raise NotPossibleError(
                f"bench {setup.name} cannot detect {', '.join(sorted(missing))}: phases need both "
                "quadratures; give wiring.lines.lo_quadrature a line that steps the LO by pi/2"
            )
        self._setup = setup
        self._knowledge = knowledge
        self._intensity = intensity and Detection.INTENSITY in setup.detections
        signs = np.tile(sign_patterns(setup.ports), (repeats, 1))
        self._values = np.clip(drives(knowledge, AMPLITUDE * signs), -1.5, 1.5)
        modes = [Detection.HOMODYNE, Detection.QUADRATURE]
        if self._intensity:
            modes.append(Detection.INTENSITY)
        self._modes = modes
        self._shots = [
            Shot(bank, self._values, mode) for bank in range(setup.n_banks) for mode in modes
        ]
        measured = knowledge.noise[np.isfinite(knowledge.noise)]
        noise = float(measured.mean()) if measured.size else USUAL_NOISE
        #: rms noise of the real or imaginary part of an entry.
        self.sigma = noise / (AMPLITUDE * np.sqrt(len(signs)))
        #: rms noise of an intensity sample.
        self.noise = noise

    async def look(self) -> View:
        """One frame at the present levels."""
        banks, modes = self._setup.n_banks, len(self._modes)
        seen = await self._setup.observe(self._shots)
        matrices, intensities, clipped = [], [], []
        for bank in range(banks):
            mine = seen[bank * modes : (bank + 1) * modes]
            matrices.append(self._solve(mine[0]) + 1j * self._solve(mine[1]))
            if self._intensity:
                intensities.append(linear(self._knowledge, mine[2].measured))
            clipped.append(np.mean([one.clipped.mean(axis=0) for one in mine], axis=0))
        return View(
            np.stack(matrices),
            np.stack(intensities) if intensities else np.zeros((banks, 0, self._setup.ports)),
            np.mean(clipped, axis=0),
            seen[0].time,
        )

    async def at(self, levels: Floats) -> View:
        """Program levels (n_banks, N^2) in W and look."""
        await self._setup.program(levels)
        return await self.look()

    def _solve(self, seen: Observation) -> Floats:
        """Real matrix (N, N) from modulated amplitude to signal, of one quadrature."""
        sent = amplitudes(self._knowledge, seen.sent)
        before = np.roll(sent, 1, axis=0)
        before[0] = np.sin(self._knowledge.value["modulator_bias"])  # the lead sample: no drive
        field = sent + self._knowledge.memory * before
        signal = linear(self._knowledge, seen.measured)
        return np.asarray(np.linalg.lstsq(field, signal, rcond=None)[0].T, dtype=np.float64)

    def packed(self, views: Sequence[View]) -> dict[str, Array]:
        """Views as arrays (S, ...), to be kept."""
        return {
            "times": np.array([view.time for view in views]),
            "seen": np.array([view.seen for view in views]).astype(np.complex64),
            "intensity": np.array([view.intensity for view in views]).astype(np.float32),
            "clipped": np.array([view.clipped for view in views]),
        }

    def unpacked(self, arrays: Mapping[str, Array]) -> list[View]:
        """The views that arrays were packed from."""
        return [
            View(seen.astype(np.complex128), intensity.astype(np.float64), clipped, float(time))
            for time, seen, intensity, clipped in zip(
                *(arrays[name] for name in ("times", "seen", "intensity", "clipped")), strict=True
            )
        ]

    def tomogram(self, levels: Floats, views: Sequence[View]) -> Tomogram:
        """Views at their levels, put together."""
        return Tomogram(
            np.array([view.time for view in views]),
            levels,
            np.array([view.seen for view in views]),
            self.sigma,
        )


def random_levels(setup: Setup, rng: np.random.Generator, low: float, high: float) -> Floats:
    """Levels (n_banks, N^2) in W, uniform in low..high p_pi and within every limit."""
    wanted = setup.p_pi * rng.uniform(low, high, setup.level_max.shape)
    levels = np.clip(wanted, setup.level_idle, setup.level_max)
    share = 0.95 * setup.power_max / levels.sum(axis=1, keepdims=True)
    above = levels - setup.level_idle
    return setup.level_idle + above * np.minimum(share, 1.0)
