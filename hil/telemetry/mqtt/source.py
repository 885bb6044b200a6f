"""Follows the run of a bench over a broker: events for a reader, commands of its user.

Whatever comes is checked: what is not well-formed is counted and thrown away, and no more waits for
the reader than fits in little memory, however long it does not come by.
"""

from __future__ import annotations

import asyncio
import getpass
import logging
import os
import secrets
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence

from hil.telemetry.commands import Command, Verb
from hil.telemetry.errors import TelemetryError
from hil.telemetry.event import Stamped
from hil.telemetry.events import EpochEnded
from hil.telemetry.mqtt import payloads
from hil.telemetry.mqtt.access import Access, read_access
from hil.telemetry.mqtt.address import Address, parse
from hil.telemetry.mqtt.arrays import HEAVY
from hil.telemetry.mqtt.client import Link, LinkLost, Message
from hil.telemetry.mqtt.remote import NOTE
from hil.telemetry.mqtt.service import BackOff, Service, first_to_end
from hil.telemetry.mqtt.standing import LASTING, MOST_EPOCHS, Life
from hil.telemetry.mqtt.topics import Topics, as_name
from hil.telemetry.source import SourceError

logger = logging.getLogger(__name__)

#: Events that wait for the reader, and those of them with arrays, at most.
MOST_WAITING, MOST_ARRAYS = 20_000, 60
#: Numbers of events that hold, which are remembered.
MOST_TOLD = 2 * MOST_EPOCHS
#: s that a command is valid; that sending it may take; after which a silent bench is told of.
VALID, PATIENCE, SILENCE = 30.0, 5.0, 3.0

#: As whom a reader commands, where its name at the broker is not known here: a certificate's.
ISSUER = "HIL_MQTT_ISSUER"

#: Number of the controller's session, and of the event in it.
_Numbered = tuple[int, int, Stamped]


def follow(text: str, *, insecure: bool = False, access: Access | None = None) -> MqttSource:
    """A source for `mqtts://host/bench`, as it is typed.

    Raises
    ------
    SourceError
        Where address or secrets are wrong, or the broker is not there.
    """
    try:
        address = parse(text, insecure=insecure)
        return MqttSource(address, read_access() if access is None else access)
    except TelemetryError as error:
        raise SourceError(str(error)) from error


class MqttSource:
    """A `hil.telemetry.source.Source`.

    Parameters
    ----------
    issuer : as whom commands are given; by default what HIL_MQTT_ISSUER says, else the name at the
        broker, else that of the user here.

    Attributes
    ----------
    life : of the controller, as it is told; none: nothing was heard. counts : of `malformed`,
        `unknown_topics`, `lost_messages`, `overrun` (events that the reader was too slow for),
        `reconnects`, `too_large` and `unread`. dropped : events that the controller has dropped.
    """

    def __init__(
        self,
        address: Address,
        access: Access,
        *,
        issuer: str | None = None,
        back_off: BackOff | None = None,
    ) -> None:
        if not address.bench:
            raise SourceError(f"say which bench: {address.broker}/BENCH")
        self.address = address
        self.issuer = as_name(issuer or os.environ.get(ISSUER) or access.username or _user())
        self.life: Life | None = None
        self.dropped = 0
        self.topics = Topics(address.bench)
        self._lock = threading.Lock()
        self._waiting: deque[_Numbered] = deque()
        self._arrays: deque[_Numbered] = deque()
        self._heard = _Heard()
        self._since = time.monotonic()
        self._link: Link | None = None
        self._service = Service("mqtt source", address, access, self._serve, back_off=back_off)
        self.counts: Counter[str] = self._service.counts
        try:
            self._service.start()
        except TelemetryError as error:
            raise SourceError(str(error)) from error

    @property
    def name(self) -> str:
        """What is followed."""
        return str(self.address)

    @property
    def trouble(self) -> str:
        """Why nothing can come just now; empty: it can."""
        if self._service.trouble:
            return f"{self._service.trouble}; tries again"
        if self.life is Life.LOST:
            return f"the controller of {self.topics.bench} is lost: its connection broke"
        if self.life is None and time.monotonic() - self._since > SILENCE:
            return (
                f"nothing is told below {self.topics.root} at {self.address.broker}: is the "
                f"bench's name right, and may this user read it?"
            )
        return ""

    def poll(self) -> Sequence[Stamped]:
        """What is new, oldest first.

        Raises
        ------
        SourceError
            Where nothing waits and nothing can come just now, saying why; ask again later.
        """
        with self._lock:
            found = [*self._waiting, *self._arrays]
            self._waiting.clear()
            self._arrays.clear()
        if not found and (trouble := self.trouble):
            raise SourceError(trouble)
        found.sort(key=lambda one: one[:2])
        return [one for _, _, one in found]

    def command(self, verb: Verb) -> str:
        """Ask the run for something; the answer comes as an event, with the id given here.

        Raises
        ------
        SourceError
        """
        return self._ask(str(verb), None)

    def note(self, text: str) -> None:
        """Have something written into the record; raises as `command`."""
        if len(text) > payloads.LONGEST_NOTE:
            raise SourceError(f"a note has at most {payloads.LONGEST_NOTE} characters")
        self._ask(NOTE, text)

    def close(self) -> None:
        """Leave."""
        self._service.stop(PATIENCE)

    def _ask(self, verb: str, text: str | None) -> str:
        command = Command(
            id=secrets.token_hex(8), verb=verb, issuer=self.issuer, expires=time.time() + VALID
        )
        link = self._link
        if link is None or self._service.trouble:
            raise SourceError(f"{verb} cannot be asked: {self._service.trouble}")
        topic = self.topics.command(verb, self.issuer)
        try:
            work = link.publish(topic, payloads.command(command, text), qos=1)
            self._service.ask(work, PATIENCE)
        except (LinkLost, TimeoutError, asyncio.CancelledError) as error:
            raise SourceError(f"{verb} did not reach the broker: {error}") from None
        return command.id

    # In the service's thread.

    async def _serve(self, link: Link) -> None:
        topics = self.topics
        for topic in (topics.state, topics.now, topics.batch, topics.arrays):
            if not await link.subscribe(topic):
                raise TelemetryError(
                    f"{self.address.broker} lets this client not read {topic}: its access list "
                    f"must (mosquitto: topic read {topics.root}/#)"
                )
        self._link, self._since = link, time.monotonic()
        self._service.up()
        await first_to_end(self._listen(link), self._until_closed())

    async def _until_closed(self) -> None:
        await self._service.ending.wait()

    async def _listen(self, link: Link) -> None:
        async for message in link.messages():
            try:
                self._take(message)
            except payloads.Malformed as error:
                self.counts["malformed"] += 1
                if self.counts["malformed"] == 1:
                    logger.warning("%s: not well-formed: %s", message.topic[:200], error)

    def _take(self, message: Message) -> None:
        topics = self.topics
        if message.topic == topics.state:
            self.life, session = payloads.read_state(message.payload)
            if self.life is not Life.LOST:
                self._heard.begin(session)
        elif message.topic in (topics.batch, topics.arrays, topics.now):
            one = payloads.read_envelope(message.payload)
            new, lost = self._heard.new(one, message.topic, standing=message.topic == topics.now)
            self.counts["lost_messages"] += lost
            self.dropped = one.dropped
            self._keep(new)
        else:
            self.counts["unknown_topics"] += 1

    def _keep(self, events: Sequence[Stamped]) -> None:
        with self._lock:
            for one in events:
                queue, most = (
                    (self._arrays, MOST_ARRAYS)
                    if isinstance(one.event, HEAVY)
                    else (self._waiting, MOST_WAITING)
                )
                if len(queue) >= most:
                    queue.popleft()
                    self.counts["overrun"] += 1
                queue.append((self._heard.sessions, one.number, one))


class _Heard:
    """Which events were heard already: what holds is told again, and so is each of its events."""

    def __init__(self) -> None:
        self.sessions = 0
        self._session = ""
        self._told: OrderedDict[int, None] = OrderedDict()
        self._next: dict[str, int] = {}

    def begin(self, session: str) -> None:
        """Another controller numbers anew."""
        if session != self._session:
            self._session = session
            self.sessions += 1
            self._told.clear()
            self._next.clear()

    def new(
        self, one: payloads.Envelope, topic: str, *, standing: bool
    ) -> tuple[list[Stamped], int]:
        """Those not heard before, and how many messages of the topic are missing."""
        self.begin(one.session)
        lost = 0 if standing else max(0, one.seq - self._next.get(topic, one.seq))
        self._next[topic] = one.seq + 1
        events = [e for e in one.events if not (standing and e.number in self._told)]
        for event in events:
            if isinstance(event.event, (*LASTING, EpochEnded)):
                self._told[event.number] = None
        while len(self._told) > MOST_TOLD:
            self._told.popitem(last=False)
        return events, lost


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
