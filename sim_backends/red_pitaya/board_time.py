"""Date and time of the board: SYSTem:TIME, SYSTem:DATE (Red Pitaya scpi-server source, common.cpp).

A real board takes its time from the network, where there is one. This one begins at the day of its
firmware at bench time 0, so that a run can be repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from sim_backends.engine.common import plain
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments
from sim_backends.engine.session import Command, ScpiSession

from .session import BoxError

FIRST = datetime(2026, 7, 1)
_NUMBER = re.compile(r"\s*[+-]?\d+")
_FIELDS = {
    ":": (("HOURS", 0, 23), ("MINUTES", 0, 59), ("SECONDS", 0, 59)),
    "-": (("YEAR", 1900, 3000), ("MONTH", 1, 12), ("DAY", 1, 31)),
}


def _fields(text: str, separator: str) -> list[int]:
    """Three numbers in a quoted string; the server reads on until something does not fit.

    Only the first parameter counts: `13,07,20`, as firmware before 2.05 took it, lacks its minutes.
    """
    first = arguments(text, 1, 3)[0].strip("\"'")
    values: list[int] = []
    for index, (name, low, high) in enumerate(_FIELDS[separator]):
        if index and first.startswith(separator):
            first = first[1:]
        elif index:
            first = ""
        match = _NUMBER.match(first)
        value = int(match[0]) if match else -1
        if not low <= value <= high:
            between = f"{low} - {high}" if name == "YEAR" else f"between {low} and {high}"
            what = "The value must be between" if name == "YEAR" else "Parameter must be"
            raise BoxError(-200, f"Invalid value for the {name}. {what} {between}.")
        values.append(value)
        first = first[match.end() :] if match else ""
    return values


def add_board_time(commands: CommandTable[Command], now: Callable[[], float]) -> None:
    """Enter the commands. `now` tells bench time, s."""
    zero = [FIRST]

    def board() -> datetime:
        return zero[0] + timedelta(seconds=now())

    def shift(wanted: datetime) -> None:
        zero[0] += wanted - board()

    def set_time(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        hours, minutes, seconds = _fields(text, ":")
        shift(board().replace(hour=hours, minute=minutes, second=seconds, microsecond=0))

    def set_date(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        year, month, day = _fields(text, "-")
        # The 31st of a shorter month is a day of the next, as mktime has it.
        wanted = board().replace(year=year, month=month, day=1) + timedelta(days=day - 1)
        shift(wanted)

    commands.add("SYSTem:TIME", set_time)
    commands.add("SYSTem:TIME?", plain(lambda session: board().strftime("%H:%M:%S")))
    commands.add("SYSTem:DATE", set_date)
    commands.add("SYSTem:DATE?", plain(lambda session: board().strftime("%Y-%m-%d")))
