"""One channel: its settings brought to its output."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sim_backends.engine.errors import ScpiError

from .level import CRESTS
from .memory import DEFAULT, Arb, Memory
from .models import LARGER_MEMORY
from .modes import Modes
from .modulation import HEADERS, SWEPT, Carrier, unable
from .output import STEPS, TABLE, Output
from .playing import Floats
from .sequence import Sequence

if TYPE_CHECKING:
    from .generator import Keysight33600A

RAMP_TOP = {16: 200e3, 14: 800e3}
"""Hz, fastest ramp by DAC bits (which tell the family)."""


def not_able() -> ScpiError:
    """A burst of something that has no cycles."""
    return ScpiError(-221, "Settings conflict; not able to burst this function")


class Channel:
    """Channel `number` of a generator."""

    def __init__(self, generator: Keysight33600A, number: int, memory_times: int) -> None:
        model = generator.model
        if memory_times not in (1, LARGER_MEMORY):
            raise ValueError(f"memory is 1 or {LARGER_MEMORY} times the standard one")
        self.generator = generator
        self.number = number
        self.output = Output(model, generator.attached)
        self.memory = Memory(generator.files, memory_times * model.memory, model.least_points)
        self.selected = DEFAULT
        self.cycles = 1.0
        self.peak_to_peak: float | None = None
        self.modes = Modes(self)

    def reset(self) -> None:
        """*RST."""
        self.memory.clear()
        self.selected = DEFAULT
        self.cycles = 1.0
        self.peak_to_peak = None
        self.output.enabled = self.output.inverted = False
        self.output.level.reset()
        self.restart()

    # -- settings ---------------------------------------------------------------------------------

    def word(self, name: str) -> str:
        """A keyword setting of this channel."""
        return self.generator.settings.word(name, self.number)

    def value(self, name: str) -> float:
        """A number setting of this channel."""
        return self.generator.settings.value(name, self.number)

    @property
    def function(self) -> str:
        """SIN, SQU, TRI, RAMP, PULS, PRBS, NOIS, ARB or DC."""
        return self.word("function")

    @property
    def source(self) -> str:
        """Trigger source: IMM, EXT, TIM or BUS."""
        return self.word("trigger_source")

    @property
    def bursting(self) -> bool:
        """Whether bursts are on."""
        return self.generator.settings.on("burst", self.number)

    @property
    def gated(self) -> bool:
        """Whether the Ext Trig level gates."""
        return self.bursting and self.word("burst_mode") == "GAT"

    def entry(self) -> Arb | Sequence:
        """The waveform or sequence that is selected."""
        return self.memory.find(self.selected)

    @property
    def sequence(self) -> Sequence | None:
        """The sequence that is played, if one is."""
        if self.function != "ARB":
            return None
        entry = self.entry()
        return entry if isinstance(entry, Sequence) else None

    def points(self) -> int:
        """Points of the selected waveform, of all segments of a sequence."""
        entry = self.entry()
        if isinstance(entry, Arb):
            return entry.values.size
        return sum(
            max(1, step.repeats if step.play == "repeat" else 1)
            * self.memory.arb(step.arb).values.size
            for step in entry.steps
        )

    def top_frequency(self) -> float:
        """Highest frequency of the function, Hz."""
        model = self.generator.model
        if self.function in ("RAMP", "TRI"):
            return RAMP_TOP[model.bits]
        if self.function == "ARB":
            return self.top_rate()
        return model.top_frequency

    def top_rate(self) -> float:
        """Highest sample rate with the filter as it is, Sa/s."""
        model = self.generator.model
        return model.unfiltered_rate if self.word("filter") == "OFF" else model.top_rate

    def check_burst(self, *, burst: bool, mode: str, function: str) -> None:
        """Raises `ScpiError` -221 for what cannot be burst."""
        if not burst:
            return
        sequence = function == "ARB" and isinstance(self.entry(), Sequence)
        if function == "DC" or (sequence and mode == "GAT"):
            raise not_able()

    def settle_burst(self) -> None:
        """Another function was chosen: a burst that it cannot do goes off, with -221."""
        try:
            self.check_burst(
                burst=self.bursting, mode=self.word("burst_mode"), function=self.function
            )
        except ScpiError:
            self.generator.settings["burst", self.number] = False
            raise

    def settle_modes(self) -> None:
        """Another function was chosen: a modulation or sweep that it cannot have goes off; -221."""
        for mode in (*HEADERS, SWEPT):
            refusal = unable(mode, self.function, self.sequence is not None)
            if self.modes.on(mode) and refusal is not None:
                self.modes.switch_off(mode)
                raise refusal

    def settle_level(self) -> None:
        """Another function was chosen: its swing may leave less offset than DC had; then -221."""
        if self.function != "DC":
            self.generator.before_change()
            self.output.level.fit()

    def adopt_rate(self) -> None:
        """The waveform or its rate has changed: its frequency follows."""
        if self.function == "ARB":
            rate = self.value("sample_rate")
            self.generator.settings["frequency", self.number] = rate / self.points()

    # -- playing ----------------------------------------------------------------------------------

    def restart(self) -> None:
        """Begin anew with the settings as they are."""
        generator, output = self.generator, self.output
        generator.before_change()
        output.stalled = False
        output.law = None
        output.inverted = self.word("polarity") == "INV"
        output.enabled = generator.settings.on("output", self.number)
        output.level.crest = CRESTS.get(self.function, CRESTS["SIN"])
        if not output.enabled:
            output.player.stop()
            return
        now = generator.now()
        sequence = self.sequence
        if sequence is not None and not self.bursting:
            waits = self.source != "IMM"
            rate = self.value("sample_rate")
            output.run_sequence(sequence, self._segments(sequence), 1.0 / rate, waits, now)
            return
        lap, dwell = self._lap()
        carrier = self._carrier(lap)
        if self.modes.sweeping:
            at_once = self.source == "IMM"
            output.continuous(lap, dwell, now)
            output.law = self.modes.sweep(carrier, now, single=not at_once, going=at_once)
        elif (law := self.modes.modulated(carrier, 1.0 / (dwell * lap.size), now)) is not None:
            output.continuous(lap, dwell, now)
            points = 1.0 / dwell if self.function == "ARB" else 0.0
            output.law = replace(law, top=max(law.top, points / STEPS))
        elif self.function == "ARB" and not self.bursting and self.word("advance") == "TRIG":
            output.ready(lap, dwell, 0.0, now)
        elif not self.bursting or self.function == "DC":
            output.continuous(lap, dwell, now)
        elif self.gated:
            output.ready(lap, dwell, 1.0, now)
        elif self.source in ("IMM", "TIM"):
            period = self.value("burst_period" if self.source == "IMM" else "trigger_timer")
            if math.isinf(self.cycles):
                output.continuous(lap, dwell, now)
            else:
                output.periodic(lap, dwell, self.cycles, period, now)
        else:
            output.ready(lap, dwell, self.cycles, now)

    def hears(self) -> tuple[bool, ...]:
        """The slopes at Ext Trig that matter to this channel (True rising)."""
        if not self.output.playing:
            return ()
        if self.gated:
            return (True, False)
        if self.source != "EXT":
            return ()
        sequence = self.sequence
        stepped = self.function == "ARB" and self.word("advance") == "TRIG"
        if (
            self.bursting
            or self.modes.sweeping
            or stepped
            or (sequence is not None and sequence.waits)
        ):
            return (self.word("trigger_slope") == "POS",)
        return ()

    def external(self, start: float, rising: bool) -> None:
        """An edge at Ext Trig that counts from bench time `start` on."""
        if self.gated:
            self.output.gate(start, rising == (self.word("gate_polarity") == "NORM"))
            return
        start += self.value("trigger_delay")
        sequence = self.sequence
        if self.modes.sweeping:
            self._begin_sweep(start)
        elif self.bursting:
            self.output.burst(start)
        elif sequence is not None:
            self.output.advance_sequence(sequence, self._segments(sequence), start)
        else:
            self.output.step(start)

    def software(self, now: float) -> None:
        """A trigger from the bus: bursts only; a sequence does not go on for it."""
        start = now + self.value("trigger_delay")
        if self.output.playing and self.modes.sweeping:
            self._begin_sweep(start)
        elif self.output.playing and self.bursting and not self.gated:
            self.output.burst(start)

    def _begin_sweep(self, start: float) -> None:
        lap, _ = self._lap()
        self.output.law = self.modes.sweep(self._carrier(lap), start, single=True, going=True)

    def _carrier(self, lap: Floats) -> Carrier:
        """The function or waveform of one cycle, by turns."""
        if self.function == "ARB":
            return lambda turns: lap[np.floor(turns % 1.0 * lap.size).astype(np.int64) % lap.size]
        start = self.value("phase") / 360.0
        return lambda turns: self._shape((turns + start) % 1.0)

    def _segments(self, sequence: Sequence) -> dict[str, Floats]:
        return {step.arb: self.memory.arb(step.arb).values for step in sequence.steps}

    def _lap(self) -> tuple[Floats, float]:
        """One cycle (points,) in units of full scale, and how long each point lasts, s."""
        entry = self.entry()
        if self.function == "ARB":
            if isinstance(entry, Arb):
                return entry.values, 1.0 / self.value("sample_rate")
            laps = [
                np.tile(values.values, step.repeats if step.play == "repeat" else 1)
                for step in entry.steps
                for values in (self.memory.arb(step.arb),)
            ]
            return np.concatenate(laps), 1.0 / self.value("sample_rate")
        if self.function == "DC":
            return np.zeros(1), 1.0
        dwell = 1.0 / (self.value("frequency") * TABLE)
        turn = (np.arange(TABLE) / TABLE + self.value("phase") / 360.0) % 1.0
        return self._shape(turn), dwell

    def _shape(self, turn: Floats) -> Floats:
        """A function's values at parts of its period."""
        function = self.function
        if function == "SIN":
            return np.sin(2.0 * np.pi * turn)
        if function == "SQU":
            return np.where(turn < 0.01 * self.value("square_duty"), 1.0, -1.0)
        if function == "PULS":
            width = self.value("pulse_width") * self.value("frequency")
            return np.where(turn < width, 1.0, -1.0)
        if function in ("RAMP", "TRI"):
            rise = 0.5 if function == "TRI" else 0.01 * self.value("ramp_symmetry")
            up = 2.0 * turn / max(rise, 1e-9) - 1.0
            down = 1.0 - 2.0 * (turn - rise) / max(1.0 - rise, 1e-9)
            return np.where(turn < rise, up, down)
        random = np.random.default_rng(self.number)
        if function == "PRBS":
            return np.repeat(np.where(random.random(TABLE // 32) < 0.5, -1.0, 1.0), 32)
        return np.clip(random.standard_normal(TABLE) / 3.3, -1.0, 1.0)
