"""What INITiate runs on a 2450: sweeps and the trigger-model templates, cycle by cycle.

:SOURce:SWEep sets up a trigger model that turns the output on, steps through the levels, measures
at each, and turns the output off (2450-901-01, sections 3 and 6).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.operations import Operation, Operations
from sim_backends.engine.parameters import arguments, boolean, choice, integer, number, string
from sim_backends.engine.session import Command, ScpiSession

from .buffers import DEFAULT
from .source import SourceSide

MOST_POINTS = 1_000_000
SWEEP_BLOCKS, LOOP_BLOCKS = 11, 5
"""Blocks of the trigger models, of which the last is told when they have ended."""


@dataclass(frozen=True)
class Run:
    """A trigger model: levels to step through (None: as it is), s between, and for how long.

    `volts`: whether the levels are volts, or amperes.
    """

    buffer: str
    delay: float
    blocks: int
    levels: tuple[float, ...] = ()
    volts: bool = True
    best_range: bool = True
    fixed_range: bool = False
    aborts: bool = False
    count: float = 1
    duration: float = math.inf

    @property
    def sweeps(self) -> bool:
        """Whether it steps the source."""
        return bool(self.levels)


class Stage(Protocol):
    """The instrument as a run uses it."""

    def begin(self, run: Run) -> None:
        """A run begins."""
        ...

    def step(self, run: Run, level: float | None) -> float:
        """The source takes a level (None: stays); s until a reading is there."""
        ...

    def measure(self, run: Run) -> bool:
        """The reading goes to the run's buffer; whether the source was below its limit."""
        ...

    def end(self, run: Run) -> None:
        """A run has ended."""
        ...


class TriggerModel:
    """The run that is loaded, and its progress."""

    def __init__(self, operations: Operations, stage: Stage) -> None:
        self._operations = operations
        self._stage = stage
        self._operation: Operation | None = None
        self.loaded: Run | None = None
        self._state = "EMPTY"
        self._index = 0
        self._began = 0.0

    @property
    def active(self) -> bool:
        """Whether it runs."""
        return self._operation is not None

    @property
    def state(self) -> str:
        """What TRIGger:STATe? answers."""
        state = "RUNNING" if self.active else self._state
        blocks = 0 if self.loaded is None else self.loaded.blocks
        return f"{state};{state};{blocks}"

    def load(self, run: Run | None) -> None:
        """Replace the trigger model. `ScpiError` -221 while one runs."""
        if self.active:
            raise ScpiError(-221)
        self.loaded = run
        self._state = "EMPTY" if run is None else "IDLE"

    def start(self) -> None:
        """INITiate. `ScpiError` -213 while one runs, -221 with none."""
        if self.active:
            raise ScpiError(-213)
        if self.loaded is None:
            raise ScpiError(-221)
        self._stage.begin(self.loaded)
        self._operation = self._operations.begin()
        self._index = 0
        self._began = asyncio.get_running_loop().time()
        self._next()

    def abort(self) -> None:
        """ABORt."""
        if self.active:
            self._end("ABORTED")

    def _next(self) -> None:
        run = self.loaded
        assert run is not None
        cycles = run.count * (len(run.levels) or 1)
        elapsed = asyncio.get_running_loop().time() - self._began
        if self._index >= cycles or elapsed >= run.duration:
            self._end("IDLE")
            return
        level = run.levels[self._index % len(run.levels)] if run.levels else None
        self._later(self._stage.step(run, level) + run.delay, self._measured)

    def _measured(self) -> None:
        run = self.loaded
        assert run is not None
        within = self._stage.measure(run)
        self._index += 1
        if run.aborts and not within:
            self._end("IDLE")
        else:
            self._next()

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        operation = self._operation
        assert operation is not None

        def due() -> None:
            if self._operation is operation:
                call()

        operation.timer = asyncio.get_running_loop().call_later(seconds, due)

    def _end(self, state: str) -> None:
        operation, self._operation = self._operation, None
        self._state = state
        assert self.loaded is not None
        self._stage.end(self.loaded)
        assert operation is not None
        operation.finish()


def add_runs(
    commands: CommandTable[Command],
    model: TriggerModel,
    sides: tuple[SourceSide, ...],
    check_buffer: Callable[[str], object],
) -> None:
    """Enter the commands that load a trigger model, start and stop it."""

    def tail(words: list[str], at: int, *, ranged: bool) -> dict:
        """delay, count, range kind, abort on limit, dual, buffer: all may be left out."""
        given = dict(enumerate(words[at:]))
        delay = number(given.get(0, "-1"), "S")
        if not (delay == -1 or delay == 0 or 50e-6 <= delay <= 1e4):
            raise ScpiError(-222)
        count = integer(given.get(1, "1"), 0, 268435455)
        shift = 1 if ranged else 0
        kind = choice(given.get(2, "BEST"), ("AUTO", "BEST", "FIXed")) if ranged else "BEST"
        aborts = boolean(given.get(2 + shift, "ON"))
        dual = ranged and boolean(given.get(4, "OFF"))
        name = given.get(5 if ranged else 3, f'"{DEFAULT}"')
        check_buffer(name)
        return {
            "delay": max(0.0, delay),
            "count": count or math.inf,
            "best_range": kind == "BEST",
            "fixed_range": kind == "FIXED",
            "aborts": aborts,
            "dual": dual,
            "buffer": string(name),
        }

    def load(side: SourceSide, levels: np.ndarray, options: dict) -> None:
        if options.pop("dual"):
            levels = np.concatenate([levels, levels[::-1]])
        found = tuple(float(level) for level in levels)
        for level in found:
            if options["fixed_range"] and abs(level) > side.range.full * (1 + 1e-9):
                raise ScpiError(-222)
            if not options["fixed_range"] and not abs(level) <= side.most:
                raise ScpiError(-222)
        model.load(Run(levels=found, volts=side.volts, blocks=SWEEP_BLOCKS, **options))

    def linear(side: SourceSide, text: str, *, step: bool, log: bool) -> None:
        words = arguments(text, 3, 9)
        start, stop = (number(word, side.unit) for word in words[:2])
        options = tail(words, 3, ranged=True)
        if step:
            size = number(words[2], side.unit)
            if not size > 0:
                raise ScpiError(-222)
            points = math.floor(abs(stop - start) / size + 1e-9) + 1
            if points > MOST_POINTS:
                raise ScpiError(-222)
            levels = start + math.copysign(size, stop - start) * np.arange(points)
        else:
            points = integer(words[2], 2, MOST_POINTS)
            if log and not start * stop > 0:
                raise ScpiError(-222)
            levels = (np.geomspace if log else np.linspace)(start, stop, points)
        load(side, levels, options)

    def listed(side: SourceSide, text: str) -> None:
        words = arguments(text, 1, 5)
        start = integer(words[0], 1, max(1, len(side.list)))
        if not side.list:
            raise ScpiError(-221)
        load(side, np.array(side.list[start - 1 :]), tail(words, 1, ranged=False))

    for side in sides:
        root = f"SOURce[1]:SWEep:{'VOLTage' if side.volts else 'CURRent'}"
        commands.add(
            f"{root}:LINear", lambda s, n, t, side=side: linear(side, t, step=False, log=False)
        )
        commands.add(
            f"{root}:LINear:STEP", lambda s, n, t, side=side: linear(side, t, step=True, log=False)
        )
        commands.add(
            f"{root}:LOG", lambda s, n, t, side=side: linear(side, t, step=False, log=True)
        )
        commands.add(f"{root}:LIST", lambda s, n, t, side=side: listed(side, t))

    def template(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        words = arguments(text, 1, 4)
        name = string(words[0]).lower()
        if name == "empty":
            model.load(None)
            return
        if name not in ("simpleloop", "durationloop") or len(words) < 2:
            raise ScpiError(-224 if len(words) >= 2 else -109)
        delay = number(words[2], "S") if len(words) > 2 else 0.0
        if not 0 <= delay <= 1e4:
            raise ScpiError(-222)
        buffer = words[3] if len(words) > 3 else f'"{DEFAULT}"'
        check_buffer(buffer)
        known = {"delay": delay, "buffer": string(buffer), "blocks": LOOP_BLOCKS}
        if name == "simpleloop":
            model.load(Run(count=integer(words[1], 1, 268435455), **known))
            return
        duration = number(words[1], "S")
        if not 500e-9 <= duration <= 1e5:
            raise ScpiError(-222)
        model.load(Run(count=math.inf, duration=duration, **known))

    def bare(act: Callable[[], str | None]) -> Command:
        def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str | None:
            if text.strip():
                raise ScpiError(-108)
            return act()

        return run

    commands.add("TRIGger:LOAD", template)
    commands.add("TRIGger:STATe?", bare(lambda: model.state))
    commands.add("INITiate[:IMMediate]", bare(model.start))
    commands.add("ABORt", bare(model.abort))
