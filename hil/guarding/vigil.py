"""How long nothing may be heard of the other side before it counts as hung. No I/O, no clock."""

from __future__ import annotations

#: s on the wall from one heartbeat to the next; from one look to the next at most.
BEAT, LOOK = 0.5, 1.0
#: s by which a look may come late before the looker itself counts as having been held up.
LATE = 1.0


class Vigil:
    """Waits for heartbeats. Times are s of a clock that never goes back.

    Who looks may be stopped or starved itself, with a machine that freezes or swaps: what was
    missed meanwhile is not held against the other side, which may have been frozen as well.
    """

    def __init__(self, patience: float, now: float) -> None:
        """`patience`: s without a heartbeat after which the other side counts as hung."""
        self.patience = patience
        self._heard = now
        self._looked = now

    def heard(self, now: float) -> None:
        """A heartbeat has come."""
        self._heard = now

    def look(self, now: float) -> float:
        """Look, every `LOOK` s at most; gives the s that are left, 0 or less when it hangs.

        To be called when all that has come was read.
        """
        lost = now - self._looked - LOOK
        self._looked = now
        if lost > LATE:
            self._heard = min(self._heard + lost, now)
        return self._heard + self.patience - now
