"""A bench whose truth is a drawn `Knowledge`, with faults on order, for tests of the procedures.

It answers as the record's equations say, so that what a procedure finds can be compared number by
number; tests against the simulated plant, which shares no code with calibration, stand beside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from calibration.knowledge import Knowledge
from calibration.mesh import mesh_matrix
from calibration.model import cells, phases
from calibration.setup import Detection, LineTest, Observation, Points, Shot

T = TypeVar("T")
P_PI, R_NOM = 0.02, 800.0


class InterruptedSweep(KeyboardInterrupt):
    """Ctrl-C, as a test orders it."""


def drawn_truth(ports: int, n_banks: int = 1, seed: int = 0, **changed: Any) -> Knowledge:
    """A bench that could be, every device drawn; `changed` replaces attributes."""
    rng = np.random.default_rng([seed, ports, n_banks])
    truth = Knowledge.nothing(ports, n_banks, P_PI)
    elements, cell_shape = (n_banks, ports**2), (n_banks, truth.cells)
    truth.value |= {
        "phase_offset": rng.uniform(0.0, 2 * np.pi, elements),
        "slope": np.pi / P_PI * rng.normal(1.0, 0.06, elements),
        "curvature": rng.normal(-0.02, 0.01, elements) / P_PI,
        "splitter_a": rng.normal(0.0, 0.03, cell_shape),
        "splitter_b": rng.normal(0.0, 0.03, cell_shape),
        "cell_loss_db": np.abs(rng.normal(0.15, 0.03, cell_shape)),
        "modulator_gain": rng.normal(1.0, 0.02, ports),
        "modulator_bias": rng.normal(0.0, 0.02, ports),
        "detector_gain": rng.normal(1.0, 0.03, ports),
        "detector_offset": rng.normal(0.0, 0.01, ports),
    }
    truth.crosstalk = np.tile([0.01, 1.0, 2e-4], (n_banks, 1))
    truth.leak = 0.05 * np.exp(1j * rng.uniform(0, 2 * np.pi, (n_banks, n_banks)))
    np.fill_diagonal(truth.leak, 0.0)
    truth.quadrature_error = 0.015
    truth.tail = (0.0, 0.05)
    for name, new in changed.items():
        setattr(truth, name, new)
    return truth


def matrix_of(truth: Knowledge, bank: int, levels: np.ndarray) -> np.ndarray:
    """True matrix (N, N) of a bank at held levels (n_banks, N^2) W."""
    return mesh_matrix(phases(truth, bank, levels[bank] / P_PI), *cells(truth, bank))


def knows_electronics(truth: Knowledge) -> Knowledge:
    """Nothing known but modulators, detectors and noise, as the steps before leave it."""
    known = Knowledge.nothing(truth.ports, truth.n_banks, truth.p_pi)
    for name in ("modulator_gain", "modulator_bias", "detector_gain", "detector_offset"):
        known.value[name] = truth.value[name].copy()
        known.sigma[name] = np.full(truth.ports, 0.01)
    known.saturation, known.memory, known.tail = truth.saturation, truth.memory, (0.0, 0.05)
    return known


@dataclass
class DrawnBench:
    """Fills `calibration.setup.Setup`.

    dead, stuck : by (bank, element): draws nothing, or holds a level in W. swapped : (bank, i, j)
    whose channels are exchanged; crossed : two places of any banks, likewise. shorted_light :
    elements that draw but turn nothing.
    dark_detectors, saturated : ports. dark_banks : no light goes through.
    interrupt_at : number of the observation that raises.
    drivers : whether volts and amperes can be read.
    """

    truth: Knowledge
    noise: float = 0.01
    seed: int = 0
    dead: Sequence[tuple[int, int]] = ()
    stuck: Mapping[tuple[int, int], float] = field(default_factory=dict)
    swapped: Sequence[tuple[int, int, int]] = ()
    crossed: Sequence[tuple[tuple[int, int], tuple[int, int]]] = ()
    dark_detectors: Sequence[int] = ()
    dark_banks: Sequence[int] = ()
    exchanged_detectors: tuple[int, int] | None = None
    dark_modulators: Sequence[int] = ()
    saturated: Sequence[int] = ()
    interrupt_at: int | None = None
    drivers: bool = True
    detections: frozenset[Detection] = frozenset(Detection)

    name = "drawn"
    core = "mzi-mesh"
    p_pi = P_PI
    power_max = 12.0
    dwell = 512e-9
    serials: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.levels = np.zeros((self.n_banks, self.ports**2))
        self.programmed: list[np.ndarray] = []
        self.observed = 0
        self.time = 0.0
        self._rng = np.random.default_rng([self.seed, 77])

    @property
    def ports(self) -> int:
        return self.truth.ports

    @property
    def n_banks(self) -> int:
        return self.truth.n_banks

    @property
    def level_idle(self) -> np.ndarray:
        return np.full((self.n_banks, self.ports**2), 1.0 / R_NOM)

    @property
    def level_max(self) -> np.ndarray:
        return np.full((self.n_banks, self.ports**2), 2.4 * P_PI)

    @property
    def full_scale(self) -> np.ndarray:
        scale = np.full(self.ports, 3.2)
        scale[list(self.saturated)] = 0.4
        return scale

    def now(self) -> float:
        return self.time

    async def program(self, levels: np.ndarray) -> None:
        levels = np.array(levels, dtype=float)
        if levels.shape != self.levels.shape:
            raise ValueError(f"shape {levels.shape}")
        if not ((levels >= 0.0) & (levels <= self.level_max * (1 + 1e-12))).all():
            raise ValueError("a level out of range")
        if levels.sum(axis=1).max() > self.power_max:
            raise ValueError("a chip beyond its power")
        self.levels = levels
        self.programmed.append(levels)
        self.time += 0.03
        await asyncio.sleep(0)

    async def rest(self, seconds: float) -> None:
        self.time += seconds

    def _driven(self) -> np.ndarray:
        """Levels at the channels."""
        at_channel = self.levels.copy()
        for place, level in self.stuck.items():
            at_channel[place] = level
        return at_channel

    def actual(self) -> np.ndarray:
        """Levels at the heaters."""
        at_channel = self._driven()
        heating = at_channel.copy()
        for bank, i, j in self.swapped:
            heating[bank, i], heating[bank, j] = at_channel[bank, j], at_channel[bank, i]
        for one, other in self.crossed:
            heating[one], heating[other] = at_channel[other], at_channel[one]
        for place in self.dead:
            heating[place] = 0.0
        return heating

    async def electrical(self) -> tuple[np.ndarray, np.ndarray]:
        if not self.drivers:
            raise NotImplementedError("no drivers")
        volts = np.sqrt(self._driven() * R_NOM)
        amps = volts / R_NOM
        for place in self.dead:
            amps[place] = 0.0
        return volts, amps

    async def observe(self, shots: Sequence[Shot]) -> list[Observation]:
        self.observed += 1
        if self.observed == self.interrupt_at:
            raise InterruptedSweep
        self.time += 0.02
        truth, levels = self.truth, self.actual()
        own = np.stack([matrix_of(truth, k, levels) for k in range(self.n_banks)])
        own[list(self.dark_banks)] = 0.0
        seen = np.einsum("kj,jno->kno", np.eye(self.n_banks) + truth.leak, own)
        return [self._shot(shot, seen[shot.bank]) for shot in shots]

    def _shot(self, shot: Shot, matrix: np.ndarray) -> Observation:
        value = self.truth.value
        turned = 0.5 * np.pi * value["modulator_gain"] * shot.values + value["modulator_bias"]
        light = np.sin(turned) * shot.lit
        light[:, list(self.dark_modulators)] = 0.0
        before = np.roll(light, 1, axis=0)
        before[0] = np.sin(value["modulator_bias"]) * shot.lit
        field_ = (light + self.truth.memory * before) @ matrix.T
        if shot.detection is Detection.INTENSITY:
            signal = np.abs(field_) ** 2
        elif shot.detection is Detection.QUADRATURE:
            error = self.truth.quadrature_error
            signal = field_.imag * np.cos(error) - field_.real * np.sin(error)
        else:
            signal = field_.real
        limit = self.truth.saturation
        signal = signal if limit is None else limit * np.tanh(signal / limit)
        signal = value["detector_gain"] * signal
        signal[:, list(self.dark_detectors)] = 0.0
        if self.exchanged_detectors is not None:
            pair = list(self.exchanged_detectors)
            signal[:, pair] = signal[:, pair[::-1]]
        signal = signal + value["detector_offset"]
        signal = signal + self.noise * self._rng.standard_normal(signal.shape)
        full = self.full_scale
        return Observation(
            shot.values.copy(), np.clip(signal, -full, full), np.abs(signal) >= full, self.time
        )

    async def line_test(self, test: LineTest) -> Points:
        raise NotImplementedError("no timing")

    def is_idle(self) -> bool:
        return bool(np.array_equal(self.levels, self.level_idle))

    def warms_and_cools_by_steps(self) -> bool:
        """Whether the first and last writes move each chip by no more than a third at a time."""
        totals = np.array([np.zeros(self.n_banks)] + [p.sum(axis=1) for p in self.programmed])
        steps = np.abs(np.diff(totals, axis=0)) / totals.max()
        return bool((steps[:4] < 1 / 3).all() and (steps[-4:] < 1 / 3).all())


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end."""
    return asyncio.run(work)
