"""A run that is told to a real broker is what the window shows; so is its sudden end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgpack
import numpy as np
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from hil.monitor.feed import Feed
from hil.monitor.state.run_state import RunState
from hil.monitor.state.words import queue_words, stale_words, state_word
from hil.telemetry.bus import Bus
from hil.telemetry.coding import pack
from hil.telemetry.commands import CommandDesk, Verb
from hil.telemetry.events import Fault, RunEnded
from hil.telemetry.mqtt.access import Access
from hil.telemetry.mqtt.address import Address
from hil.telemetry.mqtt.broker import EmbeddedBroker
from hil.telemetry.mqtt.outlet import MqttOutlet
from hil.telemetry.mqtt.remote import Rights
from hil.telemetry.mqtt.service import BackOff
from hil.telemetry.mqtt.source import MqttSource
from tests.hil.monitor import made
from tests.hil.monitor.hostile import REFUSED
from tests.hil.monitor.test_feed import until

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

ROOT = Path(__file__).resolve().parents[3]
CONTROLLER = Path(__file__).with_name("controller.py")
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
FAST = BackOff(first=0.02, most=0.1)
OPERATOR = Rights(frozenset({"ann"}), remote_control=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """Mosquitto on loopback, for anybody."""

    def __init__(self, port: int, folder: Path) -> None:
        assert MOSQUITTO is not None
        told = folder / "mosquitto.conf"
        told.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n")
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", str(told)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(lambda: _serves(port))

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def _serves(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Broker:
    """One that can be stopped and started at the same port."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.port = _free_port()
        self._kind, self._folder = kind, folder
        self.start()

    def start(self) -> None:
        mosquitto = self._kind == "mosquitto"
        port, folder = self.port, self._folder
        self._one = Mosquitto(port, folder) if mosquitto else EmbeddedBroker(port)

    def stop(self) -> None:
        self._one.stop()


@pytest.fixture(params=["amqtt", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    if request.param == "mosquitto" and MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    one = Broker(request.param, tmp_path)
    yield one
    one.stop()


@pytest.fixture
def feed(broker: Broker) -> Iterator[Feed]:
    """What `python -m hil.monitor mqtt://…/bench` follows."""
    address = Address("127.0.0.1", broker.port, False, "bench")
    with closing(_follow(address)) as one:
        yield one


def _follow(address: Address) -> Feed:
    def make() -> MqttSource:
        return MqttSource(address, Access(), issuer="ann", back_off=FAST)

    return Feed(make, RunState()).open()


@pytest.fixture
def bus(broker: Broker, feed: Feed) -> Iterator[Bus]:
    """That of a controller which tells the broker; the feed listens already."""
    one = Bus()
    address = Address("127.0.0.1", broker.port, False)
    outlet = MqttOutlet(
        address,
        Access(),
        one,
        CommandDesk(one),
        "bench",
        rights=OPERATOR,
        arrays_per_second=1e6,
        back_off=FAST,
    )
    outlet.connect()
    one.add(outlet)
    yield one
    one.close()


def test_a_run_over_a_broker_is_what_the_window_knows(bus: Bus, feed: Feed) -> None:
    state = feed.state
    for event in made.a_run(20, ended=False):
        bus.publish(event)
    until(lambda: state.facts.step == 20 and state.spending.bench_seconds == 10.0)
    until(lambda: not state.stale)
    assert (state_word(state), state.lifecycle.light) == ("RUNNING", True)
    assert np.allclose(state.learning.steps.y[:, 0], 2.0 / np.arange(1, 21))
    assert state.learning.baselines == {"logistic regression": 0.88}
    until(lambda: state.heaters.levels is not None and state.heaters.step == 20)
    assert state.heaters.levels is not None
    assert np.allclose(state.heaters.levels, 0.022)
    assert state.ports.traces is not None
    assert state.ports.traces.measured.shape == (8, 3, 4)
    assert state.drift.counts["alarm"] == 1
    bus.publish(Fault(source="heaters-0", text="no reply"))
    until(lambda: state.condition.first is not None)
    bus.publish(RunEnded(outcome="finished", accuracy=0.75))
    until(lambda: state.lifecycle.ended is not None)
    assert not state.stale
    assert not state.ignored


def test_a_command_goes_to_the_run_and_its_answer_comes_back(bus: Bus, feed: Feed) -> None:
    bus.publish(made.started())
    until(lambda: feed.state.facts.started is not None)
    feed.command(Verb.PAUSE)
    until(lambda: feed.state.lifecycle.paused)
    assert "pause" in feed.state.asked


def test_a_controller_that_is_killed_is_shown_as_lost_at_once(
    broker: Broker, feed: Feed, qtbot: QtBot
) -> None:
    pytest.importorskip("PySide6.QtWidgets", reason="the live window needs PySide6")
    from hil.monitor.window.main_window import MonitorWindow

    window = MonitorWindow(feed)
    qtbot.addWidget(window)
    with _controller(broker.port) as controller:
        # It has to be started first, which takes long where other tests have the processor.
        until(lambda: feed.state.facts.step == 20, patience=60.0)
        window.tick()
        assert window.banner.block.text == "RUNNING"
        controller.kill()
        until(lambda: "is lost: its connection broke" in feed.trouble)
        window.tick()
        assert window.banner.block.text.startswith("RUNNING STALE")
        assert window.banner.left.text() == "time left ?"
        window.tick()
        assert "CANNOT BE READ: the controller of bench is lost" in window._health.text()
    window.close()


@contextmanager
def _controller(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Another process, which has told a run that goes on."""
    words = [sys.executable, str(CONTROLLER), str(port), "bench"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(words, stdin=subprocess.PIPE, env=environment)
    assert process.stdin is not None
    try:
        with process.stdin:
            process.stdin.write(pack(made.stamped(made.a_run(20, ended=False))))
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_broker_that_dies_is_told_and_the_run_goes_on_when_it_is_back(
    broker: Broker, bus: Bus, feed: Feed
) -> None:
    state = feed.state
    for event in made.a_run(5, ended=False):
        bus.publish(event)
    until(lambda: state.facts.step == 5)
    broker.stop()
    until(lambda: bool(feed.trouble))
    assert stale_words(state).startswith("STALE")
    broker.start()

    def goes_on() -> bool:
        bus.publish(made.step(state.facts.step + 1))
        return state.facts.step > 6 and not feed.trouble

    until(goes_on)
    until(lambda: not stale_words(state))
    assert state_word(state) == "RUNNING"


class Stranger:
    """A plain client, which may publish anything."""

    def __init__(self, port: int) -> None:
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def say(self, topic: str, payload: bytes) -> None:
        self.client.publish(f"hil/v1/bench/{topic}", payload, qos=1).wait_for_publish(10.0)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def _enveloped(events: Any, session: str = "x", **other: Any) -> bytes:
    fields = {"session": session, "seq": 0, "dropped": 0, "events": events, **other}
    return msgpack.packb(fields) or b""


def _row(kind: Any, fields: Any) -> bytes:
    return msgpack.packb([[1, 0.0, 0.0, kind, fields]]) or b""


HUGE = msgpack.ExtType(1, msgpack.packb(["<f8", [2**20, 2**20], b"1234"]) or b"")
#: What is no telemetry, by topic.
MALFORMED: tuple[tuple[str, bytes], ...] = (
    ("state", b"{}"),
    ("state", b'{"state": "on fire", "session": "x"}'),
    ("state", b"\xff\xfe" * 1000),
    ("batch", b""),
    ("batch", os.urandom(4000)),
    ("batch", _enveloped("no bytes")),
    ("batch", _enveloped(b"", session="../../etc")),
    ("batch", _enveloped(_row("step", {"step": "one"}))),
    ("batch", _enveloped(_row("no such kind", {}))),
    ("batch", _enveloped(_row(["step"], None))),
    ("batch", b"\x81" * 100_000),
    ("now", _enveloped(b"\xc1")),
    ("arrays", _enveloped(_row("levels", {"step": 1, "levels": HUGE}))),
    ("arrays", _enveloped(_row("levels", {"step": 1, "levels": [[1.0]]}))),
)


#: Of those that are refused, what no message can carry.
TOO_LARGE = ("a huge array", "a bench of a million banks")


def test_what_is_malformed_or_makes_no_sense_is_counted_and_changes_nothing(
    broker: Broker, bus: Bus, feed: Feed
) -> None:
    state = feed.state
    for event in made.a_run(3, ended=False):
        bus.publish(event)
    until(lambda: state.facts.step == 3 and state.heaters.step == 3)
    assert state.heaters.levels is not None
    before = state.heaters.levels.copy()
    with closing(Stranger(broker.port)) as stranger:
        for topic, payload in MALFORMED:
            stranger.say(topic, payload)
        stranger.say("a/topic/of/nobody", b"!")
        until(lambda: state.source_counts.get("malformed", 0) == len(MALFORMED))

    def thrown_away() -> int:
        return sum(state.ignored.values()) + state.source_counts["malformed"]

    # The controller itself, gone mad: what can be packed at all, and makes no sense.
    for name, event, _ in REFUSED:
        if name not in TOO_LARGE:
            had = thrown_away()
            bus.publish(event)
            until(lambda had=had: thrown_away() == had + 1)
    assert sum(state.ignored.values()) >= 15
    assert state.facts.step == 3
    assert np.array_equal(state.heaters.levels, before)
    words = queue_words(state)
    assert "malformed" in words
    assert "events ignored here" in words
    bus.publish(made.step(4))
    until(lambda: state.facts.step == 4)
    assert feed.trouble == ""
