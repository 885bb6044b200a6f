"""The ports: the slots as they were last measured, headroom, clipping, and the power they read."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hil.monitor.state.part import (
    MOST_BANKS,
    Facts,
    Refused,
    check_banks,
    check_samples,
    check_shape,
    finite,
    with_gaps,
)
from hil.monitor.state.trail import Floats, Trail
from hil.telemetry.event import Event, Stamped
from hil.telemetry.events import BenchDescribed, RunResumed, Slots


@dataclass(frozen=True)
class Traces:
    """The slots of a step. banks, times : (slots,); the rest : (batch, slots, ports)."""

    step: int
    banks: NDArray[np.int64]
    times: Floats
    sent: Floats
    measured: Floats
    clipped: NDArray[np.bool_]


class Ports:
    """What the detectors read.

    Attributes
    ----------
    traces : of the last step; None: not told. peak : (ports,) largest reading of the last step,
    signal units; highest : of the run. clipped : (ports,) share of the points of the last step at
    the converter's end. clipped_points : (ports,) of the run. power : trail over steps of the mean
    square reading, (ports,), signal units squared. dark : (ports,) read while the signal light was
    off in the last step, signal units; empty: it was not read.
    """

    TAKES: ClassVar[tuple[type[Event], ...]] = (BenchDescribed, RunResumed, Slots)

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._restart()

    def _restart(self) -> None:
        self.traces: Traces | None = None
        self.peak: Floats = np.empty(0)
        self.highest: Floats = np.empty(0)
        self.clipped: Floats = np.empty(0)
        self.clipped_points: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.power = Trail()
        self.dark: Floats = np.empty(0)

    def take(self, stamped: Stamped) -> None:
        """Fold an event in."""
        match stamped.event:
            case BenchDescribed(ports=ports):
                if len(self.peak) != ports:
                    self._restart()
            case RunResumed(step=step):
                self.power.cut(step)
            case Slots() as slots:
                self._take_slots(slots)
            case _:
                pass

    def _take_slots(self, slots: Slots) -> None:
        bench = self._facts.bench
        check_banks(slots.banks, MOST_BANKS if bench is None else bench.n_banks)
        number = len(slots.banks)
        check_shape("times of slots", slots.times, (number,))
        check_samples("measured", slots.measured, number, None if bench is None else bench.ports)
        check_shape("sent", slots.sent, slots.measured.shape)
        check_shape("clipped", slots.clipped, slots.measured.shape)
        if slots.measured.dtype.kind != "f" or slots.sent.dtype.kind != "f":
            raise Refused("readings are no numbers")
        ports = slots.measured.shape[2]
        if slots.dark.shape not in ((0,), (ports,)) or slots.dark.dtype.kind != "f":
            raise Refused("dark levels are not one of each port")
        measured, times = with_gaps(slots.measured), finite("times of slots", slots.times)
        if len(self.peak) != ports:
            self._restart()
            self.power = Trail(ports)
            self.highest = np.zeros(ports)
            self.clipped_points = np.zeros(ports, dtype=np.int64)
        clipped = slots.clipped.astype(bool)
        self.traces = Traces(
            slots.step,
            slots.banks.astype(np.int64),
            times,
            with_gaps(slots.sent),
            measured,
            clipped,
        )
        with warnings.catch_warnings():  # a port of which all was lost is NaN, and shown as that
            warnings.simplefilter("ignore", RuntimeWarning)
            self.peak = np.nanmax(np.abs(measured), axis=(0, 1))
            power = np.nanmean(np.square(measured), axis=(0, 1))
        self.highest = np.fmax(self.highest, self.peak)
        self.clipped = clipped.mean(axis=(0, 1))
        self.dark = with_gaps(slots.dark)
        self.clipped_points += clipped.sum(axis=(0, 1))
        self.power.add(slots.step, power)

    @property
    def headroom(self) -> Floats | None:
        """What is left to the converter's end, as a share of it, (ports,); None: not known."""
        bench = self._facts.bench
        if bench is None or len(self.peak) != bench.ports:
            return None
        return 1.0 - self.peak / bench.full_scale

    @property
    def least_headroom(self) -> Floats | None:
        """The same, the least of the run."""
        bench = self._facts.bench
        if bench is None or len(self.highest) != bench.ports:
            return None
        return 1.0 - self.highest / bench.full_scale
