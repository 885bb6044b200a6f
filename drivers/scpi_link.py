"""A SCPI instrument on its link: opened, identified, and brought back into step.

What is said over it is `scpi_messages`' matter, what can be set and read `scpi_instrument`'s.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import ClassVar

from drivers.errors import IdentityError
from drivers.instrument import ANY_IDENTITY, Identity, Instrument
from drivers.link_model import LinkModel
from drivers.protocol import scpi
from drivers.protocol.scpi_dialogue import Dialogue
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


class ScpiLink(Instrument):
    """An instrument that speaks SCPI over one link: raw TCP, a serial port, or VISA.

    The link follows from the resource string. On raw TCP and on serial ports each exchange is
    closed by the instrument's identity (`protocol.scpi_stream`). After a time-out the link is
    brought back into step before it is used again: by a new connection on TCP, elsewhere by passing
    over late replies until the known identity comes (after a device clear, where the link has one).
    """

    links: ClassVar[tuple[str, ...]] = ("tcp", "usb", "gpib", "vxi11", "hislip")
    """Kinds of links that the model has; "serial" needs a `baud`, "tcp" may have a port."""
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
    error_bit: ClassVar[int] = 0
    """Bit of the status byte that tells, unmasked, of queued errors: 4 (EAV) where a manual says
    so. A query that is refused over VXI-11 or HiSLIP then ends at once, not at its time-out. 0
    where it is another (InfiniiVision), unused (816x, N774x), or not known."""
    bare_blocks: ClassVar[bool] = False
    """Whether it is not sure that the end of a message comes behind a block, on raw TCP."""

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
            self.end_out,
            self.end_in,
            self.error_query,
            self.error_in_message,
            self.parse_error,
            self.error_bit,
            self.bare_blocks,
        )
        self._closing = b""
        """The answer to `*IDN?` as it comes, which closes each exchange on a stream."""
        self._asked = 0
        self._owed = False
        """Whether an exchange has ended before the identity that closes it came."""
        where = parse(resource)
        if isinstance(where, LanResource) and not where.device and self.default_port is not None:
            where = SocketResource(where.host, self.default_port)
        self._refuse_other_links(where)
        self.asks_ahead = isinstance(where, SocketResource)
        """Whether `ask_all` sends its queries ahead: on raw TCP, which holds bytes back that an
        instrument is too busy to take. A serial port would lose them, and on a message-based link
        each answer must be read first."""
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
                )
            case _:
                self._link = self._guard(
                    lambda: connector.visa(resource), self._greet, self._resynchronise
                )

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

    async def _greet(self, link: ByteLink) -> None:
        """Identify, compare with what is expected, empty the error queue. No more."""
        self._asked = 0
        self._owed = False
        timeout = self._deadline(8, IDENTITY_BYTES)
        idn = await self._dialogue.identify(link, timeout, self._is_identity)
        identity = self.parse_identity(idn.strip().decode("latin-1"))
        if self.models and not self.serves(identity):
            raise IdentityError(self.name, "model", " or ".join(self.models), identity.model)
        self._recognise(identity)
        self._closing = idn + self.end_in
        self._forget()
        timeout = self._deadline(18, IDENTITY_BYTES + ENTRY_BYTES)
        for error in await self._dialogue.drain(link, timeout, self._closing):
            logger.info("%s: %s was queued before it was opened", self.name, error)

    async def _resynchronise(self, link: ByteLink) -> None:
        self._asked += 1 + self._owed
        self._owed = False
        timeout = self._deadline(24, IDENTITY_BYTES + ENTRY_BYTES)
        try:
            await self._dialogue.synchronise(link, self._closing, timeout, self._asked)
        except BaseException:
            self._asked += 1  # the one that closes it, if it came so far
            raise
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
            known = self.name == self.resource
            raise ResourceError(
                f"{self.name}{'' if known else f': {self.resource!r}'} is a {kind} link, and "
                f"{type(self).__name__} has {', '.join(self.links)}"
            )
