"""Exclusive and shared locks of an instrument with several clients (IVI-6.1, lock transactions).

A shared lock is asked for with a key that all its holders know; one of them may have the exclusive
lock beside it. Who holds none waits while others hold one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import IntEnum


class LockAnswer(IntEnum):
    """Answer to a request or a release."""

    FAILURE = 0
    SUCCESS = 1
    SHARED_RELEASED = 2
    ERROR = 3


class _Request:
    """A client that waits for a lock."""

    def __init__(self, client: object, key: str, answer: Callable[[LockAnswer], None]) -> None:
        self.client = client
        self.key = key
        self.answer = answer
        self.timer: asyncio.TimerHandle | None = None


class Locks:
    """The locks of one instrument."""

    def __init__(self) -> None:
        self._exclusive: object | None = None
        self._shared: dict[object, None] = {}
        self._key = ""
        self._waiting: list[_Request] = []
        self._told: dict[object, Callable[[], None]] = {}

    @property
    def exclusive(self) -> bool:
        """Whether a client holds the exclusive lock."""
        return self._exclusive is not None

    @property
    def holders(self) -> int:
        """How many clients hold a lock; one that holds both counts once."""
        return len(self._shared) + self.exclusive - (self._exclusive in self._shared)

    def allows(self, client: object) -> bool:
        """Whether what this client sends may be acted upon now."""
        if self._exclusive is not None:
            return self._exclusive is client
        return not self._shared or client in self._shared

    def join(self, client: object, changed: Callable[[], None]) -> None:
        """A client comes; `changed` is called after each change."""
        self._told[client] = changed

    def leave(self, client: object) -> None:
        """A client has gone: its locks are released, and what it waits for is not answered."""
        self._told.pop(client, None)
        for request in [one for one in self._waiting if one.client is client]:
            self._give_up(request)
        while self._drop(client) is not LockAnswer.ERROR:
            pass
        self._changed()

    def request(
        self, client: object, key: str, patience: float, answer: Callable[[LockAnswer], None]
    ) -> None:
        """Ask for the exclusive lock (no key) or the shared one; `answer` is called once, within
        `patience` s.
        """
        found = self._try(client, key)
        if found is LockAnswer.FAILURE and patience > 0:
            request = _Request(client, key, answer)
            loop = asyncio.get_running_loop()
            request.timer = loop.call_later(patience, self._late, request)
            self._waiting.append(request)
            return
        answer(found)
        if found is LockAnswer.SUCCESS:
            self._changed()

    def release(self, client: object) -> LockAnswer:
        """Give up a lock, the exclusive one first."""
        answer = self._drop(client)
        if answer is not LockAnswer.ERROR:
            self._changed()
        return answer

    def _try(self, client: object, key: str) -> LockAnswer:
        if self._exclusive is client or (key and client in self._shared):
            return LockAnswer.ERROR
        if self._exclusive is not None:
            return LockAnswer.FAILURE
        if not key:
            if self._shared and client not in self._shared:
                return LockAnswer.FAILURE
            self._exclusive = client
            return LockAnswer.SUCCESS
        if self._shared and key != self._key:
            return LockAnswer.FAILURE
        self._key = key
        self._shared[client] = None
        return LockAnswer.SUCCESS

    def _drop(self, client: object) -> LockAnswer:
        if self._exclusive is client:
            self._exclusive = None
            return LockAnswer.SUCCESS
        if client in self._shared:
            del self._shared[client]
            return LockAnswer.SHARED_RELEASED
        return LockAnswer.ERROR

    def _changed(self) -> None:
        for request in list(self._waiting):
            if request not in self._waiting:  # an answer before it ended this one
                continue
            found = self._try(request.client, request.key)
            if found is not LockAnswer.FAILURE:
                self._give_up(request)
                request.answer(found)
        for told in list(self._told.values()):
            told()

    def _late(self, request: _Request) -> None:
        self._give_up(request)
        request.answer(LockAnswer.FAILURE)

    def _give_up(self, request: _Request) -> None:
        self._waiting.remove(request)
        if request.timer is not None:
            request.timer.cancel()
