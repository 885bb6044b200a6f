"""What delays triggers: a delay generator, which makes timed pulses of every edge it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

Edge = Literal["rising", "falling"]
Polarity = Literal["positive", "negative"]


@dataclass(frozen=True)
class DelayFacts:
    """What a wiring may ask of a model that delays triggers, before it answers.

    outputs : by name; whole : those of them that are active as long as a cycle lasts, without a
    delay or a width of their own. insertion : s from a trigger to the instant that all delays count
    from. recovery : s after the last edge of a cycle until another trigger is taken. longest : s of
    a delay and its width. step : s of which times are whole numbers. amplitude, offset : V, least
    and most, into 50 ohm; levels : V that an output may have in all. threshold : V, least and most.
    """

    outputs: tuple[str, ...]
    whole: tuple[str, ...]
    insertion: float
    recovery: float
    longest: float
    step: float
    amplitude: tuple[float, float]
    offset: tuple[float, float]
    levels: tuple[float, float]
    threshold: tuple[float, float]


@dataclass(frozen=True)
class Pulse:
    """What an output makes of each trigger.

    delay : s from the beginning of a cycle to that of the pulse; width : s; both 0 of an output
    that is active as long as the cycle. amplitude : V of its step; offset : V of its lower level;
    both into 50 ohm. polarity : positive if it is at its lower level between pulses.
    """

    delay: float
    width: float
    amplitude: float
    offset: float = 0.0
    polarity: Polarity = "positive"


@dataclass(frozen=True)
class TriggerEvents:
    """What has happened since it was last asked: a trigger was taken, or came while it was busy."""

    triggered: bool
    too_soon: bool


@runtime_checkable
class DelayGenerator(Protocol):
    """Pulses of single outputs, timed from each trigger.

    Order of use: `limit_output`, `prepare`, `shape` for each output, `trigger_by`. From then on
    each edge makes its pulses, until `off`.
    """

    name: str

    @property
    def delays(self) -> DelayFacts:
        """What this one can do, its options taken into account."""
        ...

    def limit_output(self, output: str, low: float, high: float) -> None:
        """Refuse levels of an output below `low` or above `high` V into 50 ohm from now on. Sends
        nothing. Raises `ValueError` for an output that there is not.
        """
        ...

    async def prepare(self) -> None:
        """Take no triggers, let all outputs rest at 0 V with the least step, delay nothing."""
        ...

    async def shape(self, output: str, pulse: Pulse) -> None:
        """Let an output make this pulse. Raises `LimitError` before a byte leaves that changes
        anything.
        """
        ...

    async def read_pulses(self) -> dict[str, Pulse]:
        """What every output makes of a trigger, as the instrument tells it."""
        ...

    async def trigger_by(self, edge: Edge, threshold: float) -> None:
        """Take each such edge at the trigger input for a trigger, where it passes `threshold` V."""
        ...

    async def read_trigger(self) -> tuple[str, float]:
        """What triggers it, in the instrument's words ("external rising"), and the threshold in
        V.
        """
        ...

    async def read_events(self) -> TriggerEvents:
        """What has happened since this was last asked; forgets it."""
        ...

    async def off(self) -> None:
        """No more triggers; outputs at rest at 0 V."""
        ...
