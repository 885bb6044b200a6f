"""What pyvisa-py (0.8) does otherwise than a VISA library should, and how it is mended here."""

from __future__ import annotations

import socket
from typing import Any

from drivers.transport.visa_watch import Watch, watch


class _EndingSocket(socket.socket):
    """A socket whose end of file is an error, where pyvisa-py takes it for nothing yet, and spins
    until its time-out.
    """

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As `socket.recv`. Raises `ConnectionResetError` at end of file."""
        data = super().recv(bufsize, flags)
        if not data and bufsize:
            raise ConnectionResetError("the other end has closed")
        return data


def end_of_file_raises(session: Any) -> None:
    """Let a closed peer end a read of a VXI-11 or raw socket session at once."""
    inner = _inner(session)
    for owner, name in ((inner, "interface"), (getattr(inner, "interface", None), "sock")):
        found = getattr(owner, name, None)
        if type(found) is socket.socket:
            timeout = found.gettimeout()
            mended = _EndingSocket(fileno=found.detach())
            mended.settimeout(timeout)
            setattr(owner, name, mended)


def is_torn(session: Any) -> bool:
    """Whether a HiSLIP read timed out within a message: how much of it came is then forgotten, and
    what follows would be read out of place.
    """
    return getattr(getattr(_inner(session), "interface", None), "_payload_remaining", 0) > 0


def tells_of_a_stale_answer(error: RuntimeError) -> bool:
    """Whether a HiSLIP device clear met an answer to something asked before, and consumed it."""
    return str(error).startswith("expected message type")


def watch_of(session: Any) -> Watch | None:
    """How a session can be waited for with an eye on its status byte; None where it cannot."""
    return watch(_inner(session))


def _inner(session: Any) -> Any:
    """pyvisa-py's own session object; None with another VISA library."""
    sessions = getattr(session.visalib, "sessions", None)
    return sessions.get(session.session) if isinstance(sessions, dict) else None
