"""Arrays that are kept from one frame to the next."""

from __future__ import annotations

import numpy as np

from sim_backends.plant.signals import Floats, Integers


class Scratch:
    """Work arrays by name, made once and used again while their shape stays.

    Fresh arrays of the size of a frame cost more in page faults than the arithmetic on them. What
    is handed out is overwritten by the next request of the same name: never keep it.
    """

    def __init__(self) -> None:
        self._floats: dict[str, Floats] = {}
        self._integers: dict[str, Integers] = {}

    def floats(self, name: str, *shape: int) -> Floats:
        """An array of numbers with any content."""
        array = self._floats.get(name)
        if array is None or array.shape != shape:
            array = self._floats[name] = np.empty(shape)
        return array

    def integers(self, name: str, *shape: int) -> Integers:
        """An array of indices with any content."""
        array = self._integers.get(name)
        if array is None or array.shape != shape:
            array = self._integers[name] = np.empty(shape, dtype=np.intp)
        return array
