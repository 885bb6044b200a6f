"""Declared properties of an instrument: what is sent, in what unit, within what range.

A driver declares each setting once, as a `Quantity`; checking, wording and parsing follow from the
declaration, and a test can hold all declarations of a driver against its sheet.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivers.arguments import is_number
from drivers.errors import LimitError

_NUMBER = re.compile(
    r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?inf|nan", re.IGNORECASE | re.ASCII
)

Value = float | int | bool | str


@dataclass(frozen=True)
class Quantity:
    """One property: its command, type, SI unit, range, and how it behaves.

    `command` is the header; `{channel}` in it stands for the channel number. `scale` is the wire's
    value over the SI value (1e6 where the wire speaks of microseconds). `ramp` is the largest rate
    of change (unit/s) and `settle` the time (s) until the property has followed. `safe` is the
    value of the safe state, where the property has one. `words` gives the wire's spelling of
    choices that differ from ours. `question` asks for the property where that is not the command
    with a `?`; a command with `{value}` in it says itself where the value goes. `channels` are
    those that the property has, where they are not those of the instrument. `follows` names the
    switch that, while it is on, lets the instrument move the property by itself. `drives` says that
    it drives something although it has no safe value: a bench that is off goes on with it.

    The first word of `doc` says what can be done: Control (set and read), Set (only set), Get (only
    read), Measure (only read, and no setting).
    """

    name: str
    command: str
    doc: str
    kind: type[float] | type[int] | type[bool] | type[str] = float
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    scale: float = 1.0
    ramp: float | None = None
    settle: float = 0.0
    safe: Value | None = None
    words: Mapping[str, str] = field(default_factory=dict, hash=False)
    question: str = ""
    channels: tuple[int | str, ...] = ()
    follows: str = ""
    drives: bool = False

    def __post_init__(self) -> None:
        if self.kind is str and not self.choices and self.writable:
            raise ValueError(f"quantity {self.name}: a word needs its choices")
        if self.kind in (float, int) and not self.low <= self.high:
            raise ValueError(f"quantity {self.name}: range {self.low} to {self.high} is empty")

    @property
    def writable(self) -> bool:
        """True when the property can be set."""
        return self.doc.startswith(("Control ", "Set "))

    @property
    def readable(self) -> bool:
        """True when the instrument can be asked for the property."""
        return not self.doc.startswith("Set ")

    @property
    def measured(self) -> bool:
        """True for a reading, which is no setting."""
        return self.doc.startswith("Measure ")

    @property
    def has_channels(self) -> bool:
        """True when there is one such property for each channel."""
        return "{channel}" in self.command

    @property
    def range(self) -> str:
        """The range in words, for messages and documents."""
        if self.kind is bool:
            return "ON or OFF"
        if self.choices:
            return ", ".join(self.choices)
        return f"{self.low:.9g} to {self.high:.9g} {self.unit}".rstrip()

    def check(self, value: Value, *, instrument: str, channel: int | str = "") -> Value:
        """The value if it may be sent.

        Raises `LimitError` out of range, for NaN and inf (whatever the range), `ValueError` for a
        word not in the list, `TypeError` for a wrong type: an array is no number, nor is a bool.
        """
        where = f"{instrument} {self.name}"
        if self.kind is bool:
            if not isinstance(value, bool):
                raise TypeError(f"{where}: {value!r} is neither True nor False")
            return value
        if self.kind is str:
            if not isinstance(value, str) or value not in self.choices:
                raise ValueError(f"{where}: {value!r} is none of {', '.join(self.choices)}")
            return value
        if not is_number(value):
            raise TypeError(f"{where}: {value!r} is no number")
        # NaN compares false, so it is refused here; a range may have no ends, inf is refused too.
        if not (self.low <= value <= self.high and abs(value) < math.inf):
            raise LimitError(instrument, channel or self.name, value, self.range, self.unit)
        if self.kind is int:
            if value != int(value):
                raise ValueError(f"{where}: {value!r} must be a whole number")
            return int(value)
        return float(value)

    def check_array(
        self,
        values: NDArray[np.float64],
        channels: NDArray[np.intp],
        *,
        instrument: str,
        high: NDArray[np.float64] | None = None,
    ) -> None:
        """Check values (n,) for channels (n,), the upper limit (n,) narrowed to `high` if given.

        Raises `LimitError` for the first value that is out of range, NaN or inf.
        """
        top = np.full(values.shape, self.high) if high is None else np.minimum(high, self.high)
        good = (values >= self.low) & (values <= top) & np.isfinite(values)
        if not good.all():
            at = int(np.argmin(good))
            limit = f"{self.low:.9g} to {top[at]:.9g} {self.unit}".rstrip()
            raise LimitError(instrument, int(channels[at]), float(values[at]), limit, self.unit)

    def text(self, value: Value) -> str:
        """A checked value as the wire spells it."""
        if self.kind is bool:
            return "ON" if value else "OFF"
        if isinstance(value, str):
            return self.words.get(value, value)
        if self.kind is int and self.scale == 1.0:
            return str(int(value))
        if self.scale != 1.0:
            return f"{value * self.scale:.12g}"
        return repr(float(value)).removesuffix(".0")  # the shortest text that reads back exactly

    def setting(self, value: Value, *, instrument: str, channel: int | str = "") -> str:
        """The command that sets the property. Raises as `check`."""
        checked = self.check(value, instrument=instrument, channel=channel)
        if "{value}" in self.command:
            return self.command.format(channel=channel, value=self.text(checked))
        return f"{self.header(channel)} {self.text(checked)}"

    def query(self, channel: int | str = "") -> str:
        """The command that asks for the property."""
        if self.question:
            return self.question.format(channel=channel)
        return f"{self.header(channel)}?"

    def header(self, channel: int | str = "") -> str:
        """The command's header for a channel."""
        return self.command.format(channel=channel)

    def parse(self, text: str) -> Value:
        """Read an answer. Raises `ValueError` when it is not of the declared type."""
        text = text.strip()
        if self.kind is bool:
            if text.upper() in ("1", "+1", "ON"):
                return True
            if text.upper() in ("0", "+0", "OFF"):
                return False
            raise ValueError(f"{self.name}: {text!r} is neither ON nor OFF")
        if self.kind is str and not self.choices:
            if not (text.isascii() and text.isprintable()):
                raise ValueError(f"{self.name}: {text!r} is no text that an instrument tells")
            return text.strip('"')
        if self.kind is str:
            for choice in self.choices:
                word = self.words.get(choice, choice)
                # SCPI answers a word in its short form: its capitals, where it is of both cases.
                if text.upper() in (word.upper(), _short_form(word)):
                    return choice
            raise ValueError(f"{self.name}: {text!r} is none of {', '.join(self.choices)}")
        if not _NUMBER.fullmatch(text):
            raise ValueError(f"{self.name}: {text!r} is no number")
        if self.kind is float:
            return float(text) / self.scale
        value = float(text) / self.scale
        if not value.is_integer():
            raise ValueError(f"{self.name}: {text!r} is no whole number")
        return int(text) if self.scale == 1.0 and text.lstrip("+-").isdigit() else int(value)


def _short_form(word: str) -> str:
    """The capitals and all that is no letter: `SINusoid` is `SIN`."""
    return "".join(character for character in word if not character.islower())
