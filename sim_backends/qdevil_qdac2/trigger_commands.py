"""The commands of the trigger outputs and of the clock, which nothing here listens to.

After the maker's QCoDeS driver and its simulation; ranges and what *RST does are our own choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.engine.common import plain
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.session import ScpiSession

from .generator_commands import trigger_source

if TYPE_CHECKING:
    from .dac import Qdac2

OUTPUTS = ((1, 5),)
"""1 to 3 at the front (5 V), 4 and 5 at the back (3.3 V), says the maker's driver."""


def enter(dac: Qdac2) -> None:
    """Enter them all."""
    settings = dac.settings
    root = "OUTPut:TRIGger#"
    settings.text(
        "trigger source", f"{root}:SOURce", "HOLD", read=trigger_source, form=str, ranges=OUTPUTS
    )
    for name, word, least in (("width", "WIDTh", 1e-6), ("delay", "DELay", 0.0)):
        settings.number(
            f"trigger {name}", f"{root}:{word}", least, 3600.0, 1e-5 if least else 0.0, unit="S",
            form=lambda value: f"{value:.6g}", ranges=OUTPUTS,
        )  # fmt: skip
    settings.choice("trigger polarity", f"{root}:POLarity", ("NORM", "INV"), "NORM", ranges=OUTPUTS)
    dac.commands.add(f"{root}:SIGNal", _signal, OUTPUTS)
    settings.boolean("clock sent", "SYSTem:CLOCk:SEND", False)
    settings.choice("clock source", "SYSTem:CLOCk:SOURce", ("INTernal", "EXTernal"), "INTernal")
    for word in ("SYSTem:CLOCk:SYNC", "OUTPut:SYNC:SIGNal"):
        dac.commands.add(word, plain(lambda session: None))


def _signal(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
    if text.strip():
        raise ScpiError(-108)
