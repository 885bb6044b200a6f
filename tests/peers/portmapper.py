"""Just enough of a portmapper (RFC 1833, version 2) for clients that find VXI-11 by one."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PORT = 111
GETPORT = 3
LOCK = Path(tempfile.gettempdir()) / f"hil-tests-portmapper-{os.getuid()}"
"""Held by the test that has the port: there is one in the machine, and tests run side by side."""
_CORE = (0x0607AF, 1, socket.IPPROTO_TCP)


def answered(call: bytes, port: int) -> bytes:
    """The reply to a call in a datagram: `port` for VXI-11's core channel over TCP, else 0."""
    number, _, _, program, version, procedure = struct.unpack_from(">6I", call)
    begun = struct.pack(">5I", number, 1, 0, 0, 0)
    if (program, version) != (100000, 2):
        return begun + struct.pack(">3I", 2, 2, 2)  # this program has version 2 only
    if procedure != GETPORT:
        return begun + struct.pack(">I", 0)
    at = 24
    for _ in range(2):  # credentials and verifier
        (length,) = struct.unpack_from(">I", call, at + 4)
        at += 8 + (length + 3) // 4 * 4
    wanted = struct.unpack_from(">3I", call, at)
    return begun + struct.pack(">2I", 0, port if wanted == _CORE else 0)


@contextmanager
def _alone() -> Iterator[None]:
    """Wait for the tests of other processes that have the port."""
    with LOCK.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def portmapper(port: int) -> Iterator[None]:
    """Tell who asks that VXI-11 is found at `port`; first wait for tests that do the same.

    Raises `OSError` where the portmapper's own port may not be opened, or is taken.
    """
    with _alone(), _serving(port):
        yield


@contextmanager
def _serving(port: int) -> Iterator[None]:
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    stop = threading.Event()

    def serve_datagrams() -> None:
        while not stop.is_set():
            try:
                call, where = datagrams.recvfrom(1024)
            except TimeoutError:
                continue
            datagrams.sendto(answered(call, port), where)

    def serve_stream() -> None:
        while not stop.is_set():
            try:
                client, _ = stream.accept()
            except TimeoutError:
                continue
            with client:
                client.settimeout(2.0)
                try:
                    while mark := client.recv(4):
                        call = client.recv((struct.unpack(">I", mark)[0]) & 0x7FFFFFFF)
                        told = answered(call, port)
                        client.sendall(struct.pack(">I", len(told) | 1 << 31) + told)
                except TimeoutError:
                    continue

    try:
        for one in (datagrams, stream):
            one.settimeout(0.1)
            one.bind(("127.0.0.1", PORT))
        stream.listen()
        threads = [threading.Thread(target=one) for one in (serve_datagrams, serve_stream)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(5.0)
    finally:
        datagrams.close()
        stream.close()
