"""What a driver raises, each naming the instrument, the thing and the mend."""

from __future__ import annotations

import math


class InstrumentError(Exception):
    """An instrument reported an error, or answered what it should not.

    Attributes: `instrument` (its name), `command` (what was sent), `reply` (what came back).
    """

    def __init__(self, instrument: str, command: str, reply: str, hint: str = "") -> None:
        self.instrument = instrument
        self.command = command
        self.reply = reply
        self.hint = hint
        mend = f"; {hint}" if hint else ""
        super().__init__(f"{instrument}: {command!r} was answered by {reply!r}{mend}")


class UnknownStateError(InstrumentError):
    """An instrument that cannot be asked has not been told yet, or has not acknowledged it."""


class OutputFault(InstrumentError):
    """Told unasked: an output has tripped or lost its power, whatever was being asked meanwhile."""


class TriggerTimeout(InstrumentError):
    """An armed instrument was not triggered in time."""


class IdentityError(InstrumentError):
    """What answers is not the instrument that was expected."""

    def __init__(
        self, instrument: str, what: str, expected: str, found: str, hint: str = ""
    ) -> None:
        mend = hint or (
            "check the cabling, or the instrument's `resource` and `identity` in the bench file"
        )
        self.expected = expected
        self.found = found
        Exception.__init__(
            self,
            f"{instrument}: {what} {expected!r} was expected, but {found!r} answers; {mend}",
        )
        self.instrument = instrument
        self.command = what
        self.reply = found
        self.hint = hint


class LimitError(ValueError):
    """A value was refused before a byte left.

    Attributes: `instrument` (name), `channel`, `value` (SI) and `limit` (in words, with unit).
    """

    def __init__(
        self, instrument: str, channel: int | str, value: float, limit: str, unit: str = ""
    ) -> None:
        self.instrument = instrument
        self.channel = channel
        self.value = value
        self.limit = limit
        where = f"{instrument} channel {channel}" if isinstance(channel, int) else instrument
        where += f" {channel}" if isinstance(channel, str) and channel else ""
        shown, finite = _shown(value)
        shown = f"{shown} {unit}".rstrip()
        if finite:
            said = f"{shown} is refused, the limit is {limit}"
        else:
            said = f"{shown} is refused, only finite values are sent (limit: {limit})"
        super().__init__(f"{where}: {said}")


def _shown(value: object) -> tuple[str, bool]:
    """A value in nine digits, and whether it is finite; one that is no number, or has more digits
    than any, as Python writes it.
    """
    try:
        number = float(value)  # type: ignore[arg-type]
    except (OverflowError, TypeError, ValueError):
        text = repr(value)
        return text if len(text) <= 40 else f"{text[:37]}...", True
    return f"{number:.9g}", math.isfinite(number)
