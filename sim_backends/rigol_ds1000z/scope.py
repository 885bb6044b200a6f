"""The oscilloscope: what it is made of, and how it acquires as it is set."""

from __future__ import annotations

from collections.abc import Callable

from sim_backends.engine.dialect import Dialect
from sim_backends.instrument import Door
from sim_backends.oscilloscope.acquisition import Plan
from sim_backends.oscilloscope.device import Oscilloscope
from sim_backends.oscilloscope.inputs import EXTERNAL, Inputs

from .box import add_box
from .channels import add_channels
from .horizontal import add_memory, add_time_base
from .math import Math
from .measuring import Measuring
from .models import DEPTHS, DIVISIONS, FASTEST, MODELS
from .trigger import add_trigger
from .waveform import Waveform

SLOPES = {"POS": (True,), "NEG": (False,), "RFAL": (True, False)}


class RigolDs1000z(Oscilloscope):
    """An oscilloscope as it is switched on: running, automatic sweep, input 1 shown."""

    dialect = Dialect(reply_end=b"\n", queue_depth=16)

    def __init__(
        self,
        now: Callable[[], float],
        inputs: Inputs | None = None,
        *,
        model: str = "DS1104Z-S Plus",
        serial: str = "DS1ZB000000001",
        firmware: str = "00.04.05.SP2",
        seed: int = 0,
    ) -> None:
        """`inputs`: what it is joined to; nothing given is a decaying sine, triggered again and
        again.
        """
        self.model = MODELS[model]
        identity = f"RIGOL TECHNOLOGIES,{model},{serial},{firmware}"
        super().__init__(now, identity, inputs, self.model.inputs, seed)
        self.depth: int | None = None
        """Points of memory; None: as many as there are at most."""
        add_channels(self)
        add_time_base(self)
        add_memory(self)
        add_trigger(self)
        self.waveform = Waveform(self)
        self.math = Math(self)
        self.measuring = Measuring(self)
        add_box(self)

    @property
    def doors(self) -> tuple[Door, ...]:
        """Raw TCP, and VXI-11 or USB-TMC as messages."""
        return (
            Door("tcp", 5555, self.converse),
            Door("message", 4880, self.converse, "stands for VXI-11 and USB-TMC"),
        )

    def reset(self) -> None:
        """*RST: everything as it was switched on, and running."""
        super().reset()
        self.depth = None
        self.acquisition.discard()
        self.acquisition.start(single=False)
        self.waveform.whole()

    @property
    def in_use(self) -> int:
        """Inputs that take memory: those shown, and the one that triggers."""
        return len(self.shown | ({self.source} - {EXTERNAL}))

    @property
    def depths(self) -> tuple[int, ...]:
        """Memory depths that can be set."""
        return DEPTHS[max(1, self.in_use)]

    @property
    def fastest(self) -> float:
        """Sa/s, shared by the inputs in use."""
        return FASTEST[self.in_use]

    def shared_anew(self) -> None:
        """Other inputs are in use: a depth that is no more allowed is AUTO."""
        if self.depth is not None and self.depth not in self.depths:
            self.depth = None
        self.changed()

    def plan(self) -> Plan:
        """How an acquisition that starts now is done."""
        settings = self.settings
        points, rate = self.memory()
        average = settings.word("acquire type") == "AVER"
        # Memory is around the middle of the screen, which is the time offset after the trigger.
        return Plan(
            rate, points, points // 2, self.source, self._level(), SLOPES[settings.word("slope")],
            delay=settings.value("time offset"), automatic=settings.word("sweep") == "AUTO",
            holdoff=settings.value("holdoff"),
            count=round(settings.value("averages")) if average else 1,
        )  # fmt: skip

    def memory(self) -> tuple[int, float]:
        """Points of memory and sample rate, Sa/s: depth = rate x 12 divisions, at most."""
        span = DIVISIONS * self.settings.value("time scale")
        if self.depth is not None:
            return self.depth, min(self.fastest, self.depth / span)
        rate = min(self.fastest, self.depths[3] / span)
        return max(DIVISIONS, round(rate * span)), rate

    def _level(self) -> float:
        """The trigger level in V at the connector."""
        level = self.settings.value("level")
        return level if self.source == EXTERNAL else self.at_connector(level, self.source)
