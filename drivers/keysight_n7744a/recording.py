"""The meter as a `Readout`: every port logs its points after an edge at the trigger input."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from drivers.arguments import check_window, whole_number
from drivers.errors import InstrumentError, TriggerTimeout
from drivers.keysight_n7744a import logs, settings
from drivers.keysight_n7744a.meter import Meter
from drivers.optical_power import watts_of
from drivers.roles import DetectionMode, ReadFacts

POLL_INTERVAL = 1e-3


class Recorder(Meter):
    """Order of use: `arm`, the trigger, `fetch`, for each frame."""

    mode: DetectionMode = "intensity"
    unit: ClassVar[Literal["V", "W"]] = "W"
    # Of an N7745A: an N7744A has four inputs, and says so when it answers. At a range of 0 dBm.
    reads: ClassVar[ReadFacts] = ReadFacts(
        inputs=(1, 2, 3, 4, 5, 6, 7, 8), unit="W", full_scale=logs.HEADROOM * 1e-3,
        points=1_000_000, shortest=1e-6, longest=10.0, averages="means",
    )  # fmt: skip
    resolution = 0.0
    """W; values are floats of 24 bits, far below the noise."""

    @classmethod
    def reads_with(cls, options: Mapping[str, Any]) -> ReadFacts:
        """With the ports, ranges and points that the options state."""
        ranges = options.get("range_dbm", 0.0)
        least = min(ranges) if isinstance(ranges, Sequence) else ranges
        return replace(
            cls.reads, inputs=tuple(options.get("ports") or cls.reads.inputs),
            full_scale=logs.HEADROOM * watts_of(float(least)),
            points=int(options.get("max_points", cls.reads.points)),
        )  # fmt: skip

    @property
    def read_inputs(self) -> tuple[int, ...]:
        """As `ports`."""
        return self._ports

    @property
    def full_scale(self) -> NDArray[np.float64]:
        """Largest power (ports,) in W that the ranges can tell."""
        return np.array([logs.HEADROOM * watts_of(dbm) for dbm in self._fixed])

    @property
    def averaging(self) -> float:
        """Duration of a point, s."""
        return self._averaging

    def time_points(self, point: float, *, average: bool) -> None:
        """Let points last `point` s each from the next `arm` on. Sends nothing.

        Raises `LimitError`, and `ValueError` for points that are no means: it has no others; and
        where an edge takes one point (`trigger = "SME"`), for a bench's frames have one edge.
        """
        if not average:
            raise ValueError(f"{self.name}: a power meter's points are means over their duration")
        if self._trigger == "SME":
            raise ValueError(
                f"{self.name}: trigger 'SME' takes one point an edge, and a bench's frame has one "
                f"edge; leave the option trigger out"
            )
        settings.AVERAGING.check(point, instrument=self.name)
        if point != self._averaging:
            self._averaging = point
            self._prepared = False

    async def arm(self, points: int) -> None:
        """Log `points` points a port after the trigger (at each of the triggers with SME).

        Raises `LimitError` for too many points, `InstrumentError` while a port's range is
        automatic: a log has one range.
        """
        limit = f"1 to {self.max_points} points"
        points = whole_number(
            points, 1, self.max_points, instrument=self.name, what="points", limit=limit
        )
        if self._automatic:
            which = ", ".join(map(str, sorted(self._automatic)))
            hint = "give it a fixed one with set_range()"
            raise InstrumentError(self.name, "arm", f"port {which} ranges automatically", hint)
        await self._ensure_prepared()
        self._armed = 0
        units = [f"SENS{port}:FUNC:STAT LOGG,STOP" for port in self._ports]
        if points != self._points:
            self._points = 0
            seconds = settings.AVERAGING.text(self._averaging)
            units += [f"SENS{port}:FUNC:PAR:LOGG {points},{seconds}" for port in self._ports]
        units += [f"SENS{port}:FUNC:STAT LOGG,STAR" for port in self._ports]
        await self.tell(*units, kind="arm")
        self._points = self._armed = points

    async def fetch(self, first: int, count: int) -> NDArray[np.float64]:
        """W (count, ports) from point `first` after the trigger on.

        A value above the range is given as the port's full scale, and marked in `over_range`. Waits
        until all ports are complete. Raises `TriggerTimeout` naming the likely cause, `LimitError`
        for points that were not armed.
        """
        if self._link.doubtful or not self._armed:
            hint = "arm it, and run the frame again"
            raise InstrumentError(self.name, "fetch", "not armed", hint)
        check_window(first, count, self._armed, instrument=self.name)
        await self._complete()
        watts = (await self._results())[first : first + count]
        self.over_range = watts > logs.OVER_RANGE
        return np.where(self.over_range, self.full_scale, watts)

    def planned_arm(self, points: int) -> float:
        """Seconds that `arm` takes by the link model."""
        return self.link.cost(90 * len(self._ports), 16)

    def planned_fetch(self, points: int) -> float:
        """Seconds that `fetch` of so many points takes by the link model, one poll included.

        On raw TCP the results of all ports cost one latency, elsewhere one each.
        """
        ports = len(self._ports)
        armed = max(points, self._armed)
        poll = self.link.cost(24 * ports, 30 * ports)
        return poll + self.planned_ask_all(ports, 16 * ports, ports * (4 * armed + 16))

    async def _complete(self) -> None:
        """Wait until all ports have all their points."""
        hint = (
            f"not all points within {self.trigger_timeout:g} s: check that the pattern "
            f"generator ran and that its trigger line reaches the trigger input"
        )
        await self._completed(self.trigger_timeout + self._armed * self._averaging, hint)

    async def _completed(self, seconds: float, hint: str) -> None:
        """Wait so long at most until the functions of all ports are complete."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        queries = [logs.state(port) for port in self._ports]
        while True:
            replies = await self.ask(*queries, received=30 * len(queries), kind="poll")
            states = [reply.decode("latin-1").strip() for reply in replies]
            for query, state in zip(queries, states, strict=True):
                if not logs.is_state(state):
                    self._link.doubt()
                    raise InstrumentError(self.name, query, state, "a state is due")
            if all(state == logs.COMPLETE for state in states):
                return
            if loop.time() >= deadline:
                self._armed = 0
                late = zip(self._ports, states, strict=True)
                shown = ", ".join(f"port {port}: {s}" for port, s in late if s != logs.COMPLETE)
                raise TriggerTimeout(self.name, queries[0], shown, hint)
            await asyncio.sleep(POLL_INTERVAL)

    async def _results(self) -> NDArray[np.float64]:
        """All points (armed, ports), W. Blocks of all ports follow each other on raw TCP."""
        queries = [logs.result(port) for port in self._ports]
        size = 4 * self._armed
        blocks = await self.ask_all(queries, received=size + 16, kind="fetch")
        for query, data in zip(queries, blocks, strict=True):
            if len(data) != size:
                self._link.doubt()
                shown = f"{len(data)} bytes for {self._armed} points"
                hint = "another client may have used it; arm it again"
                raise InstrumentError(self.name, query, shown, hint)
        return np.stack([logs.watts(data) for data in blocks], axis=1)
