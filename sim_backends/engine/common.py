"""The common commands of IEEE 488.2 and SCPI's required subsystems, for any instrument."""

from __future__ import annotations

from collections.abc import Callable

from .errors import ScpiError
from .header import CommandTable
from .operations import Deferred, Operations
from .parameters import arguments, integer
from .session import Command, Reply, ScpiSession
from .status import MASTER, OPC, WIDE, EventRegister


def plain(action: Callable[[ScpiSession], Reply]) -> Command:
    """A command without suffix or parameter; -108 if one is given."""

    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        if text.strip():
            raise ScpiError(-108)
        return action(session)

    return run


def store(keep: Callable[[ScpiSession, int], None], most: int = 255) -> Command:
    """A command that keeps one whole number from 0 to `most`."""

    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        keep(session, integer(arguments(text, 1, 1)[0], 0, most))

    return run


def _set_ese(session: ScpiSession, value: int) -> None:
    session.status.ese = value


def _set_sre(session: ScpiSession, value: int) -> None:
    session.status.sre = value if session.dialect.service_bit else value & ~MASTER


def _preset(session: ScpiSession) -> None:
    session.status.preset()


class Completion:
    """*OPC, *OPC? and *WAI over an instrument's overlapped operations."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._announcing: dict[ScpiSession, Callable[[], None]] = {}

    def announce(self, session: ScpiSession) -> None:
        """*OPC: set the event bit when nothing is pending."""
        self.cancel(session)

        def done() -> None:
            self._announcing.pop(session, None)
            session.status.happened(OPC)

        if self._operations.pending:
            self._announcing[session] = done
        self._operations.when_idle(done)

    def cancel(self, session: ScpiSession) -> None:
        """*CLS and *RST: an *OPC given before counts no more."""
        pending = self._announcing.pop(session, None)
        if pending is not None:
            self._operations.forget(pending)

    def answer(self, session: ScpiSession) -> Reply:
        """*OPC?: `1` when nothing is pending."""
        return self._later("1")

    def wait(self, session: ScpiSession) -> Reply:
        """*WAI: hold all that follows until nothing is pending."""
        return self._later(None)

    def _later(self, reply: str | None) -> Reply:
        if not self._operations.pending:
            return reply
        held = Deferred()
        self._operations.when_idle(lambda: held.resolve(reply))
        return held


def add_common(
    commands: CommandTable[Command],
    identity: Callable[[], str],
    reset: Callable[[ScpiSession], None],
    operations: Operations | None = None,
) -> None:
    """Enter *CLS, *ESE, *ESR?, *IDN?, *OPC, *RST, *SRE, *STB?, *TST?, *WAI, SYSTem:ERRor and
    STATus.

    `identity()` is the reply to *IDN?; `reset(session)` does what *RST does to the device;
    `operations` are what *OPC and *WAI wait for (None: nothing ever).
    """
    complete = Completion(Operations() if operations is None else operations)

    def clear(session: ScpiSession) -> None:
        complete.cancel(session)
        session.clear_status()

    def restart(session: ScpiSession) -> None:
        complete.cancel(session)
        reset(session)

    commands.add("*CLS", plain(clear))
    commands.add("*ESE", store(_set_ese))
    commands.add("*ESE?", plain(lambda session: session.register_text(session.status.ese)))
    commands.add("*ESR?", plain(lambda session: session.register_text(session.status.read_esr())))
    commands.add("*IDN?", plain(lambda session: identity()))
    commands.add("*OPC", plain(complete.announce))
    commands.add("*OPC?", plain(complete.answer))
    commands.add("*RST", plain(restart))
    commands.add("*SRE", store(_set_sre))
    commands.add("*SRE?", plain(lambda session: session.register_text(session.status.sre)))
    commands.add("*STB?", plain(lambda session: session.register_text(session.status_byte())))
    commands.add("*TST?", plain(lambda session: "0"))
    commands.add("*WAI", plain(complete.wait))
    commands.add("SYSTem:ERRor[:NEXT]?", plain(lambda session: session.next_error()))
    commands.add("SYSTem:ERRor:COUNt?", plain(lambda session: str(session.error_count())))
    commands.add("STATus:PRESet", plain(_preset))
    for name, register in (
        ("QUEStionable", lambda session: session.status.questionable),
        ("OPERation", lambda session: session.status.operation),
    ):
        add_register(commands, f"STATus:{name}", register)


def add_all_errors(commands: CommandTable[Command]) -> None:
    """Enter SYSTem:ERRor:ALL?, where an instrument has it: the whole queue, which is emptied."""

    def tell(session: ScpiSession) -> Reply:
        entries = [session.next_error() for _ in range(max(1, session.error_count()))]
        return ",".join(entries)

    commands.add("SYSTem:ERRor:ALL?", plain(tell))


def add_register(
    commands: CommandTable[Command],
    root: str,
    register: Callable[[ScpiSession], EventRegister],
) -> None:
    """Enter the queries and masks of a status register under `root`, e.g. `STATus:OPERation`."""

    def enter(name: str, attribute: str) -> None:
        def keep(session: ScpiSession, value: int) -> None:
            setattr(register(session), attribute, value & WIDE)

        def tell(session: ScpiSession) -> str:
            return session.register_text(getattr(register(session), attribute))

        commands.add(f"{root}:{name}", store(keep, 0xFFFF))
        commands.add(f"{root}:{name}?", plain(tell))

    commands.add(
        f"{root}[:EVENt]?", plain(lambda session: session.register_text(register(session).read()))
    )
    commands.add(
        f"{root}:CONDition?",
        plain(lambda session: session.register_text(register(session).condition)),
    )
    enter("ENABle", "enable")
    enter("PTRansition", "rising")
    enter("NTRansition", "falling")
