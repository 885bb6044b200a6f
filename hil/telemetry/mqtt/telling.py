"""What a controller tells a broker: batches of events, what holds, alarms, arrays. On one loop."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Sequence

from hil.telemetry.event import Event, Stamped
from hil.telemetry.events import (
    CommandAnswered,
    Fault,
    Noted,
    RunEnded,
    RunStarted,
    StateChanged,
    Watched,
)
from hil.telemetry.mqtt import payloads
from hil.telemetry.mqtt.arrays import HEAVY, ArraysThrottle
from hil.telemetry.mqtt.client import LARGEST, Link, LinkLost
from hil.telemetry.mqtt.standing import TRIPPED, Life, Standing
from hil.telemetry.mqtt.topics import Topics

#: Events of one batch, and those that wait for a broker, at most.
MOST_OF_BATCH, MOST_WAITING = 200, 2000
#: Kinds that are told one by one, in JSON, too.
READABLE: tuple[type[Event], ...] = (
    RunStarted,
    RunEnded,
    StateChanged,
    Watched,
    Fault,
    Noted,
    CommandAnswered,
)


class Telling:
    """Takes events, keeps what waits and what holds, and tells it when it is given a connection.

    drop : called with the number of events that are dropped. counts : gets `messages`, `bytes`
    and `too_large_to_tell`.
    """

    def __init__(
        self,
        topics: Topics,
        session: str,
        arrays_per_second: float,
        drop: Callable[[int], None],
        counts: Counter[str],
    ) -> None:
        self.standing = Standing()
        self._topics, self._session, self._counts = topics, session, counts
        self._arrays = ArraysThrottle(arrays_per_second)
        self._waiting: deque[Stamped] = deque()
        self._drop = drop
        self._dropped = 0
        self._seq: Counter[str] = Counter()
        self._life_told: Life | None = None
        self._alarms_told: dict[str, bytes] = {}

    @property
    def waiting(self) -> int:
        """Events that wait; arrays are not counted."""
        return len(self._waiting)

    def take(self, events: Sequence[Stamped]) -> None:
        """Learn of events; of too many the oldest are dropped, but what holds is known."""
        for one in events:
            self.standing.take(one)
            if isinstance(one.event, HEAVY):
                self._arrays.offer(one)
                continue
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.popleft()
                self._lose(1)
            self._waiting.append(one)

    def begin(self) -> None:
        """Forget what an earlier connection was told: what holds is told anew."""
        self._life_told, self._alarms_told = None, {}
        self.standing.changed = True

    def alarm_stands(self, id_: str, payload: bytes) -> None:
        """Learn that the broker keeps an alarm, of this controller or of one that was killed."""
        self._alarms_told.setdefault(id_, payload)

    async def life(self, link: Link, life: Life) -> None:
        """Say how the controller lives."""
        word = payloads.state(life, self._session)
        await link.publish(self._topics.state, word, qos=1, retain=True)
        self._life_told = life

    async def tell(self, link: Link) -> None:
        """Tell what is new.

        Raises
        ------
        LinkLost
        """
        if self.standing.life is not self._life_told:
            await self.life(link, self.standing.life)
        await self._news(link)
        if self.standing.changed:
            self.standing.changed = False
            await self._events(link, self._topics.now, self.standing.events(), retain=True)
        await self._alarms(link)

    async def _news(self, link: Link) -> None:
        """Tell all that waits, so that readers have it in order."""
        while True:
            arrays = self._arrays.first
            before = math.inf if arrays is None else arrays.number
            if self._waiting and self._waiting[0].number < before:
                await self._batch(link, before)
            elif arrays is not None:
                self._arrays.pass_on()
                await self._events(link, self._topics.arrays, [arrays])
            else:
                return

    async def _batch(self, link: Link, before: float) -> None:
        """Tell some events with numbers below one."""
        events: list[Stamped] = []
        while self._waiting and self._waiting[0].number < before and len(events) < MOST_OF_BATCH:
            events.append(self._waiting.popleft())
        try:
            await self._events(link, self._topics.batch, events)
        except LinkLost:
            self._lose(len(events))
            raise
        for one in events:
            if isinstance(one.event, READABLE):
                line = payloads.readable(one, self._session)
                await link.publish(self._topics.event, line, qos=1)

    async def _alarms(self, link: Link) -> None:
        alarms = {
            id_: payloads.alarm(one, self._session) for id_, one in self.standing.alarms.items()
        }
        if self.standing.state is None and TRIPPED in self._alarms_told:
            # What an earlier controller could not make safe is so until the bench says otherwise.
            alarms.setdefault(TRIPPED, self._alarms_told[TRIPPED])
        for id_ in self._alarms_told.keys() - alarms.keys():
            await link.publish(self._topics.alarm(id_), b"", qos=1, retain=True)
        for id_, payload in alarms.items():
            if self._alarms_told.get(id_) != payload:
                await link.publish(self._topics.alarm(id_), payload, qos=1, retain=True)
        self._alarms_told = alarms

    async def _events(
        self, link: Link, topic: str, events: Sequence[Stamped], *, retain: bool = False
    ) -> None:
        seq = self._seq[topic]
        self._seq[topic] += 1
        payload = payloads.envelope(payloads.Envelope(self._session, seq, self._dropped, events))
        if len(payload) > LARGEST:
            self._counts["too_large_to_tell"] += 1
            return
        await link.publish(topic, payload, qos=int(retain), retain=retain)
        self._counts["messages"] += 1
        self._counts["bytes"] += len(payload)

    def _lose(self, number: int) -> None:
        self._dropped += number
        self._drop(number)
