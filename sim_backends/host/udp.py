"""Datagrams of an instrument: each is a conversation of its own, answered to its sender."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

from .session import Converse


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, converse: Converse) -> None:
        self._converse = converse

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        conversation = self._converse(lambda answer: self._transport.sendto(answer, addr))
        conversation.receive(data)
        conversation.close()


async def join_group(
    host: str, port: int, group: str, converse: Converse
) -> asyncio.DatagramTransport | None:
    """Hear a multicast group too, at the interface of address `host` (0.0.0.0: the usual one), on a
    socket of its own: one that is bound to an address hears no group. None where there is no such
    network.
    """
    loop = asyncio.get_running_loop()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind((group, port))
        member = socket.inet_aton(group) + socket.inet_aton(host)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    except OSError:
        sock.close()
        return None
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(converse), sock=sock)
    return transport


async def serve_udp(host: str, port: int, converse: Converse) -> asyncio.DatagramTransport:
    """Serve a UDP port; several instruments may share it, and then all hear a broadcast.

    A broadcast reaches a socket on all addresses (0.0.0.0) only. Raises `OSError`.
    """
    loop = asyncio.get_running_loop()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind((host, port))
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(converse), sock=sock)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from error
    return transport
