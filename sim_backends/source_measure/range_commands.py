"""A range setting: a value or UP and DOWN, with autorange, told as the range's largest value."""

from __future__ import annotations

from collections.abc import Callable

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments, boolean, named, number
from sim_backends.engine.session import Command, ScpiSession
from sim_backends.engine.writing import Form

from .ranges import Range, least_range


class RangeSetting:
    """The range of one source or meter.

    `follow()` gives the range that autorange takes now; `check(index)` may refuse a fixed one;
    `tell(index)` is what the query answers, V or A.
    """

    def __init__(
        self,
        commands: CommandTable[Command],
        pattern: str,
        ranges: tuple[Range, ...],
        default: float,
        follow: Callable[[], int],
        form: Form,
        *,
        unit: str,
        check: Callable[[int], None] | None = None,
        changed: Callable[[], None] | None = None,
        tell: Callable[[int], float] | None = None,
    ) -> None:
        self._ranges = ranges
        self._default = default
        self._follow = follow
        self._form = form
        self._unit = unit
        self._check = check
        self._changed = changed
        self._tell = tell
        self.auto = True
        self.fixed = least_range(ranges, default)
        root = pattern.split("[:UPPer]")[0]
        commands.add(pattern, self._set)
        commands.add(f"{pattern}?", self._ask)
        commands.add(f"{root}:AUTO", self._set_auto)
        commands.add(f"{root}:AUTO?", lambda session, suffixes, text: str(int(self.auto)))

    @property
    def index(self) -> int:
        """The range in force."""
        return self._follow() if self.auto else self.fixed

    @property
    def full(self) -> float:
        """Largest value of the range in force."""
        return self._ranges[self.index].full

    def reset(self) -> None:
        """*RST."""
        self.auto = True
        self.fixed = least_range(self._ranges, self._default)

    def fix(self, index: int) -> None:
        """Take a range, and autorange off."""
        if self._check is not None:
            self._check(index)
        self.auto, self.fixed = False, index
        if self._changed is not None:
            self._changed()

    def _set(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        (word,) = arguments(text, 1, 1)
        upper = word.upper()
        last = len(self._ranges) - 1
        if upper == "UP":
            self.fix(min(self.index + 1, last))
        elif upper == "DOWN":
            self.fix(max(self.index - 1, 0))
        elif special := named(word):
            places = {"MIN": 0, "MAX": last, "DEF": least_range(self._ranges, self._default)}
            self.fix(places[special])
        else:
            value = number(word, self._unit)
            if not abs(value) <= self._ranges[-1].full * (1 + 1e-9):
                raise ScpiError(-222)
            self.fix(least_range(self._ranges, value))

    def _ask(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
        index = self.index
        if text.strip():
            special = named(arguments(text, 1, 1)[0])
            if not special:
                raise ScpiError(-224)
            places = {"MIN": 0, "MAX": len(self._ranges) - 1}
            index = places.get(special, least_range(self._ranges, self._default))
        return self._form(self._ranges[index].full if self._tell is None else self._tell(index))

    def _set_auto(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        on = boolean(arguments(text, 1, 1)[0])
        if not on and self.auto:
            self.fixed = self._follow()
        self.auto = on
        if self._changed is not None:
            self._changed()
