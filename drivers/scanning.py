"""What there is to talk to: serial ports, VISA resources, and hosts that answer on TCP port 5025.

Ports and resources are only listed: opening a serial port may reset what is on it. Hosts are asked
for `*IDN?`, and the local network for Pulse Streamers.
"""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from drivers.identifying import SCPI_PORT, is_idn
from drivers.protocol.scpi_dialogue import Dialogue
from drivers.pulse_streamer_discovery import discover
from drivers.transport.link import ByteLink, LinkError
from drivers.transport.resource import ResourceError, SerialResource, SocketResource, parse
from drivers.transport.socket import open_socket

AT_ONCE = 64
"""Hosts that are tried at the same time."""
MOST_HOSTS = 4096
CONNECT = 0.5
ANSWER = 2.0
"""Seconds that a host has to accept a connection, and to answer."""


@dataclass(frozen=True)
class Seen:
    """Something that can be talked to: its resource string, and what is known of it."""

    resource: str
    about: str


def serial_ports() -> list[Seen]:
    """The serial ports of this machine, as pyserial lists them."""
    from serial.tools.list_ports import comports

    seen = []
    for port in sorted(comports()):
        ids = "" if port.vid is None else f", USB {port.vid:04x}:{port.pid:04x}"
        number = f", serial number {port.serial_number}" if port.serial_number else ""
        seen.append(Seen(str(SerialResource(port.device)), f"{port.description}{ids}{number}"))
    return seen


def visa_resources() -> tuple[list[Seen], list[str]]:
    """The instruments that the VISA library lists, without serial ports, and what it lacks.

    May take seconds. Raises `LinkError` where there is no VISA library.
    """
    from drivers.transport.visa import list_resources

    seen: list[Seen] = []
    with warnings.catch_warnings(record=True) as lacking:
        warnings.simplefilter("always")
        for text in list_resources():
            try:
                if not isinstance(parse(text), SerialResource):
                    seen.append(Seen(text, ""))
            except ResourceError:
                continue  # an interface, such as a GPIB board
    return seen, [
        str(one.message) for one in lacking if not issubclass(one.category, ResourceWarning)
    ]


async def pulse_streamers(wait: float = 0.5) -> list[Seen]:
    """The Pulse Streamers that answer a broadcast in the local network within `wait` s."""
    found = await discover(wait)
    return [
        Seen(f"TCPIP::{one.host}::INSTR", f"Pulse Streamer, serial number {one.serial}")
        for one in found
    ]


def hosts(text: str) -> list[str]:
    """Hosts of a range: `192.168.1.0/24`, `192.168.1.10-20`, an address, or a name.

    Raises `ValueError` for what is none of these, or has more than 4096 hosts.
    """
    if "/" in text:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError as error:
            raise ValueError(f"range {text!r}: {error}; write it like 192.168.1.0/24") from None
        if network.num_addresses > MOST_HOSTS:
            raise ValueError(f"range {text!r} has {network.num_addresses} hosts, over {MOST_HOSTS}")
        return [str(host) for host in network.hosts()]
    head, dash, last = text.rpartition("-")
    if dash and last.isdecimal() and head.count(".") == 3:
        try:
            first = ipaddress.IPv4Address(head)
            end = ipaddress.IPv4Address(f"{head.rpartition('.')[0]}.{last}")
        except ValueError as error:
            raise ValueError(f"range {text!r}: {error}; write it like 192.168.1.10-20") from None
        if end < first:
            raise ValueError(f"range {text!r} ends before it begins")
        return [str(ipaddress.IPv4Address(n)) for n in range(int(first), int(end) + 1)]
    if not text or text != text.strip() or any(c in text for c in ":*"):
        raise ValueError(f"range {text!r} cannot be read; write 192.168.1.0/24 or 192.168.1.10-20")
    if text.replace(".", "").isdecimal():
        try:
            ipaddress.IPv4Address(text)
        except ValueError as error:
            raise ValueError(f"range {text!r}: {error}; write it like 192.168.1.20") from None
    return [text]


async def answering(
    among: list[str],
    port: int = SCPI_PORT,
    *,
    saw: Callable[[Seen], None] = lambda _: None,
    tried: Callable[[int], None] = lambda _: None,
) -> list[Seen]:
    """Hosts that accept a connection on `port`, with what they answer to `*IDN?`.

    `saw` hears of each as it is found, `tried` how many hosts have been tried so far.
    """
    count = itertools.count(1)
    queue = iter(among)
    found: list[Seen] = []

    async def work() -> None:
        for host in queue:
            seen = await _ask(host, port)
            tried(next(count))
            if seen is not None:
                found.append(seen)
                saw(seen)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(AT_ONCE, len(among))):
            tasks.create_task(work())
    return found


async def _ask(host: str, port: int) -> Seen | None:
    try:
        link: ByteLink = await open_socket(host, port, CONNECT)
    except LinkError:
        return None
    resource = str(SocketResource(host, port))
    try:
        line = (await Dialogue(b"\r\n", b"\n").identify(link, ANSWER, is_idn)).strip()
    except LinkError:
        return Seen(resource, "accepts a connection, but does not answer *IDN?")
    finally:
        await link.close()
    return Seen(resource, line.decode("latin-1"))
