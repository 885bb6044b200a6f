"""What a trainer meets between its steps: whoever keeps its state, and whoever makes it wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hil.learn.loop import Trainer


class Keeper(Protocol):
    """Keeps the state of a trainer, so that a run can be resumed."""

    def step(self, trainer: Trainer) -> None:
        """After each step."""
        ...

    def epoch(self, trainer: Trainer) -> None:
        """After each epoch."""
        ...


class NoKeeper:
    """Keeps nothing."""

    def step(self, trainer: Trainer) -> None:
        """Nothing."""

    def epoch(self, trainer: Trainer) -> None:
        """Nothing."""


Hold = Callable[[], Awaitable[None]]


async def no_hold() -> None:
    """Go on at once."""
