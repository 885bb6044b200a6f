"""Faults on order: what can go wrong on a link, asked for by tests and demonstrations.

Faults of an instrument's own (a stuck or dead channel, an over-temperature) are its `own_faults`.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fate:
    """What becomes of one reply: parts with the delay (s) before each, and whether the link then
    drops.

    `copies` come so long (s) after the reply was due, between others as it happens, and hold up
    nothing: on streams of bytes. A message-based link has none.
    """

    parts: tuple[tuple[bytes, float], ...] = ()
    drop: bool = False
    copies: tuple[tuple[bytes, float], ...] = ()


Trouble = Callable[[bytes], Fate]
"""What befalls a reply."""


def silence() -> Trouble:
    """It never leaves."""
    return lambda reply: Fate()


def garbage(noise: bytes = b"\xff\x00\xa5?") -> Trouble:
    """It is preceded by `noise`, as after a glitch on a serial line."""
    return lambda reply: Fate(((noise + reply, 0.0),))


def late(seconds: float) -> Trouble:
    """It leaves `seconds` late."""
    return lambda reply: Fate(((reply, seconds),))


def split(at: int, pause: float) -> Trouble:
    """It comes in two pieces, cut after `at` bytes, `pause` s apart."""
    return lambda reply: Fate(((reply[:at], 0.0), (reply[at:], pause)))


def duplicate(pause: float = 0.0) -> Trouble:
    """It comes twice, the second time `pause` s after the first."""
    return lambda reply: Fate(((reply, 0.0), (reply, pause)))


def copied(seconds: float) -> Trouble:
    """It comes again, `seconds` later, whatever has been said by then."""
    return lambda reply: Fate(((reply, 0.0),), copies=((reply, seconds),))


def truncate(at: int) -> Trouble:
    """It ends after `at` bytes."""
    return lambda reply: Fate(((reply[:at], 0.0),))


def drop() -> Trouble:
    """The link closes instead."""
    return lambda reply: Fate(drop=True)


class LinkFaults:
    """Faults of one endpoint: ordered ones befall the next replies, first ordered first served;
    then those that come by chance.
    """

    def __init__(self, seed: int = 0) -> None:
        self._ordered: deque[Trouble] = deque()
        self._chances: list[tuple[float, Trouble]] = []
        self._random = random.Random(seed)

    @property
    def pending(self) -> bool:
        """Whether anything may befall the next reply."""
        return bool(self._ordered or self._chances)

    def next(self, reply: bytes) -> Fate:
        """The fate of `reply`."""
        if self._ordered:
            return self._ordered.popleft()(reply)
        for chance, trouble in self._chances:
            if self._random.random() < chance:
                return trouble(reply)
        return Fate(((reply, 0.0),))

    def order(self, trouble: Trouble) -> None:
        """Let it befall the next reply that nothing is ordered for yet."""
        self._ordered.append(trouble)

    def by_chance(self, chance: float, trouble: Trouble) -> None:
        """Let it befall each reply with a probability from 0 to 1."""
        self._chances.append((chance, trouble))

    def clear(self) -> None:
        """All is well again."""
        self._ordered.clear()
        self._chances.clear()

    def silence(self, replies: int = 1) -> None:
        """The next `replies` replies never leave."""
        for _ in range(replies):
            self.order(silence())

    def garbage(self, noise: bytes = b"\xff\x00\xa5?") -> None:
        """The next reply is preceded by `noise`."""
        self.order(garbage(noise))

    def replace(self, reply: bytes) -> None:
        """The next reply is `reply` instead."""
        self.order(lambda _: Fate(((reply, 0.0),)))

    def late(self, seconds: float) -> None:
        """The next reply leaves `seconds` late."""
        self.order(late(seconds))

    def split(self, at: int, pause: float) -> None:
        """The next reply comes in two pieces, cut after `at` bytes, `pause` s apart."""
        self.order(split(at, pause))

    def duplicate(self, pause: float = 0.0) -> None:
        """The next reply comes twice, the second time `pause` s after the first."""
        self.order(duplicate(pause))

    def copied(self, seconds: float) -> None:
        """The next reply comes again, `seconds` later, whatever has been said by then."""
        self.order(copied(seconds))

    def truncate(self, at: int) -> None:
        """The next reply ends after `at` bytes."""
        self.order(truncate(at))

    def drop(self) -> None:
        """The link closes instead of the next reply."""
        self.order(drop())
