"""Who is at the end of a resource: asked harmlessly, and told with what was tried.

`*IDN?` comes first: whoever does not know it answers an error, or nothing. Then the drivers of
other dialects are opened, as far as they declare what they ask first (`Instrument.greeting`):
opening identifies, and sets nothing. Error queues are not read, which would empty them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from drivers.errors import InstrumentError
from drivers.instrument import Identity, Instrument
from drivers.link_model import LinkModel
from drivers.protocol.scpi import MAX_ERRORS, ScpiSyntaxError
from drivers.protocol.scpi_dialogue import Dialogue
from drivers.registry import RegistryError, entries
from drivers.scpi_instrument import ScpiInstrument
from drivers.srs_dg645 import SrsDg645
from drivers.transport.link import ByteLink, Connector, LinkError, LinkTimeout
from drivers.transport.resource import LanResource, SerialResource, SocketResource, parse

UNHURRIED = LinkModel(latency=0.05, bytes_per_second=960.0)
"""A link of which nothing is known: as slow as a serial port at 9600 baud."""
SCPI_PORT = 5025
CR_TIMEOUT = 0.3
"""s that an answer to a message ended by CR alone is waited for."""

Say = Callable[[str], None]


@dataclass
class Found:
    """Who answers at a resource. `identity` is None where nobody did."""

    resource: str
    identity: Identity | None = None
    idn: str = ""
    drivers: list[str] = field(default_factory=list)
    """Model names of the drivers that serve it."""
    tried: list[str] = field(default_factory=list)
    """What was sent, and what came of it."""


async def identify(
    resource: str, connector: Connector, *, timeout: float = 1.0, say: Say = lambda _: None
) -> Found:
    """Ask who is at `resource`; `say` hears what is tried next.

    A link that cannot be opened is told in `tried`. Raises `ResourceError` for a resource that
    cannot be read.
    """
    found = Found(resource)
    classes = _classes(found)
    for label, connect in _ways(resource, connector, classes):
        say(f"*IDN? {label}")
        try:
            link = await connect()
        except LinkError as error:
            found.tried.append(f"*IDN? {label}: {error}")
            continue
        try:
            line = await _ask(link, timeout)
        except LinkError as error:
            found.tried.append(f"*IDN? {label}: {error}")
            continue
        finally:
            await link.close()
        found.idn = line.decode("latin-1")
        found.tried.append(f"*IDN? {label}: {found.idn}")
        found.identity, found.drivers = _serving(found.idn, classes)
        return found
    for name, driver in classes.items():
        if driver.greeting and await _opens(name, driver, found, connector, timeout, say):
            return found
    return found


async def _ask(link: ByteLink, timeout: float) -> bytes:
    """The answer to `*IDN?`. Raises `LinkError`.

    On a stream the message ends in CR first: what waits for no more than that (Santec's lasers)
    answers, and is spared the LF, which would garble its next command. To all others CR is white
    space or half of the end they wait for, and the LF follows.
    """
    if not link.stream:
        return (await Dialogue(b"\n", b"\n").identify(link, timeout, is_idn)).strip()
    try:
        return (
            await Dialogue(b"\r", b"\r").identify(link, min(timeout, CR_TIMEOUT), is_idn)
        ).strip()
    except LinkTimeout:
        await link.write(b"\n")
    last: bytes = b""
    for _ in range(MAX_ERRORS):
        try:
            last = (await link.read_until(b"\n", timeout)).strip()
        except LinkTimeout:
            if not last:
                raise
            break
        if is_idn(last):
            return last
    raise ScpiSyntaxError(f"{link.name}: '*IDN?' was answered by {last[:80]!r}, no identity")


def _classes(found: Found) -> dict[str, type[Instrument]]:
    """All drivers that can be loaded, by name."""
    classes: dict[str, type[Instrument]] = {}
    for entry in entries():
        try:
            classes[entry.name] = entry.load()
        except RegistryError as error:
            found.tried.append(str(error))
    return classes


def _ways(
    resource: str, connector: Connector, classes: dict[str, type[Instrument]]
) -> list[tuple[str, Callable[[], Awaitable[ByteLink]]]]:
    """The links on which `*IDN?` may be understood, in words and as what opens them."""
    scpi = [one for one in classes.values() if issubclass(one, ScpiInstrument)]
    where = parse(resource)
    match where:
        case SerialResource(device):
            rates = sorted({9600, *(one.baud for one in scpi if one.baud is not None)})
            return [
                (f"at {rate} baud", lambda rate=rate: connector.serial(device, rate))
                for rate in rates
            ]
        case SocketResource(host, port):
            return [("by raw TCP", lambda: connector.tcp(host, port))]
        case LanResource(host, device) if not device:
            own = {one.default_port for one in scpi if one.default_port is not None}
            ports = sorted({SCPI_PORT, *own}, key=lambda port: (port != SCPI_PORT, port))
            raw = [
                (f"on TCP port {port}", lambda port=port: connector.tcp(host, port))
                for port in ports
            ]
            return [*raw, ("by VXI-11", lambda: connector.visa(resource))]
    return [("by VISA", lambda: connector.visa(resource))]


def is_idn(line: bytes) -> bool:
    """True for what may answer `*IDN?`: printable, of two or more fields between commas."""
    text = line.decode("latin-1")
    return "," in text and text.isprintable() and text.isascii() and text[:1].isalnum()


def _serving(idn: str, classes: dict[str, type[Instrument]]) -> tuple[Identity, list[str]]:
    """Identity as the driver that serves it reads it, and the names of all that do."""
    fields = [part.strip() for part in idn.split(",")]
    maker, model, serial = (*fields, "", "")[:3]
    identity = Identity(maker, model, serial, ",".join(fields[3:]))
    names: list[str] = []
    for name, driver in classes.items():
        if not issubclass(driver, ScpiInstrument | SrsDg645):
            continue
        try:
            read = driver.parse_identity(idn)
        except ValueError:
            continue
        if driver.serves(read):
            identity = read
            names.append(name)
    return identity, names


async def _opens(
    name: str,
    driver: type[Instrument],
    found: Found,
    connector: Connector,
    timeout: float,
    say: Say,
) -> bool:
    """Whether the driver of another dialect recognises what is there."""
    try:
        made = driver(name, found.resource, connector, link=UNHURRIED, timeout=timeout)
    except ValueError:
        return False  # it has no such link
    say(f"{name}: {driver.greeting}")
    try:
        async with made:
            outcome = "opened"
    except (InstrumentError, LinkError) as error:
        outcome = str(error)
    if made.identity is None:
        found.tried.append(f"{name}, {driver.greeting}: {outcome}")
        return False
    found.identity = made.identity
    found.drivers.append(name)
    found.tried.append(f"{name}, {driver.greeting}: {made.identity.model}, {outcome}")
    return True
