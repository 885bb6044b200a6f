"""A pattern generator's line as a light source's gate, or as that of the local oscillator."""

from __future__ import annotations

from drivers.roles import SwitchSequencer


class HeldLines:
    """The lines that a pattern generator holds between its runs; shared by the gates on it."""

    def __init__(self, switch: SwitchSequencer) -> None:
        self._switch = switch
        self.mask = 0

    async def set(self, mask: int, high: bool) -> None:
        """Hold the lines of `mask` high or low, the others as they are."""
        self.mask = self.mask | mask if high else self.mask & ~mask
        await self._switch.hold(self.mask)


class GateLine:
    """A gate that is open while its line is high; fills `LightSource` and `PhaseReference`.

    It acts between runs: within a run the loaded program drives the line.
    """

    def __init__(self, name: str, lines: HeldLines, line: int) -> None:
        self.name = name
        self.mask = 1 << line
        self._lines = lines

    async def on(self) -> None:
        """Open the gate."""
        await self._lines.set(self.mask, True)

    async def off(self) -> None:
        """Close the gate."""
        await self._lines.set(self.mask, False)
