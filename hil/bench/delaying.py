"""Delay generators of a bench: set up, armed and looked at; going off inhibits them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drivers.instrument import Instrument
from drivers.roles import DelayGenerator, Pulse
from hil.bench.delay_tables import Delay, DelayedOutput
from hil.bench.errors import BenchFileError
from hil.bench.file import BenchFile
from hil.bench.states import BenchError
from hil.bench.tables import si
from hil.bench.tapping import incomplete

Tell = Callable[[str], None]
#: V by which a level may be told otherwise than it was set: it is told in hundredths.
LEVEL = 0.0051


@dataclass(frozen=True)
class Delaying:
    """A delay generator, and its table."""

    table: Delay
    generator: DelayGenerator
    instrument: Instrument

    def limit(self) -> None:
        """Let the driver refuse what would harm what an output feeds, whoever asks. No I/O."""
        for output in self.table.outputs:
            self.generator.limit_output(output.output, *output.limits)

    async def set_up(self, tell: Tell) -> None:
        """Inhibit it, set its outputs, see that it tells them so, and let it be triggered.

        Outputs that the file does not name are left at rest, undelayed, with the least step: a long
        one would keep it busy.

        Raises
        ------
        LimitError
            Before a byte leaves that would make it so.
        BenchError
            When it tells something else.
        """
        await self.generator.prepare()
        for output in self.table.outputs:
            await self.generator.shape(output.output, output.pulse)
        wrong = await self._differing()
        if wrong:
            raise BenchError(
                f"delay generator {self.table.generator} tells {wrong[0]}: see that nothing else "
                "commands it"
            )
        await self.generator.read_events()  # what came before is nobody's
        await self.generator.trigger_by(self.table.edge, self.table.threshold)
        if not await self._waits():
            raise BenchError(
                f"delay generator {self.table.generator} does not wait for {self.waits_for}: see "
                "that nothing else commands it"
            )
        for output in self.table.outputs:
            tell(f"delay generator {self.table.generator}: {told(output)}")

    async def faults(self) -> list[str]:
        """What it tells otherwise than the file says, a line each."""
        wrong = await self._differing()
        return wrong if await self._waits() else [*wrong, f"no wait for {self.waits_for}"]

    @property
    def waits_for(self) -> str:
        """What triggers it, in words."""
        return f"{self.table.edge} edges through {self.table.threshold:g} V"

    async def _waits(self) -> bool:
        source, threshold = await self.generator.read_trigger()
        return (
            source == self.table.trigger_source and abs(threshold - self.table.threshold) <= LEVEL
        )

    async def _differing(self) -> list[str]:
        found = await self.generator.read_pulses()
        return [
            f"{output.output}: {_shown(found[output.output])} and not {_shown(output.pulse)}"
            for output in self.table.outputs
            if not self._alike(found[output.output], output.pulse)
        ]

    def _alike(self, found: Pulse, wanted: Pulse) -> bool:
        # Half a step each of two channels, and the rounding of decimal seconds.
        time = 1.01 * self.generator.delays.step
        return (
            abs(found.delay - wanted.delay) <= time
            and abs(found.width - wanted.width) <= time
            and abs(found.amplitude - wanted.amplitude) <= LEVEL
            and abs(found.offset - wanted.offset) <= LEVEL
            and found.polarity == wanted.polarity
        )


def delaying(file: BenchFile, built: Mapping[str, Instrument]) -> tuple[Delaying, ...]:
    """The delay generators of a bench, with their limits.

    Raises
    ------
    BenchFileError
        For a driver that says more than it can.
    """
    found, faults = [], []
    for index, table in enumerate(file.delays):
        instrument = built[table.generator]
        if not isinstance(instrument, DelayGenerator):
            faults.append(f"delay.{index}.generator: {incomplete(instrument, 'DelayGenerator')}")
            continue
        one = Delaying(table, instrument, instrument)
        one.limit()
        found.append(one)
    if faults:
        raise BenchFileError(file.source, faults)
    return tuple(found)


def told(output: DelayedOutput) -> str:
    """An output in words."""
    low, high = output.levels
    fed = ", ".join((*output.feeds, *([output.what] if output.what else [])))
    return f"{output.output} to {fed}: {_when(output.pulse)}, {low:.3g} to {high:.3g} V"


def _when(pulse: Pulse) -> str:
    return (
        f"{si(pulse.delay, 's')} late, {si(pulse.width, 's')} long" if pulse.width else "the cycle"
    )


def _shown(pulse: Pulse) -> str:
    return f"{_when(pulse)}, {pulse.amplitude:.2f} V on {pulse.offset:.2f} V, {pulse.polarity}"
