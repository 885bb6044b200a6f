"""The schedule: which bank each slot uses, and where the input enters.

ReLaX-Net (arXiv 2511.00044; TIDAL-Net from its fourth version): n_banks is its L_W, the number of
weight banks; n_steps its L_T, the total number of steps. bank(t) = t mod n_banks. One bank is the
recurrent limit, n_banks = n_steps the untied deep network.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


class ScheduleError(ValueError):
    """A schedule that cannot be: the message names the numbers and the mend."""


class Injection(StrEnum):
    """Where a sample's features enter."""

    FIRST = "first"
    """All features at t = 0 (zero-padded), or streamed N at a time at t = 0, 1, …"""
    EVERY = "every"
    """The same features again at every step."""


@dataclass(frozen=True)
class Schedule:
    """A sequence of slots.

    Parameters
    ----------
    n_banks : weight banks used in turn, 1 <= n_banks <= n_steps.
    n_steps : slots of a sample in all; need not be a multiple of n_banks.
    injection : where the input enters.
    """

    n_banks: int
    n_steps: int
    injection: Injection = Injection.FIRST

    def __post_init__(self) -> None:
        if self.n_banks < 1:
            raise ScheduleError(f"n_banks is {self.n_banks}: at least one bank is needed")
        if self.n_steps < self.n_banks:
            raise ScheduleError(
                f"n_steps ({self.n_steps}) is less than n_banks ({self.n_banks}): some banks would "
                f"never be used; take --n-steps {self.n_banks} or more, or fewer banks"
            )

    def bank(self, step: int) -> int:
        """The bank of slot `step`."""
        return step % self.n_banks

    @property
    def banks(self) -> tuple[int, ...]:
        """The bank of every slot, in order."""
        return tuple(self.bank(t) for t in range(self.n_steps))

    def toggles(self) -> int:
        """Changes of the selected bank during one pass."""
        order = self.banks
        return sum(a != b for a, b in pairwise(order))

    def injected_steps(self, features: int, ports: int) -> int:
        """Number of steps at which input enters.

        Raises
        ------
        ScheduleError
            When streaming needs more steps than there are.
        """
        if self.injection is Injection.EVERY:
            if features > ports:
                raise ScheduleError(
                    f"{features} features cannot be injected at every step of a {ports}-port "
                    "machine; reduce the features or stream them (injection first)"
                )
            return self.n_steps
        needed = -(-features // ports)
        if needed > self.n_steps:
            raise ScheduleError(
                f"{features} features stream into {ports} ports over {needed} steps, but n_steps "
                f"is {self.n_steps}; take --n-steps {needed} or more"
            )
        return needed

    def place(self, features: NDArray[np.float64], ports: int) -> NDArray[np.float64]:
        """Lay features (batch, features) out in time: (batch, n_steps, ports), V_pi."""
        batch, width = features.shape
        steps = self.injected_steps(width, ports)
        inputs = np.zeros((batch, self.n_steps, ports))
        if self.injection is Injection.EVERY:
            inputs[:, :, :width] = features[:, None, :]
            return inputs
        padded = np.zeros((batch, steps * ports))
        padded[:, :width] = features
        inputs[:, :steps] = padded.reshape(batch, steps, ports)
        return inputs

    def text(self, features: int, ports: int) -> str:
        """The schedule as a table, one line a slot."""
        steps = self.injected_steps(features, ports)
        limit = ""
        if self.n_banks == 1:
            limit = " (recurrent limit)"
        elif self.n_banks == self.n_steps:
            limit = " (untied deep limit)"
        lines = [
            f"n_banks {self.n_banks}, n_steps {self.n_steps}{limit}, "
            f"{self.n_steps / self.n_banks:g} passes a bank, {self.toggles()} bank changes",
            "slot  bank  input",
        ]
        for t in range(self.n_steps):
            entering = "-"
            if t < steps:
                first = 0 if self.injection is Injection.EVERY else t * ports
                last = min(first + ports, features)
                entering = f"features {first} to {last - 1}"
            lines.append(f"{t:4d}  {self.bank(t):4d}  {entering}")
        return "\n".join(lines)
