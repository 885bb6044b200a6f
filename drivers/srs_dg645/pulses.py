"""The DG645 as a part of a bench: it delays the triggers of other instruments.

Sources: see `settings`; bits of `INSR?`: the maker's package srsinst.dg645. Unsure, since no source
that was read gives them: the time from a trigger to T0 (85 ns, an option), and the time after a
cycle until another trigger is taken (100 ns, the longer of those that are quoted). Not relied upon:
`INHB`, which says what the inhibit input at the back stops, and so stops nothing by itself; to stop
triggers the source is set to single shot.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from drivers.arguments import real_number
from drivers.instrument import ANY_IDENTITY, InstrumentError, LimitError
from drivers.link_model import LinkModel
from drivers.roles.timing import DelayFacts, Edge, Polarity, Pulse, TriggerEvents
from drivers.srs_dg645 import settings
from drivers.srs_dg645.generator import Dg645Generator
from drivers.srs_dg645.settings import OUTPUTS
from drivers.transport.link import Connector

STEP = 5e-12
"""s, the resolution of delays (data sheet)."""
RECOVERY = 100e-9
"""s from the last channel to the next trigger."""
MOST_LEVEL = 1e3
"""V: what no wiring is asked to bear."""
TRIGGERED, TOO_SOON = 1, 2
"""Bits of the instrument status register: a trigger, and one that came too soon."""


class SrsDg645(Dg645Generator):
    """A DG645 on TCP port 5025, a serial port (9600 baud), or anything that VISA reaches."""

    roles = ("DelayGenerator",)
    delay_facts: ClassVar[DelayFacts] = DelayFacts(
        outputs=OUTPUTS,
        whole=("T0",),
        insertion=85e-9,
        recovery=RECOVERY,
        longest=settings.DELAY_MAX,
        step=STEP,
        amplitude=(settings.AMPLITUDE.low, settings.AMPLITUDE.high),
        offset=(settings.OFFSET.low, settings.OFFSET.high),
        levels=(settings.LEVEL_LOW, settings.LEVEL_HIGH),
        threshold=(settings.TRIGGER_LEVEL.low, settings.TRIGGER_LEVEL.high),
    )
    """What a wiring is checked by, unless options change it."""

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
        insertion_delay: float = 85e-9,
    ) -> None:
        """A raw socket is `TCPIP::host::5025::SOCKET`. `insertion_delay`: s from a trigger to T0,
        as measured on the bench.

        Raises `ResourceError` for other links, `ValueError` for a time that is none.
        """
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        if not 0.0 <= insertion_delay < math.inf:
            raise ValueError(f"{name}: insertion_delay {insertion_delay!r} must be 0 s or more")
        self._facts = replace(self.delay_facts, insertion=insertion_delay)
        self._limits: dict[str, tuple[float, float]] = {}

    @classmethod
    def delays_with(cls, options: Mapping[str, Any]) -> DelayFacts:
        """With the insertion delay that the options state."""
        facts = cls.delay_facts
        return replace(facts, insertion=float(options.get("insertion_delay", facts.insertion)))

    @property
    def delays(self) -> DelayFacts:
        """What this one can do, its options taken into account."""
        return self._facts

    def limit_output(self, output: str, low: float, high: float) -> None:
        """Refuse levels of an output below `low` or above `high` V into 50 ohm from now on.

        Sends nothing. Raises `ValueError` for an output that there is not, or for no range.
        """
        self._number(settings.AMPLITUDE, output)
        for what, level in (("low", low), ("high", high)):
            real_number(level, -MOST_LEVEL, MOST_LEVEL, instrument=f"{self.name} {output}",
                        what=what, unit="V")  # fmt: skip
        if not low <= high:
            raise ValueError(f"{self.name} {output}: there is no level from {low!r} to {high!r} V")
        self._limits[output] = (max(low, settings.LEVEL_LOW), min(high, settings.LEVEL_HIGH))

    async def prepare(self) -> None:
        """No triggers, bursts or prescalers; outputs at rest at 0 V with the least step; all
        channels at T0.
        """
        await self.off()
        await self.set(settings.ADVANCED, False)
        for number in range(len(OUTPUTS)):
            # Lowered whatever the limits are: it is not triggered, and so does not step.
            await self._tell(
                settings.setting(settings.AMPLITUDE, settings.AMPLITUDE.low, str(number))
            )
        delays = await self._read_delays()
        while delays:
            # Those first that no other is timed from: nothing moves with them.
            referred = {reference for reference, _ in delays.values()}
            loose = [channel for channel in delays if channel not in referred]
            if not loose:
                told = ", ".join(f"{one} from {delays[one][0]}" for one in delays)
                raise InstrumentError(self.name, "DLAY?", told, "*RST it: they go in a circle")
            for channel in loose:
                if delays.pop(channel) != ("T0", 0.0):
                    await self._set_delay(channel, "T0", 0.0)

    async def shape(self, output: str, pulse: Pulse) -> None:
        """Let an output make this pulse: its time, then polarity and levels.

        Raises `LimitError`, `ValueError` before a byte leaves that changes anything, then
        `InstrumentError`, `LinkError`.
        """
        number = self._number(settings.POLARITY, output)
        polarity = settings.POLARITY.check(pulse.polarity, instrument=f"{self.name} {output}")
        for quantity, value in (
            (settings.AMPLITUDE, pulse.amplitude), (settings.OFFSET, pulse.offset)
        ):  # fmt: skip
            quantity.check(value, instrument=f"{self.name} {output}")
        self._check_level(output, pulse.offset)
        self._check_level(output, pulse.offset + pulse.amplitude)
        if output not in self._facts.whole:
            await self.pulse(output, pulse.delay, pulse.width)
        elif pulse.delay or pulse.width:
            raise LimitError(self.name, f"output {output}", pulse.delay, "0: it is the cycle", "s")
        await self.set_level(output, pulse.amplitude, pulse.offset)
        await self._tell(settings.setting(settings.POLARITY, polarity, number))

    async def read_pulses(self) -> dict[str, Pulse]:
        """What every output makes of a trigger, as the instrument tells it."""
        times = await self.read_times()
        found: dict[str, Pulse] = {}
        for output in OUTPUTS:
            begin, width = 0.0, 0.0
            if output not in self._facts.whole:
                begin, end = sorted(times[channel] for channel in output)
                width = end - begin
            said = await self.get(settings.POLARITY, output)
            polarity: Polarity = "positive" if said == "positive" else "negative"
            found[output] = Pulse(
                begin,
                width,
                float(await self.get(settings.AMPLITUDE, output)),
                float(await self.get(settings.OFFSET, output)),
                polarity,
            )
        return found

    async def trigger_by(self, edge: Edge, threshold: float) -> None:
        """Take each such edge at the trigger input for a trigger, where it passes `threshold` V.

        Raises `LimitError` before a byte leaves.
        """
        source = settings.TRIGGER_SOURCE.check(f"external {edge}", instrument=self.name)
        await self.set(settings.TRIGGER_LEVEL, threshold)
        await self.set(settings.TRIGGER_SOURCE, source)

    async def read_trigger(self) -> tuple[str, float]:
        """What triggers it, and the threshold of its trigger input in V."""
        source = await self.get(settings.TRIGGER_SOURCE)
        return str(source), float(await self.get(settings.TRIGGER_LEVEL))

    async def read_events(self) -> TriggerEvents:
        """Whether it was triggered, and whether a trigger came too soon, since this was last
        asked.
        """
        text = await self._ask("INSR?")
        try:
            bits = settings.parse_integer(text)
        except ValueError as error:
            self._link.doubt()
            raise InstrumentError(self.name, "INSR?", text, str(error)) from None
        return TriggerEvents(bool(bits & TRIGGERED), bool(bits & TOO_SOON))
