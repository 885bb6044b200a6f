"""Phases in the unit that is chosen, and which clock the instrument follows.

`UNIT:ANGLe` says in what PHASe and BURSt:PHASe are given and told: degrees, radians, or seconds of
the output's period. Source: Trueform Series Operating and Service Guide, "UNIT Subsystem" and
"ROSCillator Subsystem"; `SOURce1:` before ROSCillator as a learnt set-up of one has it. Nothing is
joined to 10 MHz In: with the source EXTernal the instrument says so and runs on, by a choice here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import number

from .channel import Channel
from .notation import SOURCE, Suffixes, bounded, on_channel, told

if TYPE_CHECKING:
    from .generator import Keysight33600A

MOST = 360.0
"""Degrees, either way."""
SUFFIXES = {"DEG": "DEG", "RAD": "RAD", "SEC": "S"}
ALMOST = 1.0 + 1e-9
"""2 pi rad in as many digits as are told are 360 degrees."""


def add_units(generator: Keysight33600A) -> None:
    """Enter UNIT:ANGLe, phases anew, and ROSCillator."""
    settings = generator.settings
    settings.choice("angle_unit", "UNIT:ANGLe", ("DEGree", "RADian", "SECond"), "DEGree")
    _add_phase(generator, "phase", f"{SOURCE}PHASe[:ADJust]")
    _add_phase(generator, "burst_phase", f"{SOURCE}BURSt:PHASe")

    def chosen(at: Suffixes) -> None:
        settings["reference_auto"] = False
        if settings.word("reference") == "EXT":
            raise ScpiError(580, "Reference phase-locked loop is unlocked")

    root = "ROSCillator:SOURce"
    settings.choice("reference", root, ("INTernal", "EXTernal"), "INTernal", changed=chosen)
    settings.boolean("reference_auto", f"{root}:AUTO", True)
    generator.commands.add(f"{root}:CURRent?", lambda session, suffixes, text: "INT")
    for pattern in (root, f"{root}?", f"{root}:AUTO", f"{root}:AUTO?", f"{root}:CURRent?"):
        found = generator.commands.find(pattern)
        assert found is not None
        handler = found.handler
        generator.commands.add(
            f"SOURce#:{pattern}",
            lambda session, suffixes, text, handler=handler: handler(session, (), text),
            generator.every,
        )


def _add_phase(generator: Keysight33600A, name: str, pattern: str) -> None:
    settings = generator.settings

    def degrees(channel: Channel) -> float:
        """In one of the unit."""
        unit = settings.word("angle_unit")
        return {"DEG": 1.0, "RAD": 180.0 / math.pi, "SEC": 360.0 * channel.value("frequency")}[unit]

    def keep(channel: Channel, text: str) -> None:
        one, suffix = degrees(channel), SUFFIXES[settings.word("angle_unit")]
        value = one * bounded(text, -MOST / one, MOST / one, 0.0, lambda word: number(word, suffix))
        taken = min(max(value, -MOST), MOST)
        settings[name, channel.number] = taken
        channel.restart()
        if abs(value) > ALMOST * MOST:
            which = "upper" if value > taken else "lower"
            raise ScpiError(-222, f"Data out of range; value clipped to {which} limit")

    def tell(channel: Channel, text: str) -> str:
        one = degrees(channel)
        return told(text, channel.value(name) / one, -MOST / one, MOST / one, 0.0)

    generator.commands.replace(pattern, on_channel(generator, keep), generator.every)
    generator.commands.replace(f"{pattern}?", on_channel(generator, tell), generator.every)
