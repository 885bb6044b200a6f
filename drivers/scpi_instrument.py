"""The base of all drivers of SCPI instruments: declared settings in, checked bytes out.

A model declares what it is (`models`, `links`), how it speaks (`end_out`, `error_in_message`, …)
and what can be set and read (`quantities`); opening, exchanges, the error queue and recovery come
from here. `docs/instruments/README.md` has a complete small driver.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from drivers.errors import IdentityError, InstrumentError
from drivers.exchange import COPY_BYTES
from drivers.instrument import ANY_IDENTITY, Identity, Instrument
from drivers.link_model import LinkModel
from drivers.protocol import scpi
from drivers.protocol.scpi_dialogue import Dialogue, Unit
from drivers.protocol.scpi_numbers import INFINITY, NOT_A_NUMBER
from drivers.quantity import Quantity, Value
from drivers.transport.link import ByteLink, Connector
from drivers.transport.resource import (
    LanResource,
    Resource,
    ResourceError,
    SerialResource,
    SocketResource,
    link_kind,
    parse,
)

logger = logging.getLogger(__name__)

IDENTITY_BYTES = 64
ENTRY_BYTES = 64
"""Bytes of an identity and of an error queue's entry, for planning how long they take."""
LONG = 4096
"""Bytes of an answer from which on it is read as a block."""


class ScpiInstrument(Instrument):
    """An instrument that speaks SCPI over one link: raw TCP, a serial port, or VISA.

    The link follows from the resource string. Every exchange reads the error queue, and raises
    `InstrumentError` with what was sent and what was queued. After a time-out the link is brought
    back into step before it is used again: by a new connection on TCP, elsewhere by passing over
    late replies until the known identity comes (after a device clear, where the link has one).
    Bytes that come unasked do the same, and what they say of errors is raised.

    So an answer is that of its question, or an error is raised, whatever is lost, late, cut short
    or mixed with noise. On a serial port that includes whole replies that come twice; TCP and
    message-based links deliver nothing twice.
    """

    links: ClassVar[tuple[str, ...]] = ("tcp", "usb", "gpib", "vxi11", "hislip")
    """Kinds of links that the model has; "serial" needs a `baud`, "tcp" may have a port."""
    channels: tuple[int | str, ...] = ()
    """Channels of quantities that have `{channel}` in their command and name none themselves."""
    end_out: ClassVar[bytes] = b"\n"
    """Ends a message that is sent."""
    end_in: ClassVar[bytes] = b"\n"
    """Ends a reply; white space before it is no part of the reply."""
    default_port: ClassVar[int | None] = None
    """TCP port meant by a host alone (`TCPIP::host::INSTR`). None: that means VXI-11."""
    baud: ClassVar[int | None] = None
    """Bit rate of a serial port as it leaves the factory."""
    error_query: ClassVar[str] = scpi.ERROR_QUERY
    error_in_message: ClassVar[bool] = False
    """True only for instruments that go on with a message after a unit of it has failed, such as
    those on the scpi-parser library: the question for the error queue then ends each message.
    Others (Keithley) discard the rest of the message, and would never answer it."""

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str] = ANY_IDENTITY,
        timeout: float = 2.0,
        baud: int | None = None,
    ) -> None:
        """`baud`: bit rate of a serial port, where it is not the factory's.

        Raises `ResourceError` for a resource that cannot be read, or a link that the model lacks.
        """
        super().__init__(name, resource, connector, link=link, expect=expect, timeout=timeout)
        self._dialogue = Dialogue(
            self.end_out, self.end_in, self.error_query, self.error_in_message, self.parse_error
        )
        self._idn = b""
        self._asked = 0
        where = parse(resource)
        if isinstance(where, LanResource) and not where.device and self.default_port is not None:
            where = SocketResource(where.host, self.default_port)
        self._refuse_other_links(where)
        match where:
            case SocketResource(host, port):
                # A new connection is the surest way to be rid of late answers.
                self._link = self._guard(lambda: connector.tcp(host, port), self._greet)
            case SerialResource(device):
                rate = baud if baud is not None else self.baud
                if rate is None:
                    raise ResourceError(f"{name}: {resource!r} needs the port's `baud`")
                self._link = self._guard(
                    lambda: connector.serial(device, rate),
                    self._greet,
                    self._resynchronise,
                    copies=COPY_BYTES,
                )
            case _:
                self._link = self._guard(
                    lambda: connector.visa(resource), self._greet, self._resynchronise
                )

    async def tell(self, *units: Unit, kind: str = "set", wait: float = 0.0) -> None:
        """Send commands in one message, and read the error queue.

        A unit of bytes may hold a block (`scpi.block_unit`). `kind`: what the time is booked under;
        `wait`: s that the instrument may take beyond the usual. Raises `InstrumentError` with the
        commands and the queued errors, `LinkError`.
        """
        await self._exchange(units, 0, 0, kind, wait, None)

    async def ask(
        self,
        *units: Unit,
        answers: int | None = None,
        received: int = ENTRY_BYTES,
        kind: str = "read",
        wait: float = 0.0,
        size: int | None = None,
    ) -> list[bytes]:
        """Send units in one message; returns the answers, blocks as their payload.

        `answers` is their number (None: as many as units whose header ends in `?`), `received`
        about how many bytes come, `size` the bytes of a block that does not tell them (`#0`).
        Raises as `tell`, and when the number of answers is another.
        """
        if answers is None:
            answers = sum(_is_question(unit) for unit in units)
        replies = await self._exchange(units, answers, received, kind, wait, size)
        if len(replies) != answers:
            self._link.doubt()
            shown = f"{len(replies)} answers of {answers}"
            raise InstrumentError(self.name, _command(units), shown, "a query was skipped")
        return replies

    async def ask_text(self, unit: str, *, kind: str = "read", wait: float = 0.0) -> str:
        """The answer to one query as text, without white space at its ends. Raises as `ask`."""
        (reply,) = await self.ask(unit, kind=kind, wait=wait, answers=1)
        return reply.decode("latin-1").strip()

    async def get(
        self, quantity: Quantity, channel: int | str = "", *, kind: str = "read", wait: float = 0.0
    ) -> Value:
        """Read a declared quantity, in its SI unit; SCPI's 9.9E37 as inf and 9.91E37 as NaN.

        Raises `ValueError` for a quantity that can only be set, `InstrumentError` when it is
        refused or the answer cannot be read, `LinkError`.
        """
        if not quantity.readable:
            raise ValueError(f"{self.name}: {quantity.name} can only be set ({quantity.doc})")
        query = quantity.query(channel)
        text = await self.ask_text(query, kind=kind, wait=wait)
        try:
            value = quantity.parse(text)
        except ValueError as error:
            self._link.doubt()
            raise InstrumentError(self.name, query, text, str(error)) from None
        return _from_scpi(value, quantity.scale) if quantity.kind is float else value

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
        word that is not in the list or a quantity that can only be read, `TypeError`. Else as
        `tell`.
        """
        if not quantity.writable:
            raise ValueError(f"{self.name}: {quantity.name} can only be read ({quantity.doc})")
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

    @classmethod
    def parse_identity(cls, text: str) -> Identity:
        """Read the answer to `*IDN?`: maker, model, serial number, firmware, between commas.

        A driver of a model whose answer is of another form overrides this. Raises `ValueError`.
        """
        fields = [field.strip().strip('"') for field in text.split(",")]
        if len(fields) < 4:
            raise ValueError(
                f"{text!r} has {len(fields)} fields, not maker, model, serial, firmware"
            )
        return Identity(fields[0], fields[1], fields[2], ",".join(fields[3:]))

    @classmethod
    def serves(cls, identity: Identity) -> bool:
        """True when one of `models` is the whole model name, in any case."""
        return any(re.fullmatch(model, identity.model, re.IGNORECASE) for model in cls.models)

    @classmethod
    def parse_error(cls, reply: bytes) -> scpi.ScpiError:
        """Read an answer to `error_query`. Raises `ScpiSyntaxError`."""
        return scpi.parse_error(reply)

    def _forget(self) -> None:
        """What was set may be lost: the instrument was connected anew, or for the first time."""

    async def _setting(self, quantity: Quantity, channel: int | str) -> Any:
        try:
            return await self.get(quantity, channel)
        except InstrumentError as error:
            return {"refused": error.reply}

    async def _exchange(
        self,
        units: Sequence[Unit],
        answers: int,
        received: int,
        kind: str,
        wait: float,
        size: int | None,
    ) -> list[bytes]:
        sent = sum(map(len, units)) + len(self.error_query) + 8
        async with self._link.exchange(kind) as link:
            if link.stream and (stray := await link.drain_input()):
                logger.warning("%s: %r came unasked; resynchronising", self.name, stray[:80])
                await self._resynchronise(link)
                if late := self._dialogue.refusals(stray):
                    raise InstrumentError(self.name, f"(before) {_command(units)}", late)
            replies, errors = await self._dialogue.converse(
                link,
                units,
                answers,
                self._deadline(sent, received + 16) + wait,
                identity=self._idn,
                size=size,
                long=max(received, size or 0) >= LONG,
            )
        if errors:
            raise InstrumentError(self.name, _command(units), "; ".join(map(str, errors)))
        return replies

    async def _greet(self, link: ByteLink) -> None:
        """Identify, compare with what is expected, empty the error queue. No more."""
        self._asked = 0
        timeout = self._deadline(8, IDENTITY_BYTES)
        idn = await self._dialogue.identify(link, timeout, self._is_identity)
        identity = self.parse_identity(idn.decode("latin-1"))
        if self.models and not self.serves(identity):
            raise IdentityError(self.name, "model", " or ".join(self.models), identity.model)
        self._recognise(identity)
        self._idn = idn
        self._forget()
        for error in await self._dialogue.drain(link, self._deadline(12, ENTRY_BYTES)):
            logger.info("%s: %s was queued before it was opened", self.name, error)

    async def _resynchronise(self, link: ByteLink) -> None:
        self._asked += 1
        timeout = self._deadline(24, IDENTITY_BYTES + ENTRY_BYTES)
        await self._dialogue.synchronise(link, self._idn, timeout, self._asked)
        self._asked = 0

    def _is_identity(self, line: bytes) -> bool:
        if not (line.isascii() and line.decode("ascii").isprintable()):
            return False  # kept with noise in it, it would never be known again
        try:
            self.parse_identity(line.decode("latin-1"))
        except ValueError:
            return False
        return True

    def _refuse_other_links(self, where: Resource) -> None:
        kind = link_kind(where)
        if kind not in self.links:
            raise ResourceError(
                f"{self.name}: {self.resource!r} is a {kind} link, and {type(self).__name__} has "
                f"{', '.join(self.links)}"
            )


def _is_question(unit: Unit) -> bool:
    text = unit if isinstance(unit, str) else unit[:256].decode("latin-1")
    return text.partition(" ")[0].endswith("?")


def _command(units: Sequence[Unit]) -> str:
    """Units in words, the long ones cut."""
    texts = (unit if isinstance(unit, str) else unit[:61].decode("latin-1") for unit in units)
    return ";".join(text if len(text) <= 60 else f"{text[:57]}..." for text in texts)


def _from_scpi(value: Value, scale: float) -> float:
    wire = float(value) * scale
    if math.isclose(wire, NOT_A_NUMBER, rel_tol=1e-6):
        return math.nan
    if math.isclose(abs(wire), INFINITY, rel_tol=1e-6):
        return math.copysign(math.inf, wire)
    return float(value)
