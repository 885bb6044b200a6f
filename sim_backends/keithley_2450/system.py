"""SYSTem, STATus and DISPlay of a 2450."""

from __future__ import annotations

from sim_backends.engine.common import plain
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments, number
from sim_backends.engine.session import Command, ScpiSession
from sim_backends.engine.settings import Settings


def add_system(commands: CommandTable[Command], settings: Settings) -> None:
    """Enter them."""
    commands.add("SYSTem:LFRequency?", plain(lambda session: "50"))
    commands.add("SYSTem:BEEPer[:IMMediate]", _beep)
    commands.add("SYSTem:EVENtlog:NEXT?", plain(lambda session: session.next_error()))
    commands.add("SYSTem:EVENtlog:COUNt?", plain(lambda session: str(session.error_count())))
    commands.add(
        "SYSTem:ERRor:CODE[:NEXT]?", plain(lambda session: session.next_error().split(",")[0])
    )
    for name in ("SYSTem:CLEar", "STATus:CLEar"):
        commands.add(name, plain(lambda session: session.clear_status()))
    commands.add("SYSTem:VERSion?", plain(lambda session: "1999.0"))
    settings.choice("power-on", "SYSTem:POSetup", ("RST", "SAV0", "SAV1", "SAV2"), "RST")
    settings.choice(
        "access", "SYSTem:ACCess", ("FULL", "EXCLusive", "PROTected", "LOCKout"), "FULL"
    )
    commands.add("DISPlay:CLEar", plain(lambda session: None))
    for line in ("1", "2"):
        settings.text(f"display {line}", f"DISPlay:USER{line}:TEXT[:DATA]")


def _beep(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
    frequency, seconds = (number(word) for word in arguments(text, 2, 2))
    if not (20 <= frequency <= 8000 and 1e-3 <= seconds <= 100):
        raise ScpiError(-222)
