"""Step `global`: everything at once, from random settings.

All heaters of all banks jump to random levels; each setting's whole matrices are seen in one
frame. A Gauss-Newton fit of the whole model (`leastsquares`) then refines what the steps before
found: phases, slopes, curvatures, splitters, losses, crosstalk, detector gains, leak, the slow
thermal tail and the error of the LO's quarter wave.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.computing import compute, told
from calibration.knowledge import Knowledge
from calibration.leastsquares import refine
from calibration.mesh import layout
from calibration.model import Tomogram, seen_matrices
from calibration.settings import Settings
from calibration.setup import Setup
from calibration.step import Gate, Outcome, Watch
from calibration.sweeping import sweeping
from calibration.tomography import Tomograph, random_levels
from calibration.unknowns import EVERYTHING

Floats = NDArray[np.float64]

#: Levels of the random settings, p_pi: from the idle bias to nearly a full turn.
LOW, HIGH = 0.05, 2.0


class GlobalFit:
    """Fit of the whole model.

    settings : random settings taken; by default six a port, at least 60. free : what is fitted,
    names of unknowns.EVERYTHING.
    """

    name = "global"
    needs = ("phases",)
    summary = "the whole model at once, from random settings"

    def __init__(
        self, settings: int | None = None, free: tuple[str, ...] = EVERYTHING, seed: int = 0
    ) -> None:
        self.settings = settings
        self.free = free
        self.seed = seed

    async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
        """Measure and fit. Needs both quadratures (NotPossibleError)."""
        tomograph = Tomograph(setup, knowledge)
        count = self.settings or max(60, 6 * setup.ports)
        rng = np.random.default_rng([self.seed, setup.ports, 0x610B])
        tomogram = await random_settings(setup, knowledge, tomograph, rng, count, watch)
        gain = knowledge.value["detector_gain"].copy()
        tell = told(watch, "fitting")
        fit = await compute(
            lambda: refine(knowledge, tomogram, free=self.free, iterations=8, tell=tell)
        )
        if knowledge.saturation is not None:
            # What was measured is where each port ends, gain times saturation: that stays.
            knowledge.saturation *= float((gain / knowledge.value["detector_gain"]).mean())
        knowledge.crosstalk_known = knowledge.crosstalk_known or "crosstalk" in self.free
        inner = layout(knowledge.ports).kind < 2
        phase = knowledge.sigma["phase_offset"][:, inner]
        slope = knowledge.sigma["slope"]
        notes = (
            f"residual {fit.residual:.4f} of an entry after {fit.settings} settings; noise alone "
            f"makes {fit.expected:.4f}",
            "crosstalk c1, d0, cg: "
            + "; ".join(
                ", ".join(f"{number:.4g}" for number in row) for row in knowledge.crosstalk
            ),
            f"slow thermal tail {knowledge.tail[0]:.2%} with {knowledge.tail[1]:g} s; "
            f"LO quarter wave off by {knowledge.quadrature_error:+.4f} rad",
        )
        gates = (
            Gate("residual of the fit", fit.relative, 0.15, "of the matrices"),
            Gate("uncertainty of an inner phase, rms", rms(phase), 0.03, "rad"),
            Gate("uncertainty of a slope, rms", rms(slope), 0.01, "relative"),
        )
        believed = seen_matrices(knowledge, tomogram.times[-1:], tomogram.levels[-1:])
        return Outcome(gates, (), notes, {"believed": believed[0], "seen": tomogram.seen[-1]})


def rms(values: Floats) -> float:
    """Root mean square."""
    return float(np.sqrt((values**2).mean()))


async def random_settings(
    setup: Setup,
    knowledge: Knowledge,
    tomograph: Tomograph,
    rng: np.random.Generator,
    count: int,
    watch: Watch,
) -> Tomogram:
    """`count` random settings, one after the other; the first is held until it is warm.

    The model of the slow thermal tail counts from a setting that had been held.
    """
    plan = np.array([random_levels(setup, rng, LOW, HIGH) for _ in range(count)])
    settings = Settings(setup, watch, plan, tomograph)
    async with sweeping(setup, settings.begin, 4.0 * knowledge.tail[1]):
        views = await settings.upto(count)
    return tomograph.tomogram(plan, views)
