"""Declaring a TSL-570's settings: optional nodes, the two notations, queries with units."""

from __future__ import annotations

from collections.abc import Callable

from sim_backends.engine.device import ScpiDevice
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import Ranges
from sim_backends.engine.parameters import arguments, named
from sim_backends.engine.session import Reply, ScpiSession
from sim_backends.engine.settings import Bound, Suffixes

from .notation import Notation

SOURCE = "[SOURce#:][CHANnel#:]"
"""Leads every command of the optical output; the numbers are 1 where they are given."""
ONE = ((1, 1), (1, 1))
AT = (1, 1)
Text = Callable[[float, str], str]


def _limit(bound: Bound) -> float:
    return bound(AT) if callable(bound) else bound


class Declaring:
    """Declares settings of a device in its notation."""

    def __init__(self, device: ScpiDevice, notation: Notation) -> None:
        self.device = device
        self.notation = notation
        self._places: dict[str, Suffixes] = {}

    def value(self, name: str) -> float:
        """A setting as it is."""
        return self.device.settings.value(name, *self._places[name])

    def keep(self, name: str, value: float) -> None:
        """Change a setting for a reason of the instrument's."""
        self.device.settings[name, *self._places[name]] = value

    def _place(self, name: str, pattern: str) -> Ranges:
        led = pattern.startswith(SOURCE)
        self._places[name] = AT if led else ()
        return ONE if led else ()

    def query(self, pattern: str, answer: Callable[[], Reply]) -> None:
        """A query without parameters."""

        def run(session: ScpiSession, suffixes: Suffixes, text: str) -> Reply:
            if text.strip():
                raise ScpiError(-108)
            return answer()

        self.device.commands.add(f"{pattern}?", run, ONE)

    def action(self, pattern: str, act: Callable[[], None]) -> None:
        """A command without parameters."""

        def run(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
            if text.strip():
                raise ScpiError(-108)
            act()

        self.device.commands.add(pattern, run, ONE)

    def pair(self, pattern: str, keep: Callable[[str], None], tell: Callable[[], str]) -> None:
        """A command with one parameter, and its query."""

        def run(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
            keep(arguments(text, 1, 1)[0])

        self.device.commands.add(pattern, run, ONE)
        self.query(pattern, tell)

    def number(
        self,
        name: str,
        pattern: str,
        low: Bound,
        high: Bound,
        default: Bound,
        *,
        read: Callable[[str], float],
        write: Callable[[float], str],
        changed: Callable[[], None] = lambda: None,
        check: Callable[[float], None] = lambda value: None,
    ) -> None:
        """A number in its notation."""
        ranges = self._place(name, pattern)
        self.device.settings.number(
            name, pattern, low, high, default, form=write, ranges=ranges,
            read=lambda text, unit: read(text), changed=lambda at: changed(),
            check=lambda at, value: check(value),
        )  # fmt: skip

    def with_units(
        self, pattern: str, value: Callable[[], float], low: Bound, high: Bound, write: Text
    ) -> None:
        """The query of a number: `? [unit] [MIN|MAX]`, and `:MIN?` as the Legacy set writes it."""

        def tell(session: ScpiSession, suffixes: Suffixes, text: str) -> str:
            words = text.replace(",", " ").split()
            which = named(words.pop()) if words and named(words[-1]) else ""
            if len(words) > 1:
                raise ScpiError(-108)
            unit = self.notation.units(words[0] if words else "")
            ends = {"MIN": low, "MAX": high}
            return write(_limit(ends[which]) if which in ends else value(), unit)

        self.device.commands.add(f"{pattern}?", tell, ONE)
        self.query(f"{pattern}:MINimum", lambda: write(_limit(low), ""))
        self.query(f"{pattern}:MAXimum", lambda: write(_limit(high), ""))

    def code(
        self,
        name: str,
        pattern: str,
        allowed: tuple[int, ...],
        default: int,
        *,
        changed: Callable[[], None] = lambda: None,
        check: Callable[[int], None] = lambda value: None,
    ) -> None:
        """One of a few whole numbers."""

        def verify(at: Suffixes, value: float) -> None:
            if value not in allowed:
                raise ScpiError(-222)
            check(int(value))

        self.device.settings.number(
            name, pattern, allowed[0], allowed[-1], default, whole=True,
            ranges=self._place(name, pattern),
            read=lambda text, unit: self.notation.bare(text),
            form=self.notation.whole,
            check=verify, changed=lambda at: changed(),
        )  # fmt: skip
