"""The deep memory ("AXI"): a part of the box's RAM that takes points of an input round and round.

It fills beside the ring, from ACQ:START on, of inputs that are enabled; after a trigger it takes
`Trig:Dly` more points. Source: Red Pitaya's acquire_axi.cpp and acq_handler.cpp. `Trig:Pos?` and
`Write:Pos?` count points from the start of the input's own buffer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim_backends.engine.common import plain
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments, boolean, choice, integer
from sim_backends.engine.session import Command, Reply, ScpiSession

from .acquisition import DECIMATIONS, Ring
from .session import BoxSession, channel, out_of_range

if TYPE_CHECKING:
    from .box import RedPitaya

REGION = (0x1000000, 0x200000)
"""First address and bytes that are set aside for it, as the box comes."""
_BYTES, _GRAIN = 2, 16
"""Of a point; buffers are whole numbers of 16 bytes."""
_MOST = 2**32 - 1
Suffixes = tuple[int, ...]


@dataclass
class Buffer:
    """Of one input."""

    enabled: bool = False
    points: int = 0
    delay: int = 0
    """Points that are taken after a trigger."""


class DeepMemory:
    """Buffers of both inputs, their commands entered in `commands`."""

    def __init__(self, commands: CommandTable[Command], box: RedPitaya) -> None:
        self._box = box
        self.volts = True
        self.buffers = (Buffer(), Buffer())
        box.acquisition.deep = self.points
        self._enter(commands)

    def reset(self) -> None:
        """ACQ:RST."""
        self.volts = True
        self.buffers = (Buffer(), Buffer())

    def points(self) -> int:
        """Most points that an enabled buffer takes after a trigger."""
        return max((min(one.delay, one.points) for one in self.buffers if one.enabled), default=0)

    def _enter(self, commands: CommandTable[Command]) -> None:
        add, state = commands.add, self._box.acquisition
        add("ACQ:AXI:DATA:Units", self._set_units)
        add("ACQ:AXI:DATA:Units?", plain(lambda session: "VOLTS" if self.volts else "RAW"))
        add("ACQ:AXI:DEC", self._set_decimation)
        add("ACQ:AXI:DEC?", plain(lambda session: str(state.decimation)))
        add("ACQ:AXI:START?", plain(lambda session: str(REGION[0])))
        add("ACQ:AXI:SIZE?", plain(lambda session: str(REGION[1])))
        root = "ACQ:AXI:SOUR#"
        add(f"{root}:SET:Buffer", self._set_buffer)
        add(f"{root}:ENable", self._enable)
        add(f"{root}:Trig:Dly", self._set_delay)
        add(f"{root}:Trig:Dly?", lambda s, n, text: str(self._of(n).delay))
        add(f"{root}:Trig:Fill?", lambda s, n, text: str(int(self._filled(self._of(n)))))
        add(f"{root}:Trig:Pos?", lambda s, n, text: str(self._trigger(self._of(n))))
        add(f"{root}:Write:Pos?", lambda s, n, text: str(self._written(self._of(n))))
        for start in ("Start", "STArt"):
            add(f"{root}:DATA:{start}:N?", self._data)

    def _of(self, suffixes: Suffixes) -> Buffer:
        return self.buffers[channel(suffixes)]

    def _set_units(self, session: ScpiSession, suffixes: Suffixes, text: str) -> None:
        self.volts = choice(arguments(text, 1, 1)[0], ("VOLTS", "RAW")) == "VOLTS"

    def _set_decimation(self, session: ScpiSession, suffixes: Suffixes, text: str) -> None:
        """The digitiser has one decimation, also for the ring."""
        value = integer(arguments(text, 1, 1)[0], 0, _MOST)
        if value not in DECIMATIONS:
            raise out_of_range("decimation")
        self._box.acquisition.decimation = value

    def _set_buffer(self, session: ScpiSession, suffixes: Suffixes, text: str) -> None:
        buffer = self._of(suffixes)
        first, size = (integer(word, 0, _MOST) for word in arguments(text, 2, 2))
        beyond = first + size - 4 * _BYTES > sum(REGION)
        if size % _GRAIN or first < REGION[0] or beyond:
            raise out_of_range("write addresses")
        buffer.points = size // _BYTES

    def _enable(self, session: ScpiSession, suffixes: Suffixes, text: str) -> None:
        self._of(suffixes).enabled = boolean(arguments(text, 1, 1)[0])

    def _set_delay(self, session: ScpiSession, suffixes: Suffixes, text: str) -> None:
        words = arguments(text, 0, 1)
        self._of(suffixes).delay = integer(words[0], 0, 2**31 - 1) if words else 0

    def _takes(self, buffer: Buffer) -> bool:
        return buffer.enabled and buffer.points > 0

    def _filled(self, buffer: Buffer) -> bool:
        state = self._box.acquisition
        capture = state.capture
        if capture is None or not self._takes(buffer):
            return False
        return state.written(self._box.now(), buffer.delay) >= buffer.delay

    def _trigger(self, buffer: Buffer) -> int:
        state = self._box.acquisition
        return state.trigger_position(buffer.points) if self._takes(buffer) else 0

    def _written(self, buffer: Buffer) -> int:
        if not self._takes(buffer):
            return 0
        state = self._box.acquisition
        return state.write_position(self._box.now(), buffer.points, buffer.delay)

    def _data(self, session: ScpiSession, suffixes: Suffixes, text: str) -> Reply:
        """`<place>,<points>` of a buffer, from its end on to its beginning again."""
        assert isinstance(session, BoxSession)
        index, buffer = channel(suffixes), self._of(suffixes)
        start, count = (integer(word, 0, _MOST) for word in arguments(text, 2, 2))
        if not buffer.points or not 0 < count <= buffer.points:
            raise out_of_range("number of points")
        volts = np.zeros(count)
        if buffer.enabled:
            state = self._box.acquisition
            ring = Ring(buffer.points, buffer.delay, self._trigger(buffer))
            volts = state.read(index, start % buffer.points, count, self._box.now(), ring)
        if self.volts:
            return session.floats(volts)
        return session.integers(self._box.acquisition.words(index, volts))
