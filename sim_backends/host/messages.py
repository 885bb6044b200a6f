"""What a message-based host (HiSLIP, VXI-11) needs of an instrument: a conversation in messages.

On such a link a message has an end of its own, the instrument sees whether its answer was read, and
status byte, device clear and trigger travel beside the messages (IEEE 488.2-1992, 6).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from sim_backends.faults import Fate, LinkFaults

from .session import Conversation

T = TypeVar("T")

INTERRUPTED = -410
"""Error of a query whose answer was not read before the next message came."""
UNTERMINATED = -420
"""Error of a read with nothing asked."""


class MessageConversation(Conversation, Protocol):
    """An instrument's side of one message-based connection.

    `receive` takes bytes as on a stream: a terminator inside still ends a message. `send`, given to
    what makes the conversation, is called with one whole response message each time.
    """

    def by_messages(self) -> None:
        """The link tells where a message ends; called once, first."""
        ...

    def end(self) -> None:
        """END came with the last byte: the message is complete even without its terminator."""
        ...

    def clear(self) -> None:
        """Device clear: empties input and output and ends what is awaited; settings and errors
        stay.
        """
        ...

    def trigger(self) -> None:
        """A group execute trigger."""
        ...

    def status_byte(self, message_available: bool) -> int:
        """The status byte: bit 4 as given, bit 6 the master summary."""
        ...

    def error(self, code: int) -> None:
        """Queue an error that the link found."""
        ...

    def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed`, until `close`, when the status byte may have changed by itself."""
        ...

    @property
    def pending(self) -> int:
        """Messages that have come and are not finished; while one is being answered, those after
        it.
        """
        ...


MessageConverse = Callable[[Callable[[bytes], None]], MessageConversation]
"""How an instrument takes up a message-based connection: given `send`."""


class ServiceRequest:
    """The RQS latch of one client: set when the master summary rises, cleared by a serial poll
    (IEEE 488.2-1992, 11.3).
    """

    def __init__(self) -> None:
        self._summary = False
        self._requested = False

    def rises(self, status: int) -> bool:
        """Look at the status byte; whether service is requested that was not before."""
        summary = bool(status & 64)
        new = summary and not self._summary and not self._requested
        self._summary = summary
        self._requested = self._requested or new
        return new

    def polled(self, status: int) -> int:
        """What a serial poll reads of `status`: RQS in bit 6."""
        self.rises(status)
        requested, self._requested = self._requested, False
        return status & ~64 | 64 * requested


def fate_of(reply: bytes, faults: LinkFaults) -> Fate:
    """What becomes of a response message, the usual case at no cost."""
    return faults.next(reply) if faults.pending else Fate(((reply, 0.0),))


def pieces(reply: bytes, fate: Fate) -> list[tuple[bytes, float, bool]]:
    """A reply's parts as (bytes, delay before, END with the last byte).

    A part ends the message if it is the last one, or the whole reply (which then comes twice).
    """
    parts = [(part, delay) for part, delay in fate.parts if part]
    return [
        (part, delay, at == len(parts) - 1 or reply in part)
        for at, (part, delay) in enumerate(parts)
    ]


class Departures(Generic[T]):
    """What leaves a while later: in the order given, each after a delay of its own at least."""

    def __init__(self, leave: Callable[[T], None]) -> None:
        self._leave = leave
        self._waiting: deque[T] = deque()
        self._timers: deque[asyncio.TimerHandle] = deque()
        self._free = 0.0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, item: T, delay: float) -> None:
        """Let `item` leave `delay` s after what was added before; at once where nothing waits."""
        if not delay and not self._waiting:
            self._leave(item)
            return
        loop = asyncio.get_running_loop()
        self._free = max(self._free, loop.time()) + delay
        self._waiting.append(item)
        self._timers.append(loop.call_at(self._free, self._due))

    def clear(self) -> None:
        """Nothing of it leaves."""
        while self._timers:
            self._timers.popleft().cancel()
        self._waiting.clear()
        self._free = 0.0

    def _due(self) -> None:
        # Timers of one instant come in any order; what they carry leaves in the order given.
        self._timers.popleft()
        self._leave(self._waiting.popleft())
