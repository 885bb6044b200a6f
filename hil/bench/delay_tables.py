"""The table of a delay generator, which stands between the trigger line and what it triggers."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from drivers.roles.timing import Edge, Polarity, Pulse
from hil.bench.sections import Name, NotNegative, Positive, Section

SOURCE = 50.0
"""ohm of an output: it gives its levels into as many, and up to twice as much into more."""


class DelayedOutput(Section):
    """One output of a delay generator: what it feeds, when, and with which levels."""

    output: Annotated[str, Field(min_length=1)]
    feeds: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    """Names of instruments whose trigger input hangs on it."""
    what: str = ""
    """What else hangs on it, for people."""
    delay: NotNegative = 0.0
    """Seconds as the instrument shows them: the time from trigger to T0 comes before."""
    width: Positive | None = None
    """Seconds; None of an output that is active as long as the cycle."""
    amplitude: Positive
    """Volts of its step into 50 ohm."""
    offset: float = 0.0
    """Volts of its lower level into 50 ohm."""
    polarity: Polarity = "positive"
    """Positive: at the lower level between pulses."""
    load: Positive = SOURCE
    """Ohms of what it feeds, all together."""
    v_min: Annotated[float, Field(le=0.0)] = 0.0
    """Volts, the least that what it feeds bears."""
    v_max: NotNegative
    """Volts, the most."""

    @model_validator(mode="after")
    def _of_use(self) -> Self:
        if not self.feeds and not self.what:
            raise ValueError('say what hangs on it: `feeds = ["NAME"]`, or `what = "…"`')
        if len(set(self.feeds)) != len(self.feeds):
            raise ValueError(f"`feeds` names an instrument twice: {', '.join(self.feeds)}")
        return self

    @property
    def gain(self) -> float:
        """Volts at what it feeds for each volt into 50 ohm: 2 where nothing draws a current."""
        return 2.0 * self.load / (SOURCE + self.load)

    @property
    def levels(self) -> tuple[float, float]:
        """Volts at what it feeds, the lower and the higher one."""
        return self.gain * self.offset, self.gain * (self.offset + self.amplitude)

    @property
    def limits(self) -> tuple[float, float]:
        """Volts into 50 ohm that what it feeds bears."""
        return self.v_min / self.gain, self.v_max / self.gain

    @property
    def pulse(self) -> Pulse:
        """What it makes of a trigger."""
        return Pulse(self.delay, self.width or 0.0, self.amplitude, self.offset, self.polarity)


class Delay(Section):
    """A delay generator that the trigger line leads to, and what its outputs feed."""

    generator: Name
    """Name of the instrument."""
    trigger_source: Literal[
        "external rising",
        "external falling",
        "single external rising",
        "single external falling",
        "internal",
        "single shot",
        "line",
    ] = "external rising"
    """What triggers it; a bench's frames can be by an edge alone."""
    threshold: float
    """Volts that an edge must pass."""
    outputs: Annotated[tuple[DelayedOutput, ...], Field(strict=False, min_length=1)]

    @property
    def edge(self) -> Edge:
        """Which edge of the trigger line begins a cycle."""
        return "falling" if self.trigger_source.endswith("falling") else "rising"
