"""TLS with certificates on both sides, by openssl; access lists, by mosquitto if it is here."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hil.telemetry.bus import Bus
from hil.telemetry.commands import CommandDesk, Verb
from hil.telemetry.errors import TelemetryError
from hil.telemetry.events import Noted
from hil.telemetry.mqtt import client
from hil.telemetry.mqtt.access import Access, read_access
from hil.telemetry.mqtt.address import Address
from hil.telemetry.mqtt.outlet import MqttOutlet
from hil.telemetry.mqtt.remote import Rights
from hil.telemetry.mqtt.source import MqttSource
from hil.telemetry.source import SourceError

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "telemetry.md"
OPENSSL = shutil.which("openssl")
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="needs openssl to make certificates")


@dataclass(frozen=True)
class Keys:
    """Certificates of an authority of a test's own."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.crt"

    def access(self, name: str) -> Access:
        """What someone of this name shows."""
        return read_access(
            ca=self.ca,
            certificate=self.folder / f"{name}.crt",
            key=self.folder / f"{name}.key",
            environment={},
        )

    def make(self, *words: str) -> None:
        assert OPENSSL is not None
        subprocess.run([OPENSSL, *words], cwd=self.folder, check=True, capture_output=True)

    def certify(self, name: str, extension: str = "") -> None:
        """A key, and a certificate for it that the authority signs."""
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        request = (*curve, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self.make("req", *request)
        (self.folder / "extension").write_text(extension)
        signing = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2")
        files = ("-in", f"{name}.csr", "-out", f"{name}.crt", "-extfile", "extension")
        self.make("x509", "-req", *files, *signing)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """An authority, the broker `localhost`, the controller `bench`, and the operator `ann`."""
    made = Keys(tmp_path_factory.mktemp("keys"))
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    made.make(
        *("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.crt"),
        *("-subj", "/CN=authority", "-days", "2"),
    )
    made.certify("localhost", "subjectAltName=DNS:localhost")
    for name in ("bench", "ann"):
        made.certify(name)
    return made


def _server(keys: Keys, *, ask: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=keys.ca)
    context.load_cert_chain(keys.folder / "localhost.crt", keys.folder / "localhost.key")
    context.verify_mode = ssl.CERT_REQUIRED if ask else ssl.CERT_NONE
    return context


def _connect(port: int, access: Access, host: str = "localhost") -> MqttOutlet:
    bus = Bus()
    outlet = MqttOutlet(Address(host, port, True), access, bus, CommandDesk(bus), "b")
    outlet.connect()
    return outlet


def test_a_broker_with_a_certificate_is_told(
    keys: Keys, fake_broker: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    one = fake_broker(tls=_server(keys, ask=True))
    outlet = _connect(one.port, keys.access("bench"))
    assert outlet.connected
    assert outlet.close()


def test_certificates_that_do_not_hold_are_told(
    keys: Keys, fake_broker: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TIMEOUT", 1.0)
    one = fake_broker(tls=_server(keys))
    with pytest.raises(TelemetryError, match=r"not trusted.*--mqtt-ca"):
        _connect(one.port, Access())
    with pytest.raises(TelemetryError, match=r"not trusted.*mismatch"):
        _connect(one.port, keys.access("bench"), "127.0.0.1")
    asks = fake_broker(tls=_server(keys, ask=True))
    with pytest.raises(TelemetryError, match=r"wants a certificate.*--mqtt-cert"):
        _connect(asks.port, Access(ca=keys.ca))
    plain = fake_broker()
    with pytest.raises(TelemetryError, match=r"does not speak TLS|cannot be reached"):
        _connect(plain.port, Access(ca=keys.ca))


@pytest.fixture
def mosquitto(keys: Keys, tmp_path: Path, eventually: Callable[..., Any]) -> Iterator[int]:
    """Mosquitto as docs/telemetry.md sets it up, on a port of its own."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    access, configuration = (
        re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT.read_text(), re.M | re.S)[0]
        for language in ("acl", "conf")
    )
    (tmp_path / "hil.acl").write_text(access.replace("relax-mzi-16", "b"))
    for said, meant in (
        ("listener 8883", f"listener {port} 127.0.0.1\nuser root"),
        ("/etc/mosquitto/certs/ca.crt", str(keys.ca)),
        ("/etc/mosquitto/certs/broker", str(keys.folder / "localhost")),
        ("/etc/mosquitto/hil.acl", str(tmp_path / "hil.acl")),
    ):
        assert said in configuration
        configuration = configuration.replace(said, meant)
    (tmp_path / "hil.conf").write_text(configuration)
    words = [MOSQUITTO, "-c", str(tmp_path / "hil.conf")]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:

        def serves() -> bool:
            assert process.poll() is None
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        eventually(serves)
        yield port
        process.terminate()


def test_mosquitto_vouches_for_who_commands(
    mosquitto: int, keys: Keys, run_at: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    rights = Rights(frozenset({"ann"}), remote_control=True)
    run = run_at(mosquitto, "b", tls=True, access=keys.access("bench"), rights=rights)
    address = Address("localhost", mosquitto, True, "b")
    ann = MqttSource(address, keys.access("ann"), issuer="ann")
    # The broker throws away what somebody says in another's name: nobody hears of it.
    bench = MqttSource(address, keys.access("ann"), issuer="bob")
    try:
        run.bus.publish(Noted(text="hello", author="bench"))
        assert eventually(ann.poll)[0].event == Noted(text="hello", author="bench")
        bench.command(Verb.STOP)
        id_ = ann.command(Verb.PAUSE)
        told: list[Any] = []
        eventually(lambda: told.extend(ann.poll()) or told)
        assert [(one.event.id, one.event.accepted) for one in told] == [(id_, True)]
        assert run.desk.paused
        assert not run.desk.end
    finally:
        ann.close()
        bench.close()


def test_mosquitto_wants_a_certificate(
    mosquitto: int, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TIMEOUT", 1.0)
    with pytest.raises(TelemetryError, match="wants a certificate of its clients"):
        _connect(mosquitto, Access(ca=keys.ca))


def test_mosquitto_that_lets_nothing_be_told_is_found_out(
    mosquitto: int, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.telemetry.mqtt.outlet.TIMEOUT", 0.3)
    with pytest.raises(TelemetryError, match="topic readwrite hil/v1/b/#"):
        _connect(mosquitto, keys.access("ann"))


def test_mosquitto_tells_a_reader_of_another_bench_nothing(
    mosquitto: int,
    keys: Keys,
    monkeypatch: pytest.MonkeyPatch,
    run_at: Callable[..., Any],
    eventually: Callable[..., Any],
) -> None:
    monkeypatch.setattr("hil.telemetry.mqtt.source.SILENCE", 0.2)
    source = MqttSource(Address("localhost", mosquitto, True, "c"), keys.access("bench"))
    try:
        with pytest.raises(SourceError, match="may this user read it"):
            eventually(source.poll)
    finally:
        source.close()
