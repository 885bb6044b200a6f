"""Brokers that are gone, silent, deaf or unwilling, and a controller that is killed."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hil.telemetry.bus import Bus
from hil.telemetry.commands import CommandDesk
from hil.telemetry.errors import TelemetryError
from hil.telemetry.events import Noted, Slots, StateChanged
from hil.telemetry.mqtt import client
from hil.telemetry.mqtt import outlet as outlet_module
from hil.telemetry.mqtt.access import Access
from hil.telemetry.mqtt.address import Address
from hil.telemetry.mqtt.broker import EmbeddedBroker
from hil.telemetry.mqtt.outlet import MqttOutlet
from hil.telemetry.mqtt.remote import Rights
from hil.telemetry.mqtt.telling import MOST_WAITING
from hil.telemetry.source import SourceError

ROOT = Path(__file__).resolve().parents[4]
CONTROLLER = """
import sys
from hil.telemetry.bus import Bus
from hil.telemetry.commands import CommandDesk
from hil.telemetry.mqtt.access import Access
from hil.telemetry.mqtt.address import Address
from hil.telemetry.mqtt.outlet import MqttOutlet
bus = Bus()
outlet = MqttOutlet(
    Address("127.0.0.1", int(sys.argv[1]), False), Access(), bus, CommandDesk(bus), "killed"
)
outlet.connect()
print("connected", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brokers have a moment for an answer."""
    monkeypatch.setattr(client, "TIMEOUT", 0.6)
    monkeypatch.setattr(outlet_module, "TIMEOUT", 0.6)


def _connect(port: int, **options: Any) -> MqttOutlet:
    bus = Bus()
    address = Address("127.0.0.1", port, False)
    outlet = MqttOutlet(address, Access(), bus, CommandDesk(bus), "b", **options)
    outlet.connect()
    return outlet


def _note(text: str) -> Noted:
    return Noted(text=text, author="test")


def test_a_killed_controller_is_lost(
    broker: EmbeddedBroker,
    listen: Callable[..., Any],
    follow_at: Callable[..., Any],
    eventually: Callable[..., Any],
) -> None:
    port = broker.address.port
    ear = listen(port, "hil/v1/killed/state")
    words = [sys.executable, "-c", CONTROLLER, str(port)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "connected\n"
        ear.next("/state", lambda payload: b"sleeping" in payload)
        source = follow_at(port, "killed")
        process.send_signal(signal.SIGKILL)
        ear.next("/state", lambda payload: b"lost" in payload)
    late = listen(port, "hil/v1/killed/state").next("/state")
    assert late.retain
    assert json.loads(late.payload)["state"] == "lost"
    eventually(lambda: source.life == "lost")
    with pytest.raises(SourceError, match="is lost"):
        source.poll()


def test_a_frozen_controller_is_lost_even_to_the_embedded_broker(
    listen: Callable[..., Any],
) -> None:
    one = EmbeddedBroker(0, late=0)
    try:
        ear = listen(one.address.port, "frozen/state")
        body = b"\0\4MQTT\4\x26\0\1" + b"\0\1f" + b"\0\x0cfrozen/state" + b"\0\4lost"
        with socket.create_connection(("127.0.0.1", one.address.port)) as frozen:
            frozen.sendall(b"\x10" + bytes([len(body)]) + body)
            assert frozen.recv(4) == b"\x20\x02\0\0"
            assert ear.next("/state").payload == b"lost"
            assert frozen.recv(1) == b""
    finally:
        one.stop()


def test_a_will_that_comes_late_is_not_the_last_word(
    broker: EmbeddedBroker, run_at: Callable[..., Any], listen: Callable[..., Any]
) -> None:
    run = run_at(broker.address.port, "half-open")
    ear = listen(broker.address.port, "hil/v1/half-open/state")
    lost = json.dumps({"state": "lost", "session": run.outlet.session})
    ear.say("hil/v1/half-open/state", lost, retain=True)
    ear.next("/state", lambda payload: b"lost" in payload)
    ear.next("/state", lambda payload: b"sleeping" in payload)


def test_after_a_restart_of_the_broker_all_that_holds_is_told_again(
    run_at: Callable[..., Any],
    listen: Callable[..., Any],
    follow_at: Callable[..., Any],
    eventually: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = EmbeddedBroker(0)
    port = first.address.port
    run = run_at(port, "restart")
    source = follow_at(port, "restart")
    run.bus.publish(StateChanged(state="idle", light=True))
    eventually(source.poll)
    first.stop()
    eventually(lambda: not run.outlet.connected)
    with pytest.raises(SourceError, match="tries again"):
        eventually(source.poll)
    run.bus.publish(_note("meanwhile"))
    run.bus.publish(StateChanged(state="tripped", light=False))
    second = EmbeddedBroker(port)
    try:
        eventually(lambda: run.outlet.connected)
        ear = listen(port, "hil/v1/restart/#")
        for told in ("state", "meta", "now", "alarm/tripped"):
            ear.next(f"restart/{told}")
        eventually(lambda: not source._service.trouble)
        run.bus.publish(_note("afterwards"))
        found: list[Any] = []

        def afterwards() -> bool:
            with contextlib.suppress(SourceError):
                found.extend(one.event for one in source.poll())
            return _note("afterwards") in found

        eventually(afterwards)
        assert found.count(StateChanged(state="tripped", light=False)) == 1
        assert run.outlet.counts["reconnects"] >= 1
        run.bus.close()
        source.close()
    finally:
        second.stop()
    assert "tries again" in caplog.text


def test_no_broker_at_the_start_is_an_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TelemetryError, match=f"127.0.0.1:{port} cannot be reached: .*refused"):
        _connect(port)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ({"silent": True}, "did not answer as a broker"),
        ({"refuse": 4}, "HIL_MQTT_USERNAME"),
        ({"refuse": 5}, "HIL_MQTT_USERNAME"),
        ({"refuse": 3}, "refuses: .*[Uu]navailable"),
        ({"echo": False}, r"topic readwrite hil/v1/b/#"),
        ({"denied": ("/state",)}, r"hil/v1/b/state .*topic readwrite hil/v1/b/#"),
    ],
)
def test_unwilling_brokers_are_found_out_at_the_start(
    behaviour: dict[str, Any], why: str, fake_broker: Callable[..., Any]
) -> None:
    with pytest.raises(TelemetryError, match=why):
        _connect(fake_broker(**behaviour).port)


@pytest.mark.usefixtures("_impatient")
def test_commands_that_would_never_arrive_are_found_out_at_the_start(
    fake_broker: Callable[..., Any],
) -> None:
    one = fake_broker()

    rights = Rights(frozenset({"ann"}))
    assert _connect(one.port, rights=rights).close()
    bus = Bus()
    again = MqttOutlet(
        Address("127.0.0.1", one.port, False), Access(), bus, CommandDesk(bus), "b", rights=rights
    )
    one.denied = ("/cmd/check/" + again.session,)
    with pytest.raises(TelemetryError, match="cmd/check/"):
        again.connect()


@pytest.mark.usefixtures("_impatient")
def test_a_reader_that_may_not_read_is_told(fake_broker: Callable[..., Any]) -> None:
    from hil.telemetry.mqtt.source import follow

    with pytest.raises(SourceError, match="topic read hil/v1/b/#"):
        follow(f"mqtt://127.0.0.1:{fake_broker(grant=0x80).port}/b", access=Access())


def test_a_deaf_broker_holds_up_nobody_and_what_is_lost_is_counted(
    fake_broker: Callable[..., Any], run_at: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    one = fake_broker()
    run = run_at(one.port, "deaf", arrays_per_second=1000.0)
    one.stalled.set()
    wide = np.zeros((64, 6, 16))
    slots = Slots(
        step=1, banks=np.zeros(6), times=np.zeros(6), sent=wide, measured=wide, clipped=wide > 1.0
    )
    slowest = 0.0
    for number in range(MOST_WAITING + 3000):
        before = time.perf_counter()
        run.bus.publish(_note(str(number)) if number % 100 else slots)
        slowest = max(slowest, time.perf_counter() - before)
    eventually(lambda: run.outlet.dropped > 0)
    assert run.outlet.waiting <= MOST_WAITING + 1000
    assert slowest < 0.5  # s; a broker would have had TIMEOUT
    assert not run.outlet.close(0.1)


@pytest.mark.usefixtures("_impatient")
def test_a_broker_that_stalls_is_left_and_tried_again(
    fake_broker: Callable[..., Any], run_at: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    one = fake_broker()
    run = run_at(one.port, "stalls")
    one.stalled.set()
    run.bus.publish(StateChanged(state="idle", light=True))
    eventually(lambda: run.outlet.counts["reconnects"] >= 2)
    assert one.connections >= 2
