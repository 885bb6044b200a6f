"""The instrument: its channels, what they are joined to, and its trigger."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np

from sim_backends.engine.device import ScpiDevice
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.errors import ScpiError
from sim_backends.instrument import Door, OwnFault
from sim_backends.plant.signals import Waveform

from .arb_commands import add_arb
from .channel import Channel
from .files_commands import add_files
from .memory import Files
from .models import MODELS
from .output import Output
from .playing import Bools, Floats
from .source_commands import add_source
from .states_commands import add_states
from .trigger_commands import add_trigger
from .unit_commands import add_units

PORT = 5025


class Surroundings(Protocol):
    """What a generator is joined to."""

    def next_edge(self, after: float, rising: bool) -> float | None:
        """Next edge at the Ext Trig connector later than bench time `after` (s), or None."""
        ...

    def before_change(self) -> None:
        """An output is about to change: settle what depends on the past."""
        ...


class Keysight33600A(ScpiDevice):
    """A 33500B or 33600A. All clients share its state; `converse` takes up one connection."""

    dialect = Dialect(
        reply_end=b"\n",
        common_resets_path=False,
        input_limit=1 << 28,
        queue_depth=20,
        no_error='+0,"No error"',
        error_entry='{code:+d},"{text}"',
        clips=True,
        identity_ends=True,
        powers_on=True,
    )

    def __init__(
        self,
        now: Callable[[], float],
        surroundings: Surroundings,
        *,
        model: str = "33622A",
        serial: str = "MY53800001",
        firmware: str = "A.02.03-3.15-03-64-02",
        maker: str = "Keysight Technologies",
        memory_times: int = 1,
        upload_rate: float = math.inf,
        latency: float = 160e-9,
        jitter: float = 2.5e-9,
        attached: float = 50.0,
        seed: int = 0,
    ) -> None:
        """`attached`: resistance (ohm) at the outputs, inf where they are open. `memory_times`: 16
        with the memory option. `upload_rate`: bytes/s at which a block is taken in after it has
        come. `latency` (s) from an edge to the first point, `jitter` (s) its spread. Raises
        `KeyError` for an unknown model.
        """
        super().__init__(now, f"{maker},{model},{serial},{firmware}")
        self.model = MODELS[model]
        self.surroundings = surroundings
        self.upload_rate = upload_rate
        self.latency = latency
        self.attached = attached
        self._jitter = jitter
        self._random = np.random.default_rng(np.random.SeedSequence([seed, 0x33600]))
        self._seen = -math.inf
        self.files = Files()
        self.channels = tuple(
            Channel(self, number, memory_times) for number in range(1, self.model.channels + 1)
        )
        add_source(self)
        add_arb(self)
        add_trigger(self)
        add_units(self)
        add_files(self)
        self.states = add_states(self)
        for channel in self.channels:
            channel.restart()

    @property
    def doors(self) -> tuple[Door, ...]:
        """The SCPI socket, and HiSLIP."""
        return (Door("tcp", PORT, self.converse), Door("message", 4880, self.converse))

    @property
    def own_faults(self) -> dict[str, OwnFault]:
        """`dead=CHANNEL`: nothing comes out of it; `overload=CHANNEL`: it is switched off, with an
        error.
        """
        return {
            "dead": lambda value: partial(self.kill, self._number(value)),
            "overload": lambda value: partial(self.overload, self._number(value)),
        }

    def kill(self, number: int) -> None:
        """Nothing comes out of a channel any more, whatever it says."""
        self.before_change()
        self.channels[number - 1].output.dead = True

    def overload(self, number: int) -> None:
        """A voltage from outside is on a channel's connector: its output is switched off."""
        self.settings["output", number] = False
        self.channels[number - 1].restart()
        self.error(-240, f"Hardware error; voltage overload on output {number}")

    def _number(self, value: str) -> int:
        number = int(value)
        if not 1 <= number <= len(self.channels):
            raise ValueError(value)
        return number

    @property
    def every(self) -> tuple[tuple[int, int], ...]:
        """The range of a channel's suffix."""
        return ((1, self.model.channels),)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """All outputs, channel 1 first."""
        return tuple(channel.output for channel in self.channels)

    def channel(self, suffixes: tuple[int, ...]) -> Channel:
        """The channel of a header's suffix."""
        return self.channels[suffixes[0] - 1]

    def before_change(self) -> None:
        """To be called before an output changes."""
        self.surroundings.before_change()

    # -- triggers ---------------------------------------------------------------------------------

    def advance(self) -> None:
        """Take all edges at Ext Trig that have come up to now."""
        until = self.now()
        if until <= self._seen:
            return
        slopes = {slope for channel in self.channels for slope in channel.hears()}
        while slopes:
            edges = [
                (edge, slope)
                for slope in slopes
                if (edge := self.surroundings.next_edge(self._seen, slope)) is not None
                and edge <= until
            ]
            if not edges:
                break
            edge, slope = min(edges)
            self._seen = edge
            start = edge + self.latency + self._jitter * float(self._random.random())
            for channel in self.channels:
                if slope in channel.hears():
                    channel.external(start, slope)
        # An edge at this very instant may still be on its way.
        self._seen = max(self._seen, math.nextafter(until, -math.inf))

    def trigger(self) -> None:
        """*TRG: start the bursts that wait for the bus. Raises `ScpiError` -211 if none does."""
        waiting = [channel for channel in self.channels if channel.source == "BUS"]
        if not waiting:
            raise ScpiError(-211)
        self.before_change()
        for channel in waiting:
            channel.software(self.now())

    # -- what comes out ---------------------------------------------------------------------------

    def waveform(self, output: int, origin: float, begin: float, end: float) -> Waveform:
        """What an output (from 1) does in bench times begin..end (s), relative to `origin`.

        Of several bursts in that time only the last is told. `advance` comes first.
        """
        return self.outputs[output - 1].waveform(origin, begin, end)

    def sync(self, times: Floats) -> Bools:
        """Levels (n,) of the Sync connector at bench times (n,), brought up to the present."""
        self.advance()
        if not self.settings.on("sync"):
            return np.zeros(times.shape, bool)
        number = int(self.settings.word("sync_source")[2:])
        levels = self.channels[number - 1].output.marker(times)
        return ~levels if self.settings.word("sync_polarity", number) == "INV" else levels

    def reset(self) -> None:
        """*RST: everything to its default; files stay."""
        self.before_change()
        super().reset()
        for channel in self.channels:
            channel.reset()
