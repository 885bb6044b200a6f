"""Settings of channels, chosen by the header's suffix (`SOUR3:VOLT 1`) or a list
(`SOUR:VOLT 1,(@1:3,7)`).

Where both are given the list counts (our own choice). A value that one channel of a list cannot
take changes none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments, channel_list, choice, named
from sim_backends.engine.session import Command, ScpiSession
from sim_backends.engine.settings import short

T = TypeVar("T")
CHANNELS = 24
RANGES = ((1, CHANNELS),)


def chosen(
    suffixes: tuple[int, ...], text: str, least: int, most: int
) -> tuple[list[str], list[int]]:
    """The parameters before a list, and the channels meant, as they are numbered: 1 to 24."""
    parts = arguments(text, 0, most + 1)
    channels = [suffixes[0]]
    if parts and parts[-1].startswith("("):
        channels = channel_list(parts.pop(), 1, CHANNELS)
    if len(parts) < least:
        raise ScpiError(-109)
    if len(parts) > most:
        raise ScpiError(-108)
    return parts, channels


class ChannelSetting(Generic[T]):
    """One setting of every channel; `bounds` are what MIN, MAX and DEF mean for a channel."""

    def __init__(
        self,
        read: Callable[[str], T],
        keep: Callable[[int, T], None],
        tell: Callable[[int], T],
        write: Callable[[T], str],
        *,
        check: Callable[[int, T], None] = lambda channel, value: None,
        bounds: Callable[[int], tuple[T, T, T]] | None = None,
    ) -> None:
        self._read, self._keep, self._tell, self._write = read, keep, tell, write
        self._check = check
        self._bounds = bounds

    def enter(
        self,
        commands: CommandTable[Command],
        pattern: str,
        changed: Callable[[Sequence[int]], None],
    ) -> None:
        """Add the command and its query; `changed` is called with the channels after a change."""

        def set_it(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
            (word,), channels = chosen(suffixes, text, 1, 1)
            values = [self._value(word, channel) for channel in channels]
            for channel, value in zip(channels, values, strict=True):
                self._check(channel, value)
            for channel, value in zip(channels, values, strict=True):
                self._keep(channel, value)
            changed(channels)

        def ask_it(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
            words, channels = chosen(suffixes, text, 0, 1)
            if words and not named(words[0]):
                raise ScpiError(-224)
            told = [
                self._value(words[0], channel) if words else self._tell(channel)
                for channel in channels
            ]
            return ",".join(map(self._write, told))

        commands.add(pattern, set_it, RANGES)
        commands.add(f"{pattern}?", ask_it, RANGES)

    def _value(self, word: str, channel: int) -> T:
        special = named(word)
        if special and self._bounds is not None:
            return self._bounds(channel)[("MIN", "MAX", "DEF").index(special)]
        return self._read(word)


def attribute(
    of: Callable[[int], Any],
    name: str,
    read: Callable[[str], T],
    write: Callable[[T], str],
    **options: Any,
) -> ChannelSetting[T]:
    """A setting that is an attribute of a channel, `of(number)`."""
    return ChannelSetting(
        read,
        lambda channel, value: setattr(of(channel), name, value),
        lambda channel: getattr(of(channel), name),
        write,
        **options,
    )  # fmt: skip


def keyword(*words: str) -> Callable[[str], str]:
    """Reads one of `words` (short form in capitals), as its short form."""
    shorts = {word.upper(): short(word) for word in words}
    return lambda text: shorts[choice(text, words)]


def telling(tell: Callable[[int], str]) -> Command:
    """A query of channels."""

    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
        _, channels = chosen(suffixes, text, 0, 0)
        return ",".join(map(tell, channels))

    return run


def acting(act: Callable[[int], None]) -> Command:
    """A command to channels without a value."""

    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        _, channels = chosen(suffixes, text, 0, 0)
        for channel in channels:
            act(channel)

    return run
