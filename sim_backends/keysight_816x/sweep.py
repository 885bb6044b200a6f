"""Sweeps: their parameters and whether they fit, the flag, triggers, and the lambda log."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, choice, integer, number
from sim_backends.engine.session import ScpiSession
from sim_backends.engine.settings import short
from sim_backends.engine.writing import nr1_signed, nr3, write_block
from sim_backends.wavelength_sweep import Floats, Phase, Sweeper, SweepPlan

if TYPE_CHECKING:
    from .mainframe import Keysight816x

LONG = nr3(8, exponent=3)
POINTS_MOST = 10001
TRIGGERS_A_SECOND = 40e3
FINEST_STEP = 1e-13
CLOSING = 0.3
"""s from the end of a cycle until its log can be read."""
Suffixes = tuple[int, ...]
_STATES = {Phase.IDLE: 0, Phase.PAUSED: 2}
_WORDS = ("STOP", "STARt", "PAUSe", "CONTinue")
"""Of the sweep's state, in the order of their numbers."""
_KINDS = ("LLOGging", "PMAX")
_SPEED_UNIT = re.compile(r"(.*?)\s*([PNUM]?M)/S", re.IGNORECASE)
_PROBLEMS = {
    0: "OK", 368: "LambdaStop<=LambdaStart", 369: "sweepTime too small", 370: "sweepTime too big",
    371: "triggerFreq too large", 372: "step too small", 373: "triggerNum too large",
    374: "LambdaLogging modulation not allowed", 375: "LambdaLogging only with StepFinished",
    376: "LambdaLogging only in continuous sweep", 377: "step not multiple of smallest step",
    379: "continuous sweep and modulation on",
}  # fmt: skip
Edges = Callable[[Floats], None]
"""Told of edges (n,), bench time in s, when a cycle has ended."""


ROUTINGS = ("DISabled", "DEFault", "PASSthrough", "LOOPback")


class KeysightSweep:
    """The sweep of one laser.

    `trigger_outputs` are told of what leaves the output connector, `looped` of what the mainframe
    passes to the trigger inputs of its other modules (TRIGger:CONFiguration LOOPback).
    """

    def __init__(self, laser: Keysight816x) -> None:
        self._laser = laser
        self.trigger_outputs: list[Edges] = []
        self.looped: list[Edges] = []
        self.flag = 0
        self._log = np.empty(0)
        self._manual: SweepPlan | None = None
        self._manual_at = 0
        self.sweeper = Sweeper(
            laser.now,
            laser.operations,
            prepare=laser.source.tune,
            waits=lambda: laser.settings.word("input") == "SWS",
            told=self._cycle_over,
            ended=laser.source.changed,
            closing=CLOSING,
            cycle_done=self._log_ready,
        )
        self.sweeper.on_phase = self._count_wait
        self._parameters()
        self._control()
        self._triggers()

    @property
    def under_way(self) -> bool:
        """Whether a sweep is on, in whatever state."""
        return self.sweeper.phase is not Phase.IDLE or self._manual is not None

    def trigger_in(self) -> None:
        """An edge at the input connector."""
        settings = self._laser.settings
        routing = settings.word("routing")
        if routing == "DIS":
            return
        if routing == "PASS":
            self._send(np.array([self._laser.now()]))
        word = settings.word("input")
        if word == "SWS":
            self.sweeper.trigger()
        elif word == "NEXT" and self._manual is not None:
            self._step(1)

    # -- parameters -------------------------------------------------------------------------------

    def _parameters(self) -> None:
        laser, settings = self._laser, self._laser.settings
        head = f"{laser.head}WAVelength:SWEep"
        low, high, span = laser.kind.low, laser.kind.high, laser.kind.high - laser.kind.low
        still = self._still
        for name, pattern, default in (("start", "STARt", low), ("stop", "STOP", high)):
            settings.number(
                name, f"{head}:{pattern}", low - 1e-15, high + 1e-15, default, unit="M", form=LONG,
                check=still,
            )  # fmt: skip
        settings.number(
            "step", f"{head}:STEP[:WIDTh]", FINEST_STEP, span, 1e-9, unit="M", form=LONG,
            check=still,
        )  # fmt: skip
        settings.number(
            "speed", f"{head}:SPEed", laser.kind.slowest * (1 - 1e-9),
            laser.kind.fastest * (1 + 1e-9), laser.kind.fastest,
            form=LONG, read=_speed, check=still,
        )  # fmt: skip
        settings.number(
            "cycles", f"{head}:CYCLes", 0, 999, 1, whole=True, form=nr1_signed, check=still
        )
        settings.number(
            "dwell", f"{head}:DWELl", 0.1, 3600.0, 0.1, unit="S", form=LONG, check=still
        )
        settings.choice("mode", f"{head}:MODE", ("STEPped", "MANual", "CONTinuous"), "STEPped")
        settings.choice("repeat", f"{head}:REPeat", ("ONEWay", "TWOWay"), "ONEWay")
        settings.boolean("log", f"{head}:LLOGging", False, form=lambda on: nr1_signed(float(on)))

    def _still(self, suffixes: Suffixes, value: float) -> None:
        if self.under_way:
            raise ScpiError(-221)

    def problem(self) -> int:
        """What CHECkparams? tells: 0 where the parameters fit together."""
        settings = self._laser.settings
        start, stop = settings.value("start"), settings.value("stop")
        step, speed = settings.value("step"), settings.value("speed")
        continuous = settings.word("mode") == "CONT"
        marked = settings.word("output") == "STF"
        if not stop > start:
            return 368
        if abs(step / FINEST_STEP - round(step / FINEST_STEP)) > 1e-3:
            return 377
        points = int((stop - start) / step + 1e-6) + 1
        if continuous and marked and speed / step > TRIGGERS_A_SECOND * (1 + 1e-9):
            return 371
        if points > POINTS_MOST and (marked or not continuous):
            return 373
        modulated = settings.on("am") and settings.word("am source") != "COHC"
        if settings.on("log"):
            if not continuous:
                return 376
            if not marked:
                return 375
            if modulated:
                return 374
        return 379 if continuous and modulated else 0

    def _plan(self) -> SweepPlan:
        settings = self._laser.settings
        return SweepPlan(
            settings.value("start"),
            settings.value("stop"),
            settings.value("speed"),
            settings.value("step"),
            stepped=settings.word("mode") != "CONT",
            dwell=settings.value("dwell"),
            both_ways=settings.word("repeat") == "TWOW",
        )

    # -- starting, stopping, reading --------------------------------------------------------------

    def _control(self) -> None:
        laser = self._laser
        head = f"{laser.head}WAVelength:SWEep"
        laser.pair(f"{head}[:STATe]", self._set_state, lambda _: nr1_signed(self._state()))
        laser.query(
            f"{head}:CHECkparams", lambda _: f"{self.problem()},{_PROBLEMS[self.problem()]}"
        )
        laser.query(f"{head}:EXPectedtriggernum", lambda _: nr1_signed(self._expected()))
        laser.query(f"{head}:FLAG", lambda _: nr1_signed(self.flag))
        laser.commands.add(f"{head}:PMAX?", self._most_power)
        for word, act in (
            ("SOFTtrigger", self._soft_trigger),
            ("STEP:NEXT", lambda: self._step(1)),
            ("STEP:PREVious", lambda: self._step(-1)),
        ):

            def run(
                session: ScpiSession, suffixes: Suffixes, text: str, act: Callable[[], None] = act
            ) -> None:
                if text.strip():
                    raise ScpiError(-108)
                act()

            laser.commands.add(f"{head}:{word}", run)
        data = f"{laser.head}READout"
        laser.query(f"{data}:POINts", lambda text: nr1_signed(self._readable(text)[1]))
        laser.query(f"{data}:DATA", lambda text: write_block(self._readable(text)[0]))
        laser.commands.add(f"{data}:DATA:BLOCk?", self._block)

    def _state(self) -> int:
        return 1 if self._manual is not None else _STATES.get(self.sweeper.phase, 1)

    def _set_state(self, text: str) -> None:
        word = _WORDS[integer(text, 0, 3)] if text.isdigit() else text
        {
            "STOP": self._stop,
            "START": self._start,
            "PAUSE": self.sweeper.pause,
            "CONTINUE": self.sweeper.resume,
        }[choice(word, _WORDS)]()

    def _stop(self) -> None:
        self.sweeper.stop()
        self._manual = None
        self.flag = 0

    def _start(self) -> None:
        if self.sweeper.phase is Phase.PAUSED:
            self.sweeper.resume()
            return
        if self.under_way:
            raise ScpiError(-221)
        if problem := self.problem():
            raise ScpiError(-221, f"Settings conflict (StatSweepError {problem})")
        self.flag = 0
        self._log = np.empty(0)
        settings = self._laser.settings
        by_hand = settings.word("mode") == "MAN" or (
            settings.word("mode") == "STEP" and settings.word("input") == "NEXT"
        )
        if by_hand:
            self._manual, self._manual_at = self._plan(), 0
            self._laser.retune(self._manual.start)
        else:
            self.sweeper.start(self._plan(), int(settings.value("cycles")))

    def _step(self, by: int) -> None:
        if self._manual is None:
            raise ScpiError(-221)
        self._manual_at = min(max(self._manual_at + by, 0), self._manual.points - 1)
        self._laser.retune(self._manual.start + self._manual_at * self._manual.mark)
        if self._laser.settings.word("output") == "STF":
            self._send(np.array([self._laser.now()]))

    def _soft_trigger(self) -> None:
        if not self.sweeper.trigger():
            raise ScpiError(-211)

    def _expected(self) -> int:
        word = self._laser.settings.word("output")
        if word == "STF":
            plan = self._plan()
            return plan.points * (2 if plan.both_ways else 1)
        return int(word in ("SWF", "SWST"))

    def _most_power(self, session: ScpiSession, suffixes: Suffixes, text: str) -> str:
        begin, end = (self._laser.metres(part) for part in arguments(text, 2, 2))
        return LONG(self._laser.source.available_between(begin, end))

    def _readable(self, text: str) -> tuple[bytes, int]:
        """What can be read of a kind, packed, and how many points it is."""
        if not text:
            raise ScpiError(-109)
        if choice(text, _KINDS) == "PMAX":
            low, high = self._laser.kind.low, self._laser.kind.high
            waves = np.arange(low, high + 1e-12, 1e-9)
            packed = (struct.pack("<df", w, self._laser.source.available(w)) for w in waves)
            return b"".join(packed), waves.size
        return self._log.astype("<f8").tobytes(), self._log.size

    def _block(self, session: ScpiSession, suffixes: Suffixes, text: str) -> bytes:
        kind, first, count = arguments(text, 3, 3)
        packed, points = self._readable(kind)
        begin = integer(first, 0, points)
        size = len(packed) // points if points else 8
        end = begin + integer(count, 0, points - begin)
        return write_block(packed[begin * size : end * size])

    # -- as it goes on ----------------------------------------------------------------------------

    def _count_wait(self, phase: Phase) -> None:
        if phase is Phase.WAITING and self._laser.settings.word("mode") == "CONT":
            self.flag += 1

    def _log_ready(self) -> None:
        settings = self._laser.settings
        if settings.word("mode") == "CONT":
            self.flag += 1 if settings.word("input") == "SWS" else 2

    def _cycle_over(self, times: Floats, wavelengths: Floats, left: float) -> None:
        settings = self._laser.settings
        self._laser.left_at(left)
        if settings.on("log"):
            self._log = self._laser.source.logged(wavelengths)
        word = settings.word("output")
        if word == "STF":
            self._send(times)
        elif word == "SWST":
            self._send(times[:1])
        elif word == "SWF":
            self._send(np.array([self._laser.now()]))

    def _send(self, times: Floats) -> None:
        routing = self._laser.settings.word("routing")
        if routing == "DIS":
            return
        for told in [*self.trigger_outputs, *(self.looped if routing == "LOOP" else [])]:
            told(times)

    def _triggers(self) -> None:
        settings, slot = self._laser.settings, self._laser.slot
        head = f"TRIGger{'[1]' if slot == 1 else slot}[:CHANnel[1]]"
        settings.choice(
            "output", f"{head}:OUTPut",
            ("DISabled", "MODulation", "STFinished", "SWFinished", "SWSTarted"), "DISabled",
        )  # fmt: skip
        settings.choice("input", f"{head}:INPut", ("IGNore", "NEXTstep", "SWStart"), "IGNore")
        settings.text("routing", "TRIGger:CONFiguration", "DEF", read=_routing, form=str)
        self._laser.commands.add("TRIGger[:IMMediate]", self._node)

    def _node(self, session: ScpiSession, suffixes: Suffixes, text: str) -> None:
        node = choice(arguments(text, 1, 1)[0], ("NODEA", "1", "NODEB", "2"))
        if node in ("NODEA", "1"):
            self.trigger_in()
        else:
            self._send(np.array([self._laser.now()]))


def _routing(text: str) -> str:
    """A way of the triggers, by its number (0 to 3) or its name; in its short form."""
    if text in ("0", "1", "2", "3"):
        return short(ROUTINGS[int(text)])
    return {word.upper(): short(word) for word in ROUTINGS}[choice(text, ROUTINGS)]


def _speed(text: str, unit: str) -> float:
    """A speed in m/s, bare or with `NM/S` or the like."""
    match = _SPEED_UNIT.fullmatch(text)
    return number(f"{match[1]}{match[2]}", "M") if match else number(text)
