"""Step `detector`: how the detectors bend, how strongly each sees, what of a sample lingers.

Nothing of the mesh has to be known (see `superposition`), and its heaters stay where they are;
rings are first brought near their resonances (`Tally.to_work`). Ports are driven fully, alone at
first; then, for each detector, in the signs that light it most, whole and in random halves that
add up to the whole. Each sample is sent twice in a row: the second reading has the same light
before it, the first has another, which tells the inter-sample memory.

What can be told, and what cannot:

- Z = detector_gain * y_sat of each port, the signal at which it ends, in absolute terms. That
  y_sat is the same at all ports is the record's law; a port that departs from it is a fault.
- detector_gain relative to each other, to a few per cent: from Z, and since a mesh loses light but
  makes none, so that every port gets the same from all inputs together, but for the losses on the
  way there and the leak of other banks. Step `switch` and the fit of the whole mesh do better.
- Not the mean of the gains: losses before and behind the mesh are part of it (gauge), and its
  cells' losses are not known yet. It is that of the design's losses; y_sat is in its units.
- Weights of a microring bank are anything: gains there are told by Z alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration import dark
from calibration.detector_faults import DARK, FAULTS, dark_ports, detector_faults
from calibration.gains import gains_of_power
from calibration.knowledge import Knowledge
from calibration.lighting import Block, Lighting
from calibration.port_faults import forget, ports_with
from calibration.saturation import Saturation, common_saturation
from calibration.setup import Detection, Setup
from calibration.step import Gate, Outcome, Watch
from calibration.superposition import (
    Bend,
    echo_share,
    fit_bend,
    residual_nonlinearity,
    straightened,
)

Floats = NDArray[np.float64]

#: Gates (physics.md C.1): what a fifth-order polynomial finds in what the law left, and the
#: uncertainty of what saturation takes at the strongest light seen, both of full scale.
LINEARITY_GATE, CORRECTION_GATE = 3e-3, 2e-3
#: Largest uncertainty of the share of a sample that lingers.
MEMORY_GATE = 3e-3


class Detector:
    """Saturation, linearity and relative gain of the detectors, and the inter-sample memory.

    halves : random halves a port in a round. rounds : most rounds; one more is taken while the
    saturation is not certain enough for its gate.
    """

    name = "detector"
    needs = ("dark",)
    summary = "saturation, linearity and relative gain of the detectors; inter-sample memory"

    def __init__(self, halves: int = 12, rounds: int = 4) -> None:
        self.halves = halves
        self.rounds = rounds

    async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
        """Light the detectors, fit, and write gains, saturation and memory."""
        forget(knowledge, *FAULTS)
        rng = np.random.default_rng([setup.ports, 0xDE7EC])
        lighting = Lighting(setup, knowledge)
        try:
            await lighting.tally.to_work()
            await lighting.alone()
            watch.progress(1, 1 + self.rounds, "each port alone")
            gain, gain_sigma = _relative_gains(setup, knowledge, lighting)
            bad = dark_ports(lighting) - ports_with(knowledge, *dark.FAULTS)
            skip = bad | ports_with(knowledge, *dark.FAULTS)
            best = {
                port: lighting.brightest(port) for port in range(setup.ports) if port not in skip
            }
            bends: dict[int, Bend] = {}
            found = common_saturation(bends, gain, gain_sigma)
            for number in range(self.rounds if best else 0):
                await lighting.together(best, self.halves, rng)
                watch.progress(2 + number, 1 + self.rounds, "together")
                bends = {
                    port: fit_bend(*lighting.samples(block, port), float(knowledge.noise[port]))
                    for port, block in best.items()
                }
                found = common_saturation(bends, gain, gain_sigma)
                enough = found.correction <= CORRECTION_GATE * setup.full_scale.min()
                if enough and _linearity(setup, bends) <= LINEARITY_GATE:
                    break
        finally:
            await lighting.tally.to_idle()
        faults = tuple(detector_faults(setup, knowledge, lighting, bends, found.early, bad))
        clipped = ports_with(knowledge, "clipped")
        sound = {p: bend for p, bend in bends.items() if p not in found.early | clipped}
        if not sound:
            gate = Gate("detectors that can be fitted", 0.0, 1.0, "", least=True)
            return Outcome((gate,), faults, (lighting.tally.spent(),))
        whole = {p: bend for p, bend in bends.items() if p not in found.early}
        # A clipped port's gain is told by its samples that are whole; all else, by the others.
        clips = np.isin(np.arange(setup.ports), list(clipped))
        with_clipped = common_saturation(whole, gain, gain_sigma)
        found = common_saturation(sound, gain, gain_sigma)
        memory, memory_sigma = _memory(lighting, best, sound)
        knowledge.saturation, knowledge.memory = found.limit, memory
        knowledge.value["detector_gain"] = np.where(clips, with_clipped.gain, found.gain)
        knowledge.sigma["detector_gain"] = np.where(
            clips, with_clipped.gain_sigma, found.gain_sigma
        )
        gates = (
            Gate("uncertainty of the saturation's correction",
                 found.correction / float(setup.full_scale.min()), CORRECTION_GATE,
                 "of full scale"),
            Gate("nonlinearity left, worst", _linearity(setup, sound), LINEARITY_GATE,
                 "of full scale"),
            Gate("uncertainty of the memory", memory_sigma, MEMORY_GATE, ""),
        )  # fmt: skip
        notes = (
            _told(found, sound),
            f"of the preceding sample {memory:.2%} +- {memory_sigma:.2%} lingers",
            lighting.tally.spent(),
        )
        curvature, sigma = np.full((2, setup.ports), np.nan)
        for port, bend in bends.items():
            curvature[port], sigma[port] = bend.curvature, bend.sigma
        raw = {"curvature": curvature, "curvature_sigma": sigma, "row_power": lighting.row_power}
        return Outcome(gates, faults, notes, raw)


def _told(found: Saturation, sound: dict[int, Bend]) -> str:
    strongest = max(float(np.abs(bend.light).max()) for bend in sound.values())
    if found.limit is None:
        return f"no saturation to be seen in light up to {strongest:.2f} signal units"
    return (
        f"saturation {found.limit:.3g} +- {found.sigma:.2g} signal units, seen in light up to "
        f"{strongest:.2f}"
    )


def _memory(
    lighting: Lighting, best: dict[int, Block], bends: dict[int, Bend]
) -> tuple[float, float]:
    """Memory and its uncertainty, from first readings at all detectors."""
    parts: list[tuple[Floats, Floats, Floats]] = []
    for port, bend in bends.items():
        before, own, first = lighting.firsts(best[port], port)
        light = straightened(first, bend.curvature)
        parts.append((before @ bend.weights, own @ bend.weights, light))
    before, own, light = (np.concatenate(column) for column in zip(*parts, strict=True))
    return echo_share(before, own, light)


def _linearity(setup: Setup, bends: dict[int, Bend]) -> float:
    """Worst nonlinearity that the law has left, of full scale."""
    return max(
        residual_nonlinearity(bend.light, bend.left) / float(setup.full_scale[port])
        for port, bend in bends.items()
    )


def _relative_gains(
    setup: Setup, knowledge: Knowledge, lighting: Lighting
) -> tuple[Floats, Floats]:
    """Gains (ports,) and their uncertainties, from the power that arrives; of rings: the design."""
    ones = np.ones(setup.ports)
    power = np.maximum(lighting.row_power, 1e-12)
    whole = {Detection.HOMODYNE, Detection.QUADRATURE} <= setup.detections
    if setup.core != "mzi-mesh" or not whole:
        return ones, 0.1 * ones
    gain = gains_of_power(power, float(knowledge.value["cell_loss_db"].mean()))
    sound = power > DARK**2 * float(np.median(power))
    # The leak of other banks beats with the light, differently at each port and bank.
    spread = np.hypot(0.02, 0.1 / np.sqrt(setup.ports * setup.n_banks))
    return np.where(sound, gain, 1.0), np.where(sound, spread * gain, 0.1)
