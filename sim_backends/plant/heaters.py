"""Thermo-optic heaters of one bank: from voltage steps in time to phases.

A heater of resistance R = R0 (1 + a P / P_pi) at V volts draws P = V^2 / R; its own phase is
pi x (1 + k x) with x = P / P_pi, and it turns its neighbours by C pi x. After a step the power in
effect approaches the new one with a dominant and a slow exponential.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from sim_backends.plant.signals import Floats, Integers
from sim_backends.plant.spec import PlantSpec

#: Heater steps remembered, so that a frame may be rendered after heaters have moved on.
_REMEMBERED = 256
#: rad: thermal creep below which phases count as unmoved.
_CREEP = 1e-4


@dataclass(frozen=True)
class HeaterState:
    """Heaters between two steps.

    Attributes
    ----------
    time : s of bench time, the last step.
    settled : (elements,) powers that are approached, in units of each heater's own P_pi.
    fast, slow : (elements,) what was left of earlier steps at `time`, same units.
    """

    time: float
    settled: Floats
    fast: Floats
    slow: Floats
    fast_peak: float
    slow_peak: float


class HeaterBank:
    """The heaters of one bank, since ever at `volts`, (elements,): by default all at 0 V."""

    def __init__(
        self, spec: PlantSpec, r0: Floats, p_pi: Floats, volts: Floats | None = None
    ) -> None:
        self._numbers = spec.numbers
        self._r0 = r0
        self._p_pi = p_pi
        zeros = np.zeros(spec.elements)
        everything: Integers = np.arange(spec.elements)
        settled = zeros if volts is None else self.settled_power(everything, volts)
        self._states: deque[HeaterState] = deque(
            [HeaterState(-math.inf, settled, zeros, zeros, 0.0, 0.0)], maxlen=_REMEMBERED
        )

    def settled_power(self, elements: Integers, volts: Floats) -> Floats:
        """Power in units of P_pi that heaters draw once warm, for `volts` of the same shape.

        The positive root of x (1 + a x) = V^2 / (R0 P_pi), in the form without cancellation.
        """
        cold = volts**2 / (self._r0[elements] * self._p_pi[elements])
        return 2.0 * cold / (1.0 + np.sqrt(1.0 + 4.0 * self._numbers.resistance_rise * cold))

    def amps(self, elements: Integers, volts: Floats) -> Floats:
        """Current in A at `volts`, warm."""
        x = self.settled_power(elements, volts)
        return volts / (self._r0[elements] * (1.0 + self._numbers.resistance_rise * x))

    def step(self, elements: Integers, volts: Floats, at: float) -> None:
        """Put `volts` on `elements` at the bench time `at`; a time in the past counts as now."""
        last = self._states[-1]
        at = max(at, last.time)
        fast, slow = self._remains(last, at)
        settled = last.settled.copy()
        settled[elements] = self.settled_power(elements, volts)
        left = last.settled[elements] - settled[elements]
        share = self._numbers.tail_share
        if self._numbers.heater_tau > 0.0:
            fast[elements] += (1.0 - share) * left
        slow[elements] += share * left
        if at == last.time and len(self._states) > 1:
            self._states.pop()
        self._states.append(
            HeaterState(
                at, settled, fast, slow, float(np.abs(fast).max()), float(np.abs(slow).max())
            )
        )

    def state_at(self, time: float) -> HeaterState:
        """The state that holds at a bench time, as far back as is remembered."""
        for state in reversed(self._states):
            if state.time <= time:
                return state
        return self._states[0]

    def power(self, state: HeaterState, time: float) -> Floats:
        """Powers in effect, (elements,), in units of P_pi."""
        fast, slow = self._remains(state, time)
        return state.settled + fast + slow

    def creep_is_small(self, state: HeaterState, start: float, end: float) -> bool:
        """Whether no phase moves noticeably between two times of one state."""
        decays = [
            abs(self._left(state, start, tau) - self._left(state, end, tau))
            for tau in (self._numbers.heater_tau, self._numbers.tail_tau)
        ]
        return math.pi * (decays[0] * state.fast_peak + decays[1] * state.slow_peak) < _CREEP

    def _remains(self, state: HeaterState, time: float) -> tuple[Floats, Floats]:
        return (
            state.fast * self._left(state, time, self._numbers.heater_tau),
            state.slow * self._left(state, time, self._numbers.tail_tau),
        )

    @staticmethod
    def _left(state: HeaterState, time: float, tau: float) -> float:
        if tau == 0.0:
            return 0.0
        return math.exp(-max(time - state.time, 0.0) / tau)
