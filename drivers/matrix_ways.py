"""An input of a matrix switch, with some of its outputs, as an `OpticalSwitch` of so many ways."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.errors import InstrumentError, LimitError
from drivers.roles import OpticalMatrix


class MatrixWays:
    """An input of a matrix that is sent to one of several outputs, position 1 being the first.

    Other ports of the matrix stay as they are.
    """

    def __init__(self, name: str, matrix: OpticalMatrix, common: int, ways: Sequence[int]) -> None:
        """`common`: the input; `ways`: the outputs. Raises `ValueError` for none, or one twice."""
        if not ways or len(set(ways)) != len(ways):
            raise ValueError(f"{name}: ways {list(ways)} must be some outputs, each once")
        self.name = name
        self._matrix = matrix
        self._common = common
        self._ways = tuple(ways)

    @property
    def positions(self) -> int:
        """Number of ways."""
        return len(self._ways)

    @property
    def settle_time(self) -> float:
        """Seconds from the end of `select` until the light goes the new way."""
        return self._matrix.settle_time

    async def select(self, position: int) -> None:
        """Send the light the way `position`, 1 to `positions`. Raises `LimitError`.

        Raises `InstrumentError` where another input has that output; it keeps it.
        """
        if not 1 <= position <= len(self._ways):
            raise LimitError(self.name, "position", position, f"1 to {len(self._ways)}")
        way = self._ways[position - 1]
        joined = await self._matrix.connections()
        if joined.get(self._common) == way:
            return
        for other, output in joined.items():
            if output == way:
                hint = f"disconnect input {other} of the matrix first"
                raise InstrumentError(self.name, f"select {position}", f"{other} has {way}", hint)
        if self._common in joined:
            await self._matrix.disconnect([self._common])
        await self._matrix.connect({self._common: way})

    async def position(self) -> int:
        """Which way the light goes. Raises `InstrumentError` where that is none of them."""
        output = (await self._matrix.connections()).get(self._common)
        if output not in self._ways:
            found = "nothing" if output is None else f"output {output}"
            hint = "select() a position"
            raise InstrumentError(self.name, f"position of input {self._common}", found, hint)
        return self._ways.index(output) + 1
