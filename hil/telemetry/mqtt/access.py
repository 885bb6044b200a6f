"""What a client shows a broker, and what a broker must show it: name, password, certificates.

Secrets come from files that nobody else can read, or from the environment; never from an option.
What the options of a run say of certificates a reader says by the environment.
"""

from __future__ import annotations

import os
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hil.telemetry.errors import TelemetryError

USERNAME = "HIL_MQTT_USERNAME"
PASSWORD = "HIL_MQTT_PASSWORD"
PASSWORD_FILE = "HIL_MQTT_PASSWORD_FILE"
CA, CERTIFICATE, KEY = "HIL_MQTT_CA", "HIL_MQTT_CERT", "HIL_MQTT_KEY"


@dataclass(frozen=True)
class Access:
    """How one is known to a broker.

    ca : certificates of the authorities that are trusted; none: those of the system. certificate,
    key : one's own, PEM.
    """

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """For a connection that is encrypted; certificate and host name of a broker are verified.

        Raises
        ------
        TelemetryError
        """
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            raise TelemetryError(
                f"authorities {self.ca} (--mqtt-ca, {CA}): {_words(error)}"
            ) from None
        if self.certificate is not None:
            try:
                # An empty password: one that is needed is missed with an error, not asked for.
                context.load_cert_chain(self.certificate, self.key, password="")
            except (OSError, ssl.SSLError) as error:
                raise TelemetryError(
                    f"certificate {self.certificate}, key {self.key} (--mqtt-cert, --mqtt-key, "
                    f"{CERTIFICATE}, {KEY}): {_words(error)}"
                ) from None
        return context


def read_access(
    *,
    ca: Path | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Access:
    """The access that environment and files give.

    Raises
    ------
    TelemetryError
    """
    ca = ca or _path(environment, CA)
    certificate = certificate or _path(environment, CERTIFICATE)
    key = key or _path(environment, KEY)
    if key is not None and certificate is None:
        raise TelemetryError(f"a key needs its certificate: --mqtt-cert, or {CERTIFICATE}")
    if key is not None:
        check_private(key)
    elif certificate is not None:
        check_private(certificate)  # it holds the key, too
    username = environment.get(USERNAME)
    password = environment.get(PASSWORD)
    file = environment.get(PASSWORD_FILE)
    if file is not None:
        if password is not None:
            raise TelemetryError(f"set {PASSWORD} or {PASSWORD_FILE}, not both")
        check_private(Path(file))
        password = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    if password is not None and username is None:
        raise TelemetryError(f"a password is set, but no name: set {USERNAME}")
    return Access(username, password, ca, certificate, key)


def _path(environment: Mapping[str, str], name: str) -> Path | None:
    found = environment.get(name)
    return Path(found) if found else None


def check_private(path: Path) -> None:
    """Refuse a file with a secret that others than its owner can read.

    Raises
    ------
    TelemetryError
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise TelemetryError(f"{path}: {_words(error)}") from None
    if not stat.S_ISREG(mode):
        raise TelemetryError(f"{path} is no file")
    if mode & 0o077:
        raise TelemetryError(f"{path} holds a secret that others can read: chmod 600 {path}")


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
