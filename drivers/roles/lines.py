"""Fast digital lines: what they play, and the role that plays it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class LineProgram:
    """A run of a pattern generator's digital lines: steps of a duration (ns) and a mask.

    Bit n of a mask is line n. After the last step the lines stay at `final`.
    """

    durations_ns: NDArray[np.int64]
    masks: NDArray[np.uint8]
    final: int = 0

    def __post_init__(self) -> None:
        durations = np.ascontiguousarray(self.durations_ns, dtype=np.int64)
        masks = np.ascontiguousarray(self.masks, dtype=np.uint8)
        if durations.ndim != 1 or durations.shape != masks.shape or durations.size == 0:
            raise ValueError(
                f"a line program needs as many masks as durations, and at least one; "
                f"got {self.durations_ns.shape} durations and {self.masks.shape} masks"
            )
        if not np.array_equal(durations, self.durations_ns):
            raise ValueError("durations of a line program are whole nanoseconds")
        if not np.array_equal(masks, self.masks):
            raise ValueError("masks of a line program are 8-bit: lines 0 to 7")
        if int(durations.min()) <= 0:
            raise ValueError("every step of a line program lasts at least 1 ns")
        if not 0 <= self.final <= 255:
            raise ValueError(f"final mask {self.final} is not between 0 and 255")
        object.__setattr__(self, "durations_ns", durations)
        object.__setattr__(self, "masks", masks)

    @property
    def duration(self) -> float:
        """Length of the run in s."""
        return int(self.durations_ns.sum()) * 1e-9

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, LineProgram)
            and self.final == other.final
            and np.array_equal(self.durations_ns, other.durations_ns)
            and np.array_equal(self.masks, other.masks)
        )

    def __hash__(self) -> int:
        return hash((self.durations_ns.tobytes(), self.masks.tobytes(), self.final))


@runtime_checkable
class SwitchSequencer(Protocol):
    """Fast digital lines: triggers, gates and bank select. The only role that fires."""

    def planned_load(self, steps: int) -> float:
        """Seconds to load a program of so many steps, by the link model."""
        ...

    def planned_start(self) -> float:
        """Seconds to start it, by the link model."""
        ...

    async def load(self, program: LineProgram) -> None:
        """Make `program` the one that the next `start` runs."""
        ...

    async def arm(self) -> None:
        """Be ready for `start`."""
        ...

    async def start(self) -> None:
        """Run the loaded program once."""
        ...

    async def hold(self, mask: int) -> None:
        """Stop, and hold the lines at `mask`."""
        ...

    async def finished(self) -> bool:
        """True once the started run has ended."""
        ...

    async def off(self) -> None:
        """Stop, all lines low."""
        ...
