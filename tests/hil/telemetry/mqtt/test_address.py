"""Addresses and secrets: what is dangerous is refused with the mend, before anything connects."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.telemetry.errors import TelemetryError
from hil.telemetry.mqtt.access import Access, read_access
from hil.telemetry.mqtt.address import Address, embedded_port, parse
from hil.telemetry.mqtt.topics import Topics, as_name, is_name


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("mqtts://broker.lab/bench-1", Address("broker.lab", 8883, True, "bench-1")),
        ("mqtts://10.0.0.7:9999", Address("10.0.0.7", 9999, True)),
        ("mqtt://localhost/b", Address("localhost", 1883, False, "b")),
        ("mqtt://127.0.0.1:1884/", Address("127.0.0.1", 1884, False)),
        ("mqtt://[::1]/b", Address("::1", 1883, False, "b")),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse(text) == address
    assert parse(str(address)) == address


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mqtt://broker.lab/b", "--insecure"),
        ("mqtt://0.0.0.0/b", "--insecure"),
        ("mqtt://localhost.evil.org/b", "--insecure"),
        ("mqtts://me:secret@broker.lab/b", "HIL_MQTT_PASSWORD_FILE"),
        ("mqtts://broker.lab/hil/v1", "cannot be a bench's name"),
        ("mqtts://broker.lab/+", "cannot be a bench's name"),
        ("mqtts://broker.lab/b?x=1", "no broker's address"),
        ("mqtts://broker.lab:99999/b", "no broker's address"),
        ("mqtts://broker.lab:0/b", "no broker's address"),
        ("https://broker.lab/b", "no broker's address"),
        ("mqtts:///b", "no broker's address"),
        ("broker.lab", "no broker's address"),
        ("mqtt://[::1/b", "no broker's address"),
    ],
)
def test_addresses_that_are_refused(text: str, why: str) -> None:
    with pytest.raises(TelemetryError, match=why) as caught:
        parse(text)
    assert "secret" not in str(caught.value)


def test_a_plain_connection_elsewhere_must_be_asked_for() -> None:
    assert parse("mqtt://broker.lab/b", insecure=True).host == "broker.lab"


@given(st.text() | st.text().map(lambda rest: f"mqtts://{rest}"))
def test_whatever_is_typed_is_an_address_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except TelemetryError:
        return
    assert found.tls or found.is_loopback


@given(st.text())
def test_names_of_topics_hold_no_wildcards_and_no_levels(text: str) -> None:
    assert is_name(as_name(text))
    if is_name(text):
        assert not set("+#/$\0 ") & set(text)
        assert Topics(text).below(Topics(text).alarm("x")) == ["alarm", "x"]
    else:
        with pytest.raises(ValueError, match="level of a topic"):
            Topics(text)


def test_ports_of_the_embedded_broker() -> None:
    assert embedded_port("embedded") == 1883
    assert embedded_port("embedded:4000") == 4000
    assert embedded_port("mqtt://localhost/b") is None
    for text in ("embedded:x", "embedded:0", "embedded:70000", "embedded:-1"):
        with pytest.raises(TelemetryError, match="no port"):
            embedded_port(text)


def _secret(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_secrets_come_from_environment_or_a_private_file(tmp_path: Path) -> None:
    file = _secret(tmp_path / "password", "s3cret\n")
    name = {"HIL_MQTT_USERNAME": "bench"}
    assert read_access(environment={}) == Access()
    found = read_access(environment={**name, "HIL_MQTT_PASSWORD_FILE": str(file)})
    assert (found.username, found.password) == ("bench", "s3cret")
    assert "s3cret" not in repr(found)
    assert read_access(environment={**name, "HIL_MQTT_PASSWORD": "x"}).password == "x"


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"HIL_MQTT_PASSWORD": "x"}, "HIL_MQTT_USERNAME"),
        ({"HIL_MQTT_USERNAME": "a", "HIL_MQTT_PASSWORD_FILE": "open"}, "chmod 600"),
        ({"HIL_MQTT_USERNAME": "a", "HIL_MQTT_PASSWORD_FILE": "none"}, "No such file"),
        ({"HIL_MQTT_USERNAME": "a", "HIL_MQTT_PASSWORD_FILE": "."}, "is no file"),
        (
            {"HIL_MQTT_USERNAME": "a", "HIL_MQTT_PASSWORD": "x", "HIL_MQTT_PASSWORD_FILE": "y"},
            "not both",
        ),
    ],
)
def test_secrets_that_are_refused(
    environment: dict[str, str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _secret(tmp_path / "open", "x", 0o640)
    with pytest.raises(TelemetryError, match=why):
        read_access(environment=environment)


def test_certificates_may_be_named_by_the_environment(tmp_path: Path) -> None:
    key = _secret(tmp_path / "key.pem", "")
    names = {"HIL_MQTT_CA": "ca.pem", "HIL_MQTT_CERT": "cert.pem", "HIL_MQTT_KEY": str(key)}
    assert read_access(environment=names) == Access(
        ca=Path("ca.pem"), certificate=Path("cert.pem"), key=key
    )
    assert read_access(ca=Path("other.pem"), environment=names).ca == Path("other.pem")


def test_keys_must_be_private_and_have_their_certificate(tmp_path: Path) -> None:
    key = _secret(tmp_path / "key.pem", "", 0o644)
    certificate = _secret(tmp_path / "cert.pem", "", 0o644)
    with pytest.raises(TelemetryError, match="--mqtt-cert"):
        read_access(key=key, environment={})
    with pytest.raises(TelemetryError, match="chmod 600"):
        read_access(certificate=certificate, key=key, environment={})
    key.chmod(0o600)
    found = read_access(certificate=certificate, key=key, environment={})
    with pytest.raises(TelemetryError, match="--mqtt-cert"):
        found.context()
    with pytest.raises(TelemetryError, match="--mqtt-ca"):
        Access(ca=tmp_path / "none.pem").context()
