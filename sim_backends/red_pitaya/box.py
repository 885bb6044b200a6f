"""The box: generator, digitiser and pins behind one SCPI server, started by edges at DIO0_P."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sim_backends.engine.common import add_common
from sim_backends.engine.header import CommandTable
from sim_backends.engine.session import Command
from sim_backends.instrument import Door

from .acquire_commands import add_acquire
from .acquisition import Acquisition, Capture
from .board_commands import add_board
from .clock import BoxClock, TriggerInput
from .deep_memory import DeepMemory
from .digital import Pins
from .generate_commands import add_generate
from .generator import Output
from .session import BoxSession
from .sweep_commands import Sweeps


@dataclass(frozen=True)
class BoxNumbers:
    """What sets one box apart: its clock and its converters' bits (None: not quantised)."""

    clock: BoxClock = field(default_factory=BoxClock)
    dac_bits: int | None = 14
    adc_bits: int | None = 14


class Surroundings(Protocol):
    """What a box is joined to."""

    def now(self) -> float:
        """Bench time, s."""
        ...

    def next_edge(self, after: float, rising: bool) -> float | None:
        """Next edge at DIO0_P later than bench time `after` (s), or None."""
        ...

    def quiet(self) -> bool:
        """Whether no edge is to come until the lines play something else."""
        ...

    def before_change(self) -> None:
        """An output is about to change: settle what depends on the past."""
        ...

    def observe(self, capture: Capture, first: int, count: int) -> None:
        """See to it that `capture.points` hold the points from `first` after the trigger on."""
        ...


class RedPitaya:
    """A STEMlab 125-14. All clients share its state; `converse` takes up one connection."""

    maker = "REDPITAYA"

    def __init__(self, surroundings: Surroundings, numbers: BoxNumbers | None = None) -> None:
        numbers = BoxNumbers() if numbers is None else numbers
        self._surroundings = surroundings
        self.clock = numbers.clock
        self.outputs = tuple(Output(self.clock, numbers.dac_bits) for _ in range(2))
        self.acquisition = Acquisition(self.clock, numbers.adc_bits, surroundings.observe)
        self.pins = Pins()
        self._quiet = False
        self._watching = False
        self.generator_debouncer = TriggerInput()
        self.acquisition_debouncer = TriggerInput()
        self.identity = f"{self.maker},INSTR,2026-07-01,2.07-48-d1a4a3c"
        self.commands: CommandTable[Command] = CommandTable()
        add_common(self.commands, lambda: self.identity, lambda session: None)
        add_board(self.commands, self)
        add_acquire(self.commands, self)
        add_generate(self.commands, self)
        self.deep = DeepMemory(self.commands, self)
        self.sweeps = Sweeps(self.commands, self)

    def converse(self, send: Callable[[bytes], None]) -> BoxSession:
        """A new client."""
        return BoxSession(self.commands, send, self.advance)

    @property
    def doors(self) -> tuple[Door, ...]:
        """The SCPI server."""
        return (Door("tcp", 5000, self.converse),)

    def now(self) -> float:
        """Bench time, s."""
        return self._surroundings.now()

    def before_change(self) -> None:
        """To be called before an output changes."""
        self._surroundings.before_change()

    def trigger_outputs(self, which: tuple[int, ...]) -> None:
        """Software trigger of bursts; the digitiser may wait for it (AWG_PE)."""
        self.before_change()
        now = self.now()
        start = self.clock.start_after(now)
        for index in which:
            self.outputs[index].trigger(start)
        self._generator_started(now, start)

    def advance(self) -> None:
        """Take all triggers that have come up to now."""
        surroundings = self._surroundings
        acquisition = self.acquisition
        if self._quiet and acquisition.source[:2] != "CH":
            return
        until = self.now()
        falling = any(output.external is False for output in self.outputs)
        for edge, rising in self.generator_debouncer.hear(surroundings.next_edge, falling, until):
            start = self.clock.start_after(edge)
            for output in self.outputs:
                if output.external is rising:
                    output.trigger(start)
            self._generator_started(edge, start)
        falling = False in acquisition.external
        for edge, rising in self.acquisition_debouncer.hear(surroundings.next_edge, falling, until):
            if rising in acquisition.external:
                acquisition.trigger(edge, self.clock.start_after(edge))
        if acquisition.source[:2] == "CH" and acquisition.running and not self._watching:
            # To look at the inputs, all boxes are brought up to the present, this one again.
            self._watching = True
            try:
                self._watch_level(until)
            finally:
                self._watching = False
        self._quiet = surroundings.quiet()

    def stir(self) -> None:
        """The lines play something else from now on."""
        self._quiet = False

    def _generator_started(self, edge: float, start: float) -> None:
        """The first output tells the digitiser of each burst, by a pulse of one clock tick."""
        run = self.outputs[0].last_run
        if run is None or run.start != start or self.acquisition.source[:4] != "AWG_":
            return
        pulse = self.clock.tick if self.acquisition.source == "AWG_NE" else 0.0
        self.acquisition.trigger(edge + pulse, start + pulse)

    def _watch_level(self, until: float) -> None:
        """Level trigger: look for a crossing during the latest burst, when inputs can change."""
        acquisition = self.acquisition
        run = max(
            (output.last_run for output in self.outputs if output.last_run is not None),
            key=lambda run: run.start,
            default=None,
        )
        if run is None or not acquisition.awaits(run.start) or run.end > until:
            return
        channel = int(acquisition.source[2]) - 1
        if channel not in (0, 1):
            return
        count = int((run.end - run.start) / acquisition.step) + 1
        probe = Capture(run.start, acquisition.step, acquisition.average, count)
        self._surroundings.observe(probe, -1, count + 1)
        assert probe.points is not None
        above = probe.points[-1 - probe.first :, channel] >= acquisition.level[channel]
        wanted = "NE" not in acquisition.source
        both = acquisition.source.endswith("AE")
        for index in range(1, above.size):
            if above[index] != above[index - 1] and (both or bool(above[index]) is wanted):
                edge = run.start + (index - 1) * acquisition.step
                acquisition.trigger(edge, edge)
                return
