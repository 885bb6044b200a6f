"""The trigger model of a 2400: idle, arm layer, trigger layer, source-delay-measure cycles.

INITiate leaves idle; the arm layer is passed ARM:COUNt times, each pass waiting for its event and
then running TRIGger:COUNt cycles (2400S-900-01, section 11).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Protocol

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.operations import Operation, Operations
from sim_backends.engine.settings import Settings

LARGEST = 2500
"""Most cycles of one INITiate."""


class Cycles(Protocol):
    """What the trigger model runs."""

    def begin_cycle(self, index: int) -> float:
        """The source takes its level of cycle `index`; s until the reading is there."""
        ...

    def end_cycle(self, index: int) -> bool:
        """The reading is there; whether to go on."""
        ...

    def ended(self) -> None:
        """The instrument is idle again."""
        ...

    def waits(self, arm: bool | None) -> None:
        """It waits in the arm layer, in the trigger layer, or (None) no more."""
        ...


class TriggerModel:
    """The state of the layers. `settings` hold the counts, sources and delays."""

    def __init__(self, settings: Settings, operations: Operations, cycles: Cycles) -> None:
        self._settings = settings
        self._operations = operations
        self._cycles = cycles
        self._operation: Operation | None = None
        self._awaited = ""
        self._then: Callable[[bool], None] | None = None
        self._arms = self._triggers = self._index = 0
        self._first = True
        self._timed_at = 0.0

    @property
    def active(self) -> bool:
        """Whether it is out of idle."""
        return self._operation is not None

    def begin(self, then: Callable[[bool], None] | None = None) -> None:
        """INITiate; `then(completed)` is called at the end. `ScpiError` -213 when not idle."""
        if self.active:
            raise ScpiError(-213)
        self._operation = self._operations.begin()
        self._then = then
        self._arms = self._index = 0
        self._first = True
        self._arm()

    def abort(self) -> None:
        """ABORt: idle at once."""
        if self.active:
            self._end(completed=False)

    def event(self, kind: str) -> None:
        """An event has come: BUS, MAN, TLIN, NST, PST or BST. `ScpiError` -211 if not awaited."""
        awaited = self._awaited
        wanted = awaited.partition(":")[2]
        if not awaited or kind not in (("NST", "PST") if wanted == "BST" else (wanted,)):
            raise ScpiError(-211)
        self._awaited = ""
        self._cycles.waits(None)
        if awaited.startswith("arm"):
            self._enter_trigger_layer()
        else:
            self._cycle()

    def _arm(self) -> None:
        count = self._settings.value("arm count")
        if self._arms >= count:
            self._end(completed=True)
            return
        self._arms += 1
        source = self._settings.word("arm source")
        bypassed = self._first and self._settings.word("arm direction") == "SOUR"
        if source == "IMM" or bypassed:
            self._first = False
            self._timed_at = asyncio.get_running_loop().time()
            self._enter_trigger_layer()
        elif source == "TIM":
            now = asyncio.get_running_loop().time()
            due = now if self._first else self._timed_at + self._settings.value("arm timer")
            self._first = False
            self._timed_at = max(due, now)
            self._later(max(0.0, due - now), self._enter_trigger_layer)
        else:
            self._first = False
            self._awaited = f"arm:{source}"
            self._cycles.waits(True)

    def _enter_trigger_layer(self) -> None:
        self._triggers = 0
        self._trigger()

    def _trigger(self) -> None:
        if self._triggers >= self._settings.value("trigger count"):
            self._arm()
            return
        self._triggers += 1
        if self._settings.word("trigger source") == "IMM":
            self._cycle()
        else:
            self._awaited = "trigger:TLIN"
            self._cycles.waits(False)

    def _cycle(self) -> None:
        index = self._index
        self._index += 1
        seconds = self._settings.value("trigger delay") + self._cycles.begin_cycle(index)
        self._later(seconds, lambda: self._measured(index))

    def _measured(self, index: int) -> None:
        if self._cycles.end_cycle(index):
            self._trigger()
        elif self.active:
            self._end(completed=True)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        operation = self._operation
        assert operation is not None

        def due() -> None:
            if self._operation is operation:
                call()

        operation.timer = asyncio.get_running_loop().call_later(seconds, due)

    def _end(self, *, completed: bool) -> None:
        operation, self._operation = self._operation, None
        then, self._then = self._then, None
        self._awaited = ""
        self._cycles.waits(None)
        self._cycles.ended()
        if then is not None:
            then(completed)
        if operation is not None:
            operation.finish()


def add_trigger(settings: Settings) -> None:
    """Declare the settings of both layers."""

    def within(other: str) -> Callable[[tuple[int, ...], float], None]:
        def check(suffixes: tuple[int, ...], value: float) -> None:
            product = value * settings.value(other)
            if math.isfinite(product) and product > LARGEST:
                raise ScpiError(-222)

        return check

    whole = lambda value: "+9.9E37" if math.isinf(value) else str(round(value))  # noqa: E731
    seconds = lambda value: f"{value:.6f}"  # noqa: E731
    settings.number(
        "arm count", "ARM[:SEQuence[1]][:LAYer[1]]:COUNt", 1, math.inf, 1, whole=False, form=whole,
        check=within("trigger count"),
    )  # fmt: skip
    settings.choice(
        "arm source", "ARM[:SEQuence[1]][:LAYer[1]]:SOURce",
        ("IMMediate", "TLINk", "TIMer", "MANual", "BUS", "NSTest", "PSTest", "BSTest"), "IMMediate",
    )  # fmt: skip
    settings.number(
        "arm timer", "ARM[:SEQuence[1]][:LAYer[1]]:TIMer", 0.001, 99999.99, 0.1, unit="S",
        form=seconds,
    )  # fmt: skip
    arm = "ARM[:SEQuence[1]][:LAYer[1]][:TCONfigure]"
    settings.choice("arm direction", f"{arm}:DIRection", ("ACCeptor", "SOURce"), "ACCeptor")
    settings.number("arm in", f"{arm}[:ASYNchronous]:ILINe", 1, 4, 1, whole=True, form=whole)
    settings.number("arm out", f"{arm}[:ASYNchronous]:OLINe", 1, 4, 2, whole=True, form=whole)
    settings.choice(
        "arm outputs", f"{arm}[:ASYNchronous]:OUTPut", ("TENTer", "TEXit", "NONE"), "NONE"
    )
    settings.number(
        "trigger count", "TRIGger[:SEQuence[1]]:COUNt", 1, LARGEST, 1, whole=True, form=whole,
        check=within("arm count"),
    )  # fmt: skip
    settings.choice(
        "trigger source", "TRIGger[:SEQuence[1]]:SOURce", ("IMMediate", "TLINk"), "IMMediate"
    )
    settings.number(
        "trigger delay", "TRIGger[:SEQuence[1]]:DELay", 0, 999.9999, 0, unit="S", form=seconds
    )
    trigger = "TRIGger[:SEQuence[1]][:TCONfigure]"
    settings.choice("trigger direction", f"{trigger}:DIRection", ("ACCeptor", "SOURce"), "ACCeptor")
    line = f"{trigger}[:ASYNchronous]"
    settings.choice("trigger input", f"{line}:INPut", ("SOURce", "DELay", "SENSe", "NONE"), "NONE")
    settings.number("trigger in", f"{line}:ILINe", 1, 4, 1, whole=True, form=whole)
    settings.number("trigger out", f"{line}:OLINe", 1, 4, 2, whole=True, form=whole)
    settings.choice(
        "trigger outputs", f"{line}:OUTPut", ("SOURce", "DELay", "SENSe", "NONE"), "NONE"
    )
