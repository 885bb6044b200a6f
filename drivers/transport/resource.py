"""Resource strings in VISA's notation, read into dataclasses that know their parts.

`str()` of a resource is its canonical form. Forms read: `ASRL/dev/ttyUSB0::INSTR`,
`TCPIP::host::5000::SOCKET`, `TCPIP::host::INSTR`, `TCPIP::host::inst0::INSTR`,
`TCPIP::host::hislip0[,port]::INSTR`, `USB::vendor::product::serial[::interface]::INSTR`,
`GPIB0::primary[::secondary]::INSTR`. Keywords in any case; board
numbers are kept where they matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


class ResourceError(ValueError):
    """A resource string that cannot be read; the message names it and the forms that can."""


@dataclass(frozen=True)
class SerialResource:
    """A serial port: `device` is a path (`/dev/ttyUSB0`), or a port's name (`COM3`)."""

    device: str

    def __str__(self) -> str:
        return f"ASRL{self.device}::INSTR"


@dataclass(frozen=True)
class SocketResource:
    """A raw TCP socket."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"TCPIP::{_bracketed(self.host)}::{self.port}::SOCKET"


@dataclass(frozen=True)
class LanResource:
    """A LAN instrument by VXI-11 (`inst0`), HiSLIP (`hislip0`), or by its host alone."""

    host: str
    device: str = ""

    @property
    def hislip(self) -> bool:
        """True when the device name asks for HiSLIP."""
        return self.device.lower().startswith("hislip")

    def __str__(self) -> str:
        device = f"::{self.device}" if self.device else ""
        return f"TCPIP::{_bracketed(self.host)}{device}::INSTR"


@dataclass(frozen=True)
class UsbResource:
    """A USB-TMC instrument; `vendor` and `product` are 16-bit numbers."""

    vendor: int
    product: int
    serial: str
    interface: int = 0

    def __str__(self) -> str:
        ids = f"0x{self.vendor:04X}::0x{self.product:04X}::{self.serial}"
        return f"USB::{ids}::{self.interface}::INSTR"


@dataclass(frozen=True)
class GpibResource:
    """A GPIB instrument by board, primary (0..30) and secondary address."""

    board: int
    primary: int
    secondary: int | None = None

    def __str__(self) -> str:
        secondary = "" if self.secondary is None else f"::{self.secondary}"
        return f"GPIB{self.board}::{self.primary}{secondary}::INSTR"


Resource = SerialResource | SocketResource | LanResource | UsbResource | GpibResource

_FORMS = (
    "ASRL/dev/ttyUSB0::INSTR, TCPIP::host::5000::SOCKET, TCPIP::host::INSTR, "
    "TCPIP::host::hislip0::INSTR, USB::0x1313::0x8078::serial::INSTR, GPIB0::12::INSTR"
)
_SERIAL = re.compile(r"ASRL(?P<device>.+?)(::INSTR)?", re.IGNORECASE)
_SOCKET = re.compile(
    r"TCPIP\d*::(?P<host>\[[^\]]+\]|[^:,\[\]\s]+)::(?P<port>\d{1,5})::SOCKET", re.IGNORECASE
)
_LAN = re.compile(
    r"TCPIP\d*::(?P<host>\[[^\]]+\]|[^:\[\]\s]+)(::(?P<device>[^:\s]+))?::INSTR", re.IGNORECASE
)
_NUMBER = r"0x[0-9a-f]+|\d+"
_USB = re.compile(
    rf"USB\d*::(?P<vendor>{_NUMBER})::(?P<product>{_NUMBER})::(?P<serial>[^:\s]+)"
    r"(::(?P<interface>\d+))?::INSTR",
    re.IGNORECASE,
)
_GPIB = re.compile(
    r"GPIB(?P<board>\d*)::(?P<primary>\d{1,2})(::(?P<secondary>\d{1,2}))?::INSTR", re.IGNORECASE
)


def parse(text: str) -> Resource:
    """Read a resource string. Raises `ResourceError` naming it and the forms that are read."""
    text = text.strip()
    if match := _SOCKET.fullmatch(text):
        port = int(match["port"])
        if not 0 < port < 65536:
            raise ResourceError(f"resource {text!r}: port {port} is not between 1 and 65535")
        return SocketResource(match["host"].strip("[]"), port)
    if match := _LAN.fullmatch(text):
        return LanResource(match["host"].strip("[]"), match["device"] or "")
    if match := _USB.fullmatch(text):
        vendor, product = int(match["vendor"], 0), int(match["product"], 0)
        if max(vendor, product) > 0xFFFF:
            raise ResourceError(f"resource {text!r}: vendor and product are 16-bit numbers")
        return UsbResource(vendor, product, match["serial"], int(match["interface"] or 0))
    if match := _GPIB.fullmatch(text):
        secondary = None if match["secondary"] is None else int(match["secondary"])
        primary = int(match["primary"])
        if primary > 30 or (secondary is not None and secondary > 30):
            raise ResourceError(f"resource {text!r}: GPIB addresses are 0 to 30")
        return GpibResource(int(match["board"] or 0), primary, secondary)
    if match := _SERIAL.fullmatch(text):
        device = match["device"]
        if "::" not in device and not device.isspace():
            return SerialResource(device)
    raise ResourceError(f"resource {text!r} cannot be read; write it like one of: {_FORMS}")


def link_kind(resource: Resource) -> str:
    """What a resource is reached by: "serial", "tcp", "usb", "gpib", "vxi11" or "hislip"."""
    match resource:
        case SerialResource():
            return "serial"
        case SocketResource():
            return "tcp"
        case UsbResource():
            return "usb"
        case GpibResource():
            return "gpib"
        case LanResource():
            return "hislip" if resource.hislip else "vxi11"


def serial_device(text: str) -> str:
    """The device of a serial resource. Raises `ResourceError` when `text` names anything else."""
    resource = parse(text)
    if isinstance(resource, SerialResource):
        return resource.device
    raise ResourceError(f"resource {text!r} is no serial port; write ASRL/dev/ttyUSB0::INSTR")


def tcp_address(text: str, default_port: int | None = None) -> tuple[str, int]:
    """Host and port of a network resource; a host alone takes `default_port` where there is one.

    Raises `ResourceError` when `text` names no host, or no port and there is no default.
    """
    resource = parse(text)
    if isinstance(resource, SocketResource):
        return resource.host, resource.port
    if isinstance(resource, LanResource) and not resource.device and default_port is not None:
        return resource.host, default_port
    raise ResourceError(f"resource {text!r} names no TCP port; write TCPIP::host::port::SOCKET")


def network_host(text: str) -> str:
    """The host of a network resource. Raises `ResourceError` when `text` names none."""
    resource = parse(text)
    if isinstance(resource, SocketResource | LanResource):
        return resource.host
    raise ResourceError(f"resource {text!r} names no host; write TCPIP::host::INSTR")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
