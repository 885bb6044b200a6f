"""Agiltron SelfAlign 1xN: a fibre switch of up to 256 ways, on a serial port, in frames of 4 bytes.

`01 35 00 <way - 1>` selects (two drivers) and is answered `01 35 FF FF` (ograsdijk/Agiltron-
SelfAlign) or by the frame itself (a laboratory's driver of a 1x6, made from that one): either is
taken. `01 30 00 00` homes, to way 1, says the former; the latter sets a byte of a way with that
code (`01 30 00 79`, …). Unsure: what homing answers (whatever comes is passed over), what a way
that there is not answers, when the answer comes (before or after the switch has moved), and how
long it moves. There is no question: neither who it is nor which way it stands can be asked, and no
frame is known that does no harm and is answered otherwise.

So nothing in its language tells a copy of an old `01 35 FF FF` that comes late; of the echoes, only
one of the same way is not told. A selection therefore ends 25 ms after its acknowledgement: by then
a true one that a copy ran ahead of has come as well, or has not, and that is not seen. What follows
waits for `settle_time`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from drivers.agiltron_switch import FRAME, PAUSE, QUIET, AgiltronSwitch
from drivers.errors import UnknownStateError
from drivers.instrument import ANY_IDENTITY, Identity, InstrumentError
from drivers.link_model import LinkModel
from drivers.quantity import Quantity, Value
from drivers.quiet import until_quiet
from drivers.transport.link import ByteLink, Connector

logger = logging.getLogger(__name__)

SELECT = b"\x01\x35\x00"
SELECTED = b"\x01\x35\xff\xff"
HOME = b"\x01\x30\x00\x00"

POSITION = Quantity(
    "position", "01 35 00 {value}", "Control which way the light goes (1 to 256).", int, "", 1, 256
)


class AgiltronSelfAlign(AgiltronSwitch):
    """An `OpticalSwitch` of `positions` ways. Nothing can be expected of its identity."""

    quantities = (POSITION,)
    models = ("SelfAlign",)
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
        positions: int = 16,
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
        self._position: int | None = None

    async def position(self) -> int:
        """The way that was last acknowledged: the switch cannot be asked.

        Raises `UnknownStateError` when none has been since it was opened, or after `home`.
        """
        if self._position is None:
            why = (
                "it cannot be asked, and has acknowledged no position since it was opened: select()"
            )
            raise UnknownStateError(self.name, "position", "nothing", why)
        return self._position

    async def home(self) -> None:
        """Send the switch to its home. Its answer is not known, so `position` is not known then."""
        self._position = None
        async with self._link.exchange("write") as link:
            await self._empty(link)
            await link.write(HOME)
            await until_quiet(link, QUIET)

    async def read_settings(self) -> dict[str, Any]:
        """The position, or why it is not known."""
        try:
            return {POSITION.name: await self.position()}
        except InstrumentError as error:
            return {POSITION.name: {"refused": str(error)}}

    async def _select(self, value: Value) -> None:
        position = int(self._range.check(value, instrument=self.name))
        frame = SELECT + bytes([position - 1])
        self._position = None  # until it is acknowledged
        async with self._link.exchange("write") as link:
            await self._empty(link)
            await link.write(frame)
            reply = await link.read_exactly(FRAME, self._deadline(FRAME, FRAME))
            if reply not in (SELECTED, frame):
                hint = f"{SELECTED.hex(' ')} or {frame.hex(' ')} was due"
                raise InstrumentError(self.name, frame.hex(" "), reply.hex(" "), hint)
            stray = await until_quiet(link, PAUSE)
            if stray.replace(reply, b""):
                hint = "something else came behind the acknowledgement; select it again"
                raise InstrumentError(self.name, frame.hex(" "), stray.hex(" "), hint)
            if stray:  # a copy, and the true one: which is which does not matter
                logger.warning("%s: more than one acknowledgement came", self.name)
        self._position = position

    async def _empty(self, link: ByteLink) -> None:
        """Nothing may lie in the input before anything is sent: all acknowledgements are alike."""
        if stray := await link.drain_input():
            await until_quiet(link, QUIET)
            logger.warning("%s: unasked input %r", self.name, stray)

    async def _greet(self, link: ByteLink) -> None:
        self._position = None
        await until_quiet(link, QUIET)
        self._recognise(Identity("Agiltron", "SelfAlign", "", ""))
