"""Step `offsets`: where every phase stands now, in a second.

Phases drift; slopes, splitters and couplings do not. A few random settings renew all offsets and
nothing else. This is what to run before a job, and what a drift alarm asks for first.
"""

from __future__ import annotations

import numpy as np

from calibration.computing import compute, told
from calibration.globalfit import random_settings, rms
from calibration.knowledge import Knowledge
from calibration.leastsquares import refine
from calibration.mesh import layout
from calibration.setup import Setup
from calibration.step import Gate, Outcome, Watch
from calibration.tomography import Tomograph


class Offsets:
    """Renewal of the offsets.

    settings : random settings taken. drifted : rad that a phase may have moved by since.
    """

    name = "offsets"
    needs = ("phases",)
    summary = "where every phase stands now: a few random settings, offsets alone"

    def __init__(self, settings: int = 24, drifted: float = 0.1, seed: int = 2) -> None:
        self.settings = settings
        self.drifted = drifted
        self.seed = seed

    async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
        """Measure and fit. Needs both quadratures (NotPossibleError)."""
        tomograph = Tomograph(setup, knowledge)
        rng = np.random.default_rng([self.seed, setup.ports, 0x0FF5])
        tomogram = await random_settings(setup, knowledge, tomograph, rng, self.settings, watch)
        before = knowledge.value["phase_offset"].copy()
        knowledge.sigma["phase_offset"] = np.hypot(knowledge.sigma["phase_offset"], self.drifted)
        tell = told(watch, "fitting")
        fit = await compute(
            lambda: refine(knowledge, tomogram, free=("phase_offset",), iterations=4, tell=tell)
        )
        inner = layout(knowledge.ports).kind < 2
        moved = (knowledge.value["phase_offset"] - before)[:, inner]
        gates = (
            Gate("residual of the fit", fit.relative, 0.15, "of the matrices"),
            Gate("uncertainty of an inner phase, rms",
                 rms(knowledge.sigma["phase_offset"][:, inner]), 0.02, "rad"),
        )  # fmt: skip
        notes = (
            f"offsets have moved by {rms(moved):.4f} rad rms, "
            f"{float(np.abs(moved.mean(axis=1)).max()):.4f} rad of it common to a bank",
        )
        return Outcome(gates, (), notes, {"moved": moved})
