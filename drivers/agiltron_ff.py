"""Agiltron FF 1x4, 1x8: a fibre-to-fibre switch on its USB or serial board, in frames of 4 bytes.

A frame is the board's address (01), a code, and two bytes. Sure, since clients written apart from
each other say so: 9600 baud, 8N1; `01 12 00 <way>` selects, ways counted from 1 (a driver of FF 1x4
and 1x8 that cites the maker's command list of 2020, scripts for 1x2 and 1x16); `01 11 00 00` asks
which way it stands, and the answer begins with 01 11 (that driver, and one of the SW-DR-5 board).
From that driver alone: the answer to a selection is the frame itself, and the way stands in the
last byte of the answer to 01 11. The SW-DR-5, a board for two ways, counts from 0 and tells the way
in the third byte: it is refused here, never read wrong. Unsure: what a way that there is not
answers, whether the answer comes before or after the move, and how long that takes. Serial number
(01 03, 01 04), temperature (01 22) and homing (01 20) stand in one client each, without their
answers, and are left alone: nothing tells who it is.

Answers carry no number. A way counts when two answers in a row agree on it and nothing comes behind
them: a copy of an old answer makes the two differ, or one too many, whenever it comes. A selection
ends with that question, not with its echo.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from drivers.agiltron_switch import FRAME, PAUSE, QUIET, AgiltronSwitch
from drivers.instrument import ANY_IDENTITY, Identity, InstrumentError
from drivers.link_model import LinkModel
from drivers.quantity import Quantity, Value
from drivers.quiet import until_quiet
from drivers.transport.link import ByteLink, Connector, LinkTimeout

logger = logging.getLogger(__name__)

SELECT = b"\x01\x12\x00"
ASK = b"\x01\x11\x00\x00"
TOLD = ASK[:3]
"""What the answer to the question begins with, before the way."""
MOST_ANSWERS = 6
"""Answers within which two in a row must agree."""

POSITION = Quantity(
    "position", "01 12 00 {value}", "Control which way the light goes (1 to 16).", int, "", 1, 16,
    question="01 11 00 00",
)  # fmt: skip


class AgiltronFf(AgiltronSwitch):
    """An `OpticalSwitch` of `positions` ways. Nothing can be expected of its identity."""

    quantities = (POSITION,)
    models = ("FF1x[0-9]+",)
    way = POSITION

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
        positions: int = 4,
        settle_time: float = 0.5,
        park: int | None = None,
    ) -> None:
        """`positions`: ways that it has. `settle_time`: s from its answer until the light goes the
        new way, no source gives it. `park`: position of the bench's off state; None leaves it.
        Raises `ValueError` for what cannot be.
        """
        super().__init__(
            name, resource, connector, link=link, expect=expect, timeout=timeout,
            positions=positions, settle_time=settle_time, park=park,
        )  # fmt: skip

    async def position(self) -> int:
        """Which way it says that it stands. Raises `InstrumentError`, `LinkError`."""
        async with self._link.exchange("read") as link:
            return await self._stands(link)

    async def read_settings(self) -> dict[str, Any]:
        """The position."""
        return {POSITION.name: await self.position()}

    async def _select(self, value: Value) -> None:
        position = int(self._range.check(value, instrument=self.name))
        frame = SELECT + bytes([position])
        async with self._link.exchange("write") as link:
            reply = await self._send(link, frame, frame)
            if reply != frame:
                hint = f"{frame.hex(' ')} was due"
                raise InstrumentError(self.name, frame.hex(" "), reply.hex(" "), hint)
            # Whether the echo comes before or after the move is not known: it may stand there yet.
            deadline = asyncio.get_running_loop().time() + self.settle_time
            while (found := await self._stands(link)) != position:
                if asyncio.get_running_loop().time() > deadline:
                    hint = "it has not switched; power it off and on"
                    raise InstrumentError(self.name, frame.hex(" "), f"way {found}", hint)

    async def _stands(self, link: ByteLink) -> int:
        """The way that two answers in a row agree on, nothing having come behind them."""
        before = await self._stands_once(link)
        for _ in range(MOST_ANSWERS):
            now = await self._stands_once(link)
            if now == before:
                if not (stray := await until_quiet(link, PAUSE)):
                    return now
                logger.warning("%s: unasked input %r; asking again", self.name, stray)
                now = await self._stands_once(link)
            before = now
        raise InstrumentError(
            self.name, ASK.hex(" "), f"way {before}", "its answers do not agree, or are too many"
        )

    async def _stands_once(self, link: ByteLink) -> int:
        reply = await self._send(link, ASK, TOLD)
        if not reply.startswith(TOLD) or not 1 <= reply[-1] <= self.positions:
            hint = f"{TOLD.hex(' ')} and a way from 1 to {self.positions} were due"
            raise InstrumentError(self.name, ASK.hex(" "), reply.hex(" "), hint)
        return reply[-1]

    async def _send(self, link: ByteLink, frame: bytes, due: bytes) -> bytes:
        """Send a frame, and hear one that begins as it is due; else what came in its place.

        Copies of older answers are passed over: by their form they answer something else.
        """
        if stray := await link.drain_input():
            logger.warning("%s: unasked input %r", self.name, stray)
            await until_quiet(link, QUIET)
        await link.write(frame)
        reply = await link.read_exactly(FRAME, self._deadline(FRAME, FRAME))
        for _ in range(MOST_ANSWERS):
            if reply.startswith(due) or not reply.startswith((SELECT, TOLD)):
                break
            logger.warning("%s: a copy of an older answer: %s", self.name, reply.hex(" "))
            try:
                reply = await link.read_exactly(FRAME, self._deadline(0, FRAME))
            except LinkTimeout:
                break  # it was no copy: this is what the board answers
        return reply

    async def _greet(self, link: ByteLink) -> None:
        await until_quiet(link, QUIET)
        await self._stands(link)
        self._recognise(Identity("Agiltron", f"FF1x{self.positions}", "", ""))
