"""Step `detector`: how the detectors bend, how strongly each sees, what of a sample lingers.

Heaters stay at the idle bias and nothing of the mesh has to be known: see `superposition`. Ports
are driven fully, alone at first; then, for each detector, in the signs that light it most, whole
and in random halves that add up to the whole. Each sample is sent twice in a row: the second
reading has the same light before it, the first has another, which tells the inter-sample memory.

What can be told, and what cannot:

- Z = detector_gain * y_sat of each port, the signal at which it ends, in absolute terms. That
  y_sat is the same at all ports is the record's law; a port that departs from it is a fault.
- detector_gain relative to each other, to some per cent: a mesh loses light but makes none, so
  every port gets the same from all inputs together, but for the losses on the way there and the
  leak of other banks. The fit of the whole mesh (`global`) does this better, and knows the rest.
- Not the mean of the gains: losses before and behind the mesh are part of it (gauge), and its
  cells' losses are not known yet. It is that of the design's losses; y_sat is in its units.
- Weights of a microring bank are anything: nothing is said of gains there.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from calibration import dark
from calibration.fault import forget, port_fault, ports_with
from calibration.knowledge import Knowledge
from calibration.lighting import Block, Lighting
from calibration.mesh import layout, mesh_matrix
from calibration.setup import Detection, Setup
from calibration.step import Gate, Outcome, Watch
from calibration.superposition import (
    Bend,
    bent,
    echo_share,
    fit_bend,
    residual_nonlinearity,
    straightened,
)

Floats = NDArray[np.float64]

#: Gates (physics.md C.1): what a fifth-order polynomial finds in what the law left, and the
#: uncertainty of what saturation takes at the strongest light seen, both of full scale.
LINEARITY_GATE, CORRECTION_GATE = 3e-3, 1e-3
#: Largest uncertainty of the share of a sample that lingers.
MEMORY_GATE = 3e-3
#: A port that gets less than this share of the others' light is dark.
_DARK = 0.1
#: A port whose gain is off the others' by more than this factor is a fault, though it is fitted.
_WEAK = 2.0
#: A port that ends at less than this share of the others' Z is saturated.
_EARLY = 0.6
#: Samples at the converter's end, of those sent, that are a fault.
_CLIPPED = 0.01
#: Faults that this step finds.
FAULTS = ("dark", "weak", "saturated", "clipped")


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
        """Light the detectors, fit, and write gains, saturation and memory; heaters stay idle."""
        forget(knowledge, *FAULTS)
        rng = np.random.default_rng([setup.ports, 0xDE7EC])
        lighting = Lighting(setup, knowledge)
        await lighting.alone()
        watch.progress(1, 1 + self.rounds, "each port alone")
        gain, gain_sigma = _relative_gains(setup, knowledge, lighting)
        skip = ports_with(knowledge, *dark.FAULTS) | _dark_ports(lighting)
        ports = [port for port in range(setup.ports) if port not in skip]
        best = {port: lighting.brightest(port) for port in ports}
        bends: dict[int, Bend] = {}
        for number in range(self.rounds if ports else 0):
            await lighting.together(best, self.halves, rng)
            watch.progress(2 + number, 1 + self.rounds, "together")
            bends = {port: self._fit(knowledge, lighting, best[port], port) for port in ports}
            limit, _, correction = _common(bends, gain)
            if correction <= CORRECTION_GATE * setup.full_scale.min():
                break
        faults = _faults(setup, knowledge, lighting, bends, gain, skip)
        sound = {
            port: bend
            for port, bend in bends.items()
            if port not in ports_with(knowledge, "saturated", "clipped")
        }
        if not sound:
            return Outcome((Gate("detectors that can be fitted", 0.0, 1.0, "", least=True),),
                           tuple(faults), (lighting.tally.spent(),))  # fmt: skip
        limit, limit_sigma, correction = _common(sound, gain)
        memory, memory_sigma = self._memory(lighting, best, sound)
        linearity = max(
            residual_nonlinearity(bend.light, bend.left) / setup.full_scale[port]
            for port, bend in sound.items()
        )
        knowledge.saturation, knowledge.memory = limit, memory
        if gain_sigma is not None:
            knowledge.value["detector_gain"] = gain
            knowledge.sigma["detector_gain"] = gain_sigma
        strongest = max(float(np.abs(bend.light).max()) for bend in sound.values())
        gates = (
            Gate("uncertainty of the saturation's correction",
                 correction / float(setup.full_scale.min()), CORRECTION_GATE, "of full scale"),
            Gate("nonlinearity left, worst", linearity, LINEARITY_GATE, "of full scale"),
            Gate("uncertainty of the memory", memory_sigma, MEMORY_GATE, ""),
        )  # fmt: skip
        end = "no saturation to be seen" if limit is None else (
            f"saturation {limit:.3g} +- {limit_sigma:.2g} signal units")  # fmt: skip
        notes = (
            f"{end}, in light up to {strongest:.2f}",
            f"of the preceding sample {memory:.2%} +- {memory_sigma:.2%} lingers",
            lighting.tally.spent(),
        )
        raw = {
            "curvature": np.array([bends[p].curvature if p in bends else np.nan
                                   for p in range(setup.ports)]),
            "curvature_sigma": np.array([bends[p].sigma if p in bends else np.nan
                                         for p in range(setup.ports)]),
            "gain": gain,
        }  # fmt: skip
        return Outcome(gates, tuple(faults), notes, raw)

    def _fit(self, knowledge: Knowledge, lighting: Lighting, block: Block, port: int) -> Bend:
        return fit_bend(*lighting.samples(block, port), float(knowledge.noise[port]))

    def _memory(
        self, lighting: Lighting, best: dict[int, Block], bends: dict[int, Bend]
    ) -> tuple[float, float]:
        """Memory and its uncertainty, from first readings at all detectors."""
        parts: list[tuple[Floats, Floats, Floats]] = []
        for port, bend in bends.items():
            before, own, first = lighting.firsts(best[port], port)
            light = straightened(first, bend.curvature)
            parts.append((before @ bend.weights, own @ bend.weights, light))
        before, own, light = (np.concatenate(column) for column in zip(*parts, strict=True))
        return echo_share(before, own, light)


def _common(bends: dict[int, Bend], gain: Floats) -> tuple[float | None, float, float]:
    """Saturation that all ports share, its uncertainty, and that of its largest correction.

    gain : (ports,). The saturation is None where no bend is to be told from none. Ports that end
    early are not counted in.
    """
    ports = [port for port in bends if np.isfinite(bends[port].sigma)]
    early = _early(bends, gain)
    ports = [port for port in ports if port not in early] or ports
    if not ports:
        return None, float("inf"), float("inf")
    square = np.array([gain[port] ** 2 for port in ports])
    value = np.array([bends[port].curvature for port in ports]) * square
    sigma = np.array([bends[port].sigma for port in ports]) * square
    weight = sigma**-2.0
    mean, error = float((weight * value).sum() / weight.sum()), float(weight.sum() ** -0.5)
    correction = max(
        error / gain[port] ** 2 * float(np.abs(bends[port].light).max()) ** 3 / 3.0
        for port in ports
    )
    if mean < 3.0 * error:
        return None, float("inf"), correction
    return mean**-0.5, 0.5 * error * mean**-1.5, correction


def _early(bends: dict[int, Bend], gain: Floats) -> set[int]:
    """Ports that end far below the others, beyond doubt."""
    if len(bends) < 2:
        return set()
    usual = float(np.median([bend.curvature * gain[port] ** 2 for port, bend in bends.items()]))
    found = set()
    for port, bend in bends.items():
        own, sigma = bend.curvature * gain[port] ** 2, bend.sigma * gain[port] ** 2
        if own - 5.0 * sigma > max(usual, 0.0) / _EARLY**2 and own > 5.0 * sigma:
            found.add(port)
    return found


def _dark_ports(lighting: Lighting) -> set[int]:
    """Detectors that get next to no light from any port through any bank."""
    power = lighting.row_power
    usual = float(np.median(power))
    return set(np.flatnonzero(power <= _DARK**2 * usual).tolist()) if usual > 0.0 else set(
        range(len(power)))  # fmt: skip


def _relative_gains(
    setup: Setup, knowledge: Knowledge, lighting: Lighting
) -> tuple[Floats, Floats | None]:
    """Gains (ports,) and their uncertainties; the latter None where nothing can be said of them."""
    power = np.maximum(lighting.row_power, 1e-12)
    usual = float(np.median(power))
    whole = {Detection.HOMODYNE, Detection.QUADRATURE} <= setup.detections
    if setup.core != "mzi-mesh" or not whole:
        return np.ones(setup.ports), None
    design = _transmission(setup.ports, float(knowledge.value["cell_loss_db"].mean()))
    gain = np.sqrt(power / design)
    sound = power > _DARK**2 * usual
    # The leak of other banks beats with the light, differently at each port and bank.
    spread = 0.1 / np.sqrt(setup.ports * setup.n_banks)
    return np.where(sound, gain, 1.0), np.where(sound, np.hypot(0.02, spread) * gain, 0.1)


def _transmission(ports: int, loss_db: float) -> Floats:
    """Mean power (ports,) that reaches each output of a mesh of equal cells from all inputs."""
    rng = np.random.default_rng([ports, 0x10AD])
    phases = rng.uniform(0.0, 2.0 * np.pi, (200, ports**2))
    cells = layout(ports).cells
    none = np.zeros(cells)
    matrix = mesh_matrix(phases, none, none, np.full(cells, loss_db))
    return (np.abs(matrix) ** 2).sum(axis=-1).mean(axis=0)


def _faults(
    setup: Setup,
    knowledge: Knowledge,
    lighting: Lighting,
    bends: dict[int, Bend],
    gain: Floats,
    skip: set[int],
) -> list[str]:
    return list(_told(setup, knowledge, lighting, bends, gain, skip))


def _told(
    setup: Setup,
    knowledge: Knowledge,
    lighting: Lighting,
    bends: dict[int, Bend],
    gain: Floats,
    skip: set[int],
) -> Iterator[str]:
    power, early = lighting.row_power, _early(bends, gain)
    usual = float(np.sqrt(np.median(power)))
    for port in range(setup.ports):
        strength = float(np.sqrt(power[port])) / usual if usual > 0.0 else 0.0
        if port in skip and port not in ports_with(knowledge, *dark.FAULTS):
            yield port_fault(
                knowledge, "dark", port, f"gets {strength:.1%} of the light that others get, from "
                "no input and through no bank more; look at its fibre and its detector")  # fmt: skip
        elif lighting.clipped[port] > _CLIPPED:
            yield port_fault(
                knowledge, "clipped", port, f"{lighting.clipped[port]:.0%} of its samples are at "
                f"the converter's end, {setup.full_scale[port]:.3g} signal units; lower its gain "
                "and raise detector_range in the bench file")  # fmt: skip
        elif port in early:
            others = [bend.limit for other, bend in bends.items() if other not in early]
            yield port_fault(
                knowledge, "saturated", port, f"ends at {bends[port].limit:.2g} signal units, "
                f"others at {float(np.median(others)) if others else float('nan'):.2g}; lower the "
                "light or the gain of its amplifier")  # fmt: skip
        elif port not in skip and not 1.0 / _WEAK < strength < _WEAK:
            yield port_fault(
                knowledge, "weak" if strength < 1.0 else "strong", port,
                f"sees {strength:.2f} times what others see; look at its fibre, its detector and "
                "detector_range in the bench file")  # fmt: skip
