"""Reading buffers of a 2450, what is told of them, and how.

TRACe commands after 2450-901-01, section 6: a buffer's name is a string, `defbuffer1` unless given.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments, choice, integer, string
from sim_backends.engine.session import Command, ScpiSession
from sim_backends.engine.settings import Settings
from sim_backends.engine.writing import nr3, special

from .session import EPOCH

DEFAULT = "defbuffer1"
DEFAULTS = ("defbuffer1", "defbuffer2")
_CAPACITY, _MOST = 100_000, 6_875_000
ELEMENTS = (
    "DATE", "FORMatted", "FRACtional", "READing", "RELative", "SEConds", "SOURce",
    "SOURFORMatted", "SOURSTATus", "SOURUNIT", "STATus", "TIME", "TSTamp", "UNIT",
)  # fmt: skip
MOST_ELEMENTS = 14
_NUMERIC = ("FRACTIONAL", "READING", "RELATIVE", "SECONDS", "SOURCE", "SOURSTATUS", "STATUS")


@dataclass(frozen=True)
class Entry:
    """One reading as a buffer keeps it; `at` is bench time, s."""

    reading: float
    unit: str
    source: float
    source_unit: str
    source_status: int
    status: int
    at: float


class Buffer:
    """One buffer; `endless` drops its oldest entry when it is full."""

    def __init__(self, capacity: int) -> None:
        self.endless = True
        self.entries: deque[Entry] = deque(maxlen=capacity)

    @property
    def capacity(self) -> int:
        """How many entries it holds."""
        assert self.entries.maxlen is not None
        return self.entries.maxlen

    def keep(self, entry: Entry) -> None:
        """A new entry, if there is room."""
        if self.endless or len(self.entries) < self.capacity:
            self.entries.append(entry)


def _value(entry: Entry, element: str, first: float) -> float:
    seconds = math.floor(entry.at)
    return {
        "FRACTIONAL": entry.at - seconds,
        "READING": entry.reading,
        "RELATIVE": entry.at - first,
        "SECONDS": EPOCH.timestamp() + seconds,
        "SOURCE": entry.source,
        "SOURSTATUS": float(entry.source_status),
        "STATUS": float(entry.status),
    }[element]


def _calendar(entry: Entry) -> datetime:
    return EPOCH + timedelta(seconds=entry.at)


class Buffers:
    """All buffers by name, and the TRACe, FORMat and statistics commands."""

    def __init__(self, commands: CommandTable[Command], settings: Settings) -> None:
        self._settings = settings
        self._all = {name: Buffer(_CAPACITY) for name in DEFAULTS}
        settings.choice("data", "FORMat[:DATA]", ("ASCii", "REAL", "SREal"), "ASCii")
        settings.number(
            "precision", "FORMat:ASCii:PRECision", 1, 16, 7, whole=True,
            form=lambda value: str(round(value)),
        )  # fmt: skip
        settings.choice("byte order", "FORMat:BORDer", ("NORMal", "SWAPped"), "SWAPped")
        commands.add("TRACe:MAKE", self._make)
        commands.add("TRACe:DELete", self._delete)
        commands.add("TRACe:POINts", self._resize)
        commands.add("TRACe:POINts?", lambda s, n, text: str(self.named(text).capacity))
        commands.add("TRACe:ACTual[:END]?", lambda s, n, text: str(len(self.named(text).entries)))
        commands.add("TRACe:ACTual:STARt?", lambda s, n, t: str(min(1, len(self.named(t).entries))))
        commands.add("TRACe:CLEar", lambda s, n, text: self.named(text).entries.clear())
        commands.add("TRACe:DATA?", self._data)
        commands.add("TRACe:FILL:MODE", self._set_fill)
        commands.add("TRACe:FILL:MODE?", lambda s, n, t: ("ONCE", "CONT")[self.named(t).endless])
        for pattern, statistic in (
            ("AVERage", np.mean), ("MAXimum", np.max), ("MINimum", np.min), ("PK2Pk", np.ptp),
            ("STDDev", lambda values: np.std(values, ddof=1) if len(values) > 1 else 0.0),
        ):  # fmt: skip
            commands.add(
                f"TRACe:STATistics:{pattern}?",
                lambda s, n, text, statistic=statistic: self._statistic(text, statistic),
            )
        commands.add("TRACe:STATistics:CLEar", lambda s, n, text: None)

    def reset(self) -> None:
        """*RST: buffers of users are gone, the others empty."""
        self._all = {name: Buffer(_CAPACITY) for name in DEFAULTS}

    def named(self, text: str) -> Buffer:
        """The buffer whose quoted name is `text`, `defbuffer1` where there is none.

        Raises `ScpiError` 1133 for no such buffer.
        """
        name = string(text.strip()) if text.strip() else DEFAULT
        if name not in self._all:
            raise ScpiError(1133, "Parameter 1, Syntax error, expected valid name parameters")
        return self._all[name]

    def write(self, entries: list[Entry], elements: list[str], first: float) -> str | bytes:
        """Elements of entries, one after the other."""
        if self._settings.word("data") == "ASC":
            return ",".join(
                self._text(entry, element, first) for entry in entries for element in elements
            )
        if any(element not in _NUMERIC for element in elements):
            raise ScpiError(-221)
        values = [
            special(_value(entry, element, first)) for entry in entries for element in elements
        ]
        size = "f8" if self._settings.word("data") == "REAL" else "f4"
        order = "<" if self._settings.word("byte order") == "SWAP" else ">"
        return b"#0" + np.array(values, dtype=order + size).tobytes()

    def _text(self, entry: Entry, element: str, first: float) -> str:
        at = _calendar(entry)
        if element in ("SECONDS", "SOURSTATUS", "STATUS"):
            return str(round(_value(entry, element, first)))
        if element in _NUMERIC:
            digits = int(self._settings.value("precision")) - 1
            return nr3(digits, signed=False)(_value(entry, element, first))
        return {
            "DATE": f"{at:%m/%d/%Y}",
            "TIME": f"{at:%H:%M:%S}",
            "TSTAMP": f"{at:%m/%d/%Y %H:%M:%S.%f}",
            "FORMATTED": f"{entry.reading:+.6g}",
            "SOURFORMATTED": f"{entry.source:+.6g}",
            "UNIT": entry.unit,
            "SOURUNIT": entry.source_unit,
        }[element]

    @staticmethod
    def elements(words: list[str], before: int) -> list[str]:
        """Names of elements, READing where there is none; `before` parameters stood before them."""
        found = []
        for index, word in enumerate(words):
            try:
                found.append(choice(word, ELEMENTS))
            except ScpiError:
                raise ScpiError(
                    1133,
                    f"Parameter {before + index + 1}, Syntax error, expected valid name parameters",
                ) from None
        return found or ["READING"]

    def latest(self, text: str, take: Callable[[Buffer], Entry]) -> Callable[[], str | bytes]:
        """What READ? and FETCh? answer; `take` gives the entry."""
        words = arguments(text, 0, 1 + MOST_ELEMENTS) if text.strip() else []
        buffer = self.named(words[0] if words else "")
        elements = self.elements(words[1:], 1)

        def answer() -> str | bytes:
            entry = take(buffer)
            first = buffer.entries[0].at if buffer.entries else entry.at
            return self.write([entry], elements, first)

        return answer

    def _make(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        words = arguments(text, 2, 3)
        name = string(words[0])
        if not name.replace("_", "a").isalnum() or name[0].isdigit():
            raise ScpiError(-151)
        if name in self._all:
            raise ScpiError(-221)
        self._all[name] = Buffer(integer(words[1], 10, _MOST))

    def _delete(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        name = string(arguments(text, 1, 1)[0])
        if name in DEFAULTS or name not in self._all:
            raise ScpiError(1133, "Parameter 1, Syntax error, expected valid name parameters")
        del self._all[name]

    def _resize(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        words = arguments(text, 1, 2)
        buffer = self.named(words[1] if len(words) > 1 else "")
        buffer.entries = deque(maxlen=integer(words[0], 10, _MOST))

    def _set_fill(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        words = arguments(text, 1, 2)
        mode = choice(words[0], ("ONCE", "CONTinuous"))
        self.named(words[1] if len(words) > 1 else "").endless = mode != "ONCE"

    def _data(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str | bytes:
        words = arguments(text, 2, 3 + MOST_ELEMENTS)
        first, last = (integer(word, 1, _MOST) for word in words[:2])
        buffer = self.named(words[2] if len(words) > 2 else "")
        elements = self.elements(words[3:], 3)
        if first > last or last > len(buffer.entries):
            raise ScpiError(-222)
        entries = list(buffer.entries)
        return self.write(entries[first - 1 : last], elements, entries[0].at)

    def _statistic(self, text: str, statistic: Callable) -> str:
        values = np.array([entry.reading for entry in self.named(text).entries])
        if not len(values):
            raise ScpiError(-230)
        return nr3(6, signed=False)(float(statistic(values)))
