"""The oscilloscope: what it is made of, and how it acquires as it is set."""

from __future__ import annotations

from collections.abc import Callable

from sim_backends.engine.calendar import Calendar
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.saved import SavedStates
from sim_backends.instrument import Door
from sim_backends.oscilloscope.acquisition import Plan
from sim_backends.oscilloscope.device import Oscilloscope
from sim_backends.oscilloscope.inputs import EXTERNAL, Inputs

from .box import add_box
from .channels import add_channels, add_external
from .control import add_control, condition
from .horizontal import add_memory, add_time_base
from .markers import Markers
from .math import Math
from .measure import add_measure
from .measure_times import MeasureTimes
from .models import MODELS, MOST_PRECISE, rate_step
from .trigger import add_trigger
from .waveform import Waveform

REFERENCES = {"LEFT": 0.1, "CENT": 0.5, "RIGH": 0.9}
SLOPES = {"POS": (True,), "NEG": (False,), "EITH": (True, False), "ALT": (True, False)}


class KeysightInfiniivision(Oscilloscope):
    """An oscilloscope as it is switched on: running, automatic sweep, input 1 shown."""

    dialect = Dialect(
        reply_end=b"\n", queue_depth=30, no_error='+0,"No error"',
        error_entry='{code:+d},"{text}"', powers_on=True, input_limit=1 << 22,
        error_summary=False,
    )  # fmt: skip

    def __init__(
        self,
        now: Callable[[], float],
        inputs: Inputs | None = None,
        *,
        model: str = "DSOX1102G",
        serial: str = "CN00000001",
        firmware: str = "01.20.2019061038",
        seed: int = 0,
    ) -> None:
        """`inputs`: what it is joined to; nothing given is a decaying sine, triggered again and
        again.
        """
        self.model = MODELS[model]
        identity = f"KEYSIGHT TECHNOLOGIES,{model},{serial},{firmware}"
        super().__init__(now, identity, inputs, self.model.inputs, seed)
        add_channels(self)
        add_external(self.settings)
        add_time_base(self)
        add_memory(self)
        add_trigger(self)
        add_control(self)
        self.waveform = Waveform(self)
        self.math = Math(self)
        if self.model.generator:
            self.settings.boolean("output", "WGEN[1]:OUTPut", False)
        self.sources = add_measure(self)
        self.times = MeasureTimes(self, self.sources)
        add_box(self)
        self.calendar = Calendar(self.commands, now, words=True)
        self.markers = Markers(self)
        self.saved = SavedStates(
            self.commands, self.settings,
            [
                (self, ("_probes",)), (self.waveform, ("asked",)),
                (self.sources, ("first", "second")), (self.times, ("edges",)),
            ], 9,
            before=self.advance, after=self.changed,
        )  # fmt: skip

    @property
    def doors(self) -> tuple[Door, ...]:
        """Raw TCP, and HiSLIP, VXI-11 or USB-TMC as messages."""
        return (
            Door("tcp", 5025, self.converse),
            Door("message", 4880, self.converse, "stands for VXI-11 and USB-TMC too"),
        )

    def advance(self) -> None:
        """Bring the acquisition and its register up to the present."""
        super().advance()
        condition(self)

    def reset(self) -> None:
        """*RST: everything as it was switched on, and stopped."""
        super().reset()
        self.waveform.asked = 1000
        self.sources.reset()
        self.times.reset()
        self.acquisition.stop()
        self.acquisition.discard()

    @property
    def fastest(self) -> float:
        """Sa/s of one input alone."""
        return self.model.fastest

    @property
    def segments(self) -> int:
        """Records that one acquisition makes."""
        if self.settings.word("acquire mode") != "SEGM":
            return 1
        return round(self.settings.value("segments"))

    def plan(self) -> Plan:
        """How an acquisition that starts now is done."""
        settings = self.settings
        span = settings.value("time range")
        kind = settings.word("acquire type")
        shared = 2 if len(self.shown) > 1 else 1
        memory = self.model.memory / shared / self.segments
        if kind in ("AVER", "HRES"):
            memory = min(memory, MOST_PRECISE)
        fastest = self.model.fastest / shared
        rate = fastest if fastest * span <= memory else rate_step(memory / span)
        points = max(1, round(rate * span))
        before = round(points * REFERENCES[settings.word("reference")])
        return Plan(
            points / span, points, before, self.source, self._level(),
            SLOPES[settings.word("slope")], delay=settings.value("position"),
            automatic=settings.word("sweep") == "AUTO", holdoff=settings.value("holdoff"),
            count=round(settings.value("averages")) if kind == "AVER" else 1,
            segments=self.segments,
        )  # fmt: skip

    def _level(self) -> float:
        """The trigger level in V at the connector."""
        level = self.settings.value("level", self.source)
        if self.source == EXTERNAL:
            return level / self.settings.value("external probe")
        return self.at_connector(level, self.source)
