"""A meter as all that its driver does needs it: its ports, and a known state of those it reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from drivers.errors import InstrumentError
from drivers.instrument import ANY_IDENTITY
from drivers.keysight_n7744a import logs, settings
from drivers.link_model import LinkModel
from drivers.quantity import Quantity
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.link import Connector


class Meter(ScpiInstrument):
    """Ports are numbered from 1."""

    quantities: ClassVar[tuple[Quantity, ...]] = settings.QUANTITIES
    models: ClassVar[tuple[str, ...]] = (r"N774[45][AC]",)
    default_port: ClassVar[int | None] = 5025

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

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that are read, in the order of what `fetch` returns."""
        return self._ports

    async def prepare(self, averaging: float) -> None:
        """Let a point last `averaging` s, and bring all ports that are read to a known state.

        Nothing is sent when that has been done. Raises `LimitError` before a byte leaves.
        """
        settings.AVERAGING.check(averaging, instrument=self.name)
        if averaging != self._averaging:
            self._averaging = averaging
            self._prepared = False
        await self._ensure_prepared()

    async def off(self) -> None:
        """Logging stopped; a power meter drives nothing."""
        self._armed = 0
        ports = self.channels
        await self.tell(*(f"SENS{port}:FUNC:STAT LOGG,STOP" for port in ports), kind="off")

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
