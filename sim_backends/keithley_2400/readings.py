"""Readings of a 2400: their elements as text and as binary, the buffer and its statistics.

Formats after 2400S-900-01, sections 9 and 18.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments, choice
from sim_backends.engine.session import Command, ScpiSession
from sim_backends.engine.settings import Settings
from sim_backends.engine.writing import nr3, special

ELEMENTS = ("VOLTage", "CURRent", "RESistance", "TIME", "STATus")
_SHORT = ("VOLT", "CURR", "RES", "TIME", "STAT")
_WRITE = nr3(6)


@dataclass(frozen=True)
class Reading:
    """One data string; NaN where a thing was not measured."""

    volts: float
    amperes: float
    ohms: float
    seconds: float
    status: int

    def element(self, name: str) -> float:
        """One element by its short name."""
        return {
            "VOLT": self.volts, "CURR": self.amperes, "RES": self.ohms, "TIME": self.seconds,
            "STAT": float(self.status),
        }[name]  # fmt: skip


def value_text(value: float) -> str:
    """A number of a data string; NaN and overflow have short forms of their own."""
    if math.isnan(value):
        return "+9.91E37"
    if math.isinf(value):
        return "+9.9E37" if value > 0 else "-9.9E37"
    return _WRITE(value)


class DataFormat:
    """FORMat: which elements, as text or as IEEE-754 singles in which byte order."""

    def __init__(
        self,
        commands: CommandTable[Command],
        settings: Settings,
        binary_allowed: Callable[[ScpiSession], bool],
    ) -> None:
        self._settings = settings
        self._binary_allowed = binary_allowed
        self.elements: tuple[str, ...] = _SHORT
        self.binary = False
        commands.add("FORMat[:DATA]", self._set)
        commands.add("FORMat[:DATA]?", lambda s, n, text: "REAL,32" if self.binary else "ASC")
        commands.add("FORMat:ELEMents[:SENSe[1]]", self._set_elements)
        commands.add("FORMat:ELEMents[:SENSe[1]]?", lambda s, n, text: ",".join(self.elements))
        settings.choice("byte order", "FORMat:BORDer", ("NORMal", "SWAPped"), "NORMal")
        settings.choice(
            "register format", "FORMat:SREGister",
            ("ASCii", "HEXadecimal", "OCTal", "BINary"), "ASCii",
        )  # fmt: skip

    def register(self, value: int) -> str:
        """A status register as FORMat:SREGister has it (`#H24`, `#Q44`, `#B100100`)."""
        match self._settings.word("register format"):
            case "HEX":
                return f"#H{value:X}"
            case "OCT":
                return f"#Q{value:o}"
            case "BIN":
                return f"#B{value:b}"
        return str(value)

    def reset(self) -> None:
        """*RST."""
        self.elements, self.binary = _SHORT, False

    def write(self, readings: list[Reading]) -> str | bytes:
        """Readings as they are sent."""
        return self.write_values(
            [reading.element(name) for reading in readings for name in self.elements]
        )

    def write_values(self, values: list[float]) -> str | bytes:
        """Numbers as they are sent."""
        if not self.binary:
            return ",".join(map(value_text, values))
        order = "<" if self._settings.word("byte order") == "SWAP" else ">"
        return b"#0" + np.array([special(one) for one in values], dtype=f"{order}f4").tobytes()

    def _set(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        words = arguments(text, 1, 2)
        kind = choice(words[0], ("ASCii", "REAL", "SREal"))
        if len(words) == 2 and (kind != "REAL" or words[1] != "32"):
            raise ScpiError(-224)
        if kind != "ASCII" and not self._binary_allowed(session):
            raise ScpiError(701, "ASCII only with RS-232")
        self.binary = kind != "ASCII"

    def _set_elements(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        wanted = {choice(word, ELEMENTS) for word in arguments(text, 1, len(ELEMENTS))}
        # the order is fixed, whatever the order of the list
        self.elements = tuple(
            short for long, short in zip(ELEMENTS, _SHORT, strict=True) if long.upper() in wanted
        )


class Buffer:
    """TRACe and CALCulate3: readings that are kept, and their statistics.

    `filled(full)` is called when a reading has been kept.
    """

    def __init__(
        self,
        commands: CommandTable[Command],
        settings: Settings,
        data_format: DataFormat,
        filled: Callable[[bool], None],
    ) -> None:
        self._settings = settings
        self._format = data_format
        self._filled = filled
        self.storing = False
        self.readings: list[Reading] = []
        whole = lambda value: str(round(value))  # noqa: E731
        for root in ("TRACe", "DATA"):
            commands.add(f"{root}:DATA?", self._data)
            commands.add(f"{root}:CLEar", self._clear)
            commands.add(f"{root}:FREE?", self._free)
            commands.add(f"{root}:POINts:ACTual?", lambda s, n, text: str(len(self.readings)))
        settings.number(
            "buffer points", "TRACe:POINts", 1, 2500, 100, whole=True, form=whole,
            check=self._idle, changed=lambda _: self.readings.clear(),
        )  # fmt: skip
        settings.choice(
            "buffer feed", "TRACe:FEED",
            ("SENSe", "SENSe1", "CALCulate", "CALCulate1", "CALCulate2"), "SENSe1",
            form=lambda word: word if word[-1].isdigit() else f"{word}1", check=self._idle,
        )  # fmt: skip
        commands.add("TRACe:FEED:CONTrol", self._control)
        commands.add("TRACe:FEED:CONTrol?", lambda s, n, t: "NEXT" if self.storing else "NEV")
        settings.choice("buffer times", "TRACe:TSTamp:FORMat", ("ABSolute", "DELTa"), "ABSolute")
        settings.choice(
            "statistic", "CALCulate3:FORMat",
            ("MEAN", "SDEViation", "MAXimum", "MINimum", "PKPK"), "MEAN",
        )  # fmt: skip
        commands.add("CALCulate3:DATA?", self._statistic)

    def reset(self) -> None:
        """*RST: nothing is stored any more; what was stays."""
        self.storing = False

    def keep(self, reading: Reading) -> None:
        """A reading has been taken."""
        if not self.storing:
            return
        self.readings.append(reading)
        full = len(self.readings) >= self._settings.value("buffer points")
        if full:
            self.storing = False
        self._filled(full)

    def _idle(self, suffixes: tuple[int, ...], value: float | str) -> None:
        if self.storing:
            raise ScpiError(800, "Illegal with storage active")

    def _control(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        wanted = choice(arguments(text, 1, 1)[0], ("NEVer", "NEXT"))
        if wanted == "NEXT":
            self.readings = []
        self.storing = wanted == "NEXT"

    def _clear(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        self.readings = []

    def _data(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str | bytes:
        if not self.readings:
            raise ScpiError(-230)
        readings = self.readings
        if self._settings.word("buffer times") == "DELT":
            before = [readings[0], *readings[:-1]]
            readings = [
                Reading(one.volts, one.amperes, one.ohms, one.seconds - last.seconds, one.status)
                for one, last in zip(readings, before, strict=True)
            ]
        return self._format.write(readings)

    def _free(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
        used = 20 * len(self.readings)
        return f"{20 * 2500 - used},{used}"

    def _statistic(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str | bytes:
        if not self.readings:
            raise ScpiError(-230)
        kind = self._settings.word("statistic")
        found = []
        for name in self._format.elements:
            if name in ("TIME", "STAT"):
                continue
            values = np.array([reading.element(name) for reading in self.readings])
            found.append(_statistic(kind, values))
        return self._format.write_values(found)


def _statistic(kind: str, values: np.ndarray) -> float:
    if not np.isfinite(values).all():
        return math.nan
    if kind == "SDEV":
        return float(values.std(ddof=1)) if len(values) > 1 else 0.0
    if kind == "PKPK":
        return float(np.ptp(values))
    return float({"MEAN": np.mean, "MAX": np.max, "MIN": np.min}[kind](values))
