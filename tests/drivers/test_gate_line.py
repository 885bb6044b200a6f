"""Gates on a pattern generator's lines."""

from __future__ import annotations

from drivers.gate_line import GateLine, HeldLines
from drivers.roles import LightSource, LineProgram, PhaseReference


class Recorder:
    """A pattern generator that notes what it is told to hold."""

    def __init__(self) -> None:
        self.held: list[int] = []

    def planned_load(self, steps: int) -> float:
        return 0.0

    def planned_start(self) -> float:
        return 0.0

    async def load(self, program: LineProgram) -> None: ...

    async def arm(self) -> None: ...

    async def start(self) -> None: ...

    async def hold(self, mask: int) -> None:
        self.held.append(mask)

    async def finished(self) -> bool:
        return True

    async def off(self) -> None: ...


async def test_gates_on_one_generator_leave_each_other_alone() -> None:
    switch = Recorder()
    lines = HeldLines(switch)
    light, lo = GateLine("light", lines, 1), GateLine("lo", lines, 2)
    assert isinstance(light, LightSource)
    assert isinstance(lo, PhaseReference)
    await lo.on()
    await light.on()
    await light.off()
    await lo.off()
    assert switch.held == [0b100, 0b110, 0b100, 0]
