"""Holding rings at weights: set-points are weights, not voltages.

Each frame shows all weights. What they are off their set-points tells where each resonance has
drifted (a Kalman filter a ring: drift walks, readings have noise), and the calibrated law then says
at which level the ring weighs what it should. At its laser a ring's weight has no slope and does
not tell to which side it drifts: rings set near it are dithered, each with its own random signs,
and the filter locks in on the slope that the dither shows. All rings of all banks are held at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.knowledge import Knowledge
from calibration.ring_faults import moving_rings
from calibration.ring_model import detunings, leaks, weigh
from calibration.ring_setting import Setting, setting_for
from calibration.ring_view import RingView, RingViewer
from calibration.setup import Setup

Floats = NDArray[np.float64]

#: Drift that the filter expects, half-widths^2 / s: 0.03 half-widths with 25 s walk at 7e-5.
RATE = 1e-4
#: Dither, half-widths, of rings set within `NEAR` half-widths of their lasers.
DITHER, NEAR = 0.02, 0.35
#: Error of a weight, rms, that law and view share and that no averaging takes away.
_MODEL = 2e-3
#: Most that one frame may move a resonance, half-widths.
_STEP = 0.15


@dataclass(frozen=True, eq=False)
class Held:
    """What was seen while rings were held.

    times : (S,) bench s. errors : (S, n_banks, N, N) weights seen less set-points. moved : (S,)
    half-widths rms by which resonances count as moved since the lock began.
    """

    times: Floats
    errors: Floats
    moved: Floats


class RingLock:
    """A lock on all rings of a bench; it keeps `knowledge`'s offsets where the resonances are.

    viewer : looks. rate : half-widths^2 / s of drift. dither : half-widths; 0 for none.

    The slow thermal tail is followed from the levels that are held as the lock begins.
    """

    def __init__(
        self,
        setup: Setup,
        knowledge: Knowledge,
        viewer: RingViewer | None = None,
        *,
        rate: float = RATE,
        dither: float = DITHER,
        seed: int = 0,
    ) -> None:
        self.setup, self.knowledge = setup, knowledge
        self.viewer = viewer or RingViewer(setup, knowledge)
        self.rate, self.dither = rate, dither
        self.moves = moving_rings(knowledge)
        self._variance = np.minimum(knowledge.sigma["resonance_offset"], 0.3) ** 2
        self._rng = np.random.default_rng([seed, setup.ports, 0x10C4])
        self._levels = setup.levels
        self._slow = setup.levels / knowledge.p_pi
        self._time = setup.now()
        self._begun = knowledge.value["resonance_offset"].copy()

    def setting(self, weights: Floats) -> Setting:
        """Levels for weights (n_banks, N, N) by the law as it stands now."""
        return setting_for(self.knowledge, weights, self.setup.level_idle, self.setup.level_max)

    async def look(self, levels: Floats) -> tuple[RingView, Floats]:
        """Program levels (n_banks, N^2) W and look; also the levels in effect, p_pi."""
        view = await self.viewer.at(levels)
        share, tau = self.knowledge.tail
        before = self._levels / self.knowledge.p_pi
        self._slow = before + (self._slow - before) * np.exp(-(view.time - self._time) / tau)
        waited, self._time, self._levels = view.time - self._time, view.time, levels
        self._variance = self._variance + self.rate * max(waited, 0.0)
        now = levels / self.knowledge.p_pi
        return view, now - share * (now - self._slow)

    async def frame(self, weights: Floats, *, correct: bool = True) -> tuple[RingView, Setting]:
        """One round: set by the law, look, and put the resonances where they are seen."""
        setting = self.setting(weights)
        view, x = await self.look(self._dithered(setting.levels))
        if correct:
            self._follow(view, x)
        return view, setting

    async def hold(
        self,
        weights: Floats,
        seconds: float,
        least: int = 1,
        told: Callable[[float], None] = lambda _: None,
    ) -> Held:
        """Hold weights (n_banks, N, N) for `seconds` of bench time, at least `least` frames.

        told : called with the seconds passed, after each frame.
        """
        begin = self.setup.now()
        times, errors, moved = [], [], []
        while len(times) < least or self.setup.now() - begin < seconds:
            view, _ = await self.frame(weights)
            gain = self.knowledge.value["detector_gain"][:, None]
            times.append(view.time)
            errors.append(view.seen / gain - weights)
            off = (self.knowledge.value["resonance_offset"] - self._begun)[self.moves]
            moved.append(float(np.sqrt((off**2).mean())))
            told(self.setup.now() - begin)
        return Held(np.array(times), np.array(errors), np.array(moved))

    def _dithered(self, levels: Floats) -> Floats:
        """Levels with the dither of rings near their lasers, within limits."""
        if not self.dither:
            return levels
        known = self.knowledge
        x = levels / known.p_pi
        near = np.stack([np.abs(detunings(known, k, x[k])) < NEAR for k in range(known.n_banks)])
        near &= self.moves
        shift = np.where(near, known.value["shift"], np.inf)
        signs = self._rng.choice([-1.0, 1.0], levels.shape)
        return np.clip(
            levels + self.dither * signs / shift, self.setup.level_idle, self.setup.level_max
        )

    def _follow(self, view: RingView, x: Floats) -> None:
        """Put each resonance where the weights, seen at levels x in effect, tell that it is."""
        known, ports = self.knowledge, self.knowledge.ports
        gain = known.value["detector_gain"][:, None]
        views = [
            weigh(
                detunings(known, k, x[k]).reshape(ports, ports),
                known.value["amplitude"][k].reshape(ports, ports),
                float(known.spacing[k]),
            )
            for k in range(known.n_banks)
        ]
        coupling = leaks(known)
        for k, own in enumerate(views):
            believed = sum(coupling[k, j] * one.weights for j, one in enumerate(views))
            slope = (gain * own.per_detuning).ravel()
            noise = np.repeat(np.hypot(view.sigma[k], _MODEL), ports)
            surprise = (view.seen[k] - gain * believed).ravel()
            spread = slope**2 * self._variance[k] + noise**2
            pull = np.where(self.moves[k], self._variance[k] * slope / spread, 0.0)
            known.value["resonance_offset"][k] += np.clip(pull * surprise, -_STEP, _STEP)
            self._variance[k] = (1.0 - pull * slope) * self._variance[k]
        known.sigma["resonance_offset"] = np.sqrt(self._variance)
