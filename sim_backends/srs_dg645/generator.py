"""The generator: what is set, how channels follow each other, and what a trigger makes of it."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sim_backends.instrument import Door

from .errors import (
    ILLEGAL_DELAY,
    ILLEGAL_LINK,
    ILLEGAL_MODE,
    ILLEGAL_VALUE,
    NOT_ALLOWED,
    RECALL_FAILED,
    ErrorQueue,
    Refusal,
)

if TYPE_CHECKING:
    from .port import PortConversation

T0, T1, FIRST, LAST = 0, 1, 2, 9
OUTPUTS = 5
PORT = 5025
RESOLUTION = 5e-12
INSERTION = 85e-9
"""s from a trigger to T0 (data sheet)."""
RECOVERY = 60e-9
"""s from the end of a cycle until another trigger is taken (our own choice)."""
MOST_DELAY = 2000.0
KEPT = 1000
"""Cycles that are remembered."""
INTERNAL, EXTERNAL_UP, EXTERNAL_DOWN, SINGLE_UP, SINGLE_DOWN, SINGLE_SHOT, LINE = range(7)
TRIGGERED, RATE, END_OF_DELAY, END_OF_BURST = 1, 2, 4, 8
"""Bits of the instrument status register, as the maker's package srsinst.dg645 names them."""


def to_step(seconds: float) -> float:
    """The nearest multiple of 5 ps."""
    return round(seconds / RESOLUTION) * RESOLUTION


@dataclass(frozen=True)
class Cycle:
    """What one trigger made: bench time of T0 (s), when each output is active (s, s), and the V
    into 50 ohm that each has at rest and then.
    """

    start: float
    pulses: tuple[tuple[float, float], ...]
    levels: tuple[tuple[float, float], ...]


def _defaults() -> dict[str, float]:
    """Settings after `*RST`; the sources give the rate's and the delays'."""
    from .steps import sizes  # which knows the channels of this file

    return {
        "TSRC": SINGLE_SHOT, "TRAT": 1000.0, "TLVL": 1.0, "HOLD": 0.0, "ADVT": 0, "INHB": 0,
        "BURM": 0, "BURC": 5, "BURP": 1e-5, "BURD": 0.0, "BURT": 0,
        **{f"LAMP{i}": 2.5 for i in range(OUTPUTS)},
        **{f"LOFF{i}": 0.0 for i in range(OUTPUTS)},
        **{f"LPOL{i}": 1 for i in range(OUTPUTS)},
        **{f"PRES{i}": 1 for i in range(OUTPUTS)},
        **{f"PHAS{i}": 0 for i in range(OUTPUTS)},
        "DISP0": 11, "DISP1": 2, "SHDP": 1, "*PSC": 1, "EPHY0": 0, "EPHY1": 0, "EPHY2": 0,
        **sizes(),
    }  # fmt: skip


@dataclass
class State:
    """All that `*SAV` saves."""

    values: dict[str, float] = field(default_factory=_defaults)
    references: list[int] = field(default_factory=lambda: [T0] * (LAST + 1))
    delays: list[float] = field(default_factory=lambda: [0.0] * (LAST + 1))


class TriggerInput(Protocol):
    """What leads to the trigger input."""

    def next_edge(self, after: float, rising: bool) -> float | None:
        """Bench time (s) of the first edge later than `after`, or None."""
        ...


class Dg645:
    """One generator. All connections share its state and its error queue.

    `now` tells bench time in s. `follower` is told of every cycle that a trigger starts, of a long
    burst the first 1000. The internal trigger makes none: its rate is told by `internal_period`.
    `trigger_input`: what leads there, whose edges reach `input_volts` V; None: nothing does.
    """

    def __init__(
        self,
        now: Callable[[], float],
        *,
        serial: str = "008011",
        firmware: str = "1.19.118",
        follower: Callable[[Cycle], None] | None = None,
        trigger_input: TriggerInput | None = None,
        input_volts: float = 3.3,
    ) -> None:
        self._now = now
        self._input = trigger_input
        self._input_volts = input_volts
        self._seen = -1.0
        self.identity = f"Stanford Research Systems,DG645,s/n{serial},ver{firmware}"
        self.state = State()
        self.errors = ErrorQueue()
        self.interfaces: dict[int, str] = {
            0: "1", 1: "0", 2: "1", 3: "15", 4: "1", 5: "1", 6: "1", 7: "1", 8: "1", 9: "1",
            10: "1", 11: "0.0.0.0", 12: "0.0.0.0", 13: "0.0.0.0",
        }  # fmt: skip
        self.cycles: deque[Cycle] = deque(maxlen=KEPT)
        self._follower = follower
        self._saved: dict[int, State] = {}
        self._armed = False
        self._busy_until = -1.0
        self._ends: list[tuple[float, int]] = []
        self._events = 0

    @property
    def doors(self) -> tuple[Door, ...]:
        """A raw socket and a serial port."""
        return (Door("tcp", PORT, self.converse), Door("serial", None, self.converse))

    def converse(self, send: Callable[[bytes], None]) -> PortConversation:
        """A new client."""
        from .port import PortConversation  # it speaks to this class, which must be there first

        return PortConversation(self, send)

    def reset(self) -> None:
        """`*RST`."""
        self.state = State()
        self._armed = False

    def save(self, place: int) -> None:
        """`*SAV`."""
        self._saved[place] = copy.deepcopy(self.state)

    def recall(self, place: int) -> None:
        """`*RCL`; place 0 is what `*RST` makes. Raises Refusal."""
        if place == 0:
            self.reset()
        elif place in self._saved:
            self.state = copy.deepcopy(self._saved[place])
        else:
            raise Refusal(RECALL_FAILED)

    # -- delays -----------------------------------------------------------------------------------

    def times(self) -> list[float]:
        """Times from T0 to each channel, s; T1 comes with the last of them."""
        found = self._times(self.state.references, self.state.delays)
        found[T1] = max(found[FIRST:])
        return found

    def set_delay(self, channel: int, reference: int, seconds: float) -> None:
        """Time a channel from another one. Raises Refusal, and then changes nothing."""
        if not FIRST <= channel <= LAST:
            raise Refusal(NOT_ALLOWED)
        if reference == T1:  # whether T1 may be referred to is not in the sources
            raise Refusal(ILLEGAL_LINK)
        references, delays = list(self.state.references), list(self.state.delays)
        references[channel], delays[channel] = reference, to_step(seconds)
        times = self._times(references, delays)
        if min(times) < -RESOLUTION / 2 or max(times) > MOST_DELAY + RESOLUTION / 2:
            raise Refusal(ILLEGAL_DELAY)
        self.state.references, self.state.delays = references, delays

    def link(self, channel: int, reference: int) -> None:
        """Another reference; the delay from it stays as it is (unknown of the real one)."""
        self.set_delay(channel, reference, self.state.delays[channel])

    @staticmethod
    def _times(references: list[int], delays: list[float]) -> list[float]:
        found = [0.0] * (LAST + 1)
        for channel in range(FIRST, LAST + 1):
            at, seen = channel, set()
            while at != T0:
                if at in seen:
                    raise Refusal(ILLEGAL_LINK)
                seen.add(at)
                found[channel] += delays[at]
                at = references[at]
        return found

    # -- levels -----------------------------------------------------------------------------------

    def set_level(self, name: str, output: int, volts: float) -> None:
        """Set `LAMP` or `LOFF` of an output. Raises Refusal."""
        values = dict(self.state.values)
        values[f"{name}{output}"] = round(volts, 2)
        low = values[f"LOFF{output}"]
        high = low + values[f"LAMP{output}"]
        if not 0.5 <= values[f"LAMP{output}"] <= 5.0 or low < -2.0 or high > 5.0:
            raise Refusal(ILLEGAL_VALUE)
        self.state.values = values

    def volts(self, output: int, active: bool) -> float:
        """What an output delivers into 50 ohm."""
        values = self.state.values
        up = active == bool(values[f"LPOL{output}"])
        return values[f"LOFF{output}"] + (values[f"LAMP{output}"] if up else 0.0)

    # -- triggers ---------------------------------------------------------------------------------

    def software_trigger(self) -> None:
        """`*TRG`: fires in single shot, arms in the external single modes. Raises Refusal."""
        source = self.state.values["TSRC"]
        if source == SINGLE_SHOT:
            self._fire(self._now())
        elif source in (SINGLE_UP, SINGLE_DOWN):
            self._armed = True
        else:
            raise Refusal(ILLEGAL_MODE)

    def advance(self) -> None:
        """Take all edges of what leads to the trigger input that have come up to now.

        What is set decides of them; so this comes before anything is set.
        """
        now = self._now()
        if self._input is None:
            return
        source = self.state.values["TSRC"]
        rising = source not in (EXTERNAL_DOWN, SINGLE_DOWN)
        while (edge := self._input.next_edge(self._seen, rising)) is not None and edge <= now:
            self._seen = edge
            self.external_edge(rising, self._input_volts, at=edge)

    def external_edge(self, rising: bool, volts: float = 5.0, *, at: float | None = None) -> None:
        """An edge at the trigger input, now or `at` a bench time, between 0 and so many volts."""
        source = self.state.values["TSRC"]
        up = source in (EXTERNAL_UP, SINGLE_UP)
        down = source in (EXTERNAL_DOWN, SINGLE_DOWN)
        if not ((up and rising) or (down and not rising)) or not (
            0.0 < self.state.values["TLVL"] < volts
        ):
            return
        if source in (SINGLE_UP, SINGLE_DOWN):
            if not self._armed:
                return
            self._armed = False
        self._fire(self._now() if at is None else at)

    def internal_period(self) -> float | None:
        """Time between internal triggers, s, or None where it has another source."""
        values = self.state.values
        return 1.0 / values["TRAT"] if values["TSRC"] == INTERNAL else None

    @property
    def busy(self) -> bool:
        """Whether a cycle is under way."""
        self.advance()
        return self._now() < self._busy_until

    def events(self) -> int:
        """The instrument status register."""
        self.advance()
        now = self._now()
        for end, bit in self._ends:
            self._events |= bit if end <= now else 0
        self._ends = [(end, bit) for end, bit in self._ends if end > now]
        if self.internal_period() is not None:
            self._events |= TRIGGERED | END_OF_DELAY
        return self._events

    def take_events(self) -> int:
        """The instrument status register, which is cleared."""
        events, self._events = self.events(), 0
        return events

    def _fire(self, at: float) -> None:
        self._events |= TRIGGERED
        if at < self._busy_until:
            self._events |= RATE
            return
        values, times = self.state.values, self.times()
        count, first = 1, at + INSERTION
        if values["BURM"]:
            count, first = int(values["BURC"]), first + values["BURD"]
        pairs = [(0.0, times[T1])]
        pairs += [tuple(sorted(times[2 * i : 2 * i + 2])) for i in range(1, OUTPUTS)]
        levels = tuple((self.volts(i, False), self.volts(i, True)) for i in range(OUTPUTS))
        for number in range(min(count, KEPT)):
            start = first + number * values["BURP"]
            silent = number > 0 and values["BURT"]
            pulses = [(start + on, start + off) for on, off in pairs]
            if silent:
                pulses[0] = (start, start)
            cycle = Cycle(start, tuple(pulses), levels)
            self.cycles.append(cycle)
            if self._follower is not None:
                self._follower(cycle)
        end = first + (count - 1) * values["BURP"] + times[T1]
        held = at + values["HOLD"] if values["ADVT"] else end
        self._busy_until = max(end + RECOVERY, held)
        self._ends.append((end, END_OF_DELAY | (END_OF_BURST if values["BURM"] else 0)))
