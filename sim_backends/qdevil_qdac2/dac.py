"""The instrument: 24 channels, their outputs in time, and the system's own commands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sim_backends.engine.common import add_all_errors, plain
from sim_backends.engine.device import ScpiDevice
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, integer
from sim_backends.engine.session import ScpiSession
from sim_backends.instrument import Door, OwnFault

from . import (
    generator_commands,
    sense_commands,
    source_commands,
    trigger_commands,
    waveform_commands,
)
from .channel import CURRENT_FULL, Channel
from .choosing import CHANNELS
from .loads import Loads, Resistors, limited
from .measuring import Meters
from .waveform import KINDS, Wave

PORT = 5025


class Qdac2(ScpiDevice):
    """A QDAC-II as it is switched on: all outputs at 0 V. `loads` hang on its outputs.

    Out of range is refused (-222), as is a range that does not hold the voltage that is set (-221):
    the sources do not say what the real one does. An output gives 10 mA at most.
    """

    dialect = Dialect(
        reply_end=b"\n", no_error='0, "No error"', error_entry='{code}, "{text}"', queue_depth=32
    )

    def __init__(
        self,
        now: Callable[[], float],
        *,
        serial: str = "242",
        firmware: str = "13-1.57",
        loads: Loads | None = None,
        seed: int = 0,
    ) -> None:
        """`now`: bench time, s; `seed` draws offsets and noise of the current meters."""
        super().__init__(now, f"QDevil, QDAC-II, {serial}, {firmware}")
        self.traces: dict[str, NDArray[np.float64]] = {}
        self.channels = [self._fresh() for _ in range(CHANNELS)]
        self.loads: Loads = Resistors() if loads is None else loads
        self.meters = Meters(self.channels, self._amps, seed)
        self.line_frequency = 50
        self._given = np.zeros(CHANNELS)
        self._stepping: asyncio.TimerHandle | None = None
        self._marking: list[int] = []
        source_commands.enter(self)
        generator_commands.enter(self)
        waveform_commands.enter(self)
        sense_commands.enter(self)
        trigger_commands.enter(self)
        self._system_commands()

    @property
    def doors(self) -> tuple[Door, ...]:
        """A raw socket, and the USB port, which is a serial one."""
        return (
            Door("tcp", PORT, self.converse),
            Door("serial", None, self.converse, "USB, 921600 baud"),
        )

    @property
    def own_faults(self) -> dict[str, OwnFault]:
        """`stuck` (a channel stays at its voltage) and `dead` (it gives 0 V), by channel number."""
        return {"stuck": self._fault(stay=True), "dead": self._fault(stay=False)}

    def _fresh(self, stuck: float | None = None) -> Channel:
        """A channel as it is switched on."""
        one = Channel(stuck=stuck)
        for wave in one.waves:
            wave.trace = lambda name: self.traces.get(name, np.zeros(0))
        return one

    def wave(self, number: int, kind: str) -> Wave:
        """One of the waveform generators (SIN, SQU, TRI, AWG) of a channel, 1 to 24."""
        return self.channel(number).waves[KINDS.index(kind)]

    def channel(self, number: int) -> Channel:
        """The channel of a number, 1 to 24."""
        return self.channels[number - 1]

    def volts(self) -> NDArray[np.float64]:
        """What comes out of the channels (24,) at this moment, V; of what is too fast to be
        followed, V that heat as much.
        """
        now = self.now()
        wanted = [
            one.given(now).effective if one.stuck is None else one.stuck for one in self.channels
        ]
        return limited(self.loads, np.array(wanted), CURRENT_FULL["HIGH"])

    def _mean_volts(self) -> NDArray[np.float64]:
        """As `volts`, but the mean of what is too fast: what a current meter sees."""
        now = self.now()
        wanted = [one.given(now).mean if one.stuck is None else one.stuck for one in self.channels]
        return limited(self.loads, np.array(wanted), CURRENT_FULL["HIGH"])

    def drive(self) -> None:
        """Tell the loads what has changed, what waits for markers, and come again while something
        goes on.
        """
        volts = self.volts()
        changed = np.flatnonzero(volts != self._given)
        if changed.size:
            self._given = volts
            self.loads.drive(changed, volts[changed])
        if self._stepping is not None:
            self._stepping.cancel()
            self._stepping = None
        now = self.now()
        passed = [
            number
            for one in self.channels
            for generator in (one.generator, *one.waves)
            for number in generator.passed(now)
        ]
        if passed := [number for number in passed if number not in self._marking]:
            self._mark(passed)
            return  # the last signal has looked after the rest
        coming = [left for one in self.channels if (left := one.next_change(now)) is not None]
        if coming:
            loop = asyncio.get_running_loop()
            self._stepping = loop.call_later(min(coming), self.drive)

    def trigger(self) -> None:
        """*TRG: starts what waits for the bus, which may be nothing."""
        self.signal("BUS")

    def signal(self, source: str) -> None:
        """A trigger of a source (BUS, INT1, EXT2)."""
        now = self.now()
        for number, one in enumerate(self.channels, 1):
            one.generator.triggered(source, one.mode, now)
            one.follow(now)
            for wave in one.waves:
                wave.triggered(source, now)
            if one.sense_armed and one.sense_trigger == source:
                one.sense_armed = one.sense_again
                self.meters.measure([number])
        self.drive()

    def _mark(self, numbers: list[int]) -> None:
        """Markers have come: internal triggers, which may start others, but not themselves."""
        self._marking += numbers
        try:
            for number in numbers:
                self.signal(f"INT{number}")
        finally:
            del self._marking[-len(numbers) :]

    def advance(self) -> None:
        """Bring ramps up to the present."""
        self.drive()

    def reset(self) -> None:
        """*RST: every channel as it is switched on, at 0 V at once; what is broken stays so."""
        super().reset()
        self.meters.abort()
        self.traces.clear()
        self.channels[:] = [self._fresh(one.stuck) for one in self.channels]
        self.drive()

    def _abort(self) -> None:
        """All generators and meters."""
        self.meters.abort()
        now = self.now()
        for one in self.channels:
            one.stop_all(now)
        self.drive()

    def _amps(self, channels: Sequence[int]) -> NDArray[np.float64]:
        places = np.array([channel - 1 for channel in channels], dtype=np.intp)
        return self.loads.amps(places, self._mean_volts()[places])

    def _fault(self, *, stay: bool) -> OwnFault:
        def make(value: str) -> Callable[[], None]:
            if not value.isdigit() or not 1 <= int(value) <= CHANNELS:
                raise ValueError(f"{value!r} is no channel, 1 to {CHANNELS}")

            def come_about() -> None:
                one = self.channel(int(value))
                one.stuck = one.wanted(self.now()) if stay else 0.0
                self.drive()

            return come_about

        return make

    def _system_commands(self) -> None:
        add_all_errors(self.commands)
        self.commands.add("ABORt", plain(lambda session: self._abort()))
        self.commands.add("SYSTem:COMMunicate:LAN:MAC?", plain(lambda session: '"049162C01016"'))
        self.commands.add("SYSTem:LFRequency", self._set_frequency)
        self.commands.add("SYSTem:LFRequency?", plain(lambda session: str(self.line_frequency)))
        self.commands.add("SYSTem:TEMPerature?", self._temperature)

    def _set_frequency(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        (word,) = arguments(text, 1, 1)
        if word not in ("50", "60"):
            raise ScpiError(-224)
        self.line_frequency = int(word)

    def _temperature(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
        """Of a board, its row and its place in it."""
        for word in arguments(text, 2, 2):
            integer(word, 1, 3)
        return "31.5"
