"""*SAV and *RCL: the settings of an instrument in numbered places (IEEE 488.2-1992, 10.29, 10.33).

What is saved are its declared settings, and named attributes of its parts that are no declared
settings. What it measured, its status, its error queue and what it does are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from .errors import ScpiError
from .header import CommandTable
from .parameters import arguments, integer
from .session import Command, ScpiSession
from .settings import Settings, Values

Part = tuple[object, tuple[str, ...]]
"""A part of an instrument, and its attributes that are saved."""
State = tuple[Values, list[dict[str, Any]]]


class SavedStates:
    """The places of an instrument, 0 to `most`."""

    def __init__(
        self,
        commands: CommandTable[Command],
        settings: Settings,
        parts: Sequence[Part],
        most: int,
        *,
        before: Callable[[], None],
        after: Callable[[], None],
        empty: Callable[[], ScpiError] | None = None,
    ) -> None:
        """`before` a recall, and `after` it, the instrument is told. A place where nothing was
        saved raises what `empty` gives; without it, it holds the settings as they are now: those
        that the instrument was made with.
        """
        self._settings = settings
        self._parts = tuple(parts)
        self._most = most
        self._before, self._after = before, after
        self._empty = empty
        self._states: dict[int, State] = {}
        self._first = self._taken()
        commands.add("*SAV", lambda session, suffixes, text: self.save(self.place(text)))
        commands.add("*RCL", self._recall_command)

    def __len__(self) -> int:
        return self._most + 1

    def __contains__(self, place: int) -> bool:
        return self._empty is None or place in self._states

    def place(self, text: str) -> int:
        """The number of a place. Raises `ScpiError` -222."""
        return integer(arguments(text, 1, 1)[0], 0, self._most)

    def save(self, place: int) -> None:
        """Keep the settings as they are."""
        self._states[place] = self._taken()

    def recall(self, place: int) -> None:
        """Back to the settings that were saved. Raises `ScpiError` where none were."""
        state = self._states.get(place)
        if state is None:
            if self._empty is not None:
                raise self._empty()
            state = self._first
        self._before()
        values, attributes = deepcopy(state)
        self._settings.restore(values)
        for (part, names), kept in zip(self._parts, attributes, strict=True):
            for name in names:
                setattr(part, name, kept[name])
        self._after()

    def delete(self, place: int) -> None:
        """Nothing is saved there any more."""
        self._states.pop(place, None)

    def _recall_command(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        self.recall(self.place(text))

    def _taken(self) -> State:
        attributes = [{name: getattr(part, name) for name in names} for part, names in self._parts]
        return deepcopy((self._settings.values(), attributes))
