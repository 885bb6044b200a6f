"""The tables of what stands beside the signal path: laser, stage, taps, the way of the light."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from hil.bench.sections import Index, Name, Positive, Section

Counted = Annotated[int, Field(ge=1)]
"""An input, an output or a position, as the instrument counts them."""
Pair = Annotated[tuple[Counted, Counted], Field(strict=False)]


class Manual(Section):
    """What an instrument does, or a person: `kind = "manual"`."""

    kind: Literal["instrument", "manual"] = "instrument"
    do: str = ""
    """Manual: what the person is asked to do."""
    undo: str = ""
    """Manual: what is said at the end."""


class Light(Manual):
    """The laser. Without this table nothing is known of one, and nothing is asked."""

    laser: Name
    """Name of the instrument; manual: what the operator calls it."""
    power_dbm: Annotated[float, Field(ge=-40.0, le=30.0)]
    """dBm, at the laser's output."""
    wavelength: Annotated[float, Field(ge=0.4e-6, le=2.5e-6)]
    """Metres, in vacuum."""


class Stage(Manual):
    """The thermal stage that carries the chips."""

    controller: Name
    """Name of the instrument; manual: what the operator calls it."""
    setpoint_celsius: Annotated[float, Field(ge=-20.0, le=120.0)]
    patience: Positive = 120.0
    """Seconds until the stage must be stable."""


class ByHand(Section):
    """What else a person does before anything is driven: a knob, a plug, an instrument that no
    driver speaks to (a delay box set at its front panel, an amplifier with a key).
    """

    name: Name
    """What the operator calls it."""
    do: Annotated[str, Field(min_length=1)]
    """What is asked for."""
    undo: str = "leave it as it is"
    """What is said at the end."""


class Tap(Section):
    """What else is measured: a share of the laser's light, or of a port's, on a power meter."""

    meter: Name
    """Name of the instrument."""
    input: Counted
    of: Literal["laser", "port"] = "laser"
    """`laser`: its light where it goes to the chip, behind every `[[route]]`."""
    port: Index | None = None
    """Of a port: which; before its detector."""
    share: Annotated[float, Field(gt=0.0, le=1.0)]
    """Of that light, what reaches the meter."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.of == "port") != (self.port is not None):
            raise ValueError("`of = 'port'` and `port = NUMBER` go together")
        return self

    @property
    def label(self) -> str:
        """Meter and input, for messages."""
        return f"{self.meter} input {self.input}"


class Route(Manual):
    """How a fibre switch must stand for the light to reach the chip."""

    switch: Name
    """Name of the instrument; manual: what the operator calls it."""
    position: Counted | None = None
    """Of a switch of one way among several."""
    connect: Annotated[tuple[Pair, ...], Field(strict=False)] = ()
    """Of a matrix: pairs of an input and the output that it is joined to."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        said = (self.position is not None) + bool(self.connect)
        if said != 1 and not (self.kind == "manual" and self.do and not said):
            raise ValueError("say either `position`, or `connect = [[input, output], ...]`")
        for side in zip(*self.connect, strict=True):
            if len(set(side)) != len(side):
                raise ValueError(f"`connect` names a port twice: {', '.join(map(str, side))}")
        return self

    @property
    def told(self) -> str:
        """How it must stand, in words."""
        if self.position is not None:
            return f"position {self.position}"
        if self.connect:
            return ", ".join(f"{a} to {b}" for a, b in self.connect)
        return self.do
