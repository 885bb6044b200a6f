"""Delay generators, whose trigger input is at the trigger line; their outputs lead nowhere."""

from __future__ import annotations

from sim_backends.bench_file import Instrument
from sim_backends.joints import TriggerLine
from sim_backends.srs_dg645.generator import Dg645

from .site import Site


class _Listening:
    """A generator that takes its triggers before the lines play anything else."""

    def __init__(self, generator: Dg645) -> None:
        self._generator = generator

    def settle(self) -> None:
        """Take what has come up to now."""
        self._generator.advance()


def delay_generator(site: Site, item: Instrument, index: int) -> Dg645:
    """Build a generator that is triggered by the pattern."""
    del index
    made = Dg645(
        site.clock.now,
        serial=item.identity.get("serial", "008011"),
        trigger_input=TriggerLine(site.wiring),
    )
    site.wiring.join_listener(_Listening(made))
    return made
