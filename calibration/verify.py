"""Step `verify`: fresh random settings, predicted and then seen. Nothing is fitted."""

from __future__ import annotations

import numpy as np

from calibration.knowledge import Knowledge
from calibration.mesh import amplitude_fidelity, matrix_fidelity
from calibration.model import seen_matrices
from calibration.normal_equations import common_phases, unmixed
from calibration.setup import Setup
from calibration.step import Gate, Outcome, Watch
from calibration.sweeping import sweeping
from calibration.tomography import Tomograph, random_levels

#: Levels of the settings, p_pi, as training starts from.
LOW, HIGH = 0.4, 1.6


class Verify:
    """How well the knowledge predicts the bench.

    settings : how many are seen. fidelity : least mean matrix fidelity of any bank.
    """

    name = "verify"
    needs = ("phases",)
    summary = "fresh random settings, predicted and then seen: matrix and amplitude fidelity"

    def __init__(self, settings: int = 6, fidelity: float = 0.97, seed: int = 0) -> None:
        self.settings = settings
        self.fidelity = fidelity
        self.seed = seed

    async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
        """Predict, see, compare. Needs both quadratures (NotPossibleError)."""
        tomograph = Tomograph(setup, knowledge, repeats=4)
        rng = np.random.default_rng([self.seed, setup.ports, 0x7E51])
        levels, views = [], []
        # A held setting is what is verified: the slow tail of each jump is let go by.
        warm = 2.0 * knowledge.tail[1]
        levels.append(random_levels(setup, rng, LOW, HIGH))
        async with sweeping(setup, levels[0], warm):
            views.append(await tomograph.look())
            for number in range(1, self.settings):
                levels.append(random_levels(setup, rng, LOW, HIGH))
                await setup.program(levels[-1])
                await setup.rest(warm)
                views.append(await tomograph.look())
                watch.progress(number + 1, self.settings, "settings")
        seen = unmixed(np.array([view.seen for view in views]), knowledge.quadrature_error)
        believed = seen_matrices(knowledge, None, np.array(levels))
        matrix, amplitude = matrix_fidelity(believed, seen), amplitude_fidelity(believed, seen)
        turn = common_phases(believed, seen)
        left = seen / turn - believed
        relative = np.sqrt((np.abs(left) ** 2).sum((2, 3)) / (np.abs(seen) ** 2).sum((2, 3)))
        gates = [
            Gate(f"matrix fidelity, bank {k}", float(f), self.fidelity, "", least=True)
            for k, f in enumerate(matrix.mean(axis=0))
        ]
        notes = [
            f"bank {k}: matrix fidelity {matrix[:, k].mean():.5f} "
            f"(least {matrix[:, k].min():.5f}), amplitude fidelity {amplitude[:, k].mean():.5f}, "
            f"relative error {relative[:, k].mean():.4f}"
            for k in range(knowledge.n_banks)
        ]
        standing = float(np.angle(turn.mean()))
        notes.append(
            f"the local oscillator stands {standing:+.3f} rad from where the outputs' phases were "
            "found; fidelities do not count it"
        )
        raw = {"matrix_fidelity": matrix, "amplitude_fidelity": amplitude, "relative": relative}
        return Outcome(tuple(gates), (), tuple(notes), raw)
