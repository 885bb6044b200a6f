"""The base of all drivers of SCPI instruments: declared settings in, checked bytes out.

A model declares what it is (`models`, `links`), how it speaks (`end_out`, `error_in_message`, …)
and what can be set and read (`quantities`); opening, exchanges, the error queue and recovery come
from here. `docs/instruments/README.md` has a complete small driver.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from drivers.errors import InstrumentError
from drivers.protocol.scpi_numbers import INFINITY, NOT_A_NUMBER
from drivers.quantity import Quantity, Value
from drivers.scpi_messages import ScpiMessages
from drivers.transport.link import NOISE


class ScpiInstrument(ScpiMessages):
    """An instrument with declared settings, that speaks SCPI over raw TCP, a serial port or VISA.

    The link follows from the resource string; see `ScpiLink`, and `ScpiMessages` for what holds of
    every exchange.
    """

    channels: tuple[int | str, ...] = ()
    """Channels of quantities that have `{channel}` in their command and name none themselves."""

    async def get(
        self, quantity: Quantity, channel: int | str = "", *, kind: str = "read", wait: float = 0.0
    ) -> Value:
        """Read a declared quantity, in its SI unit; SCPI's 9.9E37 as inf and 9.91E37 as NaN.

        Raises `ValueError` for a quantity that can only be set and for a channel that it has not,
        `InstrumentError` when it is refused or the answer cannot be read, `LinkError`.
        """
        if not quantity.readable:
            raise ValueError(f"{self.name}: {quantity.name} can only be set ({quantity.doc})")
        self._check_channel(quantity, channel)
        query = quantity.query(channel)
        text = await self.ask_text(query, kind=kind, wait=wait)
        return self._understand(quantity, query, text)

    async def get_all(
        self,
        places: Sequence[tuple[Quantity, int | str]],
        *,
        kind: str = "read",
    ) -> list[Value]:
        """Read quantities (with the channel of each, or ""), at the latency of one where `ask_all`
        can. All of them may be read even where one is refused. Raises as `get`.
        """
        for quantity, channel in places:
            if not quantity.readable:
                raise ValueError(f"{self.name}: {quantity.name} can only be set ({quantity.doc})")
            self._check_channel(quantity, channel)
        queries = [quantity.query(channel) for quantity, channel in places]
        replies = await self.ask_all(queries, kind=kind)
        return [
            self._understand(quantity, query, reply.decode("latin-1").strip())
            for (quantity, _), query, reply in zip(places, queries, replies, strict=True)
        ]

    async def set(
        self,
        quantity: Quantity,
        value: Value,
        channel: int | str = "",
        *,
        kind: str = "set",
        wait: float = 0.0,
    ) -> None:
        """Set a declared quantity, in its SI unit, and read the error queue.

        Before a byte leaves, raises `LimitError` out of range, for NaN and inf, `ValueError` for a
        word that is not in the list, a quantity that can only be read, or a channel that it has
        not, `TypeError`. Else as `tell`.
        """
        if not quantity.writable:
            raise ValueError(f"{self.name}: {quantity.name} can only be read ({quantity.doc})")
        self._check_channel(quantity, channel)
        unit = quantity.setting(value, instrument=self.name, channel=channel)
        await self.tell(unit, kind=kind, wait=wait)

    @property
    def readings(self) -> frozenset[str]:
        """Declared quantities that can only be read."""
        return frozenset(one.name for one in self.quantities if not one.writable)

    async def read_settings(self) -> dict[str, Any]:
        """All declared settings as the instrument tells them; what is measured is not among them.

        Those with channels as `{channel: value}`, a refused one as `{"refused": text}`. Raises
        `LinkError`.
        """
        found: dict[str, Any] = {}
        for quantity in self.quantities:
            if not quantity.readable or quantity.measured:
                continue
            if quantity.has_channels:
                channels = self.channels_of(quantity)
                found[quantity.name] = {
                    str(channel): await self._setting(quantity, channel) for channel in channels
                }
            else:
                found[quantity.name] = await self._setting(quantity, "")
        return found

    def channels_of(self, quantity: Quantity) -> Sequence[int | str]:
        """The channels that a quantity has on this instrument; none where its command has none."""
        if not quantity.has_channels:
            return ()
        return quantity.channels or self.channels

    async def off(self) -> None:
        """Set every quantity that has a safe value to it, in the order they are declared.

        One that is refused does not stop the rest; the first refusal is raised in the end.
        """
        refused: InstrumentError | None = None
        for quantity in self.quantities:
            if quantity.safe is None or not quantity.writable:
                continue
            for channel in self.channels_of(quantity) or ("",):
                try:
                    await self.set(quantity, quantity.safe, channel, kind="off")
                except InstrumentError as error:
                    refused = refused or error
        if refused is not None:
            raise refused

    def _check_channel(self, quantity: Quantity, channel: int | str) -> None:
        """Raise `ValueError` for a channel that the quantity has not, or for none where it has."""
        there = self.channels_of(quantity)
        if not there and channel != "":
            raise ValueError(f"{self.name}: {quantity.name} has no channels, and no {channel!r}")
        # True and 1.0 are equal to 1, and would be worded otherwise.
        if there and (isinstance(channel, bool | float) or channel not in there):
            known = ", ".join(map(str, there))
            raise ValueError(
                f"{self.name}: {quantity.name} has no channel {channel!r}; name one of {known}"
            )

    def _understand(self, quantity: Quantity, query: str, text: str) -> Value:
        try:
            value = quantity.parse(text)
        except ValueError as error:
            self._link.doubt()
            raise InstrumentError(self.name, query, text, f"{error}: {NOISE}") from None
        return _from_scpi(value, quantity.scale) if quantity.kind is float else value

    async def _setting(self, quantity: Quantity, channel: int | str) -> Any:
        try:
            return await self.get(quantity, channel)
        except InstrumentError as error:
            return {"refused": error.reply}


def _from_scpi(value: Value, scale: float) -> float:
    wire = float(value) * scale
    if math.isclose(wire, NOT_A_NUMBER, rel_tol=1e-6):
        return math.nan
    if math.isclose(abs(wire), INFINITY, rel_tol=1e-6):
        return math.copysign(math.inf, wire)
    return float(value)
