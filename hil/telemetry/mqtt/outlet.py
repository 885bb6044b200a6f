"""The outlet of a run to a broker.

The bus hands events to the outlet's thread, which hands them on to a loop in another: there they
wait, so many at most, to be sent in batches. Neither the run nor the bus ever waits for a broker.
What holds (state, alarms, description) is kept here, and told again at each connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.metadata import version

from hil.telemetry.bus import Bus, Outlet
from hil.telemetry.commands import CommandDesk
from hil.telemetry.errors import TelemetryError
from hil.telemetry.event import Stamped
from hil.telemetry.mqtt import payloads
from hil.telemetry.mqtt.access import Access
from hil.telemetry.mqtt.address import Address
from hil.telemetry.mqtt.arrays import ARRAYS_PER_SECOND
from hil.telemetry.mqtt.client import TIMEOUT, Link, LinkLost, Message, Will
from hil.telemetry.mqtt.remote import RemoteDesk, Rights
from hil.telemetry.mqtt.service import BackOff, Service, alongside, first_to_end
from hil.telemetry.mqtt.standing import Life
from hil.telemetry.mqtt.telling import Telling
from hil.telemetry.mqtt.topics import Topics, as_name

logger = logging.getLogger(__name__)

#: s between two batches, and for which events are gathered before they are handed on.
EVERY, GATHER = 0.1, 0.05
#: Commands that wait to be obeyed, at most.
MOST_COMMANDS = 100


class MqttOutlet(Outlet):
    """Use `connect` first, then add it to a bus; `close` tells that the controller has left.

    Parameters
    ----------
    bus, desk : of the bench, for commands.
    bench : its name: the topics are below `hil/v1/<bench>` unless `address` names another.
    rights : who may command; by default nobody.
    arrays_per_second : steps a second whose levels and slots are told, at most; 0: none.
    on_close : called when it has closed.

    Attributes
    ----------
    counts : of what was sent, and of what went wrong.
    """

    def __init__(
        self,
        address: Address,
        access: Access,
        bus: Bus,
        desk: CommandDesk,
        bench: str,
        *,
        rights: Rights | None = None,
        arrays_per_second: float = ARRAYS_PER_SECOND,
        back_off: BackOff | None = None,
        on_close: Callable[[], object] = lambda: None,
    ) -> None:
        self.address, self.rights = address, rights or Rights()
        self.topics = Topics(address.bench or as_name(bench))
        self.session = secrets.token_hex(8)
        will = Will(self.topics.state, payloads.state(Life.LOST, self.session))
        self._service = Service("mqtt", address, access, self._serve, will=will, back_off=back_off)
        self.counts: Counter[str] = self._service.counts
        self._desk = RemoteDesk(desk, bus, self.rights, self.counts)
        self._telling = Telling(
            self.topics, self.session, arrays_per_second, self._drop, self.counts
        )
        self._commands: asyncio.Queue[Message] = asyncio.Queue(MOST_COMMANDS)
        self._on_close = on_close
        self._leaving = threading.Event()
        super().__init__("mqtt", self._take)

    @property
    def connected(self) -> bool:
        """Whether a broker takes what is told."""
        return not self._service.trouble

    @property
    def trouble(self) -> str:
        """Why no broker takes it; empty: one does."""
        return self._service.trouble

    def connect(self) -> None:
        """Connect, and verify that what is told arrives.

        Raises
        ------
        TelemetryError
            Where it does not; the outlet is closed then.
        """
        try:
            self._service.start()
        except BaseException:
            super().close(0.0)
            self._on_close()
            raise

    def close(self, patience: float = 5.0) -> bool:
        """Send what waits, say that the controller leaves; whether all was sent in `patience` s."""
        self._leaving.set()
        handed = super().close(patience)
        handed = self._service.stop(patience) and handed and not self._telling.waiting
        self._on_close()
        return handed

    @property
    def waiting(self) -> int:
        """Events that wait for the broker."""
        return super().waiting + self._telling.waiting

    # In the outlet's thread.

    def _take(self, events: Sequence[Stamped]) -> None:
        self._service.call(self._telling.take, events)
        # Each wake-up of this thread costs the run's a little: few of them, with many events each.
        self._leaving.wait(GATHER)

    # In the service's thread.

    def _drop(self, number: int) -> None:
        self.dropped += number

    async def _serve(self, link: Link) -> None:
        await self._greet(link)
        self._service.up()
        async with alongside(self._obey(link)):
            await first_to_end(self._send(link), self._listen(link))

    async def _greet(self, link: Link) -> None:
        """Birth; verify by it that this client may write and read its own topics."""
        topics = self.topics
        self._telling.begin()
        await link.subscribe(f"{topics.root}/alarm/+")
        await link.subscribe(topics.state)
        await link.subscribe(f"{topics.root}/cmd/#")
        checked = topics.command("check", self.session)
        await link.publish(
            topics.state, payloads.state(Life.INIT, self.session), qos=1, retain=True
        )
        # What is sent comes back in order: where the last is back, all that will be is.
        awaited = {topics.state}
        if self.rights.allowed:
            await link.publish(checked, b"", qos=1)
            awaited.add(checked)
        try:
            async with asyncio.timeout(TIMEOUT):
                async for message in link.messages():
                    if message.topic == checked or self._is_birth(message):
                        awaited.discard(message.topic)
                        if not awaited:
                            break
                    else:
                        await self._hear(link, message)
        except TimeoutError:
            raise self._denied(min(awaited)) from None
        description = payloads.meta(
            topics, self.session, version("hil-photonics"), self.rights.verbs()
        )
        await link.publish(topics.meta, description, qos=1, retain=True)

    def _denied(self, topic: str) -> TelemetryError:
        self.counts["denied"] += 1
        return TelemetryError(
            f"{self.address.broker} took the message on {topic} and never gave it back: its access "
            f"list must let this client write and read it (mosquitto: topic readwrite "
            f"{self.topics.root}/#)"
        )

    def _is_birth(self, message: Message) -> bool:
        return (
            message.topic == self.topics.state
            and not message.retain
            and message.payload == payloads.state(Life.INIT, self.session)
        )

    async def _listen(self, link: Link) -> None:
        async for message in link.messages():
            await self._hear(link, message)

    async def _hear(self, link: Link, message: Message) -> None:
        match self.topics.below(message.topic):
            case ["state"]:
                await self._hear_state(link, message)
            case ["alarm", id_] if message.retain and message.payload:
                self._telling.alarm_stands(id_, message.payload)
            case ["cmd", *levels] if levels != ["check", self.session]:
                if self._commands.full():
                    self.counts["flooding"] += 1
                else:
                    self._commands.put_nowait(message)
            case _:
                pass

    async def _hear_state(self, link: Link, message: Message) -> None:
        """A will that comes late, of an older connection or controller, is not the last word."""
        try:
            life, session = payloads.read_state(message.payload)
        except payloads.Malformed:
            self.counts["malformed"] += 1
            return
        if life in (Life.LOST, Life.DISCONNECTED):
            if self.connected and not self._service.ending.is_set():
                await self._telling.life(link, self._telling.standing.life)
        elif session != self.session and not self.counts["others"]:
            self.counts["others"] += 1
            logger.warning(
                "another controller speaks for %s (or was frozen there until now): two must not "
                "run one bench",
                self.topics.root,
            )

    async def _obey(self, link: Link) -> None:
        """Give commands to the desk, in order, off the loop: obeying may take a while."""
        while True:
            message = await self._commands.get()
            levels = self.topics.below(message.topic)[1:]
            try:
                answer = await asyncio.to_thread(
                    self._desk.answer, levels, message.payload, message.retain
                )
                if answer is not None:
                    ack = payloads.ack(answer)
                    await link.publish(self.topics.ack(answer.id), ack, qos=1)
            except LinkLost:
                return  # told by those who listen and send
            except Exception as error:  # obeying failed: the next command may do better
                self.failed += 1
                logger.warning("a command over MQTT failed: %s", error)

    async def _send(self, link: Link) -> None:
        """Tell what holds and what happens, until the end."""
        while True:
            leaving = self._service.ending.is_set()
            await self._telling.tell(link)
            if leaving and not self._telling.waiting:
                await self._telling.life(link, Life.DISCONNECTED)
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._service.ending.wait(), EVERY)
