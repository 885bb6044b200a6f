"""Where a resource string of the bench file is reached: a serial device or TCP ports of a host."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SERIAL = re.compile(r"ASRL(?P<device>.+)::INSTR", re.IGNORECASE)
_SOCKET = re.compile(r"TCPIP\d*::(?P<host>[^:]+)::(?P<port>\d+)::SOCKET", re.IGNORECASE)
_HOST = re.compile(r"TCPIP\d*::(?P<host>[^:]+)(?:::inst0)?::INSTR", re.IGNORECASE)


@dataclass(frozen=True)
class Endpoint:
    """A serial `device`, or a TCP `host` with `port` (None: the instrument's own ports)."""

    device: str | None = None
    host: str | None = None
    port: int | None = None


def endpoint(resource: str) -> Endpoint | None:
    """Parse `ASRL<device>::INSTR`, `TCPIP::<host>::<port>::SOCKET` or `TCPIP::<host>::INSTR`; else
    None.
    """
    match = _SERIAL.fullmatch(resource)
    if match:
        return Endpoint(device=match["device"])
    match = _SOCKET.fullmatch(resource)
    if match:
        return Endpoint(host=match["host"], port=int(match["port"]))
    match = _HOST.fullmatch(resource)
    return Endpoint(host=match["host"]) if match else None
