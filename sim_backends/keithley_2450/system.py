"""SYSTem, STATus and DISPlay of a 2450."""

from __future__ import annotations

from sim_backends.engine.common import plain
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments, choice, number
from sim_backends.engine.session import Command, ScpiSession
from sim_backends.engine.settings import Settings
from sim_backends.engine.writing import nr1

EVENTS = ("ERRor", "WARNing", "INFormational", "ALL")
LIGHTS = ("ON100", "ON75", "ON50", "ON25", "OFF", "BLACkout")
SCREENS = (
    "HOME", "HOME_LARGe_reading", "READing_table", "GRAPh", "HISTogram", "SWIPE_FUNCtions",
    "SWIPE_GRAPh", "SWIPE_SECondary", "SWIPE_SETTings", "SWIPE_SOURce", "SWIPE_STATistics",
    "SWIPE_USER", "PROCessing",
)  # fmt: skip


def add_system(commands: CommandTable[Command], settings: Settings) -> None:
    """Enter them."""
    commands.add("SYSTem:LFRequency?", plain(lambda session: "50"))
    commands.add("SYSTem:BEEPer[:IMMediate]", _beep)
    commands.add("SYSTem:EVENtlog:NEXT?", _next_event)
    commands.add("SYSTem:EVENtlog:COUNt?", _count_events)
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
    commands.add("DISPlay:SCReen", _screen)
    settings.choice("light", "DISPlay:LIGHt:STATe", LIGHTS, "ON50")
    for function in ("CURRent", "VOLTage", "RESistance"):
        settings.number(
            f"digits {function}", f"DISPlay:{function}:DIGits", 3, 6, 5, whole=True, form=nr1
        )
    for line in ("1", "2"):
        settings.text(f"display {line}", f"DISPlay:USER{line}:TEXT[:DATA]")


def _tells_errors(text: str) -> bool:
    """Whether the kind of event that is asked for has errors; nothing else is logged here."""
    kind = choice(arguments(text, 1, 1)[0], EVENTS) if text.strip() else "ALL"
    return kind in ("ERROR", "ALL")


def _next_event(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
    return session.next_error() if _tells_errors(text) else session.dialect.no_error


def _count_events(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> str:
    return str(session.error_count() if _tells_errors(text) else 0)


def _screen(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
    choice(arguments(text, 1, 1)[0], SCREENS)


def _beep(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
    frequency, seconds = (number(word) for word in arguments(text, 2, 2))
    if not (20 <= frequency <= 8000 and 1e-3 <= seconds <= 100):
        raise ScpiError(-222)
