"""MEASure:SOURce: which inputs a measurement is of, where it does not say so itself.

A measurement that names its sources makes them the ones of those that do not. Source 2 is that of
delays and phases; none is set at first. Source: InfiniiVision programmer's guides (2000, 3000T and
4000 X-Series), ":MEASure:SOURce".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, choice
from sim_backends.engine.session import ScpiSession

from .math import name_of, source_of

if TYPE_CHECKING:
    from .scope import KeysightInfiniivision

INTERVALS = ("CYCLe", "DISPlay", "AUTO")
COUPLINGS = ("AC", "DC")
NONE = 0
"""Source 2 where none is set."""


class MeasureSources:
    """The sources that were named last."""

    def __init__(self, scope: KeysightInfiniivision) -> None:
        self._scope = scope
        self.first, self.second = 1, NONE
        scope.commands.add("MEASure:SOURce", self._set)
        scope.query("MEASure:SOURce", lambda _: self._told())

    def reset(self) -> None:
        """*RST."""
        self.first, self.second = 1, NONE

    def given(self, text: str, count: int) -> tuple[tuple[int, int], list[str]]:
        """Both sources of a measurement of `count` of them, and what is said besides: interval,
        kind of rms. Raises `ScpiError`.
        """
        words = arguments(text, 0, 2 + count) if text.strip() else []
        named: list[int] = []
        options: list[str] = []
        for word in words:
            try:
                options.append(choice(word, (*INTERVALS, *COUPLINGS)))
            except ScpiError:
                named.append(source_of(self._scope, word))
        if len(named) > count:
            raise ScpiError(-108)
        self._name(named)
        return (self.first, self.second), options

    def _set(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        self._name([source_of(self._scope, word) for word in arguments(text, 1, 2)])

    def _name(self, named: list[int]) -> None:
        if named:
            self.first = named[0]
        if len(named) > 1:
            self.second = named[1]

    def _told(self) -> str:
        if not self._scope.shown:
            return "NONE,NONE"
        return f"{name_of(self.first)},{name_of(self.second) if self.second else 'NONE'}"
