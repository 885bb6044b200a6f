"""All that drifts on a bench by itself: the heaters' phases, slowly or at a step, and the local
oscillator's.
"""

from __future__ import annotations

from sim_backends.plant.drift import DriftStep, HeaterDrift, OrnsteinUhlenbeck
from sim_backends.plant.signals import Floats
from sim_backends.plant.spec import PlantSpec

#: Share of the shortest drift time within which a bank's matrix is used again.
_FRESH = 1e-3
# Random streams of what happens in time; those of the devices are below 100.
_HEATER_DRIFT, _LO_DRIFT, _DRIFT_STEP = 101, 102, 104


class Drifts:
    """Drift of every bank and of the local oscillator, a function of seed and bench time."""

    def __init__(self, spec: PlantSpec) -> None:
        self._numbers = numbers = spec.numbers
        self._slow = [
            HeaterDrift(
                (spec.seed, _HEATER_DRIFT, k),
                spec.elements,
                numbers.drift_rms,
                numbers.drift_tau,
                numbers.drift_common,
            )
            for k in range(spec.n_banks)
        ]
        self.steps = tuple(
            DriftStep(
                (spec.seed, _DRIFT_STEP, k),
                spec.elements,
                numbers.drift_step,
                numbers.drift_step_time,
                numbers.drift_common,
            )
            for k in range(spec.n_banks)
        )
        self._lo = OrnsteinUhlenbeck((spec.seed, _LO_DRIFT), 1, numbers.lo_drift_tau)
        taus = [
            tau
            for rms, tau in (
                (numbers.drift_rms, numbers.drift_tau),
                (numbers.lo_drift_rms, numbers.lo_drift_tau),
            )
            if rms > 0.0
        ]
        self.fresh = _FRESH * min(taus) if taus else float("inf")
        """s within which nothing drifts that matters"""

    def moved(self, bank: int, still: Floats, at: float) -> Floats:
        """Phases (elements,) of a bank, or what another core has in their place, at a bench time,
        from those without drift.
        """
        if self._numbers.drift_rms:
            still = still + self._slow[bank].at(at)
        if self._numbers.drift_step:
            still = still + self.steps[bank].at(at)
        return still

    def stepped(self, bank: int, before: float, after: float) -> bool:
        """Whether a bank's step lies between two bench times."""
        return self.steps[bank].between(before, after)

    def lo_phase(self, at: float) -> float:
        """Phase of the local oscillator in rad at a bench time."""
        rms = self._numbers.lo_drift_rms
        return rms * float(self._lo.at(at)[0]) if rms else 0.0
