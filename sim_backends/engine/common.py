"""The common commands of IEEE 488.2 and SCPI's required subsystems, for any instrument."""

from __future__ import annotations

from collections.abc import Callable

from .errors import ScpiError
from .header import CommandTable
from .parameters import arguments, integer
from .session import Command, Reply, ScpiSession
from .status import OPC


def plain(action: Callable[[ScpiSession], Reply]) -> Command:
    """A command without suffix or parameter; -108 if one is given."""

    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        if text.strip():
            raise ScpiError(-108)
        return action(session)

    return run


def _set_register(store: Callable[[ScpiSession, int], None]) -> Command:
    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        store(session, integer(arguments(text, 1, 1)[0], 0, 255))

    return run


def _set_ese(session: ScpiSession, value: int) -> None:
    session.status.ese = value


def _set_sre(session: ScpiSession, value: int) -> None:
    session.status.sre = value


def _operation_complete(session: ScpiSession) -> None:
    session.status.esr |= OPC


def _questionable_enable(session: ScpiSession, value: int) -> None:
    session.status.questionable.enable = value


def _operation_enable(session: ScpiSession, value: int) -> None:
    session.status.operation.enable = value


def _preset(session: ScpiSession) -> None:
    session.status.operation.enable = 0
    session.status.questionable.enable = 0


def add_common(
    commands: CommandTable[Command],
    identity: Callable[[], str],
    reset: Callable[[ScpiSession], None],
) -> None:
    """Enter *CLS, *ESE, *ESR?, *IDN?, *OPC, *RST, *SRE, *STB?, *TST?, *WAI, SYSTem:ERRor and
    STATus.

    `identity()` is the reply to *IDN?; `reset(session)` does what *RST does to the device.
    """
    commands.add("*CLS", plain(lambda session: session.clear()))
    commands.add("*ESE", _set_register(_set_ese))
    commands.add("*ESE?", plain(lambda session: str(session.status.ese)))
    commands.add("*ESR?", plain(lambda session: str(session.status.read_esr())))
    commands.add("*IDN?", plain(lambda session: identity()))
    commands.add("*OPC", plain(_operation_complete))
    commands.add("*OPC?", plain(lambda session: "1"))
    commands.add("*RST", plain(reset))
    commands.add("*SRE", _set_register(_set_sre))
    commands.add("*SRE?", plain(lambda session: str(session.status.sre)))
    commands.add("*STB?", plain(lambda session: str(session.status.byte(session.error_count()))))
    commands.add("*TST?", plain(lambda session: "0"))
    commands.add("*WAI", plain(lambda session: None))
    commands.add("SYSTem:ERRor[:NEXT]?", plain(lambda session: session.next_error()))
    commands.add("SYSTem:ERRor:COUNt?", plain(lambda session: str(session.error_count())))
    commands.add("STATus:PRESet", plain(_preset))
    for name, register, store in (
        ("QUEStionable", lambda session: session.status.questionable, _questionable_enable),
        ("OPERation", lambda session: session.status.operation, _operation_enable),
    ):
        commands.add(
            f"STATus:{name}[:EVENt]?", plain(lambda session, at=register: str(at(session).read()))
        )
        commands.add(f"STATus:{name}:ENABle", _set_register(store))
        commands.add(
            f"STATus:{name}:ENABle?", plain(lambda session, at=register: str(at(session).enable))
        )
