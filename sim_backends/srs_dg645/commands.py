"""What each command does.

Forms and replies: EPICS module delaygen, QCoDeS and InstrumentKit, and the maker's own package
srsinst.dg645. Which error a wrong parameter makes follows the names in the EPICS driver's list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import errors, steps
from .errors import Refusal
from .generator import LAST, OUTPUTS
from .parsing import Parsed, split_header, split_parameters

if TYPE_CHECKING:
    from .port import PortConversation

Handler = Callable[["PortConversation", "Parsed"], str | None]


def carry_out(port: PortConversation, text: str) -> str | None:
    """Carry out one command; returns its reply, or None where it has none. Raises Refusal."""
    word, asks, rest = split_header(text)
    if word not in COMMANDS:
        raise Refusal(errors.UNDEFINED_COMMAND)
    parameters = split_parameters(rest)
    if asks and word in _NO_QUERY:
        raise Refusal(errors.ILLEGAL_QUERY)
    if not asks and word in _NO_SET:
        raise Refusal(errors.ILLEGAL_SET)
    return COMMANDS[word](port, Parsed(word, asks, parameters))


def _whole(low: int, high: int) -> Handler:
    """A setting of the instrument that is a whole number."""

    def handle(port: PortConversation, command: Parsed) -> str | None:
        values = port.device.state.values
        command.count(0 if command.asks else 1)
        if command.asks:
            return str(int(values[command.word]))
        values[command.word] = command.integer(0, low, high)
        return None

    return handle


def _real(low: float, high: float, digits: int) -> Handler:
    """A setting of the instrument that is a number, told with so many decimals."""

    def handle(port: PortConversation, command: Parsed) -> str | None:
        values = port.device.state.values
        command.count(0 if command.asks else 1)
        if command.asks:
            return f"{values[command.word]:+.{digits}f}"
        values[command.word] = command.number(0, low, high)
        return None

    return handle


def _whole_of(first: int, last: int, low: int, high: int) -> Handler:
    """A whole number of each output."""

    def handle(port: PortConversation, command: Parsed) -> str | None:
        command.count(1 if command.asks else 2)
        key = f"{command.word}{command.integer(0, first, last)}"
        if command.asks:
            return str(int(port.device.state.values[key]))
        port.device.state.values[key] = command.integer(1, low, high)
        return None

    return handle


def _level(port: PortConversation, command: Parsed) -> str | None:
    command.count(1 if command.asks else 2)
    output = command.integer(0, 0, OUTPUTS - 1)
    if command.asks:
        return f"{port.device.state.values[f'{command.word}{output}']:+.2f}"
    port.device.set_level(command.word, output, command.number(1, -10.0, 10.0))
    return None


def _delay(port: PortConversation, command: Parsed) -> str | None:
    command.count(1 if command.asks else 3)
    channel = command.integer(0, 0, LAST)
    device = port.device
    if command.asks:
        seconds = device.times()[1] if channel == 1 else device.state.delays[channel]
        return f"{device.state.references[channel]},{seconds:+.12f}"
    reference = command.integer(1, 0, LAST)
    device.set_delay(channel, reference, command.number(2, -1e6, 1e6))
    return None


def _link(port: PortConversation, command: Parsed) -> str | None:
    command.count(1 if command.asks else 2)
    channel = command.integer(0, 0, LAST)
    if command.asks:
        return str(port.device.state.references[channel])
    port.device.link(channel, command.integer(1, 0, LAST))
    return None


def _display(port: PortConversation, command: Parsed) -> str | None:
    command.count(0 if command.asks else 2)
    values = port.device.state.values
    if command.asks:
        return f"{int(values['DISP0'])},{int(values['DISP1'])}"
    mode, channel = command.integer(0, 0, 14), command.integer(1, 0, LAST)
    values["DISP0"], values["DISP1"] = mode, channel
    return None


def _ethernet(port: PortConversation, command: Parsed) -> str | None:
    command.count(1 if command.asks else 2)
    values = port.device.state.values
    key = f"EPHY{command.integer(0, 0, 2)}"
    if command.asks:
        return str(int(values[key]))
    values[key] = command.integer(1, 0, 255)
    return None


def _interface(port: PortConversation, command: Parsed) -> str | None:
    command.count(1 if command.asks else 2)
    place = command.integer(0, 0, max(port.device.interfaces))
    if command.asks:
        return port.device.interfaces[place]
    port.device.interfaces[place] = command.parameters[1]
    return None


def _accept(count: int) -> Handler:
    """A command that changes nothing here."""

    def handle(port: PortConversation, command: Parsed) -> None:
        del port
        command.count(count)

    return handle


def _answer(tell: Callable[[PortConversation], str]) -> Handler:
    """A query without parameters."""

    def handle(port: PortConversation, command: Parsed) -> str:
        command.count(0)
        return tell(port)

    return handle


def _act(act: Callable[[PortConversation], None]) -> Handler:
    """A command without parameters."""

    def handle(port: PortConversation, command: Parsed) -> None:
        command.count(0)
        act(port)

    return handle


def _clear(port: PortConversation) -> None:
    port.device.errors.clear()
    port.device.take_events()
    port.events = 0


def _events(port: PortConversation, command: Parsed) -> str:
    command.count(0, 1)
    events = port.events
    if command.parameters:
        bit = 1 << command.integer(0, 0, 7)
        port.events &= ~bit
        return str(int(bool(events & bit)))
    port.events = 0
    return str(events)


def _mask(name: str) -> Handler:
    def handle(port: PortConversation, command: Parsed) -> str | None:
        command.count(0 if command.asks else 1)
        if command.asks:
            return str(getattr(port, name))
        setattr(port, name, command.integer(0, 0, 255))
        return None

    return handle


def _complete(port: PortConversation, command: Parsed) -> str | None:
    command.count(0)
    if command.asks:
        return "1"
    port.events |= 1
    return None


def _place(port: PortConversation, command: Parsed) -> None:
    command.count(1)
    place = command.integer(0, 0, 9)
    if command.word == "*SAV":
        port.device.save(place)
    else:
        port.device.recall(place)


_OUTPUT = OUTPUTS - 1

COMMANDS: dict[str, Handler] = {
    "*IDN": _answer(lambda port: port.device.identity),
    "*RST": _act(lambda port: port.device.reset()),
    "*CLS": _act(_clear),
    "*ESR": _events,
    "*ESE": _mask("event_mask"),
    "*SRE": _mask("service_mask"),
    "*STB": _answer(lambda port: str(port.status())),
    "*OPC": _complete,
    "*WAI": _accept(0),
    "*TRG": _act(lambda port: port.device.software_trigger()),
    "*TST": _answer(lambda port: "0"),
    "*CAL": _answer(lambda port: "0"),
    "*PSC": _whole(0, 1),
    "*SAV": _place,
    "*RCL": _place,
    "LERR": _answer(lambda port: str(port.device.errors.take())),
    "INSR": _answer(lambda port: str(port.device.take_events())),
    "INSE": _mask("instrument_mask"),
    "TSRC": _whole(0, 6),
    "TRAT": _real(1e-4, 1e7, 6),
    "TLVL": _real(-3.5, 3.5, 2),
    "HOLD": _real(0.0, 2000.0, 12),
    "ADVT": _whole(0, 1),
    "INHB": _whole(0, 5),
    "BURM": _whole(0, 1),
    "BURC": _whole(1, 2**32 - 1),
    "BURP": _real(100e-9, 2000.0 - 10e-9, 12),
    "BURD": _real(0.0, 2000.0, 12),
    "BURT": _whole(0, 1),
    "DLAY": _delay,
    "LINK": _link,
    "LAMP": _level,
    "LOFF": _level,
    "LPOL": _whole_of(0, _OUTPUT, 0, 1),
    "PRES": _whole_of(0, _OUTPUT, 1, 32767),
    "PHAS": _whole_of(1, _OUTPUT, 0, 32767),
    **steps.COMMANDS,
    "DISP": _display,
    "SHDP": _whole(0, 1),
    "IFCF": _interface,
    "IFRS": _accept(1),
    "EMAC": _answer(lambda port: "00:19:B3:02:00:01"),
    "TIMB": _answer(lambda port: "0"),
    "LOCK": _answer(lambda port: "1"),
    "UNLK": _answer(lambda port: "1"),
    "EPHY": _ethernet,
    "LCAL": _accept(0),
    "REMT": _accept(0),
}
"""What each word does."""

_NO_QUERY = {
    "*RST", "*CLS", "*WAI", "*TRG", "*SAV", "*RCL", "IFRS", "LCAL", "REMT", *steps.ACTIONS,
}  # fmt: skip
_NO_SET = {
    "*IDN", "*ESR", "*STB", "*TST", "*CAL", "LERR", "INSR", "EMAC", "TIMB", "LOCK", "UNLK",
}  # fmt: skip
