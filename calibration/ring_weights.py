"""Step `weights`: the law of every ring, weight against power, with what rings do to each other.

All rings of all banks jump to random levels about their resonances; frames show every weight. One
fit (`ring_fit`) of laws, amplitudes, crosstalk, lasers' spacing, detector gains, leak and slow
thermal tail follows, drift filtered out, from several starts of what the coarse sweep cannot tell:
the spacing, and the tail. Where the fit misses its gate, as many settings again are added.

Gauge: a ring that passes all its light weighs -1, so the detectors' gains are told by what is seen
off resonance. They hold the laser's power, losses and responsivity. Lasers count as equally strong.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.ring_faults import moving_rings
from calibration.ring_fit import RingFit, refine
from calibration.ring_view import Film, RingView, RingViewer
from calibration.settings import Settings
from calibration.setup import Setup
from calibration.step import Gate, Outcome, Watch
from calibration.sweeping import sweeping
from calibration.tomography import random_levels

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Starts of the lasers' spacing, half-widths; the tail starts at (share, s).
SPACINGS = (8.0, 12.0, 18.0)
TAIL = (0.005, 0.3)
#: Gates: filtered residual over noise; rms uncertainty of a shift (relative), of an amplitude.
RESIDUAL, SHIFT, AMPLITUDE = 1.5, 0.01, 0.01
#: Settings of the fits that choose a start, and iterations of each: strong crosstalk moves rings
#: by half-widths, and takes most of them.
_FIRST, _TRIED = 60, 20
#: Levels, p_pi, about the resonances: of a ring, from a tenth of its height to beyond its peak.
#: Rings that pass nearly all their light would add up to what saturates a detector.
LOW, HIGH = 0.25, 1.2
#: Times that frames are solved with the gains of the fit before.
_SOLVED = 2
#: Rest, s, before the first setting: the model of the slow tail counts from a setting held.
_CREEP = 1.5


class Weights:
    """Weight against power.

    settings : random settings of a round; by default ten a port, at least 100. rounds : most of
    them.
    """

    name = "weights"
    needs = ("resonances",)
    summary = "weight against power of every ring, crosstalk and neighbours' tails: random settings"

    def __init__(self, settings: int | None = None, rounds: int = 3, seed: int = 0) -> None:
        self.settings = settings
        self.rounds = rounds
        self.seed = seed

    async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
        """Measure and fit."""
        viewer = RingViewer(setup, knowledge)
        count = self.settings or max(100, 10 * setup.ports)
        rng = np.random.default_rng([self.seed, setup.ports, 0x3E16])
        moves = moving_rings(knowledge)
        start = deepcopy(knowledge)
        plan = [random_levels(setup, rng, LOW, HIGH) for _ in range(self.rounds * count)]
        settings = Settings(setup, watch, np.array(plan), viewer)
        gates: tuple[Gate, ...] = ()
        fit, found, film = None, knowledge, None
        async with sweeping(setup, settings.begin, _CREEP):
            for number in range(1, self.rounds + 1):
                views = await settings.upto(number * count)
                levels = np.array(plan[: len(views)])
                fit, found, film = _fit(viewer, start, levels, views, moves)
                gates = _gates(found, fit, moves)
                if all(gate.passed for gate in gates):
                    break
            assert fit is not None
            assert film is not None
        _take(knowledge, found)
        return Outcome(gates, (), _notes(knowledge, fit, film), {"left": fit.left})


def _fit(
    viewer: RingViewer, start: Knowledge, levels: Floats, views: list[RingView], moves: Bools
) -> tuple[RingFit, Knowledge, Film]:
    """The best of several starts, each tried on the first settings; then on all settings.

    Saturation acts before a detector's gain: with better gains the frames are solved again.
    """
    film = Film.of(levels, views).first(_FIRST)
    tried = []
    for spacing in SPACINGS:
        begun = replace(deepcopy(start), tail=TAIL)
        begun.spacing = np.full(start.n_banks, spacing)
        begun.crosstalk[:, 0] = np.where(begun.crosstalk[:, 0] > 0.0, begun.crosstalk[:, 0], 1e-3)
        trial = deepcopy(begun)
        tried.append((refine(trial, film, moves, iterations=_TRIED, rounds=1), trial))
    fit, found = min(tried, key=lambda one: one[0].residual)
    for number in range(_SOLVED):
        gain = found.value["detector_gain"].copy()
        film = Film.of(levels, [viewer.with_gain(gain).solved(view.raw) for view in views])
        # Uncertainties from before any fit: the film holds the settings that made them smaller.
        found = replace(found, sigma=deepcopy(start.sigma))
        fit = refine(found, film, moves, rounds=1 if number < _SOLVED - 1 else 3)
    return fit, found, film


def _take(knowledge: Knowledge, found: Knowledge) -> None:
    """Write what a fit has found."""
    for name in ("value", "sigma", "crosstalk", "spacing", "leak", "tail"):
        setattr(knowledge, name, getattr(found, name))
    knowledge.crosstalk_known = True


def _gates(found: Knowledge, fit: RingFit, moves: Bools) -> tuple[Gate, ...]:
    def rms(values: Floats) -> float:
        return float(np.sqrt((values[moves] ** 2).mean())) if moves.any() else float("nan")

    return (
        Gate("residual over noise and drift", fit.residual, RESIDUAL, ""),
        Gate("uncertainty of a shift, rms", rms(found.sigma["shift"]), SHIFT, "relative"),
        Gate("uncertainty of an amplitude, rms", rms(found.sigma["amplitude"]), AMPLITUDE, ""),
    )


def _notes(known: Knowledge, fit: RingFit, film: Film) -> tuple[str, ...]:
    notes = [
        f"{len(film)} settings in {film.times[-1] - film.times[0]:.3g} s; what is left of a weight "
        f"is {float(np.sqrt((fit.left**2).mean())):.4f} rms, drift included",
        f"rings drift by {np.sqrt(fit.rate):.3g} half-widths in a second, "
        f"{float(np.sqrt((fit.drift**2).mean())):.3g} in these settings",
        f"slow thermal tail {known.tail[0]:.2%} with {known.tail[1]:.3g} s",
    ]
    for bank, law in enumerate(known.crosstalk):
        others = [f"{known.leak[bank, j].real:.2e}" for j in range(known.n_banks) if j != bank]
        notes.append(
            f"bank {bank}: crosstalk c1 {law[0]:.5f}, d0 {law[1]:.3f} pitches, cg {law[2]:.2e}; "
            f"lasers {known.spacing[bank]:.3f} half-widths apart"
            + (f"; leak of the others {', '.join(others)}" if others else "")
        )
    return tuple(notes)
