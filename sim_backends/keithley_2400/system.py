"""SYSTem, STATus, DISPlay and ROUTe of a 2400, and its status registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sim_backends.engine.common import add_register, plain
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments, boolean, number
from sim_backends.engine.session import Command, ScpiSession
from sim_backends.engine.settings import Settings
from sim_backends.engine.status import EventRegister, Status

READING, BUFFER_AVAILABLE, BUFFER_FULL, OVER_TEMPERATURE, CLAMPED, COMPLIANCE = (
    1 << 6, 1 << 8, 1 << 9, 1 << 12, 1 << 13, 1 << 14,
)  # fmt: skip
"""Bits of the measurement event register."""
SWEEPING, WAITING_TRIGGER, WAITING_ARM, IDLE = 1 << 3, 1 << 5, 1 << 6, 1 << 10
"""Bits of the operation event register."""
_MEASUREMENT = 1
"""Bit of the status byte."""


class Status2400(Status):
    """The registers with the measurement events, which are bit 0 of the status byte."""

    def __init__(self, esr: int) -> None:
        super().__init__(esr)
        self.measurement = self.register(_MEASUREMENT)
        self.operation.set(IDLE, True)
        self.operation.event = 0


class Panel(Protocol):
    """What these commands do to the instrument."""

    def preset(self) -> None:
        """SYSTem:PRESet."""
        ...

    def output_off(self) -> None:
        """The output goes off."""
        ...

    def elapsed(self) -> float:
        """The timestamp timer, s."""
        ...

    def restart_timer(self) -> None:
        """The timestamp timer starts from 0."""
        ...


def add_system(
    commands: CommandTable[Command],
    settings: Settings,
    panel: Panel,
    measurement: Callable[[ScpiSession], EventRegister],
) -> None:
    """Enter them."""

    def given(name: str, value: str | bool) -> None:
        if value != settings[name]:
            panel.output_off()

    add_register(commands, "STATus:MEASurement", measurement)
    _add_errors(commands)
    _add_display(commands, settings)
    settings.boolean(
        "remote sense", "SYSTem:RSENse", False, check=lambda _, on: given("remote sense", on)
    )
    settings.choice("guard", "SYSTem:GUARd", ("OHMS", "CABLe"), "CABLe")

    def zero(text: str) -> str:
        # ONCE refreshes the zeros and leaves the setting
        if text.upper() == "ONCE":
            return settings.word("auto zero")
        return str(int(boolean(text)))

    settings.text("auto zero", "SYSTem:AZERo[:STATe]", "1", read=zero, form=str)
    settings.boolean("zero cache", "SYSTem:AZERo:CACHing[:STATe]", True)
    settings.choice("line", "SYSTem:LFRequency", ("50", "60"), "50")
    settings.boolean("line auto", "SYSTem:LFRequency:AUTO", False)
    settings.boolean("beeper", "SYSTem:BEEPer:STATe", True)
    commands.add("SYSTem:BEEPer[:IMMediate]", _beep)
    settings.choice(
        "terminals", "ROUTe:TERMinals", ("FRONt", "REAR"), "FRONt",
        check=lambda _, word: given("terminals", word),
    )  # fmt: skip
    for name in ("LOCal", "REMote", "RWLock"):
        commands.add(f"SYSTem:{name}", plain(lambda session: None))
    commands.add("SYSTem:PRESet", plain(lambda session: panel.preset()))
    commands.add("SYSTem:VERSion?", plain(lambda session: "1996.0"))
    commands.add("SYSTem:TIME?", plain(lambda session: f"{panel.elapsed():.6f}"))
    commands.add("SYSTem:TIME:RESet", plain(lambda session: panel.restart_timer()))
    settings.boolean("timer restarts", "SYSTem:TIME:RESet:AUTO", False)
    settings.choice(
        "power-on", "SYSTem:POSetup", ("RST", "PRESet", "SAV0", "SAV1", "SAV2", "SAV3", "SAV4"),
        "PRESet",
    )  # fmt: skip
    commands.add("*OPT?", plain(lambda session: "0"))


def _beep(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
    frequency, seconds = (number(word) for word in arguments(text, 2, 2))
    if not (65 <= frequency <= 2e6 and 0 <= seconds <= 7.9):
        raise ScpiError(-222)


def _add_errors(commands: CommandTable[Command]) -> None:
    def everything(session: ScpiSession) -> str:
        found = [session.next_error() for _ in range(session.error_count())]
        return ",".join(found) or session.next_error()

    def code(session: ScpiSession) -> str:
        return session.next_error().split(",", 1)[0]

    def codes(session: ScpiSession) -> str:
        return ",".join(code(session) for _ in range(session.error_count())) or code(session)

    def clear(session: ScpiSession) -> None:
        session.errors.clear()

    commands.add("SYSTem:ERRor:ALL?", plain(everything))
    commands.add("SYSTem:ERRor:CODE[:NEXT]?", plain(code))
    commands.add("SYSTem:ERRor:CODE:ALL?", plain(codes))
    commands.add("STATus:QUEue[:NEXT]?", plain(lambda session: session.next_error()))
    commands.add("STATus:QUEue:CLEar", plain(clear))
    commands.add("SYSTem:CLEar", plain(clear))


def _add_display(commands: CommandTable[Command], settings: Settings) -> None:
    settings.boolean("display", "DISPlay:ENABle", True)
    settings.number(
        "digits", "DISPlay:DIGits", 4, 7, 6, whole=True, form=lambda value: str(round(value))
    )
    commands.add("DISPlay:CNDisplay", plain(lambda session: None))
    for window in ("DISPlay[:WINDow[1]]", "DISPlay:WINDow2"):
        settings.text(f"text {window}", f"{window}:TEXT[:DATA]")
        settings.boolean(f"text shown {window}", f"{window}:TEXT:STATe", False)
