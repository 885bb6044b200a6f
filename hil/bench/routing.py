"""The way of the light: fibre switches that must stand so that it reaches the chip."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drivers.instrument import Instrument
from drivers.roles import OpticalMatrix, OpticalSwitch
from hil.bench.beside_tables import Route
from hil.bench.errors import BenchFileError
from hil.bench.file import BenchFile
from hil.bench.states import BenchError
from hil.bench.tapping import incomplete

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Routed:
    """A way of the light and what makes it; None where a person does."""

    table: Route
    switch: OpticalSwitch | OpticalMatrix | None
    instrument: Instrument | None

    async def make(self, tell: Tell) -> None:
        """Let the light go that way, and see that the switch tells so.

        Raises
        ------
        LimitError
            Before a byte leaves, for a position or port that there is not.
        BenchError
            When the switch tells another way, or an output serves another input.
        """
        table = self.table
        if isinstance(self.switch, OpticalMatrix):
            await self._join(self.switch)
        elif self.switch is not None:
            assert table.position is not None  # `routed` has seen to it
            await self.switch.select(table.position)
            if (found := await self.switch.position()) != table.position:
                raise self._wrong(f"position {found}")
        if self.switch is not None:
            await asyncio.sleep(self.switch.settle_time)
            tell(f"switch {table.switch}: {table.told}")

    async def stands(self) -> bool:
        """Whether the light goes that way, as the switch tells it."""
        if isinstance(self.switch, OpticalMatrix):
            joined = await self.switch.connections()
            return all(joined.get(a) == b for a, b in self.table.connect)
        return self.switch is None or await self.switch.position() == self.table.position

    async def part(self) -> None:
        """Of a matrix, part what this way joins; a switch keeps its place."""
        if isinstance(self.switch, OpticalMatrix):
            joined = await self.switch.connections()
            mine = [a for a, b in self.table.connect if joined.get(a) == b]
            if mine:
                await self.switch.disconnect(mine)

    async def _join(self, matrix: OpticalMatrix) -> None:
        """Join the pairs; what else the matrix joins is other people's, and stays."""
        wanted = dict(self.table.connect)
        matrix.check(wanted)
        before = await matrix.connections()
        taken = {b: a for a, b in before.items()}
        for a, b in wanted.items():
            if taken.get(b, a) != a:
                raise BenchError(
                    f"switch {self.table.switch}: input {taken[b]} is joined to output {b}, which "
                    f"this bench needs for input {a}: part them, or change route in the bench file"
                )
        moved = [a for a, b in wanted.items() if before.get(a, b) != b]
        if moved:
            await matrix.disconnect(moved)
        await matrix.connect(wanted)
        joined = await matrix.connections()
        if any(joined.get(a) != b for a, b in wanted.items()):
            raise self._wrong(", ".join(f"{a} to {b}" for a, b in joined.items()) or "nothing")

    def _wrong(self, found: str) -> BenchError:
        return BenchError(
            f"switch {self.table.switch} tells {found} and not {self.table.told}: see that nothing "
            f"else commands it, and that it moves"
        )


def routed(file: BenchFile, built: Mapping[str, Instrument]) -> tuple[Routed, ...]:
    """The ways of a bench's light, in the file's order.

    Raises
    ------
    BenchFileError
        For a position that the switch has not.
    """
    found, faults = [], []
    for index, table in enumerate(file.routes):
        if table.kind == "manual":
            found.append(Routed(table, None, None))
            continue
        instrument = built[table.switch]
        if not isinstance(instrument, OpticalMatrix if table.position is None else OpticalSwitch):
            role = "OpticalMatrix" if table.position is None else "OpticalSwitch"
            faults.append(f"route.{index}.switch: {incomplete(instrument, role)}")
            continue
        if isinstance(instrument, OpticalSwitch) and (table.position or 0) > instrument.positions:
            faults.append(
                f"route.{index}.position: must be 1 to {instrument.positions}, not {table.position}"
            )
        found.append(Routed(table, instrument, instrument))
    if faults:
        raise BenchFileError(file.source, faults)
    return tuple(found)
