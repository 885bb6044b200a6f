"""Pulse Streamers that answer in the local network: a broadcast and a multicast on UDP port 12345.

Source: Pulse Streamer client 2.1.2, `findPulseStreamers.py`. Of an answer only the serial number is
relied upon.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

QUESTION, REPLY = b"PS-DISCOVERY", b"PS-DISCOVERY-REPLY"
PORT = 12345
EVERYWHERE = (("255.255.255.255", PORT), ("239.255.255.82", PORT))


@dataclass(frozen=True)
class Answer:
    """One that answered: its host, serial number, and all else that it told."""

    host: str
    serial: str
    told: dict[str, Any]


class _Listener(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Answer] = {}

    def datagram_received(self, data: bytes, addr: Any) -> None:
        answer = parse(data, str(addr[0]))
        if answer is not None:
            self.answers[answer.host, answer.serial] = answer

    def error_received(self, exc: Exception) -> None:
        """A refusal from a host where nobody listens is no answer."""


def parse(data: bytes, host: str) -> Answer | None:
    """An answer from `host`, or None for what is none."""
    if not data.startswith(REPLY):
        return None
    try:
        told = json.loads(data.removeprefix(REPLY))
    except ValueError:
        return None
    if not isinstance(told, dict) or not isinstance(told.get("serial"), str):
        return None
    return Answer(host, told["serial"], told)


async def discover(
    wait: float = 0.5,
    targets: Sequence[tuple[str, int]] = EVERYWHERE,
    *,
    interface: str = "",
) -> list[Answer]:
    """All that answer within `wait` s, in order of their hosts; none where there is no network.

    Sends two datagrams, and sets nothing. `interface`: own address in the network that multicasts
    go out to, where the computer is in several; the system's choice without. Raises `OSError` for
    an address that is no own one.
    """
    loop = asyncio.get_running_loop()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.setblocking(False)
    if interface:
        try:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        except OSError:
            sock.close()
            raise
    sock.bind(("", 0))
    transport, listener = await loop.create_datagram_endpoint(_Listener, sock=sock)
    try:
        for target in targets:
            with contextlib.suppress(OSError):
                sock.sendto(QUESTION, target)
        await asyncio.sleep(wait)
    finally:
        transport.close()
    return [listener.answers[key] for key in sorted(listener.answers)]
