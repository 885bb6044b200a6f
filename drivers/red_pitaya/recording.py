"""The half of a box that records: points of both inputs after a trigger."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from drivers.arguments import check_window, whole_number
from drivers.instrument import InstrumentError, TriggerTimeout
from drivers.red_pitaya import settings
from drivers.red_pitaya import words as conversion
from drivers.red_pitaya.box import Box
from drivers.red_pitaya.memory import BUFFER, Ring
from drivers.red_pitaya.preparing import check
from drivers.roles import ReadFacts
from drivers.roles.ports import whole

POLL_INTERVAL = 1e-3
"""Seconds between two questions for a trigger that has not come yet."""


class Recorder(Box):
    """The digitiser, as a `Readout` of volts."""

    inputs = 2
    read_inputs = (1, 2)
    unit: ClassVar[Literal["V", "W"]] = "V"
    adc_bits = 14
    reads = ReadFacts(
        inputs=(1, 2), unit="V", full_scale=conversion.FULL_SCALE, points=BUFFER, shortest=8e-9,
        longest=settings.DECIMATIONS[-1] * 8e-9, tick=8e-9, ticks=settings.DECIMATIONS,
    )  # fmt: skip

    @classmethod
    def reads_with(cls, options: Mapping[str, Any]) -> ReadFacts:
        """With the jumpers and the memory that the options state."""
        gain = str(options.get("gain", "LV"))
        return replace(
            cls.reads,
            full_scale=conversion.INPUT_FULL_SCALE.get(gain, conversion.FULL_SCALE),
            points=int(options.get("deep_points", 0)) or BUFFER,
        )

    @property
    def read_full_scale(self) -> NDArray[np.float64]:
        """Largest magnitude (2,) in V of the inputs."""
        return np.full(2, self.input_full_scale)

    @property
    def read_points(self) -> int:
        """Most points of one record."""
        return self._memory.points

    def time_points(self, point: float, *, average: bool) -> None:
        """Let points last `point` s each from the next `load` or `arm` on: means over it, or values
        at its start. Sends nothing. Raises `ValueError` for what is no decimation.
        """
        dwell = self.min_dwell if self._wanted is None else self._wanted[0]
        decimation = whole(point, 1.0 / settings.SAMPLE_CLOCK)
        if decimation is None:
            raise ValueError(f"{self.name}: a point of {point:g} s is no whole number of 8 ns")
        check(self.name, dwell, decimation)
        self._wanted = (dwell, decimation, average)

    async def _record(self, points: int) -> None:
        """Start the acquisition of `points` points after the trigger, one exchange."""
        self._armed = 0
        delays = self._memory.delays(points, self.name)
        units = ["ACQ:START", "ACQ:TRig EXT_PE"]
        if delays != self._delays:
            units = [*delays, *units]
        self._delays = None
        await self.tell(*units, kind="arm")
        self._delays = delays
        self._armed = points

    def _check_points(self, points: int) -> None:
        most = self.read_points
        limit = f"1 to {most} points"
        whole_number(points, 1, most, instrument=self.name, what="points", limit=limit)

    async def fetch(self, first: int, count: int) -> NDArray[np.float64]:
        """Volts (count, 2) at the inputs from point `first` after the trigger on.

        Waits until the acquisition is complete, then fetches the window, one exchange. Raises
        `TriggerTimeout` naming the likely cause, `LimitError` for a window that was not armed.
        """
        if self._link.doubtful or not self._armed:
            raise InstrumentError(
                self.name, "fetch", "not armed", "arm it, and run the frame again"
            )
        check_window(first, count, self._armed, instrument=self.name)
        places = await self._triggered_at()
        volts = np.empty((count, 2))
        for begin in range(0, count, self._memory.part):
            size = min(self._memory.part, count - begin)
            queries = [
                self._memory.query(number, place + first + begin, size)
                for number, place in zip((1, 2), places, strict=True)
            ]
            units = await self.ask(*queries, received=8 * size, kind="fetch")
            for channel, (query, unit) in enumerate(zip(queries, units, strict=True)):
                volts[begin : begin + size, channel] = self._numbers(query, unit, size)
        return conversion.volts(volts, self.input_full_scale) if self._raw else volts

    def _numbers(self, query: str, data: bytes, count: int) -> NDArray[Any]:
        """Numbers of a block. Raises `InstrumentError` where they are not `count`."""
        if len(data) != (2 if self._raw else 4) * count:
            self._link.doubt()
            shown = f"{len(data)} bytes for {count} points"
            hint = "another client may have changed its data format"
            raise InstrumentError(self.name, query.split(" ")[0], shown, hint)
        return np.frombuffer(data, dtype=">i2" if self._raw else ">f4")

    def planned_fetch(self, count: int) -> float:
        """Seconds that `fetch` of so many points takes by the link model, one poll included."""
        width = 2 if self._raw else 4
        poll = self.link.cost(64 if isinstance(self._memory, Ring) else 128, 32)
        parts = -(-count // self._memory.part)
        return poll + self.link.cost(96 * parts, self.inputs * width * count + 32 * parts, parts)

    async def _triggered_at(self) -> tuple[int, int]:
        """Wait until the acquisition is complete; returns where the trigger is, of both inputs."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.trigger_timeout
        while True:
            polls = self._memory.polls
            replies = await self.ask(*polls, received=24, kind="poll")
            try:
                places = self._memory.places(replies)
            except ValueError:
                self._link.doubt()
                shown = b", ".join(replies).decode("latin-1")
                raise InstrumentError(self.name, polls[-1], shown) from None
            if places is not None:
                return places
            if loop.time() >= deadline:
                shown = f"{replies[0].decode('latin-1')}, full: {replies[1].decode('latin-1')}"
                hint = (
                    f"no complete acquisition within {self.trigger_timeout:g} s: check that the "
                    f"pattern generator ran and that its trigger line reaches DIO0_P"
                )
                raise TriggerTimeout(self.name, "ACQ:TRig:STAT?", shown, hint)
            await asyncio.sleep(POLL_INTERVAL)
