"""A session: commands from a prompt, a pipe or an option, one after the other, until `off`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from drivers.errors import InstrumentError, LimitError
from drivers.transport.link import LinkError
from hil.operating.commands import Commands
from hil.operating.request import RequestError, split_line

#: What a command is refused for: nothing was sent, and a person at a prompt may try again.
REFUSED = (RequestError, LimitError)
#: What an instrument or its link did: the bench is driven off.
TROUBLE = (InstrumentError, LinkError)


class Source(Protocol):
    """Where lines come from. `patient`: a person sees what is refused, and goes on."""

    patient: bool

    def lines(self, commands: Commands) -> Iterator[str]:
        """Lines as they come."""
        ...


def prompt_of(commands: Commands) -> str:
    """The prompt: bench and state."""
    return f"{commands.file.name} [{commands.hand.core.state}]> "


class Prompt:
    """A person at a terminal; the end of input (Ctrl-D) ends the session."""

    patient = True

    def lines(self, commands: Commands) -> Iterator[str]:
        """Ask for one line at a time."""
        with suppress(ImportError):
            import readline  # noqa: F401 - gives `input` a history
        while True:
            try:
                yield input(prompt_of(commands))
            except EOFError:
                print()
                return


class Script:
    """Lines that were given, or are piped in; each is shown as if it had been typed."""

    patient = False

    def __init__(self, text: str | None = None) -> None:
        """`text` has `;` between commands; None: standard input."""
        self._text = text

    def lines(self, commands: Commands) -> Iterator[str]:
        """Show and give each line."""
        for line in sys.stdin if self._text is None else self._text.split(";"):
            print(f"{prompt_of(commands)}{line.strip()}", flush=True)
            yield line


def run_session(commands: Commands, source: Source) -> None:
    """Do what the source says until it ends, or says `quit`.

    Raises
    ------
    RequestError, LimitError, InstrumentError, LinkError
        Of a source that nobody watches, at the first command that is not done.
    """
    for line in source.lines(commands):
        try:
            for words in split_line(line):
                if words == ["quit"]:
                    return
                commands(words)
        except REFUSED as error:
            if not source.patient:
                raise
            print(f"refused: {error}")
        except TROUBLE as error:
            if not source.patient:
                raise
            print(f"error: {error}; driving the bench off")
            commands(["off"])
