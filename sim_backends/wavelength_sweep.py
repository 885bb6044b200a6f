"""A wavelength sweep: where it is when, where its marks lie, and how it goes on in time."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim_backends.engine.operations import Operation, Operations

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SweepPlan:
    """A cycle from `start` to `stop` (m), and back where `both_ways`.

    Stepped, each point is held for `dwell` s after `step_time` s of tuning; else the wavelength
    moves at `speed` (m/s). `mark` is the distance of the marks (m) at which triggers are given and
    wavelengths are logged: a stepped sweep has one at each of its points.
    """

    start: float
    stop: float
    speed: float
    mark: float
    stepped: bool = False
    dwell: float = 0.0
    step_time: float = 0.02
    both_ways: bool = False

    @property
    def points(self) -> int:
        """Marks of one leg."""
        return int(abs(self.stop - self.start) / self.mark + 1e-6) + 1

    @property
    def leg(self) -> float:
        """Seconds of one leg."""
        if self.stepped:
            return self.points * (self.dwell + self.step_time)
        return abs(self.stop - self.start) / self.speed

    @property
    def duration(self) -> float:
        """Seconds of a cycle."""
        return self.leg * (2 if self.both_ways else 1)

    @property
    def end(self) -> float:
        """The wavelength at the end of a cycle, m."""
        return self.start if self.both_ways else self.stop

    def wavelength(self, passed: float) -> float:
        """The wavelength `passed` s after the start of a cycle, m."""
        passed = min(max(passed, 0.0), self.duration)
        if passed > self.leg:
            passed = 2.0 * self.leg - passed
        if self.stepped:
            at = min(int(passed / (self.dwell + self.step_time)), self.points - 1)
            return float(self._leg_marks()[1][at])
        return self.start + (self.stop - self.start) * passed / self.leg

    def marks(self, until: float | None = None) -> tuple[Floats, Floats]:
        """Times (n,) in s and wavelengths (n,) in m of a cycle's marks, up to `until` s."""
        times, wavelengths = self._leg_marks()
        if self.both_ways:
            times = np.concatenate([times, 2.0 * self.leg - times[::-1]])
            wavelengths = np.concatenate([wavelengths, wavelengths[::-1]])
        if until is not None:
            passed = times <= until
            times, wavelengths = times[passed], wavelengths[passed]
        return times, wavelengths

    def _leg_marks(self) -> tuple[Floats, Floats]:
        index = np.arange(self.points, dtype=np.float64)
        away = index * self.mark
        wavelengths = self.start + np.copysign(away, self.stop - self.start)
        if self.stepped:
            return (index + 1.0) * (self.dwell + self.step_time), wavelengths
        return away / self.speed, wavelengths


class Phase(enum.Enum):
    """What a sweep is doing."""

    IDLE = 0
    PREPARING = 1
    WAITING = 2
    RUNNING = 3
    PAUSED = 4
    CLOSING = 5
    """Between the end of a cycle and its log."""


class Sweeper:
    """Carries plans out as overlapped operations.

    `waits()` says, when a cycle could begin, whether it must wait for a trigger; `prepare(to)`
    gives the s to get there; `told(times, wavelengths, left)` is given the marks that have been
    passed, bench time in s and m, and where the laser is left (m), when a cycle ends or is stopped;
    `ended()` is called at the very end. `closing`: s from a cycle's end until its log is there,
    when `cycle_done()` is called.
    """

    def __init__(
        self,
        now: Callable[[], float],
        operations: Operations,
        *,
        prepare: Callable[[float], float],
        waits: Callable[[], bool],
        told: Callable[[Floats, Floats, float], None],
        ended: Callable[[], None],
        closing: float = 0.0,
        cycle_done: Callable[[], None] = lambda: None,
    ) -> None:
        self._now = now
        self._operations = operations
        self._prepare, self._waits, self._told, self._ended = prepare, waits, told, ended
        self._closing, self._cycle_done = closing, cycle_done
        self.phase = Phase.IDLE
        self.cycles_done = 0
        self.on_phase: Callable[[Phase], None] = lambda phase: None
        self._timer: asyncio.TimerHandle | None = None
        self._operation: Operation | None = None
        self._began = self._held = 0.0

    @property
    def wavelength(self) -> float | None:
        """Where the sweep under way is, m; None when there is none, or on the way to its start."""
        if self.phase in (Phase.IDLE, Phase.PREPARING, Phase.CLOSING):
            return None
        passed = 0.0 if self.phase is Phase.WAITING else self._passed()
        return self._plan.wavelength(passed)

    def start(self, plan: SweepPlan, cycles: int = 1, pause: float = 0.0) -> None:
        """Begin: `cycles` of them (0: until stopped), `pause` s apart. Ends one under way."""
        self.stop()
        self._plan, self._cycles, self._pause = plan, cycles, pause
        self.cycles_done = 0
        self._operation = self._operations.begin()
        self._approach(0.0)

    def trigger(self) -> bool:
        """A trigger; False where none is waited for."""
        if self.phase is not Phase.WAITING:
            return False
        self._run()
        return True

    def pause(self) -> None:
        """Hold a sweep under way where it is."""
        if self.phase is Phase.RUNNING:
            self._held = self._passed()
            self._cancel()
            self._enter(Phase.PAUSED)

    def resume(self) -> None:
        """Go on after a pause."""
        if self.phase is Phase.PAUSED:
            self._began = self._now() - self._held
            self._after(self._plan.duration - self._held, self._cycle_end)
            self._enter(Phase.RUNNING)

    def stop(self) -> None:
        """End it; what has been logged stays."""
        if self.phase is Phase.IDLE:
            return
        self._cancel()
        if self.phase in (Phase.RUNNING, Phase.PAUSED):
            self._tell(self._passed())
        self._finish()

    def _passed(self) -> float:
        return self._held if self.phase is Phase.PAUSED else self._now() - self._began

    def _approach(self, pause: float) -> None:
        self._enter(Phase.PREPARING)
        self._after(pause + self._prepare(self._plan.start), self._there)

    def _there(self) -> None:
        if self._waits():
            self._enter(Phase.WAITING)
        else:
            self._run()

    def _run(self) -> None:
        self._began = self._now()
        self._enter(Phase.RUNNING)
        self._after(self._plan.duration, self._cycle_end)

    def _cycle_end(self) -> None:
        self._tell(None)
        if self._closing > 0.0:
            self._enter(Phase.CLOSING)
            self._after(self._closing, self._closed)
        else:
            self._closed()

    def _closed(self) -> None:
        self.cycles_done += 1
        self._cycle_done()
        if self._cycles and self.cycles_done >= self._cycles:
            self._finish()
        else:
            self._approach(self._pause)

    def _tell(self, until: float | None) -> None:
        times, wavelengths = self._plan.marks(until)
        left = self._plan.end if until is None else self._plan.wavelength(until)
        self._told(times + self._began, wavelengths, left)

    def _finish(self) -> None:
        self._enter(Phase.IDLE)
        self._ended()
        if self._operation is not None:
            self._operation.finish()
            self._operation = None

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.on_phase(phase)

    def _after(self, seconds: float, then: Callable[[], None]) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, then)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
