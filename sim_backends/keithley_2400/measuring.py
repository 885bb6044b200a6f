"""The commands of a 2400 that measure: what each does is the instrument's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sim_backends.engine.common import plain
from sim_backends.engine.header import CommandTable
from sim_backends.engine.session import Command, Reply


class Fetch(Protocol):
    """What was measured, or its last reading."""

    def __call__(self, *, last: bool = False) -> Reply:
        """Give it."""
        ...


@dataclass(frozen=True)
class Measuring:
    """What the commands call; `configure` and `measure` take CURR, VOLT or RES."""

    initiate: Callable[[], None]
    abort: Callable[[], None]
    read: Callable[[], Reply]
    fetch: Fetch
    told: Callable[[], str]
    configure: Callable[[str], None]
    measure: Callable[[str | None], Reply]


def add_measuring(commands: CommandTable[Command], do: Measuring) -> None:
    """Enter them."""
    commands.add("INITiate[:IMMediate]", plain(lambda session: do.initiate()))
    commands.add("ABORt", plain(lambda session: do.abort()))
    commands.add("TRIGger:CLEar", plain(lambda session: None))
    commands.add("READ?", plain(lambda session: do.read()))
    commands.add("FETCh?", plain(lambda session: do.fetch()))
    commands.add("[SENSe[1]:]DATA[:LATest]?", plain(lambda session: do.fetch(last=True)))
    commands.add("CONFigure?", plain(lambda session: do.told()))
    commands.add("MEASure?", plain(lambda session: do.measure(None)))
    for pattern, name in (
        ("CURRent[:DC]", "CURR"), ("VOLTage[:DC]", "VOLT"), ("RESistance", "RES"),
    ):  # fmt: skip
        commands.add(f"CONFigure:{pattern}", plain(lambda s, name=name: do.configure(name)))
        commands.add(f"MEASure:{pattern}?", plain(lambda s, name=name: do.measure(name)))
