"""Faults on order: what can go wrong on a link, asked for by tests and demonstrations.

Faults of an instrument's own outputs (a stuck or dead channel) are set on the instrument, see
`sim_backends.qontrol_q8.QontrolChain`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fate:
    """What becomes of one reply: parts with the delay (s) before each, and whether the link then
    drops.
    """

    parts: tuple[tuple[bytes, float], ...] = ()
    drop: bool = False


@dataclass
class LinkFaults:
    """Faults waiting for the next replies of one endpoint, first ordered first served; then all is
    well again.
    """

    pending: deque[Callable[[bytes], Fate]] = field(default_factory=deque)

    def next(self, reply: bytes) -> Fate:
        """The fate of `reply` under the oldest fault ordered."""
        return self.pending.popleft()(reply)

    def silence(self, replies: int = 1) -> None:
        """The next `replies` replies never leave."""
        self.pending.extend([lambda reply: Fate()] * replies)

    def garbage(self, noise: bytes = b"\xff\x00\xa5?") -> None:
        """The next reply is preceded by `noise`, as after a glitch on a serial line."""
        self.pending.append(lambda reply: Fate(((noise + reply, 0.0),)))

    def replace(self, reply: bytes) -> None:
        """The next reply is `reply` instead."""
        self.pending.append(lambda _: Fate(((reply, 0.0),)))

    def late(self, seconds: float) -> None:
        """The next reply leaves `seconds` late."""
        self.pending.append(lambda reply: Fate(((reply, seconds),)))

    def split(self, at: int, pause: float) -> None:
        """The next reply comes in two pieces, cut after `at` bytes, `pause` s apart."""
        self.pending.append(lambda reply: Fate(((reply[:at], 0.0), (reply[at:], pause))))

    def truncate(self, at: int) -> None:
        """The next reply ends after `at` bytes."""
        self.pending.append(lambda reply: Fate(((reply[:at], 0.0),)))

    def drop(self) -> None:
        """The link closes instead of the next reply."""
        self.pending.append(lambda reply: Fate(drop=True))
