"""Keysight (Agilent) N7744A, N7745A, N7744C, N7745C multiport power meters, as a readout.

After an edge at the trigger input every port logs its points, back to back, or one point an edge.
Sources: pages of Keysight's programming guides of the 816x mainframes (the same command tree) and
of the N774xC; LabExT; laboratories' code for the N7744A and N7745C. Facts that are not sure, and
how this driver does without them:

- the most points of a log (1,000,000 of the N7744A by a user's guide, 100,000 in one library):
  `max_points` is an option;
- the time from the edge to the first window (microseconds): `trigger_latency` is an option, and a
  marker in the frame measures it;
- whether logged values come in the unit that is set (N77xx) or in W (older ones): the unit is W;
- whether part of a result can be read (C models): all of it is, and cut here;
- the errors of settings while a log runs: logging is stopped before anything is set;
- zeroing (`CORR:COLL:ZERO`, of the mainframes' guide): `zero` alone uses it, and asks for its
  result.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from drivers.errors import InstrumentError, LimitError, TriggerTimeout
from drivers.instrument import ANY_IDENTITY
from drivers.keysight_n7744a import logs, settings
from drivers.link_model import LinkModel
from drivers.optical_power import watts_of
from drivers.quantity import Quantity
from drivers.roles import DetectionMode, ReadFacts
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.link import Connector

POLL_INTERVAL = 1e-3
ZERO_TIME = 60.0
"""s that zeroing all ports may take."""


class KeysightN7744A(ScpiInstrument):
    """A power meter of 4 or 8 ports: a `Readout` of intensities in W, a `PowerMonitor` by hand.

    Order of use: `arm`, the trigger, `fetch`, for each frame. Ports are numbered from 1.
    """

    quantities: ClassVar[tuple[Quantity, ...]] = settings.QUANTITIES
    models: ClassVar[tuple[str, ...]] = (r"N774[45][AC]",)
    roles: ClassVar[tuple[str, ...]] = ("Readout", "PowerMonitor")
    default_port: ClassVar[int | None] = 5025
    mode: DetectionMode = "intensity"
    unit: ClassVar[Literal["V", "W"]] = "W"
    # Of an N7745A: an N7744A has four inputs, and says so when it answers. At a range of 0 dBm.
    reads: ClassVar[ReadFacts] = ReadFacts(
        inputs=(1, 2, 3, 4, 5, 6, 7, 8), unit="W", full_scale=logs.HEADROOM * 1e-3,
        points=1_000_000, shortest=1e-6, longest=10.0, averages="means",
    )  # fmt: skip
    resolution = 0.0
    """W; values are floats of 24 bits, far below the noise."""

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
        ports: Sequence[int] | None = None,
        wavelength: float = 1550e-9,
        range_dbm: float | Sequence[float] = 0.0,
        averaging: float = 10e-6,
        trigger: Literal["CME", "SME"] = "CME",
        trigger_timeout: float = 2.0,
        trigger_latency: float = 0.0,
        max_points: int = 1_000_000,
    ) -> None:
        """`ports`: those that are read, in order (None: all that the model has). `range_dbm`: fixed
        range, one for all or one for each of `ports`. `averaging`: s of a point. `trigger`: an edge
        starts all points (CME) or one (SME). `trigger_timeout`: s that `fetch` waits beyond the
        points themselves. `trigger_latency`: s from the edge to the first window, nominal.

        Raises `LimitError` and `ValueError` for what no model can do.
        """
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        if trigger not in ("CME", "SME"):
            raise ValueError(f"{name}: trigger {trigger!r} is neither 'CME' nor 'SME'")
        if not trigger_timeout > 0.0:
            raise ValueError(f"{name}: trigger_timeout {trigger_timeout!r} s must be positive")
        if max_points < 1:
            raise ValueError(f"{name}: max_points {max_points!r} is no number of points")
        settings.WAVELENGTH.check(wavelength, instrument=name)
        settings.AVERAGING.check(averaging, instrument=name)
        self.trigger_timeout = trigger_timeout
        self.trigger_latency = trigger_latency
        self.max_points = max_points
        self.over_range: NDArray[np.bool_] = np.zeros((0, 0), dtype=bool)
        """Which values (count, ports) of the latest `fetch` exceeded the range."""
        self._given = None if ports is None else tuple(ports)
        self._wavelength = wavelength
        self._ranges = range_dbm
        self._averaging = averaging
        self._trigger = trigger
        self._automatic: set[int] = set()
        self._ports: tuple[int, ...] = ()
        self._fixed: list[float] = []
        self._adopt(str(self._expect.get("model", "")))
        self._forget()

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

    # -- the role ---------------------------------------------------------------------------------

    @property
    def read_inputs(self) -> tuple[int, ...]:
        """As `ports`."""
        return self._ports

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that are read, in the order of what `fetch` returns."""
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

        Raises `LimitError`, and `ValueError` for points that are no means: it has no others.
        """
        if not average:
            raise ValueError(f"{self.name}: a power meter's points are means over their duration")
        settings.AVERAGING.check(point, instrument=self.name)
        if point != self._averaging:
            self._averaging = point
            self._prepared = False

    async def prepare(self, averaging: float) -> None:
        """Let a point last `averaging` s, and bring all ports that are read to a known state.

        Nothing is sent when that has been done. Raises `LimitError` before a byte leaves.
        """
        settings.AVERAGING.check(averaging, instrument=self.name)
        if averaging != self._averaging:
            self._averaging = averaging
            self._prepared = False
        await self._ensure_prepared()

    async def arm(self, points: int) -> None:
        """Log `points` points a port after the trigger (at each of the triggers with SME).

        Raises `LimitError` for too many points, `InstrumentError` while a port's range is
        automatic: a log has one range.
        """
        if not 1 <= points <= self.max_points:
            raise LimitError(self.name, "points", points, f"1 to {self.max_points} points")
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
        if first < 0 or count < 1 or first + count > self._armed:
            limit = f"the {self._armed} points that were armed"
            raise LimitError(self.name, f"window from point {first}", first + count, limit)
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

    async def off(self) -> None:
        """Logging stopped; a power meter drives nothing."""
        self._armed = 0
        ports = self.channels
        await self.tell(*(f"SENS{port}:FUNC:STAT LOGG,STOP" for port in ports), kind="off")

    # -- beyond the role --------------------------------------------------------------------------

    async def set_range(self, port: int, dbm: float | None) -> None:
        """Fix the range of a port that is read, in dBm, or let it follow the power (None).

        Raises `LimitError` for what is no range, `InstrumentError` while it is armed.
        """
        if port not in self._ports:
            raise ValueError(f"{self.name}: port {port} is none of {self._ports}, which are read")
        if dbm is not None:
            logs.check_range(self.name, port, dbm)
        if self._armed:
            hint = "call off() first"
            raise InstrumentError(self.name, "set_range", "it is armed; a log has one range", hint)
        if dbm is None:
            await self.set(settings.AUTO_RANGE, True, port)
            self._automatic.add(port)
            return
        await self._fix_range(port, dbm)
        self._automatic.discard(port)
        self._fixed[self._ports.index(port)] = dbm

    async def read_watts(self, port: int) -> float:
        """The power at a port now, W; inf above the range.

        Raises `InstrumentError`, `LinkError`.
        """
        unit = await self.get(settings.UNIT, port)
        query = f"READ{port}:POW?"
        text = await self.ask_text(query, wait=2.0 * self._averaging)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self._link.doubt()
            raise InstrumentError(self.name, query, text, "a number is due")
        if value > logs.OVER_RANGE:
            return math.inf
        return watts_of(value) if unit == "DBM" else value

    @property
    def inputs(self) -> int:
        """Number of ports, of the model that answers or is expected."""
        return len(self.channels)

    async def watch(self, number: int, wavelength: float) -> None:
        """Be ready to read a port that takes no part in frames: wavelength, automatic range.

        Raises `LimitError` before that leaves. A port of `ports` is no longer logged until
        `set_range` gives it a fixed range.
        """
        self._check_port(number)
        await self.set(settings.WAVELENGTH, wavelength, number)
        await self.set(settings.AUTO_RANGE, True, number)
        if number in self._ports:
            self._automatic.add(number)

    async def read_input(self, number: int) -> float:
        """The power at a port now, W. Raises as `read_watts`, and above the range."""
        self._check_port(number)
        watts = await self.read_watts(number)
        if not math.isfinite(watts):
            query, hint = f"READ{number}:POW?", "above the range: less light, or a smaller share"
            raise InstrumentError(self.name, query, "over range", hint)
        return watts

    def _check_port(self, number: int) -> None:
        if number not in self.channels:
            raise LimitError(self.name, "input", number, f"1 to {len(self.channels)}")

    async def zero(self) -> None:
        """Take what all ports read now, in the dark, for nothing; it takes seconds.

        Raises `InstrumentError` for ports that were not dark.
        """
        self._armed = 0
        await self.tell(*(f"SENS{port}:FUNC:STAT LOGG,STOP" for port in self.channels))
        await self.ask("SENS1:CORR:COLL:ZERO:ALL", "*OPC?", answers=1, kind="zero", wait=ZERO_TIME)
        failed: list[str] = []
        for port in self.channels:
            query = f"SENS{port}:CORR:COLL:ZERO?"
            text = await self.ask_text(query)
            if text.removeprefix("+") != "0":
                failed.append(f"{query} {text}")
        if failed:
            hint = "keep all light away from the ports, and zero them again"
            raise InstrumentError(self.name, "zero", "; ".join(failed), hint)

    # -- how it is done ---------------------------------------------------------------------------

    def _forget(self) -> None:
        """Nothing is known of what is set."""
        if self.identity is not None:
            try:
                self._adopt(self.identity.model)
            except ValueError as error:
                raise InstrumentError(self.name, "*IDN?", self.identity.model, str(error)) from None
        self._prepared = False
        self._points = 0
        self._armed = 0

    def _adopt(self, model: str) -> None:
        """Be a model: its ports, and those of them that are read."""
        self.channels = tuple(range(1, logs.port_count(model) + 1))
        ports, ranges = logs.chosen_ports(self.name, model, self._given, self._ranges)
        if self._ports != ports:
            self._ports, self._fixed = ports, ranges

    async def _ensure_prepared(self) -> None:
        if self._link.doubtful:
            self._forget()
        if self._prepared:
            return
        self._forget()
        await self.tell(*(f"SENS{port}:FUNC:STAT LOGG,STOP" for port in self._ports))
        await self.set(settings.TRIGGER_ROUTING, "DEF")
        for port, dbm in zip(self._ports, self._fixed, strict=True):
            await self._fix_range(port, dbm)
            for quantity, value in (
                (settings.UNIT, "W"), (settings.WAVELENGTH, self._wavelength),
                (settings.AVERAGING, self._averaging), (settings.AUTO_GAIN, False),
                (settings.TRIGGER_OUTPUT, "DIS"), (settings.TRIGGER_INPUT, self._trigger),
            ):  # fmt: skip
                await self.set(quantity, value, port)
        await self._agree()
        self._automatic.clear()
        self._prepared = True

    async def _fix_range(self, port: int, dbm: float) -> None:
        await self.set(settings.AUTO_RANGE, False, port)
        await self.set(settings.RANGE, dbm, port)

    async def _agree(self) -> None:
        """See that what matters most was set, on all ports that are read."""
        wanted = [
            (quantity, port, value)
            for port, dbm in zip(self._ports, self._fixed, strict=True)
            for quantity, value in (
                (settings.UNIT, "W"), (settings.RANGE, dbm), (settings.AUTO_RANGE, False),
                (settings.AVERAGING, self._averaging),
            )
        ]  # fmt: skip
        found = await self.get_all([(quantity, port) for quantity, port, _ in wanted])
        for (quantity, port, value), has in zip(wanted, found, strict=True):
            same = has == value
            if isinstance(value, float) and isinstance(has, float):
                same = math.isclose(has, value, rel_tol=1e-5, abs_tol=1e-12)
            if not same:
                hint = f"{value} was set; the instrument has adjusted it"
                raise InstrumentError(self.name, quantity.query(port), str(has), hint)

    async def _complete(self) -> None:
        """Wait until all ports have all their points."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.trigger_timeout + self._armed * self._averaging
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
                hint = (
                    f"not all points within {self.trigger_timeout:g} s: check that the pattern "
                    f"generator ran and that its trigger line reaches the trigger input"
                )
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
