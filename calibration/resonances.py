"""Step `resonances`: where every ring meets its laser.

All rings of all banks are swept at once, each to and fro over the whole of its heater's range and
from a place of its own in that sweep: the chip's heat stays the same, rows stay in the middle of
their detectors' range, and no ring is mistaken for another that moves along. Frames show every
weight, so each ring's line against its own level is fitted (`lorentz`), from many starts. A sweep
is done again, up to `repeats` times, where a ring's line is not clear.

What does not answer to its own channel is looked at against all others: swapped, or else dead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.lorentz import Lines, fit_lines
from calibration.port_faults import forget
from calibration.ring_faults import FAULTS, answers, dark_faults, lit_rings, silent_faults
from calibration.ring_view import Film, RingViewer
from calibration.settings import Settings
from calibration.setup import Setup
from calibration.step import Gate, Outcome, Watch
from calibration.sweeping import sweeping

Floats = NDArray[np.float64]

#: Share of a weight's scatter that its own line must explain; crosstalk alone takes a few percent.
EXPLAINED = 0.8
#: A chip's share of its power that a sweep may ask for.
_POWER = 0.95
#: Rest, s, before a sweep: most of a slow thermal tail.
_CREEP = 1.0


class Resonances:
    """Coarse lines of all rings.

    points : settings of a sweep, to and fro. repeats : most sweeps.
    """

    name = "resonances"
    needs = ("dark", "detector", "modulator")
    summary = "coarse sweep of all rings at once: where each meets its laser"

    def __init__(self, points: int = 40, repeats: int = 3) -> None:
        self.points = points
        self.repeats = repeats

    async def run(self, setup: Setup, knowledge: Knowledge, watch: Watch) -> Outcome:
        """Sweep, fit, and write offsets, shifts, amplitudes and gains."""
        forget(knowledge, *FAULTS)
        viewer = RingViewer(setup, knowledge)
        rng = np.random.default_rng([setup.ports, setup.n_banks, 0x4E50])
        plan = np.concatenate([self._sweep(setup, rng) for _ in range(self.repeats)])
        settings = Settings(setup, watch, plan, viewer)
        lines, film, views = None, None, []
        async with sweeping(setup, settings.begin, _CREEP):
            for number in range(1, self.repeats + 1):
                views = await settings.upto(number * self.points)
                film = Film.of(plan[: len(views)], views)
                lines = _fit(knowledge, film)
                if (lines.explained > EXPLAINED).all():
                    break
        assert lines is not None
        assert film is not None
        clipped = np.max([view.clipped for view in views], axis=(0, 1))
        return self._conclude(knowledge, film, lines, clipped)

    def _sweep(self, setup: Setup, rng: np.random.Generator) -> Floats:
        """Levels (points, n_banks, N^2) W: triangles from idle to limit, each begun anywhere."""
        low, high = setup.level_idle, setup.level_max
        begin = rng.uniform(0.0, 1.0, low.shape)
        turn = (np.arange(self.points) / self.points)[:, None, None] + begin
        share = np.abs(2.0 * (turn % 1.0) - 1.0)
        levels = low + (high - low) * share
        most = levels.sum(axis=2).max(axis=0)[None, :, None]
        idle = low.sum(axis=1)[None, :, None]
        room = (_POWER * setup.power_max - idle) / np.maximum(most - idle, 1e-12)
        return low + (levels - low) * np.minimum(room, 1.0)

    def _conclude(self, knowledge: Knowledge, film: Film, lines: Lines, clipped: Floats) -> Outcome:
        shape = film.levels.shape[1:]
        clear = (lines.explained > EXPLAINED).reshape(shape)
        faults = dark_faults(knowledge, film, clipped)
        lit = lit_rings(knowledge)
        silent, good = lit & ~clear, lit & clear
        faults += silent_faults(knowledge, silent, answers(film, silent), film)
        peak, shift, base, height = (
            one.reshape(shape) for one in (lines.peak, lines.shift, lines.base, lines.height)
        )
        _write(knowledge, good, peak, shift, base, height)
        inside = good & (peak * knowledge.p_pi <= film.levels.max(axis=0))
        inside &= peak * knowledge.p_pi >= film.levels.min(axis=0)
        missed = int((good & ~inside).sum())
        gates = (
            Gate("rings with a clear line, of those lit", float(good.sum() / max(1, lit.sum())),
                 0.9, "", least=True),
            Gate("scatter of a weight that its line does not explain, median",
                 1.0 - float(np.median(lines.explained[good.ravel()])) if good.any() else np.nan,
                 0.1, ""),
        )  # fmt: skip
        notes = [
            f"{int(inside.sum())} of {good.size} resonances within their heaters' range, after "
            f"{len(film)} settings; they lie at {peak[good].mean():.3f} +- {peak[good].std():.3f} "
            f"p_pi, {shift[good].mean():.2f} +- {shift[good].std():.2f} half-widths a p_pi"
            if good.any()
            else "no resonance found"
        ]
        if missed:
            notes.append(f"{missed} resonances lie beyond their heaters' range")
        raw = {"peak": peak, "shift": shift, "base": base, "height": height,
               "explained": lines.explained.reshape(shape)}  # fmt: skip
        return Outcome(gates, tuple(faults), tuple(notes), raw)


def _fit(knowledge: Knowledge, film: Film) -> Lines:
    """Lines of all rings of all banks, against their own levels in p_pi."""
    asked = film.levels.reshape(len(film), -1) / knowledge.p_pi
    return fit_lines(asked, film.seen.reshape(len(film), -1))


def _write(
    knowledge: Knowledge,
    good: NDArray[np.bool_],
    peak: Floats,
    shift: Floats,
    base: Floats,
    height: Floats,
) -> None:
    """Start values of the laws: of rings without a clear line those of the others."""
    usual_shift = float(np.median(shift[good])) if good.any() else 6.0
    usual_peak = float(np.median(peak[good])) if good.any() else 0.7
    shift = np.where(good, shift, usual_shift)
    offset = -np.where(good, peak, usual_peak) * shift
    knowledge.value["resonance_offset"] = offset
    knowledge.sigma["resonance_offset"] = np.where(good, 0.3, 3.0)
    knowledge.value["shift"] = shift / knowledge.p_pi
    knowledge.sigma["shift"] = np.where(good, 0.1, 0.3)
    # Off its resonance a ring passes all: what a row shows then is -1 times its gain.
    ports = knowledge.ports
    rows = np.where(good, -base, np.nan).reshape(-1, ports, ports)
    seen = np.isfinite(rows).any(axis=(0, 2))
    gain = np.ones(ports)
    gain[seen] = np.nanmedian(rows[:, seen], axis=(0, 2))
    knowledge.value["detector_gain"] = np.clip(gain, 0.2, 5.0)
    part = height.reshape(-1, ports, ports) / (2.0 * knowledge.value["detector_gain"][:, None])
    amplitude = np.where(good, part.reshape(good.shape), np.nan)
    usual = float(np.nanmedian(amplitude)) if good.any() else 0.9
    amplitude = np.clip(np.where(good, amplitude, usual), 0.3, 0.99)
    knowledge.value["amplitude"] = amplitude
    knowledge.sigma["amplitude"] = np.full(good.shape, 0.1)
