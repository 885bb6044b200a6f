"""What fibre switches of Agiltron share, whatever their boards speak: 9600 baud, frames of 4 bytes
without a number, a way to be set, and nothing that tells who they are.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from drivers.instrument import Instrument
from drivers.link_model import LinkModel
from drivers.quantity import Quantity, Value
from drivers.quiet import until_quiet
from drivers.transport.link import ByteLink, Connector
from drivers.transport.resource import serial_device

BAUD = 9600
FRAME = 4
QUIET = 0.1
"""Seconds without a byte after which no answer to what was sent is on its way."""
PAUSE = 0.025
"""Seconds without a byte after an answer: four bytes take 4 ms, a USB bridge holds them 16 ms."""


class AgiltronSwitch(Instrument):
    """An `OpticalSwitch` of `positions` ways. Nothing can be expected of its identity."""

    way: ClassVar[Quantity]
    """The quantity of its position, with the range of the largest one."""
    links: ClassVar[tuple[str, ...]] = ("serial",)
    roles = ("OpticalSwitch",)

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str],
        timeout: float,
        positions: int,
        settle_time: float,
        park: int | None,
    ) -> None:
        """Raises `ValueError` for what cannot be."""
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        way = self.way
        if not 1 <= positions <= way.high:
            raise ValueError(f"{name}: positions {positions!r} is not between 1 and {way.high:g}")
        if not 0.0 <= settle_time < float("inf"):
            raise ValueError(f"{name}: settle_time {settle_time!r} s must be 0 or more")
        self.positions = positions
        self.settle_time = settle_time
        self._range = Quantity(
            way.name, way.command, way.doc, int, "", 1, positions, settle=settle_time
        )
        self._park = park
        if park is not None:
            self._range.check(park, instrument=name)
        device = serial_device(resource)
        self._link = self._guard(
            lambda: connector.serial(device, BAUD), self._greet, self._synchronise
        )

    async def get(self, quantity: Quantity, channel: int | str = "") -> Value:
        """Tell the declared quantity. Raises as `position`."""
        self._check_only(quantity, channel)
        return await self.position()

    async def set(self, quantity: Quantity, value: Value, channel: int | str = "") -> None:
        """Set the declared quantity. Raises as `select`."""
        self._check_only(quantity, channel)
        await self._select(value)

    async def select(self, position: int) -> None:
        """Switch. Nothing is left out where it stands there already.

        Raises `LimitError` before a byte leaves, `InstrumentError` for another answer than is due,
        `LinkError`.
        """
        await self._select(position)

    @abstractmethod
    async def position(self) -> int:
        """Which way the light goes."""

    async def off(self) -> None:
        """To the position of the off state, where one was given: it passes light on, no more."""
        if self._park is not None:
            await self.select(self._park)

    def _check_only(self, quantity: Quantity, channel: int | str) -> None:
        if quantity != self.way or channel != "":
            raise ValueError(f"{self.name}: its only quantity is {self.way.name}")

    @abstractmethod
    async def _select(self, value: Value) -> None:
        """Check the value, switch, and see that it was done."""

    @abstractmethod
    async def _greet(self, link: ByteLink) -> None:
        """Meet the switch on a new link."""

    async def _synchronise(self, link: ByteLink) -> None:
        # What is late must have come before the next answer is due: answers carry no number.
        await until_quiet(link, self.timeout)
