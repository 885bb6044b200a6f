"""Which doors of an instrument a resource string of the bench file leads to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .instrument import Door

_SERIAL = re.compile(r"ASRL(?P<device>.+)::INSTR", re.IGNORECASE)
_SOCKET = re.compile(r"TCPIP\d*::(?P<host>[^:]+)::(?P<port>\d+)::SOCKET", re.IGNORECASE)
_HOST = re.compile(r"TCPIP\d*::(?P<host>[^:]+)::INSTR", re.IGNORECASE)
_MESSAGES = re.compile(r"(TCPIP\d*::[^:]+::[^:]+|USB\d*::.+|GPIB\d*::.+)::INSTR", re.IGNORECASE)
_FORMS = (
    "ASRL<device>::INSTR, TCPIP::<host>::<port>::SOCKET, TCPIP::<host>::INSTR, "
    "TCPIP::<host>::inst0::INSTR or a USB or GPIB address"
)


def reached(resource: str, doors: Sequence[Door]) -> list[tuple[str, Door]]:
    """Resource strings to serve, each with the door behind it.

    A serial port, a raw socket, or a message-based address (VXI-11, HiSLIP, USB, GPIB) is one door.
    A host alone stands for all its sockets at their own ports, or for its message-based door.
    Raises `ValueError` for another string, or for a door that the instrument has not.
    """
    kinds = {door.kind: door for door in reversed(doors)}
    if _SERIAL.fullmatch(resource):
        return [(resource, _door(kinds, resource, "serial"))]
    if _SOCKET.fullmatch(resource):
        return [(resource, _door(kinds, resource, "tcp"))]
    alone = _HOST.fullmatch(resource)
    sockets = [door for door in doors if door.kind in ("tcp", "http")]
    if alone is not None and sockets:
        both = [(f"TCPIP::{alone['host']}::{door.port}::SOCKET", door) for door in sockets]
        return both + ([(resource, kinds["message"])] if "message" in kinds else [])
    if alone is not None or _MESSAGES.fullmatch(resource):
        return [(resource, _door(kinds, resource, "message"))]
    raise ValueError(f"{resource!r} cannot be simulated; write {_FORMS}")


def host_of(resource: str) -> str | None:
    """The host of a network resource."""
    match = _SOCKET.fullmatch(resource) or _HOST.fullmatch(resource)
    return match["host"] if match else None


def _door(kinds: dict[str, Door], resource: str, kind: str) -> Door:
    door = kinds.get(kind)
    if door is None:
        has = ", ".join(sorted(kinds))
        raise ValueError(f"{resource!r} is no way to this instrument: it is reached by {has}")
    return door
