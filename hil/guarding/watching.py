"""Watches a controller until it has ended in order, or until its bench must be driven off."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hil.guarding.line import Line
from hil.guarding.vigil import LOOK, Vigil

#: s from SIGTERM to SIGKILL of a controller whose loop does not run again, and that one which does
#: may take beyond its ramp to drive the bench off itself.
GRACE, WINDING_DOWN = 5.0, 20.0
#: s that a stopped process may take to be on its way again.
AWAKE = 0.2
#: s that a process may take to be gone, of which the files are closed; which has been killed.
CLOSING, BURIAL = 2.0, 10.0
#: s from one look at a process to the next.
PAUSE = 0.01


class Watch:
    """A guardian's eye on its parent, the controller.

    Attributes
    ----------
    folder : of what is under way, as told; identities : of the instruments, as they answered.
    """

    def __init__(
        self,
        line: Line,
        controller: int,
        patience: float,
        ramp_time: float,
        tell: Callable[[str], None],
    ) -> None:
        self._line = line
        self._poll = select.poll()
        self._poll.register(line, select.POLLIN)
        self._controller = controller
        self._vigil = Vigil(patience, time.monotonic())
        self._patience = patience
        self._own_way = ramp_time + WINDING_DOWN
        self._tell = tell
        self._done = self._take = False
        self._asked_at: float | None = None
        self.asked = False
        self.folder: Path | None = None
        self.identities: dict[str, list[str]] = {}

    def until_due(self) -> str:
        """Wait; gives why the bench is to be driven off, or nothing where it needs no care."""
        while True:
            self._look()
            if self._done:
                return ""
            if self._take:
                return "its controller could not drive it off"
            if self._line.gone:  # a process that ends closes its files first
                self._wait_for_end(CLOSING)
            if not self._alive():
                return "its controller is gone (killed, or crashed)"
            if self._line.gone:
                return self._stopped("its controller has let go of its guardian")
            if self._vigil.look(time.monotonic()) <= 0.0:
                return self._stopped(
                    f"its controller hangs: no heartbeat of its loop for {self._patience:g} s"
                )
            if self.asked and self._passed_on():
                return self._stopped("its guardian was asked to end, and its controller went on")

    def _passed_on(self) -> bool:
        """Pass on that this process was asked to end; gives whether the controller had its time."""
        if self._asked_at is None:
            self._asked_at = time.monotonic()
            self._tell("asked to end (SIGTERM): the controller is to drive the bench off first")
            self._line.say(end="SIGTERM")
        return time.monotonic() - self._asked_at > self._own_way

    def _stopped(self, why: str) -> str:
        """End a controller that holds the links; gives why the bench is still to be driven off.

        Asked to, it may find its own way to `off`, also from where it was stopped (Ctrl-Z).
        """
        asked = time.monotonic()
        silence = Vigil(GRACE, asked)
        self._tell(f"{why}; process {self._controller} is asked to end (SIGTERM)")
        # First on its way again: of a process that stands, any thread may be given the signal, and
        # then its main thread does not wake from what it waits for.
        self._signal(signal.SIGCONT)
        time.sleep(AWAKE)
        self._signal(signal.SIGTERM)
        while self._alive():
            said = self._look()
            if self._done:
                return ""
            now = time.monotonic()
            if said:
                silence.heard(now)
            if silence.look(now) <= 0.0 or now - asked > self._own_way:
                self._tell(f"process {self._controller} does not end: it is killed")
                self._signal(signal.SIGKILL)
                self._wait_for_end(BURIAL)
                if self._alive():
                    self._tell(f"process {self._controller} stays: it may hold its links")
                break
        return "" if self._done else why

    def _wait_for_end(self, patience: float) -> None:
        until = time.monotonic() + patience
        while self._alive() and time.monotonic() < until:
            time.sleep(PAUSE)

    def _look(self) -> bool:
        """Wait for what is said, `LOOK` s at most; gives whether anything was."""
        if not self._poll.poll(1e3 * LOOK):
            return False
        said = self._line.hear()
        if self._line.gone:
            time.sleep(PAUSE)  # it is always readable from now on
        for word in said:
            self._vigil.heard(time.monotonic())
            self._take_in(word)
        if said and not self._line.gone:
            self._line.beat()
        return bool(said)

    def _take_in(self, word: dict[str, Any]) -> None:
        self._done |= "done" in word
        self._take |= "take" in word
        if isinstance(folder := word.get("folder"), str):
            self.folder = Path(folder)
        if isinstance(who := word.get("identities"), dict):
            self.identities = who

    def _alive(self) -> bool:
        """Whether the controller is there: as long as it is, it is this process's parent."""
        return os.getppid() == self._controller

    def _signal(self, number: signal.Signals) -> None:
        if self._alive():
            os.kill(self._controller, number)
