"""How a bench does: its links, and what waits or was lost on the way to those who follow it."""

from __future__ import annotations

from typing import Protocol

from hil.bench.assembly import Assembled
from hil.telemetry.bus import Bus
from hil.telemetry.events import Health


class Linked(Protocol):
    """A bench with instruments and a bus."""

    @property
    def parts(self) -> Assembled:
        """Its instruments and roles."""
        ...

    @property
    def bus(self) -> Bus:
        """Where it tells what happens."""
        ...


def health(bench: Linked) -> Health:
    """How a bench's links and its bus's outlets do."""
    return Health(
        links={
            one.name: {
                "open": one.is_open,
                "exchanges": one.exchanges,
                "busy": float(sum(one.busy.values())),
            }
            for one in bench.parts.instruments
        },
        outlets={
            one.name: {"waiting": one.waiting, "dropped": one.dropped, "failed": one.failed}
            for one in bench.bus.outlets
        },
    )
