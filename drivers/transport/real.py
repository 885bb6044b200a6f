"""The connector to instruments that are there: sockets and serial ports, and VISA for the rest."""

from __future__ import annotations

from drivers.transport.link import ByteLink
from drivers.transport.resource import SerialResource, SocketResource, parse
from drivers.transport.serial import open_serial
from drivers.transport.socket import open_socket


class RealConnector:
    """Opens links to real hardware, or to instruments hosted on TCP and pseudo-terminals."""

    async def serial(self, device: str, baud: int) -> ByteLink:
        """Open the serial port `device`. Raises `LinkClosed`."""
        return await open_serial(device, baud)

    async def tcp(self, host: str, port: int) -> ByteLink:
        """Connect to TCP `host`:`port`. Raises `LinkClosed` or `LinkTimeout`."""
        return await open_socket(host, port)

    async def visa(self, resource: str) -> ByteLink:
        """Open any resource: raw sockets and serial ports natively, all others through VISA.

        Serial ports are opened at 9600 baud, the VISA default. Raises `LinkClosed`, `LinkTimeout`,
        or `ResourceError` for a string that cannot be read.
        """
        match parse(resource):
            case SocketResource(host, port):
                return await open_socket(host, port)
            case SerialResource(device):
                return await open_serial(device, 9600)
        from drivers.transport.visa import open_visa  # pyvisa takes long to import; few need it

        return await open_visa(resource)
