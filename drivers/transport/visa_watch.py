"""Waiting for an answer with an eye on the status byte, where a short wait can lose nothing.

A session whose read is given up takes what had come of the answer with it: pyvisa raises, and
returns no bytes. So a read cannot just be cut into short ones. Of pyvisa-py's sessions two can wait
otherwise. HiSLIP: its socket is waited for without reading from it. VXI-11: the server is asked
for an answer within a short time, and what comes of it is kept.

Not watched are USB-TMC (pyvisa-py has no status byte there, and giving a read up aborts the
transfer), GPIB (bytes of an answer that pauses would be lost), and other VISA libraries, whose
sessions cannot be looked into. There a query that is refused is silent until its time-out.
"""

from __future__ import annotations

import select
from typing import Any, Protocol

from pyvisa import constants, errors

POLL_TIMEOUT = 1.0
"""Seconds within which a status byte comes, or is given up for good."""
_LEFT_OVER = 16
"""Messages beside the status byte that are passed over: service requests, mostly."""


class Watch(Protocol):
    """A session that can be waited for."""

    def wait(self, patience: float, size: int, termination: bytes) -> tuple[bytes, bool] | None:
        """What comes of an answer within `patience` s: bytes, whether they end it; None: nothing.

        (b"", False) says that something is there to be read.
        """
        ...

    def status(self) -> int:
        """A serial poll. Raises what its socket raises."""
        ...


class HislipWatch:
    """Over pyvisa-py's HiSLIP client."""

    def __init__(self, interface: Any) -> None:
        self._interface = interface

    def wait(self, patience: float, size: int, termination: bytes) -> tuple[bytes, bool] | None:
        """Something of an answer, of the end of file too, within `patience` s?"""
        del size, termination
        sync = self._interface._sync
        try:
            ready, _, _ = select.select([sync], [], [], patience)
        except ValueError:  # too many open files for it: the read waits as it always did
            return b"", False
        return (b"", False) if ready else None

    def status(self) -> int:
        """A serial poll.

        pyvisa-py's own takes a service request for the status, and names the message that will be
        sent next, where HiSLIP wants the last one (IVI-6.1, 6.14).
        """
        from pyvisa_py.protocols import hislip

        interface = self._interface
        side = interface._async
        side.settimeout(POLL_TIMEOUT)
        try:
            hislip.send_msg(side, "AsyncStatusQuery", 0, interface.last_message_id)
            for _ in range(_LEFT_OVER):
                header = hislip.RxHeader(side)
                hislip.receive_flush(side, header.payload_length)
                if header.msg_type == "AsyncStatusResponse":
                    return header.control_code
        finally:
            side.settimeout(interface.timeout)
        raise RuntimeError("no status byte came")


class Vxi11Watch:
    """Over pyvisa-py's VXI-11 session."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def wait(self, patience: float, size: int, termination: bytes) -> tuple[bytes, bool] | None:
        """What comes of an answer within `patience` s. Raises `VisaIOError`."""
        from pyvisa_py.protocols import vxi11

        session = self._session
        error, reason, data = session.interface.device_read(
            session.link,
            min(size, session.max_recv_size),
            round(1e3 * patience),
            session.lock_timeout,
            vxi11.OP_FLAG_TERMCHAR_SET if termination else 0,
            termination[0] if termination else 0,
        )
        if error == vxi11.ErrorCodes.io_timeout:
            return (bytes(data), False) if data else None
        if error:
            raise errors.VisaIOError(constants.StatusCode.error_io)
        return bytes(data), bool(reason & vxi11.RX_END)

    def status(self) -> int:
        """A serial poll."""
        session = self._session
        error, status = session.interface.device_read_stb(
            session.link, 0, session.lock_timeout, round(1e3 * POLL_TIMEOUT)
        )
        if error:
            raise RuntimeError(f"no status byte: VXI-11 error {error}")
        return status


def watch(inner: Any) -> Watch | None:
    """How pyvisa-py's session object can be waited for; None where it cannot, or there is none."""
    interface = getattr(inner, "interface", None)
    kind = f"{type(interface).__module__}.{type(interface).__qualname__}"
    if kind == "pyvisa_py.protocols.hislip.Instrument":
        return HislipWatch(interface)
    return Vxi11Watch(inner) if hasattr(interface, "device_read_stb") else None
