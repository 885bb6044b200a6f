"""What every transport offers: a stream of bytes with time-outs, and a way to open one."""

from __future__ import annotations

from typing import ClassVar, Protocol

NOISE = (
    "noise on its link, or another program that speaks to it: see to its cable and plugs, end the "
    "other program"
)
"""What an operator does about bytes that make no sense."""
GONE = "see that it is on, look at its cable, and end any other program that takes its link"
"""What an operator does about a link that was open and is not any more."""


class LinkError(Exception):
    """A byte link failed. The message begins with the link's resource string, and ends in what an
    operator does about it.

    `instrument` is the name of whose link it is, and begins the message, once that is known.
    """

    instrument: str = ""
    mend: ClassVar[str] = ""
    """What to do, where it is the same for all errors of a class: it ends their messages."""

    def __str__(self) -> str:
        """The message."""
        told = super().__str__()
        if self.mend not in told:
            told = f"{told}; {self.mend}"
        return told if told.startswith(self.instrument) else f"{self.instrument}: {told}"


class LinkTimeout(LinkError):
    """The other end did not answer in time. What it says later must not be taken for an answer."""


class AnswerRefused(LinkTimeout):
    """No answer has come, and the instrument tells that it has queued an error instead."""


class LinkClosed(LinkError):
    """The link is closed, was refused, or the other end has gone."""


class ByteLink(Protocol):
    """A two-way stream of bytes. One task at a time reads; writes never stop half-way."""

    name: str
    """Resource string, for messages."""

    @property
    def closed(self) -> bool:
        """True once either end is known to have closed."""
        ...

    @property
    def stream(self) -> bool:
        """True where bytes queue up in order, so that two messages may be sent ahead (sockets,
        serial ports). False where an answer must be read before the next message is sent.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Send all of `data`. It leaves whole even when the caller is cancelled.

        Raises `LinkClosed` when the link has gone.
        """
        ...

    async def read_until(self, end: bytes, timeout: float) -> bytes:
        """The next bytes up to and including `end`, within `timeout` seconds.

        Raises `LinkTimeout` (what arrived stays readable) or `LinkClosed`, at once at end of file.
        """
        ...

    async def read_exactly(self, count: int, timeout: float) -> bytes:
        """The next `count` bytes, within `timeout` seconds. Raises as `read_until`."""
        ...

    async def drain_input(self) -> bytes:
        """Whatever has arrived, without waiting: for resynchronising and for unasked messages."""
        ...

    async def close(self) -> None:
        """Close this end. May be called again, and never raises because the other end has gone."""
        ...


class Connector(Protocol):
    """Opens byte links. The only thing a driver is given of the world outside."""

    async def serial(self, device: str, baud: int) -> ByteLink:
        """Open the serial port `device` at `baud`, 8 data bits, no parity, 1 stop bit."""
        ...

    async def tcp(self, host: str, port: int) -> ByteLink:
        """Connect to TCP `host`:`port`."""
        ...

    async def visa(self, resource: str) -> ByteLink:
        """Open a VISA resource string (USB, GPIB, VXI-11, HiSLIP, and the rest)."""
        ...
