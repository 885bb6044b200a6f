"""Progress of a calibration on a terminal, or in lines where there is none; keeps sweeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from hil.calibrating.folder import CalibrationFolder
from hil.terminal_bar import TerminalBar

Array = NDArray[Any]
#: Without a terminal a line is printed each time that so large a share of a step is done.
_SHARE = 0.25


class StepWatch(TerminalBar):
    """What one step tells and keeps: a `calibration.step.Watch`. Use with `with`.

    clock : bench time, s.
    """

    def __init__(
        self, step: str, folder: CalibrationFolder | None, clock: Callable[[], float]
    ) -> None:
        super().__init__(f"  {step:11s}", None, transient=True)
        self.step = step
        self._folder = folder
        self._clock = clock
        self._told = 0.0
        #: sweeps that were there already
        self.resumed = 0

    def progress(self, done: int, total: int, note: str = "") -> None:
        """After each part."""
        if self.move(done, note, total):
            return
        share = done / max(total, 1)
        if share < self._told:
            self._told = 0.0
        if share - self._told >= _SHARE and total > 4:
            self._told = share
            print(f"  {self.step:11s} {done}/{total} {note}", flush=True)

    def kept(self, key: str) -> Mapping[str, Array] | None:
        """What an interrupted run of this step kept under `key`, or None."""
        if self._folder is None:
            return None
        kept = self._folder.kept(self.step, key)
        self.resumed += kept is not None
        return kept

    def keep(self, key: str, **arrays: Array) -> None:
        """Keep a finished sweep, at once and safe from a crash."""
        if self._folder is not None:
            self._folder.keep(self.step, key, arrays, self._clock())
