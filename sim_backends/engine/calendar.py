"""The clock and calendar of an instrument: they run with bench time, and can be set.

*RST leaves them alone, and no saved set-up holds them: they are no settings of a measurement.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from .errors import ScpiError
from .header import CommandTable
from .parameters import arguments, choice, integer
from .session import Command, ScpiSession
from .writing import Form, nr1

SWITCHED_ON = datetime(2026, 1, 1)  # a front panel's clock knows no time zone
"""What it shows at bench time 0 until it is set."""
MONTHS = (
    "JANuary", "FEBruary", "MARch", "APRil", "MAY", "JUNe", "JULy", "AUGust", "SEPtember",
    "OCTober", "NOVember", "DECember",
)  # fmt: skip


class Calendar:
    """Date and time of day of one instrument, and their commands."""

    def __init__(
        self,
        commands: CommandTable[Command],
        now: Callable[[], float],
        form: Form = nr1,
        *,
        words: bool = False,
    ) -> None:
        """Enter SYSTem:DATE and SYSTem:TIME. `now`: bench time, s; `form`: how numbers are told;
        `words`: a month may be a word.
        """
        self._now = now
        self._words = words
        self._at_zero = SWITCHED_ON
        for name, keep, tell in (
            ("DATE", self._set_date, lambda at: (at.year, at.month, at.day)),
            ("TIME", self._set_time, lambda at: (at.hour, at.minute, at.second)),
        ):
            self._enter(commands, f"SYSTem:{name}", keep, tell, form)

    @property
    def shown(self) -> datetime:
        """What the clock shows now."""
        return self._at_zero + timedelta(seconds=self._now())

    def _enter(
        self,
        commands: CommandTable[Command],
        pattern: str,
        keep: Callable[[list[str]], datetime],
        tell: Callable[[datetime], tuple[int, ...]],
        form: Form,
    ) -> None:
        def store(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
            self._at_zero += keep(arguments(text, 3, 3)) - self.shown

        def answer(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
            if text.strip():
                raise ScpiError(-108)
            return ",".join(form(number) for number in tell(self.shown))

        commands.add(pattern, store)
        commands.add(f"{pattern}?", answer)

    def _set_date(self, words: list[str]) -> datetime:
        year, day = integer(words[0], 2000, 2099), integer(words[2], 1, 31)
        try:
            return self.shown.replace(year=year, month=self._month(words[1]), day=day)
        except ValueError:
            raise ScpiError(-222) from None

    def _month(self, word: str) -> int:
        if self._words and word[:1].isalpha():
            return [month.upper() for month in MONTHS].index(choice(word, MONTHS)) + 1
        return integer(word, 1, 12)

    def _set_time(self, words: list[str]) -> datetime:
        hour, minute, second = (
            integer(word, 0, most) for word, most in zip(words, (23, 59, 59), strict=True)
        )
        return self.shown.replace(hour=hour, minute=minute, second=second, microsecond=0)
