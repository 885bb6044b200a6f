"""The commands of `python -m hil.operate`: their words, their help, and what they do."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import numpy as np

from calibration.record import CalibrationRecord
from hil.bench.cores import MICRORING
from hil.operating.dither import DRIVE, MOST_PERIODS, PERIODS, dither
from hil.operating.hand import Hand
from hil.operating.request import (
    UNITS,
    RequestError,
    bank_of,
    count_of,
    element_of,
    number_of,
    value_with_unit,
)
from hil.operating.showing import (
    shown_dither,
    shown_frame,
    shown_read,
    shown_status,
    summed_read,
)
from hil.operating.units import level_of

Say = Callable[[str], None]
Do = Callable[[Coroutine[Any, Any, Any]], Any]


@dataclass(frozen=True)
class Command:
    """A command: how it is typed, what it does in a line, and its words after the name at least
    and at most.
    """

    usage: str
    help: str
    least: int
    most: int | None
    run: Callable[[Commands, list[str]], None]


class Commands:
    """Carries out commands on a bench. `do` runs work on the bench's loop, `say` prints a line."""

    def __init__(self, hand: Hand, record: CalibrationRecord | None, do: Do, say: Say) -> None:
        self.hand = hand
        self.file = hand.file
        self._record = record
        self._do = do
        self._say = say

    def __call__(self, words: list[str]) -> None:
        """Do one command.

        Raises
        ------
        RequestError, LimitError
            When it cannot be done as asked: nothing was sent.
        InstrumentError, LinkError
            When the bench did not answer as it should.
        """
        name, *rest = words
        command = COMMANDS.get(name)
        if command is None:
            raise RequestError(f"no command {name!r}; there are {', '.join(COMMANDS)}")
        if len(rest) < command.least or (command.most is not None and len(rest) > command.most):
            raise RequestError(f"write {command.usage}")
        command.run(self, rest)

    def _tell(self, lines: Any) -> None:
        for line in lines:
            self._say(line)

    def help(self, words: list[str]) -> None:
        """Print what there is to type."""
        for name, command in COMMANDS.items():
            if not words or name in words:
                self._say(f"  {command.usage:34s} {command.help}")

    def status(self, words: list[str]) -> None:
        """Print where the bench stands."""
        self._tell(shown_status(self.hand, self.file))

    def arm(self, words: list[str]) -> None:
        """Warm, lit and ready."""
        self._do(self.hand.arm())

    def set(self, words: list[str]) -> None:
        """One element to a value."""
        self.hand.need_armed()
        name = element_of(words[0], self.file)
        value, unit = value_with_unit(words[1:])
        level = level_of(value, unit, name, self.file, self._record)
        self._do(self.hand.set_level(name, level))
        self._tell(shown_read(self.hand, self._do(self.hand.read()), [name.bank], name))

    def dither(self, words: list[str]) -> None:
        """A square wave on one element."""
        self.hand.need_armed()
        name = element_of(words[0], self.file)
        spaced = len(words) > 2 and words[2].casefold() in {unit.casefold() for unit in UNITS}
        amplitude = words[1:3] if spaced else words[1:2]
        value, unit = value_with_unit(amplitude, "mW")
        if unit != "mW":
            raise RequestError(f"an amplitude is in mW, not in {unit}")
        after = words[1 + len(amplitude) :]
        if len(after) > 1:
            raise RequestError(f"write {COMMANDS['dither'].usage}")
        periods = count_of(after[0], "periods", MOST_PERIODS) if after else PERIODS
        self._say(
            f"element {name}: +-{value:g} mW about {1e3 * self._level(name):.4g} mW, "
            f"{periods} periods"
        )
        self._tell(shown_dither(self._do(dither(self.hand, name, 1e-3 * value, periods))))

    def _level(self, name: Any) -> float:
        return float(self.hand.levels[name.bank, name.element])

    def hold(self, words: list[str]) -> None:
        """Select a bank."""
        bank = bank_of(words[0], self.file)
        self._do(self.hand.hold(bank))
        point = "quadrature" if self.file.core == MICRORING else "null"
        self._say(f"  {self.hand.lines}; modulators at 0 V, their {point}")

    def frame(self, words: list[str]) -> None:
        """Run one frame."""
        self.hand.need_armed()
        bank, ports = bank_of(words[0], self.file), self.file.ports
        values = [number_of(word, "drive") for word in words[1:]]
        if len(values) not in (0, 1, ports):
            raise RequestError(
                f"{len(values)} values for {ports} ports: give one for each port, one for all, or "
                "none to drive each input in turn"
            )
        drives = np.resize(values, (1, ports)) if values else DRIVE * np.eye(ports)
        reading = self._do(self.hand.frame(bank, drives))
        self._tell(shown_frame(reading))

    def read(self, words: list[str]) -> None:
        """Read heater channels back."""
        banks = range(self.file.n_banks)
        name = element_of(words[0], self.file) if words and ":" in words[0] else None
        if words:
            banks = [name.bank if name is not None else bank_of(words[0], self.file)]
        read = self._do(self.hand.read())
        shown = shown_read(self.hand, read, banks, name) if words else summed_read(self.hand, read)
        self._tell(shown)

    def idle(self, words: list[str]) -> None:
        """All heaters to their idle levels."""
        self._do(self.hand.idle())

    def off(self, words: list[str]) -> None:
        """Everything off."""
        failed = self._do(self.hand.off())
        for line in failed:
            self._say(f"FAILED to make safe: {line}")
        self._say(f"  the bench is {self.hand.core.state}")


COMMANDS: dict[str, Command] = {
    "help": Command("help [COMMAND]", "this list", 0, 1, Commands.help),
    "status": Command("status", "state, light, power, and what was moved", 0, 0, Commands.status),
    "arm": Command("arm", "warm and lit, ready for what follows", 0, 0, Commands.arm),
    "set": Command(
        "set BANK:ELEMENT VALUE mW|rad|V", "one element, by the ramp", 2, 3, Commands.set
    ),
    "dither": Command(
        "dither BANK:ELEMENT MW [PERIODS]",
        f"its level up and down, {PERIODS} times: what each port shows of it",
        2,
        4,
        Commands.dither,
    ),
    "hold": Command("hold BANK", "select a bank and keep the light on", 1, 1, Commands.hold),
    "frame": Command(
        "frame BANK [VALUE ...]",
        "run and plot one frame; drives in V_pi: one a port, one for all, or each input in turn",
        1,
        None,
        Commands.frame,
    ),
    "read": Command(
        "read [BANK | BANK:ELEMENT]",
        "volts and amperes as the chassis measure",
        0,
        1,
        Commands.read,
    ),
    "idle": Command("idle", "all heaters to the idle levels, by the ramp", 0, 0, Commands.idle),
    "off": Command("off", "light off, outputs off, heaters down their ramp", 0, 0, Commands.off),
    "quit": Command(
        "quit", "off, and leave; so do Ctrl-C and the end of input", 0, 0, Commands.off
    ),
}
