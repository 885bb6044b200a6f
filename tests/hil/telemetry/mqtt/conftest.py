"""Brokers, a client that is not ours, and patience with an end, for the tests of MQTT."""

from __future__ import annotations

import asyncio
import queue
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from hil.telemetry.bus import Bus
from hil.telemetry.commands import CommandDesk
from hil.telemetry.mqtt.access import Access
from hil.telemetry.mqtt.address import Address
from hil.telemetry.mqtt.broker import EmbeddedBroker
from hil.telemetry.mqtt.outlet import MqttOutlet
from hil.telemetry.mqtt.service import BackOff
from hil.telemetry.mqtt.source import MqttSource

#: s after which a test gives up waiting.
PATIENCE = 10.0
FAST = BackOff(first=0.02, most=0.1)


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    """A real broker on a port of its own; tests of a module differ by the bench's name."""
    one = EmbeddedBroker(0)
    yield one
    one.stop()


class Ear:
    """A plain MQTT client: hears all below a topic, and says what it is told to."""

    def __init__(self, port: int, topic: str) -> None:
        self.topic = topic
        self.heard: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self.all: list[paho.MQTTMessage] = []
        self.left: list[paho.MQTTMessage] = []
        self.pairs: set[tuple[str, bytes]] = set()
        ready = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda *args: self._hear(args[2])
        self.client.on_connect = lambda *_: self.client.subscribe(topic, qos=1)
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert ready.wait(PATIENCE)

    def _hear(self, message: paho.MQTTMessage) -> None:
        # amqtt 0.12.1 sends a new client what is retained for anybody's subscriptions.
        if not paho.topic_matches_sub(self.topic, message.topic):
            return
        if message.retain and (message.topic, message.payload) in self.pairs:
            return
        self.all.append(message)
        self.pairs.add((message.topic, message.payload))
        self.heard.put(message)

    def say(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        self.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(PATIENCE)

    def next(self, end_of_topic: str, of: Callable[[bytes], bool] = lambda _: True) -> Any:
        """The first message not given yet on a topic of whose payload `of` says yes.

        Of different topics nothing says which comes first.
        """

        def fits(message: paho.MQTTMessage) -> bool:
            return message.topic.endswith(end_of_topic) and of(message.payload)

        found = next((one for one in self.left if fits(one)), None)
        if found is not None:
            self.left.remove(found)
        while found is None:
            message = self.heard.get(timeout=PATIENCE)
            if fits(message):
                found = message
            else:
                self.left.append(message)
        return found

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def listen() -> Iterator[Callable[..., Ear]]:
    """`listen(port, topic)`: an `Ear`."""
    ears: list[Ear] = []

    def make(port: int, topic: str = "hil/#") -> Ear:
        ears.append(Ear(port, topic))
        return ears[-1]

    yield make
    for ear in ears:
        ear.close()


@dataclass
class Run:
    """A bus with an outlet to a broker."""

    bus: Bus
    desk: CommandDesk
    outlet: MqttOutlet


@pytest.fixture
def run_at() -> Iterator[Callable[..., Run]]:
    """`run_at(port, bench, **options)`: a bus whose outlet is connected."""
    runs: list[Run] = []

    def make(port: int, bench: str, *, tls: bool = False, **options: Any) -> Run:
        bus = Bus()
        desk = CommandDesk(bus)
        access = options.pop("access", Access())
        host = "localhost" if tls else "127.0.0.1"
        outlet = MqttOutlet(
            Address(host, port, tls), access, bus, desk, bench, back_off=FAST, **options
        )
        outlet.connect()
        bus.add(outlet)
        runs.append(Run(bus, desk, outlet))
        return runs[-1]

    yield make
    for run in runs:
        run.bus.close()


@pytest.fixture
def follow_at() -> Iterator[Callable[..., MqttSource]]:
    """`follow_at(port, bench)`: a source."""
    sources: list[MqttSource] = []

    def make(port: int, bench: str, issuer: str = "reader") -> MqttSource:
        address = Address("127.0.0.1", port, False, bench)
        sources.append(MqttSource(address, Access(), issuer=issuer, back_off=FAST))
        return sources[-1]

    yield make
    for source in sources:
        source.close()


@dataclass
class FakeBroker:
    """Speaks as much MQTT 3.1.1 to one client at a time as it takes to be a bad broker.

    refuse : code in its CONNACK. silent : accepts TCP and never says a word. echo : gives the
    client back what it publishes, but not on topics that end in one of `denied`. stalled : when
    set, reads and answers nothing more.
    """

    refuse: int = 0
    silent: bool = False
    echo: bool = True
    grant: int = 1
    denied: tuple[str, ...] = ()
    tls: ssl.SSLContext | None = None
    stalled: threading.Event = field(default_factory=threading.Event)
    connections: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._up.wait(PATIENCE)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(PATIENCE)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        await self._end.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            if self.silent:
                await self._end.wait()
            while not self._end.is_set():
                if self.stalled.is_set():
                    await self._end.wait()
                await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kind = (await reader.readexactly(1))[0]
        length, shift = 0, 0
        while True:
            byte = (await reader.readexactly(1))[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        body = await reader.readexactly(length)
        match kind >> 4:
            case 1:
                writer.write(bytes([0x20, 2, 0, self.refuse]))
            case 3:
                size = int.from_bytes(body[:2], "big")
                topic, rest = body[2 : 2 + size], body[2 + size :]
                if kind & 0x06:
                    writer.write(b"\x40\x02" + rest[:2])
                    rest = rest[2:]
                if self.echo and not topic.decode().endswith(self.denied or ("\0",)):
                    writer.write(_publish(topic, rest))
            case 8:
                writer.write(b"\x90\x03" + body[:2] + bytes([self.grant]))
            case 12:
                writer.write(b"\xd0\x00")
            case _:
                pass


def _publish(topic: bytes, payload: bytes) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic + payload
    length, packed = len(body), b""
    while True:
        length, digit = divmod(length, 128)
        packed += bytes([digit | (0x80 if length else 0)])
        if not length:
            return b"\x30" + packed + body


@pytest.fixture
def fake_broker() -> Iterator[Callable[..., FakeBroker]]:
    """`fake_broker(**behaviour)`: a `FakeBroker`."""
    made: list[FakeBroker] = []

    def make(**behaviour: Any) -> FakeBroker:
        made.append(FakeBroker(**behaviour))
        return made[-1]

    yield make
    for one in made:
        one.close()
