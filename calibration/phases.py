"""Step `phases`: the law of every heater, and where every phase stands.

Each heater is swept alone, linearly in level, while every input pattern is seen at every output.
Internal phases (theta) are fitted to intensities, with the local oscillator off, so that nothing
of its phase enters; external and output phases to both quadratures. Then the mesh is walked in
the order of the light (`walk`): absolute phases and splitters, from nothing.

Banks are swept at once, each in an order of its own: what leaks from one into the other then does
not look like a turning phase.

Gauge: the static phase of the local oscillator at each port is part of the output phases.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from calibration.computing import compute
from calibration.faults import (
    MISFIT,
    place_name,
    port_faults,
    report_element,
    swapped_pairs,
    why_dead,
)
from calibration.knowledge import Knowledge
from calibration.mesh import layout, matrix_fidelity, mesh_matrix
from calibration.port_faults import bank_fault, forget, ports_with
from calibration.rank_one import Turning, turning
from calibration.setup import Setup
from calibration.step import Gate, Outcome, Watch
from calibration.sweeping import sweeping
from calibration.tomography import Tomograph, View, random_levels
from calibration.walk import Walked, walk

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: What this step may find broken of elements, besides ports.
FAULTS = ("dead", "reversed", "swapped", "no light")
#: Highest level of a sweep, p_pi: a little more than a full turn.
TOP = 2.2
#: A bank that shows less than so many times the noise, or this share of the brightest, is dark.
_LIT, _DARK = 3.0, 0.1
#: s that the base is held before it is looked at.
_WARM = 0.5
#: Uncertainties behind the walk, rad: of phases, splitters. The global fit makes them smaller.
_WALK_PHASE, _WALK_SPLITTER = 0.12, 0.03


@dataclass(frozen=True)
class Sweep:
    """One element of all banks swept: levels (M, n_banks) W, seen and intensity as in `View`."""

    levels: Floats
    seen: Complexes
    intensity: Floats


class Phases:
    """Laws and absolute phases of all elements.

    points : levels of a sweep; a sweep is done again, up to `repeats` times, where a slope stays
    uncertain by more than `tolerance` (relative).
    """

    name = "phases"
    needs = ("dark",)
    summary = "law of every heater; internal phases with the LO off, the others in homodyne"

    def __init__(self, points: int = 8, tolerance: float = 0.015, repeats: int = 3) -> None:
        self.points = points
        self.tolerance = tolerance
        self.repeats = repeats

    async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
        """Sweep every element, fit, walk. Needs both quadratures (NotPossibleError)."""
        tomograph = Tomograph(setup, knowledge, intensity=True)
        rng = np.random.default_rng([setup.ports, setup.n_banks, 0xBA5E])
        base = random_levels(setup, rng, 0.4, 1.6)
        async with sweeping(setup, base, _WARM):
            sweeps = [await self._sweep(setup, tomograph, base, 0, watch)]
            dark = _dark_banks(sweeps[0], tomograph.sigma)
            if len(dark) == setup.n_banks:  # of heaters without light nothing can be said
                return _without_light(knowledge, dark)
            sweeps += [
                await self._sweep(setup, tomograph, base, element, watch)
                for element in range(1, knowledge.elements)
            ]
            await setup.program(base)
            await setup.rest(_WARM)
            views = [await tomograph.look() for _ in range(4)]
            stands = np.mean([view.seen for view in views], axis=0)
            solve = partial(self._solve, knowledge, sweeps, base, tomograph)
            found = [await compute(partial(solve, k, stands[k])) for k in range(knowledge.n_banks)]
            dead = np.array([[not one.alive for one in turned] for turned, _ in found])
            dead[dark] = False
            why = await why_dead(setup, base, dead) if dead.any() else {}
        return await compute(partial(self._conclude, knowledge, found, views, base, why, dark))

    async def _sweep(
        self, setup: Setup, tomograph: Tomograph, base: Floats, element: int, watch: Watch
    ) -> Sweep:
        """Sweep one element of all banks, again while a law is not certain enough."""
        key = f"element-{element}"
        watch.progress(element, base.shape[1], f"element {element}")
        kept = watch.kept(key)
        if kept is not None and len(kept["levels"]) >= self.points:
            return Sweep(kept["levels"], kept["seen"], kept["intensity"])
        sweep = await self._once(setup, tomograph, base, element)
        for _ in range(1, self.repeats):
            laws = [self._law(setup.ports, k, element, sweep, tomograph, setup.p_pi)
                    for k in range(setup.n_banks)]  # fmt: skip
            if not any(one.alive and _uncertainty(one) > self.tolerance for one in laws):
                break
            more = await self._once(setup, tomograph, base, element)
            sweep = Sweep(
                *(
                    np.concatenate([getattr(sweep, name), getattr(more, name)])
                    for name in ("levels", "seen", "intensity")
                )
            )
        watch.keep(
            key,
            levels=sweep.levels,
            seen=sweep.seen.astype(np.complex64),
            intensity=sweep.intensity.astype(np.float32),
        )
        return sweep

    async def _once(self, setup: Setup, tomograph: Tomograph, base: Floats, element: int) -> Sweep:
        """One sweep, each bank's points in an order of its own."""
        order = np.arange(self.points)
        shuffle = np.random.default_rng([element, 0x5EE9])
        orders = [order] + [shuffle.permutation(self.points) for _ in range(1, setup.n_banks)]
        low, high = setup.level_idle[:, element], setup.level_max[:, element]
        top = np.minimum(high, TOP * setup.p_pi)
        levels, views = [], []
        for point in range(self.points):
            share = np.array([one[point] for one in orders]) / max(1, self.points - 1)
            asked = base.copy()
            asked[:, element] = low + (top - low) * share
            views.append(await tomograph.at(asked))
            levels.append(asked[:, element])
        return Sweep(
            np.array(levels),
            np.array([view.seen for view in views]),
            np.array([view.intensity for view in views]),
        )

    def _law(
        self, ports: int, bank: int, element: int, sweep: Sweep, tomograph: Tomograph, p_pi: float
    ) -> Turning:
        """Law of an element: an internal phase from intensities, others from both quadratures."""
        internal = layout(ports).kind[element] == 0 and sweep.intensity.shape[2] > 0
        return turning(
            sweep.levels[:, bank] / p_pi,
            sweep.seen[:, bank],
            tomograph.sigma,
            sweep.intensity[:, bank].reshape(len(sweep.levels), -1) if internal else None,
            tomograph.noise,
        )

    def _solve(
        self,
        knowledge: Knowledge,
        sweeps: list[Sweep],
        base: Floats,
        tomograph: Tomograph,
        bank: int,
        stands: Complexes,
    ) -> tuple[list[Turning], Walked]:
        turned = [
            self._law(knowledge.ports, bank, element, sweep, tomograph, knowledge.p_pi)
            for element, sweep in enumerate(sweeps)
        ]
        x = base[bank] / knowledge.p_pi
        slope = np.array([one.slope for one in turned])
        bend = np.array([one.curvature for one in turned])
        driven = slope * x * (1.0 + bend * x)
        rows, alive = _rows(turned)
        usual = float(knowledge.value["cell_loss_db"][bank].mean())
        walked = walk(rows, alive, stands, usual)
        value, sigma = knowledge.value, knowledge.sigma
        dead = ~alive
        value["phase_offset"][bank] = walked.phase - np.where(alive, driven, 0.0)
        value["slope"][bank] = np.where(alive, slope, 0.0) / knowledge.p_pi
        value["curvature"][bank] = np.where(alive, bend, 0.0) / knowledge.p_pi
        value["splitter_a"][bank] = walked.splitter_a
        value["splitter_b"][bank] = walked.splitter_b
        errors = np.array([one.sigma for one in turned])
        sigma["phase_offset"][bank] = np.where(alive, _WALK_PHASE, np.pi)
        # A neighbour's crosstalk bends a sweep too: the fit's own error is not the whole.
        sigma["slope"][bank] = np.where(alive, np.hypot(errors[:, 0] / abs(slope), 0.01), 1e-6)
        sigma["curvature"][bank] = np.hypot(errors[:, 1], 0.01) / knowledge.p_pi
        sigma["curvature"][bank][dead] = 1e-6
        sigma["splitter_a"][bank] = sigma["splitter_b"][bank] = _WALK_SPLITTER
        return turned, walked

    def _conclude(
        self,
        knowledge: Knowledge,
        found: list[tuple[list[Turning], Walked]],
        views: list[View],
        base: Floats,
        why: dict[tuple[int, int], str],
        dark: list[int],
    ) -> Outcome:
        stands = np.mean([view.seen for view in views], axis=0)
        forget(knowledge, *FAULTS)
        faults = port_faults(knowledge, stands, np.mean([view.clipped for view in views], axis=0))
        believed = []
        for bank, (turned, walked) in enumerate(found):
            loss = float(knowledge.value["cell_loss_db"][bank].mean())
            usual = np.full_like(walked.splitter_a, loss)
            believed.append(mesh_matrix(walked.phase, walked.splitter_a, walked.splitter_b, usual))
            if bank in dark:
                faults.append(_no_light(knowledge, bank))
                continue
            faults += _element_faults(knowledge, bank, turned, why)
            rows, alive = _rows(turned)
            for pair in swapped_pairs(rows, alive, stands[bank], loss):
                for one, other in (pair, pair[::-1]):
                    told = (
                        f"it shows the light of element {other} "
                        f"({place_name(knowledge.ports, other)}), and that one its own; swap "
                        "the two in wiring.elements of the bench file"
                    )
                    faults.append(report_element(knowledge, "swapped", bank, one, told))
        fidelity = matrix_fidelity(np.array(believed), stands)
        alive = np.array([[one.alive for one in turned] for turned, _ in found])
        slopes = np.array([[_uncertainty(one) for one in turned] for turned, _ in found])
        worst = float(slopes[alive].max()) if alive.any() else float("inf")
        misfit = np.array([walked.misfit for _, walked in found])
        gates = [
            Gate("uncertainty of a slope, worst", worst, 0.05, "relative"),
            Gate("light at a heater that its place cannot explain", float(misfit.max()), MISFIT,
                 "of it"),
            Gate("faults found", float(len(faults)), 0.0, ""),
            *(
                Gate(f"matrix fidelity at the base, bank {k}", float(f), 0.9, "", least=True)
                for k, f in enumerate(fidelity)
            ),
        ]  # fmt: skip
        raw = {
            "base": base,
            "stands": stands,
            "slope": np.array([[one.slope for one in turned] for turned, _ in found]),
            "residual": np.array([[one.residual for one in turned] for turned, _ in found]),
            "strength": np.array([[one.strength for one in turned] for turned, _ in found]),
            "misfit": misfit,
        }
        return Outcome(tuple(gates), tuple(faults), (), raw)


def _dark_banks(sweep: Sweep, sigma: float) -> list[int]:
    """Banks through which no light is seen; `sigma`: noise of a part of an entry."""
    strength = np.sqrt((np.abs(sweep.seen) ** 2).mean(axis=(0, 2, 3)))
    least = max(_LIT * np.sqrt(2.0) * sigma, _DARK * float(strength.max()))
    return [int(bank) for bank in np.flatnonzero(strength < least)]


def _no_light(knowledge: Knowledge, bank: int) -> str:
    told = (
        "no detector sees light from any input through it, so nothing is said of its heaters; see "
        "to laser, gates, select line and fibres, then calibrate again"
    )
    return bank_fault(knowledge, "no light", bank, told)


def _without_light(knowledge: Knowledge, dark: list[int]) -> Outcome:
    """The end of the step where no bank is lit."""
    forget(knowledge, *FAULTS)
    faults = tuple(_no_light(knowledge, bank) for bank in dark)
    gates = (
        Gate("banks that light goes through", 0.0, 1.0, "", least=True),
        Gate("uncertainty of a slope, worst", float("inf"), 0.05, "relative"),
    )
    return Outcome(gates, faults)


def _rows(turned: list[Turning]) -> tuple[Complexes, NDArray[np.bool_]]:
    """Rows (N^2, N) of a bank's heaters, and which of them mean something."""
    return np.array([one.row for one in turned]), np.array([one.alive for one in turned])


def _element_faults(
    knowledge: Knowledge, bank: int, turned: list[Turning], why: dict[tuple[int, int], str]
) -> list[str]:
    faults = []
    where, dark = layout(knowledge.ports), ports_with(knowledge, "dark")
    for element, one in enumerate(turned):
        if where.kind[element] == 2 and int(where.cell[element]) in dark:
            continue  # its light ends at that detector alone: nothing can be seen of it
        if not one.alive:
            told = why.get((bank, element), "turns no light: dead, or its channel is stuck")
            faults.append(report_element(knowledge, "dead", bank, element, told))
        elif one.slope < 0.0:
            told = "its phase falls with power: it heats the other arm"
            faults.append(report_element(knowledge, "reversed", bank, element, told))
    return faults


def _uncertainty(one: Turning) -> float:
    """Relative standard uncertainty of a slope."""
    return float(one.sigma[0] / abs(one.slope))
