"""Where a broker is, from what a user types: `mqtts://host/bench`.

A name and a password never stand in it: what is typed is seen by all users of a machine.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from hil.telemetry.errors import TelemetryError
from hil.telemetry.mqtt.topics import is_name

LOOPBACK = "127.0.0.1"
PORT, TLS_PORT = 1883, 8883
EMBEDDED = "embedded"
_HOST = re.compile(r"[A-Za-z0-9_.:-]+")


@dataclass(frozen=True)
class Address:
    """A broker's, and whose topics are meant.

    tls : whether the connection is encrypted; bench : empty where it was not said.
    """

    host: str
    port: int
    tls: bool
    bench: str = ""

    @property
    def is_loopback(self) -> bool:
        """Whether it never leaves this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def broker(self) -> str:
        """The broker, for messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.broker}/{self.bench}"


def parse(text: str, *, insecure: bool = False) -> Address:
    """The address that a user typed: `mqtts://host[:port][/bench]`, or `mqtt://` on this machine.

    insecure : let a connection to another machine be plain.

    Raises
    ------
    TelemetryError
    """
    form = "it has the form mqtts://HOST[:PORT]/BENCH (or mqtt:// on this machine)"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise TelemetryError(f"{text!r} is no broker's address: {form}") from None
    if "@" in parts.netloc:
        raise TelemetryError(
            "a broker's address holds no user and no password: set HIL_MQTT_USERNAME and "
            "HIL_MQTT_PASSWORD_FILE"
        )
    bench = parts.path.strip("/")
    scheme_known = parts.scheme in ("mqtt", "mqtts")
    if not (scheme_known and _HOST.fullmatch(host)) or parts.query or parts.fragment or port == 0:
        raise TelemetryError(f"{text!r} is no broker's address: {form}")
    if bench and not is_name(bench):
        raise TelemetryError(
            f"{bench!r} cannot be a bench's name: letters, digits, `.`, `_`, `-`, at most 64"
        )
    tls = parts.scheme == "mqtts"
    address = Address(host, port or (TLS_PORT if tls else PORT), tls, bench)
    if not (tls or insecure or address.is_loopback):
        raise TelemetryError(
            f"{address.broker} is another machine and not encrypted: anybody between could read "
            f"and command; use mqtts://, or say --insecure"
        )
    return address


def embedded_port(text: str) -> int | None:
    """The port of `embedded[:PORT]`; none where something else was typed.

    Raises
    ------
    TelemetryError
    """
    word, _, port = text.partition(":")
    if word != EMBEDDED:
        return None
    if not port:
        return PORT
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise TelemetryError(f"{port!r} is no port: embedded:PORT, PORT from 1 to 65535")
    return int(port)
