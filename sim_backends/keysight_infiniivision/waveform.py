"""The WAVeform subsystem: what is read of an acquisition, in which numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, integer
from sim_backends.engine.session import ScpiSession
from sim_backends.engine.writing import nr1_signed, nr3
from sim_backends.oscilloscope.acquisition import Record
from sim_backends.oscilloscope.device import number_of
from sim_backends.oscilloscope.front_end import shown
from sim_backends.oscilloscope.inputs import EXTERNAL

from .math import MATH, NAMES
from .models import MOST_NORMAL, MOST_PRECISE, POINTS

if TYPE_CHECKING:
    from .scope import KeysightInfiniivision

REAL = nr3(8, exponent=3)
FORMATS = {"BYTE": 0, "WORD": 1, "ASC": 4}
TYPES = {"NORM": 0, "PEAK": 1, "AVER": 2, "HRES": 3}
INTRINSIC = {"NORM": 8, "PEAK": 8, "AVER": 12, "HRES": 12}
"""Bits that a point has; the others of a word are 0."""
PER_READ = 1 << 18


class Waveform:
    """Reads one input at a time, of the segment that is chosen."""

    def __init__(self, scope: KeysightInfiniivision) -> None:
        self._scope = scope
        self.asked = 1000
        """Points that are asked for; 0: as many as there are."""
        settings, query = scope.settings, scope.query
        settings.choice(
            "wave source", "WAVeform:SOURce",
            (*scope.words, *NAMES, "WMEMory1", "WMEMory2", "EXT"), "CHANnel1",
            changed=lambda _: self._by_one_name(),
        )  # fmt: skip
        settings.choice("wave format", "WAVeform:FORMat", ("BYTE", "WORD", "ASCii"), "BYTE")
        settings.choice("byte order", "WAVeform:BYTeorder", ("MSBFirst", "LSBFirst"), "MSBFirst")
        settings.boolean("unsigned", "WAVeform:UNSigned", True)
        settings.choice("view", "WAVeform:VIEW", ("MAIN",), "MAIN")
        settings.choice(
            "points mode", "WAVeform:POINts:MODE", ("NORMal", "MAXimum", "RAW"), "NORMal"
        )
        scope.commands.add("WAVeform:POINts", self._ask_points)
        query("WAVeform:POINts", lambda _: nr1_signed(self.points))
        query("WAVeform:TYPE", lambda _: scope.settings.word("acquire type"))
        query("WAVeform:COUNt", lambda _: self._preamble().split(",")[3])
        query("WAVeform:PREamble", lambda _: self._preamble())
        query("WAVeform:DATA", lambda _: self._data())
        for at, name in enumerate(
            ("XINCrement", "XORigin", "XREFerence", "YINCrement", "YORigin", "YREFerence"), 4
        ):
            query(f"WAVeform:{name}", lambda _, at=at: self._preamble().split(",")[at])
        query("WAVeform:SEGMented:COUNt", lambda _: nr1_signed(scope.acquisition.segments_so_far))
        query("WAVeform:SEGMented:TTAG", lambda _: self._time_tag())

    def _ask_points(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        (word,) = arguments(text, 1, 1)
        if word.upper() in ("MAX", "MAXIMUM"):
            self._scope.settings["points mode"] = "MAX"
            self.asked = 0
            return
        self.asked = integer(word, 100, POINTS[-1])

    def available(self, plan_points: int) -> int:
        """Points of a record that the mode reads."""
        scope = self._scope
        most = plan_points
        if scope.settings.word("points mode") == "NORM" or scope.acquisition.running:
            most = min(most, MOST_NORMAL)
        if scope.settings.word("acquire type") in ("AVER", "HRES"):
            most = min(most, MOST_PRECISE)
        return most

    @property
    def points(self) -> int:
        """Points that a read gives."""
        record = self._record()
        return self._points(record) if record else (self.asked or 1000)

    def _points(self, record: Record) -> int:
        most = self.available(record.plan.points)
        if not self.asked or self.asked >= most:
            return most if not self.asked else max(
                (one for one in POINTS if one <= most), default=most
            )  # fmt: skip
        return max((one for one in POINTS if one <= self.asked), default=self.asked)

    def _record(self) -> Record | None:
        acquisition = self._scope.acquisition
        acquisition.advance()
        index = round(self._scope.settings.value("segment")) - 1
        return acquisition.records[min(index, len(acquisition.records) - 1)] if (
            acquisition.records
        ) else None  # fmt: skip

    def _by_one_name(self) -> None:
        if self._scope.settings.word("wave source") == "MATH":
            self._scope.settings["wave source"] = "FUNC"

    def shows(self, source: int) -> bool:
        """Whether an input, or `MATH`, is on the screen."""
        scope = self._scope
        return scope.math.shown if source == MATH else scope.settings.on("display", source)

    def axis(self, source: int) -> tuple[float, float]:
        """V a division of an input or of `MATH`, and V at the middle of the screen."""
        scope = self._scope
        if source == MATH:
            return scope.math.axis
        return scope.settings.value("scale", source), scope.settings.value("offset", source)

    def _input(self) -> int:
        word = self._scope.settings.word("wave source")
        source = MATH if word == "FUNC" else number_of(word)
        if source == EXTERNAL or not self.shows(source):
            raise ScpiError(-221)
        return source

    def _time_tag(self) -> str:
        records, record = self._scope.acquisition.records, self._record()
        return REAL(record.triggers[-1] - records[0].triggers[-1] if record else 0.0)

    def _steps(self) -> float:
        return 65536.0 if self._scope.settings.word("wave format") == "WORD" else 256.0

    def _reference(self) -> int:
        return int(self._steps() / 2) if self._scope.settings.on("unsigned") else 0

    def _preamble(self) -> str:
        scope = self._scope
        scale, offset = self.axis(self._input())
        record = self._record()
        form, kind = scope.settings.word("wave format"), scope.settings.word("acquire type")
        plan = record.plan if record else scope.plan()
        points = self._points(record) if record else 0
        count = round(scope.settings.value("averages")) if kind == "AVER" else 1
        return ",".join([
            nr1_signed(FORMATS[form]), nr1_signed(TYPES[kind]), nr1_signed(points),
            nr1_signed(count),
            REAL(plan.length / points if points else 1.0 / plan.rate),
            REAL(plan.delay - plan.before / plan.rate), "+0",
            REAL(8.0 * scale / self._steps()), REAL(offset), nr1_signed(self._reference()),
        ])  # fmt: skip

    def _data(self) -> bytes:
        scope = self._scope
        channel = self._input()
        record = self._record()
        if record is None:
            return _block(b"")
        words = self.words(record, channel, self._points(record))
        form = scope.settings.word("wave format")
        if form == "ASC":
            volts = self._as_volts(words, channel)
            write = nr3(5, signed=False, exponent=3)
            texts = (f"{'' if volt < 0.0 else ' '}{write(volt)}" for volt in volts)
            return _block(",".join(texts).encode("ascii"))
        signed = not scope.settings.on("unsigned")
        if form == "BYTE":
            codes = np.maximum(words >> 8, 1).astype(np.uint8)  # 0 would be a hole
            return _block(((codes ^ 0x80) if signed else codes).tobytes())
        if signed:
            words = words ^ np.uint16(0x8000)
        little = scope.settings.word("byte order") == "LSBF"
        return _block(words.astype("<u2" if little else ">u2").tobytes())

    def volts(self, record: Record, source: int, points: int) -> NDArray[np.float64]:
        """What `words` tells, in V."""
        return self._as_volts(self.words(record, source, points), source)

    def _as_volts(self, words: NDArray[np.uint16], source: int) -> NDArray[np.float64]:
        scale, offset = self.axis(source)
        return (words.astype(np.float64) - 32768.0) * (8.0 * scale / 65536.0) + offset

    def words(self, record: Record, channel: int, points: int) -> NDArray[np.uint16]:
        """Points (points,) of an input over the whole record: 0x0001 is clipped low, 0xFFFF high,
        what lies between has 8 or 12 bits. `MATH` has 16.
        """
        scope = self._scope
        if channel == MATH:
            return scope.math.words(record, points)
        front = scope.channel(channel)
        kind = scope.settings.word("acquire type")
        total = record.plan.points
        at = np.rint(np.arange(points) * (total / points)).astype(np.int64)
        spare = 16 - INTRINSIC[kind]
        step = 8.0 * front.scale / (1 << INTRINSIC[kind])
        offset = scope.settings.value("offset", channel)
        top = (1 << INTRINSIC[kind]) - 1
        words = np.empty(points, dtype=np.uint16)
        for begin in range(0, points, PER_READ):
            volts = shown(
                scope.inputs, record, front, at[begin : begin + PER_READ], seed=scope.seed,
                quieter=scope.quieter(record), read=(points, begin),
            )  # fmt: skip
            codes = np.round((volts - offset) / step) + (top + 1) / 2
            part = np.clip(codes, 0, top).astype(np.uint16) << spare
            part[codes <= 0] = 0x0001
            part[codes >= top] = 0xFFFF
            words[begin : begin + PER_READ] = part
        return words


def _block(payload: bytes) -> bytes:
    """A block whose length always has eight digits."""
    return b"#8%08d" % len(payload) + payload
