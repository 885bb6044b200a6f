"""The twin beside what was measured: each pair, and the residual of each port and slot."""

from __future__ import annotations

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
    with_gaps,
)
from hil.monitor.state.trail import Floats, Trail
from hil.telemetry.event import Event, Stamped
from hil.telemetry.events import Believed, BenchDescribed, RunResumed

#: Pairs that a scatter shows at most.
MOST_PAIRS = 4000
#: Weight of the newest in the mean residual.
NEWEST = 0.25


@dataclass(frozen=True)
class Pairs:
    """Points of a scatter: bank, measured and believed, (pairs,)."""

    step: int
    banks: NDArray[np.int64]
    measured: Floats
    believed: Floats


class TwinView:
    """How true the twin is.

    Attributes
    ----------
    pairs : of the last samples; None: not told. residual : (slots, ports) rms over the last
    samples, signal units; None: not told. banks : (slots,) bank of each slot. trail : rms of all
    over steps. worst : (slot, port) of the largest residual.
    """

    TAKES: ClassVar[tuple[type[Event], ...]] = (BenchDescribed, RunResumed, Believed)

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._restart()

    def _restart(self) -> None:
        self.pairs: Pairs | None = None
        self.banks: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.trail = Trail()
        self._square: Floats | None = None

    def take(self, stamped: Stamped) -> None:
        """Fold an event in."""
        match stamped.event:
            case BenchDescribed(ports=ports):
                if self._square is None or self._square.shape[1] != ports:
                    self._restart()
            case RunResumed(step=step):
                self.trail.cut(step)
            case Believed() as told:
                self._take_believed(told)
            case _:
                pass

    def _take_believed(self, told: Believed) -> None:
        bench = self._facts.bench
        check_banks(told.banks, MOST_BANKS if bench is None else bench.n_banks)
        ports = None if bench is None else bench.ports
        check_samples("measured", told.measured, len(told.banks), ports)
        check_shape("believed", told.believed, told.measured.shape)
        measured, believed = with_gaps(told.measured), with_gaps(told.believed)
        usable = np.isfinite(measured) & np.isfinite(believed)
        if not usable.any():
            raise Refused("nothing that was believed or measured is finite")
        banks = told.banks.astype(np.int64)
        off = np.where(usable, believed - measured, 0.0)
        counted = usable.sum(axis=0)
        square = np.square(off).sum(axis=0) / np.maximum(counted, 1)
        square[counted == 0] = np.nan
        before = self._square
        if before is None or before.shape != square.shape or not np.array_equal(banks, self.banks):
            self._square = square
        else:
            mixed = before + NEWEST * (square - before)
            self._square = np.where(np.isfinite(mixed), mixed, square)
        self.banks = banks
        self.pairs = _pairs(told.step, banks, measured, believed, usable)
        self.trail.add(told.step, float(np.sqrt(np.square(off).sum() / usable.sum())))

    @property
    def residual(self) -> Floats | None:
        """Rms of believed minus measured, (slots, ports)."""
        return None if self._square is None else np.sqrt(self._square)

    @property
    def worst(self) -> tuple[int, int, float] | None:
        """Slot, port and residual of the largest one."""
        residual = self.residual
        if residual is None or not np.isfinite(residual).any():
            return None
        slot, port = np.unravel_index(int(np.nanargmax(residual)), residual.shape)
        return int(slot), int(port), float(residual[slot, port])


def _pairs(
    step: int,
    banks: NDArray[np.int64],
    measured: Floats,
    believed: Floats,
    usable: NDArray[np.bool_],
) -> Pairs:
    of = np.broadcast_to(banks[None, :, None], measured.shape)[usable]
    every = -(-of.size // MOST_PAIRS)
    return Pairs(step, of[::every], measured[usable][::every], believed[usable][::every])
