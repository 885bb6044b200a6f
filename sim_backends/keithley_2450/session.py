"""One client's conversation with a 2450: entries of the event log carry their kind and time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sim_backends.engine.errors import TEXTS
from sim_backends.engine.session import ScpiSession

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""The instrument's calendar at bench time 0."""
_ERROR = 1
_MAKERS_TEXTS = {-222: "Parameter data out of range"}


def entry(code: int, text: str | None, now: float) -> str:
    """The text of an error as the event log has it: `<text>;<kind>;<time>`."""
    plain = TEXTS.get(code, "Unknown error") if text is None else text
    if text is None or text == TEXTS.get(code):
        plain = _MAKERS_TEXTS.get(code, plain)
    at = EPOCH + timedelta(seconds=now)
    return f"{plain};{_ERROR};{at:%Y/%m/%d %H:%M:%S}.{at.microsecond // 1000:03d}"


class Session2450(ScpiSession):
    """A conversation in SCPI mode; `now` is bench time, s."""

    now: Callable[[], float]

    def error(self, code: int, text: str | None = None) -> None:
        """Enter an error into the event log and set its event bit."""
        super().error(code, entry(code, text, self.now()))
