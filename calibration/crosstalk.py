"""Step `crosstalk`: how far every heater turns every other phase of its chip.

Random power patterns, all heaters at once, and a ridge regression: each pattern asks every pair of
heaters, so an entry is known some five times better than from stepping one aggressor at a time for
as long. What is regressed is what the model leaves of each pattern's matrices, as phases of the
victims; that is why this step comes after the global fit: before it, what the model gets wrong is
larger than the crosstalk. Offsets may drift meanwhile: a parabola in time is taken out of each.

The law of the record, C_ij = c1 exp(-(d_ij - 1) / d0) + cg, is then fitted to all pairs; what the
pairs have beyond it is told, not used. Phases are set with the law's crosstalk cancelled
(`inverse`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from calibration.computing import compute, told
from calibration.globalfit import HIGH, LOW, random_settings
from calibration.knowledge import Knowledge
from calibration.mesh import derivatives, distances
from calibration.model import Tomogram, cells, driven, effective, phases, seen_matrices
from calibration.normal_equations import common_phases, unmixed
from calibration.setup import Setup
from calibration.step import Gate, Outcome, Watch
from calibration.tomography import Tomograph

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

#: Prior uncertainty of an entry beyond the law, and of a phase in one pattern (rad).
_BEYOND, _PHASE = 0.01, 0.15
#: Patterns for each heater of a bank, and at least.
PER_HEATER, LEAST = 2, 160


class Crosstalk:
    """Crosstalk of every pair, and its law.

    patterns : random settings; by default two a heater.
    """

    name = "crosstalk"
    needs = ("global",)
    summary = "crosstalk of every pair of heaters, by random power patterns; its law"

    def __init__(self, patterns: int | None = None, seed: int = 1) -> None:
        self.patterns = patterns
        self.seed = seed

    async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
        """Measure, regress, fit the law. Needs both quadratures (NotPossibleError)."""
        tomograph = Tomograph(setup, knowledge)
        count = self.patterns or max(LEAST, PER_HEATER * knowledge.elements)
        rng = np.random.default_rng([self.seed, setup.ports, 0xC705])
        tomogram = await random_settings(setup, knowledge, tomograph, rng, count, watch)
        tell = told(watch, "what the model leaves")
        turned, sigma = await compute(lambda: residual_phases(knowledge, tomogram, tell))
        gates, notes = [], []
        matrices = np.empty((knowledge.n_banks, knowledge.elements, knowledge.elements))
        for bank in range(knowledge.n_banks):
            x = effective(knowledge, tomogram.times, tomogram.levels)[:, bank]
            extra, error = _regress(
                driven(knowledge, bank, x), turned[:, bank], sigma[bank], tomogram.times
            )
            matrices[bank] = law_matrix(knowledge.ports, knowledge.crosstalk[bank]) + extra
            alive = knowledge.value["slope"][bank] != 0.0
            knowledge.crosstalk[bank] = _fit_law(
                knowledge.ports, matrices[bank], error, alive, knowledge.crosstalk[bank]
            )
            beyond = matrices[bank] - law_matrix(knowledge.ports, knowledge.crosstalk[bank])
            spread = np.pi * (HIGH - LOW) / np.sqrt(12.0)
            left = beyond[:, alive] ** 2 - error[:, alive] ** 2
            residual = float(np.sqrt(max(0.0, left.sum(axis=1).max()))) * spread
            gates.append(Gate(f"worst victim beyond the law, bank {bank}", residual, 0.05,
                              "rad"))  # fmt: skip
            c1, decay, everywhere = knowledge.crosstalk[bank]
            notes.append(
                f"bank {bank}: c1 {c1:.5f}, d0 {decay:.3f} pitches, cg {everywhere:.2e}; an entry "
                f"is known to {np.median(error):.1e}"
            )
        knowledge.crosstalk_known = True
        return Outcome(
            tuple(gates), (), tuple(notes), {"matrix": matrices, "residual_phases": turned}
        )


def law_matrix(ports: int, law: Floats) -> Floats:
    """C (N^2, N^2) of a law (c1, d0, cg), with an empty diagonal."""
    c1, decay, everywhere = law
    matrix = c1 * np.exp(-(distances(ports) - 1.0) / decay) + everywhere
    np.fill_diagonal(matrix, 0.0)
    return matrix


def residual_phases(
    knowledge: Knowledge, tomogram: Tomogram, tell: Callable[[int, int], None]
) -> tuple[Floats, Floats]:
    """What the model leaves of each setting, as phases (S, n_banks, N^2) of the elements.

    Also their standard uncertainties (n_banks, N^2), all in rad. tell : called with how many of
    the settings are done.
    """
    x = effective(knowledge, tomogram.times, tomogram.levels)
    believed = seen_matrices(knowledge, tomogram.times, tomogram.levels)
    seen = unmixed(tomogram.seen, knowledge.quadrature_error)
    left = seen / common_phases(believed, seen) - believed
    prior = np.eye(knowledge.elements) / _PHASE**2
    turned = np.empty(x.shape)
    known = np.empty(x.shape[1:])
    gain = knowledge.value["detector_gain"][:, None]
    for bank in range(knowledge.n_banks):
        gathered, variance = [], np.zeros(knowledge.elements)
        for s in range(len(x)):
            tell(bank * len(x) + s, len(x) * knowledge.n_banks)
            own = phases(knowledge, bank, x[s : s + 1, bank])
            slopes = derivatives(own, *cells(knowledge, bank), cells_too=False).phase[0]
            flat = (gain * slopes).reshape(knowledge.elements, -1)
            columns = np.concatenate([flat.real, flat.imag], axis=1)
            rest = np.concatenate([left[s, bank].real.ravel(), left[s, bank].imag.ravel()])
            sigma = _unexplained(columns, rest, tomogram.sigma)
            inverse = np.linalg.inv(columns @ columns.T / sigma**2 + prior)
            gathered.append(inverse @ (columns @ rest) / sigma**2)
            variance += np.diag(inverse)
        turned[:, bank] = gathered
        known[bank] = np.sqrt(variance / len(x))
    return turned, known


def _unexplained(columns: Floats, rest: Floats, least: float) -> float:
    """Rms of what no phases explain of a setting, at least the noise: drift is not noise here."""
    found = np.linalg.lstsq(columns.T, rest, rcond=1e-6)[0]
    freedom = max(1, len(rest) - len(columns))
    return max(least, float(np.sqrt(((rest - found @ columns) ** 2).sum() / freedom)))


def _regress(
    pattern: Floats, turned: Floats, sigma: Floats, times: Floats
) -> tuple[Floats, Floats]:
    """Couplings beyond the law (victims, aggressors), and their uncertainties, by ridge.

    pattern : (S, aggressors) rad driven. turned : (S, victims) rad. sigma : (victims,) rad.
    """
    middle = (times - times.mean()) / max(np.ptp(times), 1e-9)
    slow = np.stack([np.ones_like(middle), middle, middle**2], axis=1)
    basis, _ = np.linalg.qr(slow)
    pattern = pattern - basis @ (basis.T @ pattern)
    turned = turned - basis @ (basis.T @ turned)
    # One ridge for all victims: the usual uncertainty of a phase stands for each. Phases that
    # drift from pattern to pattern scatter by more than they are uncertain.
    usual, freedom = float(np.median(sigma)), max(1, len(pattern) - pattern.shape[1] - 3)
    extra, error = _ridge(pattern, turned, usual)
    scatter = ((turned - pattern @ extra.T) ** 2).sum(axis=0) / freedom
    extra, error = _ridge(pattern, turned, max(usual, float(np.sqrt(np.median(scatter)))))
    np.fill_diagonal(extra, 0.0)  # a heater's own law is not crosstalk
    return extra, np.broadcast_to(error, extra.shape)


def _ridge(pattern: Floats, turned: Floats, sigma: float) -> tuple[Floats, Floats]:
    """Couplings (victims, aggressors) and their uncertainties (aggressors,)."""
    inverse = np.linalg.inv(pattern.T @ pattern / sigma**2 + np.eye(pattern.shape[1]) / _BEYOND**2)
    return (inverse @ (pattern.T @ turned) / sigma**2).T, np.sqrt(np.diag(inverse))


def _fit_law(ports: int, matrix: Floats, error: Floats, alive: NDArray, start: Floats) -> Floats:
    """(c1, d0, cg) that fit all pairs best."""
    off = ~np.eye(len(matrix), dtype=bool) & alive[None, :]

    def left(law: Floats) -> Floats:
        return ((law_matrix(ports, law) - matrix) / error)[off]

    begin = [max(start[0], 1e-3), start[1], start[2]]
    bounds = ([0.0, 0.2, -0.01], [0.2, 10.0, 0.01])
    return least_squares(left, begin, bounds=bounds, x_scale=[0.01, 0.3, 1e-3]).x
