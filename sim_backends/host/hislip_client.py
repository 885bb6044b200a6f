"""One HiSLIP client: its messages in, the instrument's answers out, and what goes beside them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from sim_backends.faults import LinkFaults

from .hislip_packets import HEADER, MAX_PAYLOAD, Fatal, Kind, Packet, Refused
from .locks import LockAnswer, Locks
from .messages import (
    INTERRUPTED,
    Departures,
    MessageConverse,
    ServiceRequest,
    fate_of,
    pieces,
)

_BEFORE_THE_FIRST = 0xFFFFFEFE
"""Number that stands for the last message where there was none."""
_MOST_HELD = 8 * MAX_PAYLOAD
"""Bytes that a client may send while another one's lock keeps them waiting."""
_LEAST_SIZE = 256
_LOCK_KEY = 256
_REMOTE_LOCAL_MODES = 7


class HislipChannel(Protocol):
    """What a client needs of each of its two connections."""

    def send(self, kind: Kind, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
        """Send a message."""
        ...

    def fail(self, failure: Fatal) -> None:
        """Tell of what cannot be mended, and close all of the client's connections."""
        ...

    def end(self) -> None:
        """Close it."""
        ...


class HislipClient:
    """A session: made by the synchronous channel, complete once `attach` brings the other."""

    def __init__(
        self,
        channel: HislipChannel,
        converse: MessageConverse,
        faults: LinkFaults,
        locks: Locks,
        forget: Callable[[], None],
    ) -> None:
        self._sync = channel
        self._async: HislipChannel | None = None
        self._faults = faults
        self._locks = locks
        self._forget = forget
        self._ended = False
        self._clearing = False
        self._last_id = _BEFORE_THE_FIRST
        self._unread = False  # an answer was sent of which the client has not said that it read it
        self._partial = False  # the message that is coming has not ended
        self._delivering = False
        self._held: deque[Packet] = deque()
        self._held_size = 0
        self._largest = MAX_PAYLOAD
        self._service = ServiceRequest()
        self._departures: Departures[tuple[Kind, int, int, bytes]] = Departures(
            lambda packet: channel.send(*packet)
        )
        locks.join(self, self._lock_changed)
        self._conversation = converse(self._answer)
        self._conversation.by_messages()
        self._conversation.watch(self._look)

    @property
    def established(self) -> bool:
        """Whether both channels are there."""
        return self._async is not None

    def attach(self, channel: HislipChannel) -> None:
        """The asynchronous channel has come."""
        self._async = channel

    def lost(self, channel: HislipChannel) -> None:
        """A channel has closed. What came on the synchronous one before is still carried out."""
        if channel is self._sync:
            self.end()

    def end(self) -> None:
        """The session is over."""
        if self._ended:
            return
        self._ended = True
        self._forget()
        self._departures.clear()
        self._conversation.close()
        self._locks.leave(self)
        self._sync.end()
        if self._async is not None:
            self._async.end()

    def take(self, channel: HislipChannel, packet: Packet) -> None:
        """A message on one of the channels. Raises `Fatal` or `Refused`."""
        if self._async is None:
            raise Fatal(Fatal.NOT_ESTABLISHED, "the asynchronous channel is missing")
        if packet.kind in (Kind.INITIALIZE, Kind.ASYNC_INITIALIZE):
            raise Fatal(Fatal.SEQUENCE, "this connection is initialized")
        if channel is self._sync:
            self._take_sync(packet)
        else:
            self._take_async(self._async, packet)

    # -- the synchronous channel ------------------------------------------------------------------

    def _take_sync(self, packet: Packet) -> None:
        kind = packet.kind
        if self._clearing:
            if kind == Kind.DEVICE_CLEAR_COMPLETE:
                self._clearing = False
                self._sync.send(Kind.DEVICE_CLEAR_ACKNOWLEDGE)
            return
        if kind == Kind.DEVICE_CLEAR_COMPLETE:
            raise Refused(0, "no device clear is under way")
        if kind not in (Kind.DATA, Kind.DATA_END, Kind.TRIGGER):
            raise Refused(Refused.MESSAGE_TYPE, f"message type {kind} on the synchronous channel")
        if self._held or not self._locks.allows(self):
            self._held_size += len(packet.payload) + HEADER.size
            if self._held_size > _MOST_HELD:
                raise Fatal(0, "too much was sent against another client's lock")
            self._held.append(packet)
            return
        self._deliver(packet)

    def _deliver(self, packet: Packet) -> None:
        conversation = self._conversation
        if self._unread and not packet.control & 1:
            conversation.error(INTERRUPTED)
        self._unread = False
        self._last_id = packet.parameter
        self._delivering = True
        if packet.kind == Kind.TRIGGER:
            conversation.trigger()
        else:
            if packet.payload:
                conversation.receive(packet.payload)
            if packet.kind == Kind.DATA_END:
                conversation.end()
            self._partial = packet.kind == Kind.DATA
        self._delivering = False
        self._look()

    def _lock_changed(self) -> None:
        while self._held and self._locks.allows(self) and not self._ended:
            packet = self._held.popleft()
            self._held_size -= len(packet.payload) + HEADER.size
            self._deliver(packet)

    # -- answers ----------------------------------------------------------------------------------

    def _answer(self, reply: bytes) -> None:
        """The instrument's `send`: one whole response message."""
        if self._ended or self._clearing:
            return
        if self._conversation.pending or (self._partial and not self._delivering):
            # A message came before this answer was ready: it is never sent.
            self._conversation.error(INTERRUPTED)
            if self._async is not None:
                self._async.send(Kind.ASYNC_INTERRUPTED, 0, self._last_id)
            self._sync.send(Kind.INTERRUPTED, 0, self._last_id)
            return
        fate = fate_of(reply, self._faults)
        self._unread = True
        largest = self._largest
        for part, delay, ends in pieces(reply, fate):
            whole = len(part) - 1
            for at in range(0, len(part), largest):
                last = ends and at + largest > whole
                kind = Kind.DATA_END if last else Kind.DATA
                packet = kind, 0, self._last_id, part[at : at + largest]
                self._departures.add(packet, delay if at == 0 else 0.0)
        if fate.drop:
            self.end()
        else:
            self._look()

    # -- the asynchronous channel -----------------------------------------------------------------

    def _take_async(self, channel: HislipChannel, packet: Packet) -> None:
        if packet.kind == Kind.ASYNC_STATUS_QUERY:
            channel.send(Kind.ASYNC_STATUS_RESPONSE, self._poll(packet))
        elif packet.kind == Kind.ASYNC_DEVICE_CLEAR:
            self._clear()
            channel.send(Kind.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE)
        elif packet.kind == Kind.ASYNC_MAX_SIZE:
            if len(packet.payload) != 8:
                raise Fatal(Fatal.MALFORMED, "AsyncMaxMsgSize bears 8 bytes")
            size = int.from_bytes(packet.payload, "big")
            self._largest = min(max(size, _LEAST_SIZE) - HEADER.size, MAX_PAYLOAD)
            channel.send(Kind.ASYNC_MAX_SIZE_RESPONSE, 0, 0, MAX_PAYLOAD.to_bytes(8, "big"))
        elif packet.kind == Kind.ASYNC_LOCK:
            self._lock(channel, packet)
        elif packet.kind == Kind.ASYNC_LOCK_INFO:
            locks = self._locks
            channel.send(Kind.ASYNC_LOCK_INFO_RESPONSE, int(locks.exclusive), locks.holders)
        elif packet.kind == Kind.ASYNC_REMOTE_LOCAL:
            if packet.control >= _REMOTE_LOCAL_MODES:
                raise Refused(Refused.CONTROL_CODE, f"no remote/local mode {packet.control}")
            channel.send(Kind.ASYNC_REMOTE_LOCAL_RESPONSE)
        else:
            raise Refused(
                Refused.MESSAGE_TYPE, f"message type {packet.kind} on the asynchronous channel"
            )

    def _poll(self, packet: Packet) -> int:
        read = bool(packet.control & 1)
        if read:
            self._unread = False
        named = (packet.parameter - self._last_id) & 0xFFFFFFFF in (0, 2)
        return self._service.polled(self._conversation.status_byte(self._unread and named))

    def _look(self) -> None:
        """Tell of a service request that has arisen."""
        if self._ended or self._async is None or self._delivering:
            return
        status = self._conversation.status_byte(self._unread)
        if self._service.rises(status):
            self._async.send(Kind.ASYNC_SERVICE_REQUEST, status)

    def _clear(self) -> None:
        self._departures.clear()
        self._held.clear()
        self._held_size = 0
        self._unread = self._partial = False
        self._last_id = _BEFORE_THE_FIRST
        self._clearing = True
        self._conversation.clear()

    def _lock(self, channel: HislipChannel, packet: Packet) -> None:
        def answer(found: LockAnswer) -> None:
            channel.send(Kind.ASYNC_LOCK_RESPONSE, found)

        if packet.control == 0:
            answer(self._locks.release(self))
        elif packet.control == 1:
            if len(packet.payload) > _LOCK_KEY:
                raise Refused(Refused.TOO_LARGE, f"a lock's key has {_LOCK_KEY} bytes at most")
            key = packet.payload.decode("latin-1")
            self._locks.request(self, key, packet.parameter / 1e3, answer)
        else:
            raise Refused(Refused.CONTROL_CODE, f"no lock control code {packet.control}")
