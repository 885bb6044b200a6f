"""*SAV, *RCL and MEMory: the five places for states, of which 0 is that of the power-down.

A state has the outputs as they were. Waveforms in the volatile memory are no part of it: a state
that names one which is there no more plays the default. Sources: Agilent 33250A user's guide and
Keysight Truevolt-family manuals, "State Storage Commands"; the number of the error for an empty
place and the places' names are those of the older generators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.engine.common import plain
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, integer, string
from sim_backends.engine.saved import Part, SavedStates
from sim_backends.engine.session import ScpiSession
from sim_backends.engine.writing import quoted

from .memory import DEFAULT

if TYPE_CHECKING:
    from .generator import Keysight33600A

MOST = 4
NAMES = ["AUTO_RECALL", *(f"STATE_{place}" for place in range(1, MOST + 1))]
LONGEST_NAME = 12
_LEVEL = (
    "emf_pp", "emf_offset", "load", "unit", "crest", "auto_range", "limited", "emf_lowest",
    "emf_highest",
)  # fmt: skip


def add_states(generator: Keysight33600A) -> SavedStates:
    """Enter them; comes last, when everything has its default."""
    commands = generator.commands
    parts: list[Part] = []
    for channel in generator.channels:
        parts.append((channel, ("selected", "cycles", "peak_to_peak")))
        parts.append((channel.output.level, _LEVEL))

    def apply() -> None:
        for channel in generator.channels:
            try:
                channel.entry()
            except ScpiError:
                channel.selected = DEFAULT
            channel.restart()

    states = SavedStates(
        commands, generator.settings, parts, MOST, before=generator.before_change, after=apply,
        empty=lambda: ScpiError(810, "State has not been stored"),
    )  # fmt: skip
    names = list(NAMES)

    def name(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        place, *given = arguments(text, 1, 2)
        at = integer(place, 0, MOST)
        new = string(given[0]) if given else NAMES[at]
        if not (new[:1].isalpha() and new.replace("_", "").isalnum() and len(new) <= LONGEST_NAME):
            raise ScpiError(-151)
        names[at] = new

    def delete(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        at = states.place(text)
        states.delete(at)
        names[at] = NAMES[at]

    def valid(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
        return str(int(states.place(text) in states))

    commands.add("MEMory:NSTates?", plain(lambda session: f"{len(states):+d}"))
    commands.add("MEMory:STATe:VALid?", valid)
    commands.add("MEMory:STATe:DELete", delete)
    commands.add("MEMory:STATe:CATalog?", plain(lambda session: ",".join(map(quoted, names))))
    commands.add("MEMory:STATe:NAME", name)
    commands.add(
        "MEMory:STATe:NAME?", lambda session, suffixes, text: quoted(names[states.place(text)])
    )
    generator.settings.boolean("recalls", "MEMory:STATe:RECall:AUTO", False)
    return states
