"""Where a Red Pitaya records: the ring of 16384 points, or the deep memory ("AXI") of millions.

Sources: the vendor's server (`acquire.cpp`, `acquire_axi.cpp`) and its examples. The deep memory is
there in newer releases alone; how much of it is asked of the box. A box takes its time over large
replies, so they are asked for in parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from drivers.errors import InstrumentError
from drivers.red_pitaya.settings import TRIGGER_DELAY

BUFFER = 16384
TRIGGER_MIDDLE = 8192
"""`ACQ:TRig:DLY` counts from here: 0 records as many points after the trigger as before it."""
SPARE_POINTS = 4
"""Points recorded beyond those asked for, so that the last one is never of an older frame."""
DEEP_MOST = 64 * 2**20
"""Points that no box has for an input."""
RING_DATA = "ACQ:SOUR{input}:DATA:Start:N? {place},{count}"
DEEP_UNITS = "ACQ:AXI:DATA:Units {units}"
DEEP_BUFFER = "ACQ:AXI:SOUR{input}:SET:Buffer {first},{size}"
DEEP_ON = "ACQ:AXI:SOUR{input}:ENable ON"
DEEP_DELAY = "ACQ:AXI:SOUR{input}:Trig:Dly {points}"
DEEP_DATA = "ACQ:AXI:SOUR{input}:DATA:Start:N? {place},{count}"
_PART = 65536
"""Points of one reply of the deep memory."""
_POINT_BYTES, _GRAIN = 2, 16


class Memory(Protocol):
    """One of the two: what is said to arm it, to ask whether it is full, and to read it."""

    points: int
    """Most points of a frame."""
    part: int
    """Most points of one reply."""

    @property
    def polls(self) -> tuple[str, ...]:
        """Queries that tell whether it is full."""
        ...

    def delays(self, points: int, instrument: str) -> list[str]:
        """What lets it record `points` points after a trigger."""
        ...

    def places(self, replies: Sequence[bytes]) -> tuple[int, int] | None:
        """Of both inputs, where the first point after the trigger is, by replies to `polls`; None
        while it is not full. Raises `ValueError` for a place that is no number.
        """
        ...

    def query(self, number: int, place: int, count: int) -> str:
        """What asks for `count` points of an input (1 or 2) from a place on."""
        ...


class Ring:
    """16384 points of both inputs."""

    points = part = BUFFER
    polls = ("ACQ:TRig:STAT?", "ACQ:TRig:FILL?", "ACQ:TPOS?")

    def delays(self, points: int, instrument: str) -> list[str]:
        """One for both inputs, counted from the middle of the ring."""
        delay = min(points + SPARE_POINTS, BUFFER) - TRIGGER_MIDDLE
        return [TRIGGER_DELAY.setting(delay, instrument=instrument)]

    def places(self, replies: Sequence[bytes]) -> tuple[int, int] | None:
        """The same for both."""
        state, full, position = replies
        return (int(position), int(position)) if state == b"TD" and full == b"1" else None

    def query(self, number: int, place: int, count: int) -> str:
        """Beyond the end of the ring its beginning follows."""
        return RING_DATA.format(input=number, place=place % BUFFER, count=count)


class Deep:
    """`points` points of both inputs in the deep memory."""

    part = _PART
    polls = (
        "ACQ:TRig:STAT?", "ACQ:AXI:SOUR1:Trig:Fill?", "ACQ:AXI:SOUR2:Trig:Fill?",
        "ACQ:AXI:SOUR1:Trig:Pos?", "ACQ:AXI:SOUR2:Trig:Pos?",
    )  # fmt: skip

    def __init__(self, points: int) -> None:
        """Raises `ValueError` for what no box has."""
        if not 1 <= points <= DEEP_MOST:
            raise ValueError(f"{points} points of deep memory are not 1 to {DEEP_MOST}")
        self.points = points
        size = _POINT_BYTES * (points + SPARE_POINTS)
        self._bytes = -(-size // _GRAIN) * _GRAIN

    def preparation(self, start: int, size: int, *, raw: bool, instrument: str) -> list[str]:
        """What sets it up in `size` bytes from address `start` on. Raises `InstrumentError` where
        these do not do.
        """
        if 2 * self._bytes > size:
            shown = f"{size} bytes of deep memory for both inputs"
            hint = f"deep_points = {self.points} needs {2 * self._bytes}; reserve more on the box"
            raise InstrumentError(instrument, "ACQ:AXI:SIZE?", shown, hint)
        units = [DEEP_UNITS.format(units="RAW" if raw else "VOLTS")]
        for number in (1, 2):
            first = start + (number - 1) * self._bytes
            units.append(DEEP_BUFFER.format(input=number, first=first, size=self._bytes))
            units.append(DEEP_ON.format(input=number))
        return units

    def delays(self, points: int, instrument: str) -> list[str]:
        """One for each input, counted from the trigger."""
        recorded = points + SPARE_POINTS
        return [DEEP_DELAY.format(input=number, points=recorded) for number in (1, 2)]

    def places(self, replies: Sequence[bytes]) -> tuple[int, int] | None:
        """Each input has its own."""
        state, first_full, second_full, first, second = replies
        full = state == b"TD" and first_full == second_full == b"1"
        return (int(first), int(second)) if full else None

    def query(self, number: int, place: int, count: int) -> str:
        """Beyond the end of the buffer its beginning follows."""
        place %= self._bytes // _POINT_BYTES
        return DEEP_DATA.format(input=number, place=place, count=count)
