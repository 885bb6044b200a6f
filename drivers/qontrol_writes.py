"""Which frames carry a change of some channels at the least cost of the link."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from drivers.link_model import LinkModel

UNKNOWN = -1
"""A channel whose output is not known: it may not be bridged, and is always written."""

_FRAME_BYTES = 9  # a vector frame without words, and the two bytes of its first word
_OK_BYTES = 3
CLOSING_SENT, CLOSING_READ = 4, 10
"""Bytes of the question that ends an exchange, and of its answer: `ID?`, `Q8iv-0001`."""


def plan_writes(
    wanted: NDArray[np.int64], held: NDArray[np.int64], link: LinkModel, longest: int
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Spans (first channel, words) that turn `held` (channels,) into `wanted` where they differ.

    Channels between two changes are sent again when that costs less than another exchange, but
    never one whose word is `UNKNOWN`. A span has at most `longest` words.
    """
    changed = np.flatnonzero(wanted != held)
    if changed.size == 0:
        return
    extra = link.cost(_FRAME_BYTES + CLOSING_SENT, _OK_BYTES + CLOSING_READ)
    worth = int(extra * link.bytes_per_second) // 2  # words that cost no more than an exchange
    first = previous = int(changed[0])
    for channel in changed[1:].tolist():
        gap = channel - previous - 1
        bridged = gap <= worth and channel - first < longest
        if gap and bridged:
            bridged = bool((held[previous + 1 : channel] != UNKNOWN).all())
        if not bridged:
            yield first, wanted[first : previous + 1]
            first = channel
        previous = channel
    yield first, wanted[first : previous + 1]
