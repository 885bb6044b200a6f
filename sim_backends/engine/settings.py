"""Settings of an instrument, declared once: header, kind, range, default, and how it is told.

Each gives a command and its query. A number takes MIN, MAX and DEF, its query too
(`VOLT? MAX`); what the range is may depend on other settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import TypeVar

from .errors import ScpiError
from .header import CommandTable, Ranges
from .parameters import arguments, boolean, choice, named, number, string
from .session import Command, ScpiSession
from .writing import Form, nr3, quoted

T = TypeVar("T", float, bool, str)
Suffixes = tuple[int, ...]
Values = dict[str, dict[Suffixes, float | bool | str]]
"""All that is set, by name and suffixes; what is at its default is not among it."""
Bound = float | Callable[[Suffixes], float]
"""A limit or a default: a number, or what gives it for the header's suffixes."""


def _at(bound: Bound, suffixes: Suffixes) -> float:
    return bound(suffixes) if callable(bound) else bound


def short(word: str) -> str:
    """The short form of a keyword written with its short form in capitals."""
    return "".join(letter for letter in word if not letter.islower())


class Setting:
    """One declared setting of all its suffixes; values by suffixes."""

    def __init__(
        self,
        name: str,
        default: Callable[[Suffixes], float | bool | str],
        ranges: Ranges,
    ) -> None:
        self.name = name
        self.ranges = ranges
        self._default = default
        self._values: dict[Suffixes, float | bool | str] = {}

    def __getitem__(self, suffixes: Suffixes) -> float | bool | str:
        value = self._values.get(suffixes)
        return self._default(suffixes) if value is None else value

    def __setitem__(self, suffixes: Suffixes, value: float | bool | str) -> None:
        self._values[suffixes] = value

    @property
    def values(self) -> dict[Suffixes, float | bool | str]:
        """What is set, by suffixes."""
        return dict(self._values)

    def reset(self) -> None:
        """Back to the default."""
        self._values.clear()

    def places(self) -> Iterator[Suffixes]:
        """All suffixes there are."""
        return product(*(range(low, high + 1) for low, high in self.ranges))


class Settings:
    """All settings of one instrument. `settings["voltage", 2]` is that of suffix 2.

    `changed`, where given to a setting, is called after a command has set it, with the suffixes;
    `check` before, with the suffixes and the new value, and may raise `ScpiError`.
    """

    def __init__(self, commands: CommandTable[Command]) -> None:
        self._commands = commands
        self._all: dict[str, Setting] = {}

    def __getitem__(self, key: str | tuple[str | int, ...]) -> float | bool | str:
        name, suffixes = _split(key)
        return self._all[name][suffixes]

    def __setitem__(self, key: str | tuple[str | int, ...], value: float | bool | str) -> None:
        name, suffixes = _split(key)
        self._all[name][suffixes] = value

    def value(self, name: str, *suffixes: int) -> float:
        """A setting that is a number."""
        return float(self._all[name][suffixes])

    def word(self, name: str, *suffixes: int) -> str:
        """A setting that is a keyword (short form, capitals) or a string."""
        return str(self._all[name][suffixes])

    def on(self, name: str, *suffixes: int) -> bool:
        """A setting that is ON or OFF."""
        return bool(self._all[name][suffixes])

    def reset(self) -> None:
        """What *RST does: all defaults."""
        for setting in self._all.values():
            setting.reset()

    def values(self) -> Values:
        """All that is set, for `restore`."""
        return {name: setting.values for name, setting in self._all.items()}

    def restore(self, values: Values) -> None:
        """Back to what `values` told; nobody is told of it."""
        for name, setting in self._all.items():
            setting.reset()
            for suffixes, value in values[name].items():
                setting[suffixes] = value

    def number(
        self,
        name: str,
        pattern: str,
        low: Bound,
        high: Bound,
        default: Bound,
        *,
        unit: str = "",
        form: Form | None = None,
        ranges: Ranges = (),
        whole: bool = False,
        read: Callable[[str, str], float] = number,
        check: Callable[[Suffixes, float], None] | None = None,
        changed: Callable[[Suffixes], None] | None = None,
    ) -> None:
        """Declare a number with its limits (inclusive); `whole` rounds it as 488.2 asks.

        `read(text, unit)` reads a number, in another way where the maker has one. Out of range is
        refused with -222, or clipped where the dialect says so.
        """
        write = nr3(6) if form is None else form
        setting = self._enter(name, lambda suffixes: _at(default, suffixes), ranges)
        bounds = {"MIN": low, "MAX": high, "DEF": default}

        def keep(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
            (word,) = arguments(text, 1, 1)
            special = named(word)
            value = _at(bounds[special], suffixes) if special else read(word, unit)
            least, most = _at(low, suffixes), _at(high, suffixes)
            late: ScpiError | None = None
            if not least <= value <= most:
                if not session.dialect.clips:
                    raise ScpiError(-222)
                which = "upper" if value > most else "lower"
                late = ScpiError(-222, f"Data out of range; value clipped to {which} limit")
                value = most if value > most else least
            if whole:
                value = float(round(value))
            if check is not None:
                check(suffixes, value)
            setting[suffixes] = value
            if changed is not None:
                changed(suffixes)
            if late is not None:
                raise late

        def tell(session: ScpiSession, suffixes: Suffixes, text: str) -> str:
            special = named(arguments(text, 1, 1)[0]) if text.strip() else ""
            if text.strip() and not special:
                raise ScpiError(-224)
            return write(_at(bounds[special], suffixes) if special else float(setting[suffixes]))

        self._pair(pattern, keep, tell, ranges)

    def boolean(
        self,
        name: str,
        pattern: str,
        default: bool,
        *,
        form: Callable[[bool], str] = lambda on: "1" if on else "0",
        ranges: Ranges = (),
        check: Callable[[Suffixes, bool], None] | None = None,
        changed: Callable[[Suffixes], None] | None = None,
    ) -> None:
        """Declare a setting that is ON or OFF."""
        self._word(name, pattern, boolean, form, default, ranges, check, changed)

    def choice(
        self,
        name: str,
        pattern: str,
        words: tuple[str, ...],
        default: str,
        *,
        form: Callable[[str], str] = str,
        ranges: Ranges = (),
        check: Callable[[Suffixes, str], None] | None = None,
        changed: Callable[[Suffixes], None] | None = None,
    ) -> None:
        """Declare a keyword of `words` (short form in capitals); kept and told in its short form.

        `default` is one of the words.
        """
        shorts = {word.upper(): short(word) for word in words}

        def read(text: str) -> str:
            return shorts[choice(text, words)]

        self._word(name, pattern, read, form, short(default), ranges, check, changed)

    def text(
        self,
        name: str,
        pattern: str,
        default: str = "",
        *,
        read: Callable[[str], str] = string,
        form: Callable[[str], str] = quoted,
        ranges: Ranges = (),
        check: Callable[[Suffixes, str], None] | None = None,
        changed: Callable[[Suffixes], None] | None = None,
    ) -> None:
        """Declare a quoted string (or what `read` takes)."""
        self._word(name, pattern, read, form, default, ranges, check, changed)

    def _word(
        self,
        name: str,
        pattern: str,
        read: Callable[[str], T],
        form: Callable[[T], str],
        default: T,
        ranges: Ranges,
        check: Callable[[Suffixes, T], None] | None,
        changed: Callable[[Suffixes], None] | None,
    ) -> None:
        setting = self._enter(name, lambda suffixes: default, ranges)

        def keep(session: ScpiSession, suffixes: Suffixes, text: str) -> None:
            value = read(arguments(text, 1, 1)[0])
            if check is not None:
                check(suffixes, value)
            setting[suffixes] = value
            if changed is not None:
                changed(suffixes)

        def tell(session: ScpiSession, suffixes: Suffixes, text: str) -> str:
            if text.strip():
                raise ScpiError(-108)
            return form(setting[suffixes])  # type: ignore[arg-type]  # kept by `keep` alone

        self._pair(pattern, keep, tell, ranges)

    def _enter(
        self,
        name: str,
        default: Callable[[Suffixes], float | bool | str],
        ranges: Ranges,
    ) -> Setting:
        if name in self._all:
            raise ValueError(f"setting {name!r} is declared twice")
        setting = self._all[name] = Setting(name, default, ranges)
        return setting

    def _pair(self, pattern: str, keep: Command, tell: Command, ranges: Ranges) -> None:
        self._commands.add(pattern, keep, ranges)
        self._commands.add(f"{pattern}?", tell, ranges)


def _split(key: str | tuple[str | int, ...]) -> tuple[str, Suffixes]:
    if isinstance(key, str):
        return key, ()
    name, *suffixes = key
    return str(name), tuple(int(one) for one in suffixes)
