"""Delay generators, whose trigger input is at the trigger line, and what their outputs feed."""

from __future__ import annotations

from sim_backends.bench_file import BenchDocumentError, Instrument
from sim_backends.joints import TriggerLine
from sim_backends.srs_dg645.generator import Dg645
from sim_backends.trigger_lines import DelayedLine

from .site import Site

NAMES = ("T0", "AB", "CD", "EF", "GH")
"""Outputs by number."""


class _Listening:
    """A generator that takes its triggers before the lines play anything else."""

    def __init__(self, generator: Dg645) -> None:
        self._generator = generator

    def settle(self) -> None:
        """Take what has come up to now."""
        self._generator.advance()


def delay_generator(site: Site, item: Instrument, index: int) -> Dg645:
    """Build a generator that is triggered by the pattern; its outputs lead where the file says."""
    del index
    made = Dg645(
        site.clock.now,
        serial=item.identity["serial"],
        trigger_input=TriggerLine(site.wiring, item.name),
    )
    site.wiring.join_listener(_Listening(made))
    for number, delay in enumerate(site.file.delays):
        if delay.generator != item.name:
            continue
        for place, output in enumerate(delay.outputs):
            if output.output not in NAMES:
                raise BenchDocumentError(
                    f"delay.{number}.outputs.{place}.output: {output.output!r} is none of "
                    + ", ".join(NAMES)
                )
            line = DelayedLine(made, NAMES.index(output.output), output.load)
            for name in output.feeds:
                site.wiring.feed(name, line)
    return made
