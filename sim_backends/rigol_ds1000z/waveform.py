"""The WAVeform subsystem: what is read of an acquisition, in which numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, integer, named
from sim_backends.engine.session import ScpiSession
from sim_backends.engine.writing import nr1
from sim_backends.oscilloscope.acquisition import Record
from sim_backends.oscilloscope.front_end import shown

from .math import MATH
from .models import DIVISIONS, SCREEN_POINTS
from .notation import sci

if TYPE_CHECKING:
    from .scope import RigolDs1000z

Codes = NDArray[np.uint8]
REFERENCE = 127
"""Code of the middle of the screen."""
CODES_PER_DIVISION = 25
LONGEST = {"BYTE": 250_000, "WORD": 125_000, "ASC": 15_625}
"""Points that one read of memory gives at most."""
FORMATS = ("BYTE", "WORD", "ASC")
MODES = ("NORM", "MAX", "RAW")


class Waveform:
    """Reads one input at a time, from the screen or from memory."""

    def __init__(self, scope: RigolDs1000z) -> None:
        self._scope = scope
        self.first, self.last = 1, SCREEN_POINTS
        settings, query = scope.settings, scope.query
        settings.choice("wave source", "WAVeform:SOURce", (*scope.words, "MATH"), "CHANnel1")
        settings.choice(
            "wave mode", "WAVeform:MODE", ("NORMal", "MAXimum", "RAW"), "NORMal",
            changed=lambda _: self.whole(),
        )  # fmt: skip
        settings.choice("wave format", "WAVeform:FORMat", ("BYTE", "WORD", "ASCii"), "BYTE")
        for name, attribute in (("STARt", "first"), ("STOP", "last")):
            scope.commands.add(f"WAVeform:{name}", self._setter(attribute))
            query(f"WAVeform:{name}", lambda _, a=attribute: nr1(float(getattr(self, a))))
        query("WAVeform:PREamble", lambda _: self._preamble())
        query("WAVeform:DATA", lambda _: self._data())
        for at, name in enumerate(
            ("XINCrement", "XORigin", "XREFerence", "YINCrement", "YORigin", "YREFerence"), 4
        ):
            query(f"WAVeform:{name}", lambda _, at=at: self._preamble().split(",")[at])
        query("WAVeform:POINts", lambda _: nr1(float(self.points)))

    @property
    def from_memory(self) -> bool:
        """Whether memory is read, not the screen: RAW, or MAXimum when stopped."""
        mode = self._scope.settings.word("wave mode")
        return mode == "RAW" or (mode == "MAX" and not self._scope.acquisition.running)

    @property
    def points(self) -> int:
        """Points that can be read."""
        if not self.from_memory:
            return SCREEN_POINTS
        record = self._record()
        return record.plan.points if record else self._scope.plan().points

    def whole(self) -> None:
        """A new mode: all points that one read gives are asked for."""
        most = LONGEST[self._scope.settings.word("wave format")]
        self.first, self.last = 1, min(self.points, most)

    def _record(self) -> Record | None:
        self._scope.acquisition.advance()
        records = self._scope.acquisition.records
        return records[-1] if records else None

    def _setter(self, attribute: str):
        def keep(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
            (word,) = arguments(text, 1, 1)
            ends = {"MIN": 1, "MAX": self.points, "DEF": 1}
            special = named(word)
            setattr(self, attribute, ends[special] if special else integer(word, 1, self.points))

        return keep

    def shows(self, source: int) -> bool:
        """Whether an input, or `MATH`, is on the screen."""
        scope = self._scope
        return scope.math.shown if source == MATH else scope.settings.on("display", source)

    def axis(self, source: int) -> tuple[float, int]:
        """V of a code of an input, or of `MATH`, and the codes by which it is moved up."""
        settings = self._scope.settings
        if source == MATH:
            scale, offset = settings.value("math scale"), settings.value("math offset")
        else:
            scale, offset = settings.value("scale", source), settings.value("offset", source)
        increment = scale / CODES_PER_DIVISION
        return increment, round(offset / increment)

    def volts(
        self, record: Record, source: int, first: int, count: int, *, memory: bool
    ) -> NDArray[np.float64]:
        """What `codes` tells, in V."""
        increment, level = self.axis(source)
        codes = self.codes(record, source, first, count, memory=memory)
        return (codes.astype(float) - level - REFERENCE) * increment

    def _input(self) -> int:
        word = self._scope.settings.word("wave source")
        source = MATH if word == "MATH" else int(word[-1])
        if not self.shows(source) or (source == MATH and self.from_memory):
            raise ScpiError(-221)
        return source

    def _preamble(self) -> str:
        scope = self._scope
        channel = self._input()
        record = self._record()
        plan = record.plan if record else scope.plan()
        increment, level = self.axis(channel)
        if self.from_memory:
            step, origin = 1.0 / plan.rate, plan.delay - plan.before / plan.rate
        else:
            step = scope.settings.value("time scale") / (SCREEN_POINTS / DIVISIONS)
            origin = scope.settings.value("time offset") - step * SCREEN_POINTS / 2
        average = scope.settings.word("acquire type") == "AVER"
        count = scope.settings.value("averages") if average else 1
        return ",".join([
            str(FORMATS.index(scope.settings.word("wave format"))),
            str(MODES.index(scope.settings.word("wave mode"))),
            str(self.points), nr1(count), sci(step), sci(origin), "0",
            sci(increment), str(level), str(REFERENCE),
        ])  # fmt: skip

    def _data(self) -> bytes:
        scope = self._scope
        channel = self._input()
        if scope.settings.word("wave mode") == "RAW" and scope.acquisition.running:
            raise ScpiError(-221)  # memory can only be read when stopped
        record = self._record()
        form = scope.settings.word("wave format")
        count = self.last - self.first + 1
        if count < 1 or (self.from_memory and count > LONGEST[form]):
            raise ScpiError(-222)
        if record is None or self.last > self.points:
            return write_block9(b"")
        codes = self.codes(record, channel, self.first - 1, count, memory=self.from_memory)
        if form == "BYTE":
            return write_block9(codes.tobytes())
        if form == "WORD":  # the upper 8 bits are 0
            return write_block9(codes.astype("<u2").tobytes())
        increment, level = self.axis(channel)
        volts = (codes.astype(float) - level - REFERENCE) * increment
        return write_block9(",".join(map(sci, volts)).encode("ascii"))

    def codes(self, record: Record, channel: int, first: int, count: int, *, memory: bool) -> Codes:
        """ADC codes (count,) of memory or of the screen, from a point (from 0) on."""
        scope = self._scope
        increment, level = self.axis(channel)
        if channel == MATH:
            codes = np.round(scope.math.volts(record, first, count) / increment) + level
            return np.clip(codes + REFERENCE, 0, 255).astype(np.uint8)
        front = scope.channel(channel)
        plan = record.plan
        if memory:
            at = np.arange(first, first + count)
        else:
            step = DIVISIONS * scope.settings.value("time scale") / SCREEN_POINTS
            origin = scope.settings.value("time offset") - step * SCREEN_POINTS / 2
            times = origin + step * np.arange(first, first + count) - plan.delay
            at = np.round(times * plan.rate).astype(np.int64) + plan.before
            at = np.clip(at, 0, plan.points - 1)
        volts = shown(
            scope.acquisition.inputs, record, front, at, seed=scope.seed,
            quieter=scope.quieter(record), read=(0 if memory else 1, first),
        )  # fmt: skip
        codes = np.round(volts / increment) + level + REFERENCE
        return np.clip(codes, 0, 255).astype(np.uint8)


def write_block9(payload: bytes) -> bytes:
    """A block whose length always has nine digits."""
    return b"#9%09d" % len(payload) + payload
