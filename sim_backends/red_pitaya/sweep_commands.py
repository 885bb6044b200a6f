"""Commands of the sweeps: SOUR#:SWeep (Red Pitaya scpi-server source, sweep.cpp)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sim_backends.engine.common import plain
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments, boolean, choice, integer, number
from sim_backends.engine.session import Command, ScpiSession

from .session import channel, out_of_range
from .sweep import Sweep

if TYPE_CHECKING:
    from .box import RedPitaya

Suffixes = tuple[int, ...]


class Sweeps:
    """The sweeps of both outputs, and whether the program that does them runs or pauses."""

    def __init__(self, commands: CommandTable[Command], box: RedPitaya) -> None:
        self._box = box
        self.each = tuple(output.sweep for output in box.outputs)
        self.running = False
        self._paused_at: float | None = None
        self._enter(commands)

    def _enter(self, commands: CommandTable[Command]) -> None:
        add = commands.add
        add("SOUR:SWeep:PAUSE", self._pause)
        add("SOUR:SWeep:DEFault", plain(lambda session: self._default()))
        add("SOUR:SWeep:RESET", plain(lambda session: self._restart(self.each)))
        root = "SOUR#:SWeep"

        def pair(
            header: str, keep: Callable[[Sweep, str], None], tell: Callable[[Sweep], str]
        ) -> None:
            def change(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
                sweep = self.each[channel(suffixes)]
                (word,) = arguments(text, 1, 1)
                before = tell(sweep)
                self._box.before_change()
                keep(sweep, word)
                if tell(sweep) != before:
                    self._restart([sweep])

            add(f"{root}:{header}", change)
            add(f"{root}:{header}?", lambda s, n, text: tell(self.each[channel(n)]))

        def on_off(state: bool) -> str:
            return "ON" if state else "OFF"

        pair("STATE", self._switch, lambda sweep: on_off(sweep.on))
        pair("FREQ:START", _start, lambda sweep: f"{sweep.start:g}")
        pair("FREQ:STOP", _stop, lambda sweep: f"{sweep.stop:g}")
        pair("TIME", _time, lambda sweep: str(sweep.time_us))
        pair("MODE", _mode, lambda sweep: "LOG" if sweep.logarithmic else "LINEAR")
        pair("DIR", _direction, lambda sweep: "UP_DOWN" if sweep.up_down else "NORMAL")
        pair("REP:INF", _endless, lambda sweep: on_off(sweep.endless))
        pair("REP:COUNT", _count, lambda sweep: str(sweep.count))

    def _switch(self, sweep: Sweep, word: str) -> None:
        on = boolean(word)
        if sweep.on and not on:
            self._settle(sweep)
        sweep.on = on
        # The program runs as soon as one sweep is on, and ends when none is.
        self.running = on or (self.running and any(one.on for one in self.each))
        self._apply()

    def _default(self) -> None:
        """Default settings; the program ends, though the sweeps stay on (as the real one's)."""
        self._box.before_change()
        for sweep in self.each:
            self._settle(sweep)
            sweep.defaults()
        self.running = False
        self._restart(self.each)

    def _restart(self, sweeps: tuple[Sweep, ...] | list[Sweep]) -> None:
        self._box.before_change()
        for sweep in sweeps:
            sweep.since = self._box.now()
        self._apply()

    def _pause(self, session: ScpiSession, suffixes: Suffixes, text: str) -> None:
        pause = boolean(arguments(text, 1, 1)[0])
        self._box.before_change()
        now = self._box.now()
        if pause and self._paused_at is None:
            self._paused_at = now
            for sweep in self.each:
                self._settle(sweep)
        elif not pause and self._paused_at is not None:
            for sweep in self.each:
                sweep.since += now - self._paused_at
            self._paused_at = None
        self._apply()

    def _settle(self, sweep: Sweep) -> None:
        """An output whose sweep stops keeps the frequency that it has come to."""
        output = self._box.outputs[self.each.index(sweep)]
        if output.sweeping:
            output.frequency = sweep.frequency(self._box.now())

    def _apply(self) -> None:
        goes = self.running and self._paused_at is None
        for output, sweep in zip(self._box.outputs, self.each, strict=True):
            output.sweeping = goes and sweep.on and sweep.moves


def _hertz(word: str) -> float:
    """The program keeps whole Hz, and no 0."""
    value = number(word, "HZ")
    if not 1.0 <= value <= 62.5e6:
        raise out_of_range("sweep frequency")
    return float(int(value))


def _start(sweep: Sweep, word: str) -> None:
    sweep.start = _hertz(word)


def _stop(sweep: Sweep, word: str) -> None:
    sweep.stop = _hertz(word)


def _time(sweep: Sweep, word: str) -> None:
    value = integer(word, -(2**31), 2**31 - 1)
    if value < 1:
        raise out_of_range("time")
    sweep.time_us = value


def _mode(sweep: Sweep, word: str) -> None:
    sweep.logarithmic = choice(word, ("LINEAR", "LOG")) == "LOG"


def _direction(sweep: Sweep, word: str) -> None:
    sweep.up_down = choice(word, ("NORMAL", "UP_DOWN")) == "UP_DOWN"


def _endless(sweep: Sweep, word: str) -> None:
    sweep.endless = boolean(word)


def _count(sweep: Sweep, word: str) -> None:
    sweep.count = integer(word, 0, 2**31 - 1)
