"""Commands of the board: RP, SYSTem:BRD, DIG, ANALOG (Red Pitaya scpi-server source,
scpi-commands.cpp).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim_backends.engine.common import plain
from sim_backends.engine.header import CommandTable
from sim_backends.engine.parameters import arguments, boolean, choice
from sim_backends.engine.session import Command, ScpiSession

from .board_time import add_board_time
from .session import BoxSession

if TYPE_CHECKING:
    from .box import RedPitaya


def reset_generator(box: RedPitaya) -> None:
    """GEN:RST."""
    box.before_change()
    for output in box.outputs:
        output.reset()


def _answer_errors(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
    assert isinstance(session, BoxSession)
    session.answer_errors = boolean(arguments(text, 1, 1)[0])


def add_board(commands: CommandTable[Command], box: RedPitaya) -> None:
    """Enter the commands."""

    def reset_all(session: ScpiSession) -> None:
        reset_generator(box)
        box.acquisition.reset()
        box.deep.reset()
        box.pins.reset()

    commands.add("SYSTem:VERSion?", plain(lambda session: "2.07-48"))
    commands.add("SYSTem:BRD:ID?", plain(lambda session: "0"))
    commands.add("SYSTem:BRD:Name?", plain(lambda session: "STEMlab 125-14 v1.0"))
    commands.add("SYSTem:Help?", plain(lambda session: "\n".join(commands.patterns)))
    commands.add("RP:INit", plain(lambda session: None))
    commands.add("RP:REset", plain(reset_all))
    commands.add("RP:RELease", plain(reset_all))
    commands.add("RP:LOGmode", lambda session, suffixes, text: None)
    commands.add("RP:RET_ON_ERROR", _answer_errors)
    add_board_time(commands, box.now)
    _add_daisy(commands)
    commands.add("DIG:RST", plain(lambda session: box.pins.reset()))
    commands.add("DIG:PIN", box.pins.set_state)
    commands.add("DIG:PIN?", box.pins.state)
    commands.add("DIG:PIN:DIR", box.pins.set_direction)
    commands.add("DIG:PIN:DIR?", box.pins.direction)
    commands.add("ANALOG:RST", plain(lambda session: box.pins.reset_analog()))
    commands.add("ANALOG:PIN", box.pins.set_analog)
    commands.add("ANALOG:PIN?", box.pins.analog_value)


def _add_daisy(commands: CommandTable[Command]) -> None:
    """Clock and trigger of a daisy chain, and the trigger at DIO0_N: nothing is joined there.

    `DAISY:TRig:Out` is the name since 2.04-35; the older `DAISY:TRIG_O` has gone from the releases
    that know ACQ:DATA:BYTE:ORDER, as this one does.
    """
    source = ["ADC"]

    def choose(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        source[0] = choice(arguments(text, 1, 1)[0], ("ADC", "DAC"))

    for header in ("DAISY:SYNC:TRig", "DAISY:SYNC:CLK", "DAISY:TRig:Out:ENable"):
        _add_switch(commands, header)
    commands.add("DAISY:TRig:Out:SOUR", choose)
    commands.add("DAISY:TRig:Out:SOUR?", plain(lambda session: source[0]))


def _add_switch(commands: CommandTable[Command], header: str) -> None:
    """A switch, off at first, that is told as `ON` or `OFF`."""
    on = [False]

    def run(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        on[0] = boolean(arguments(text, 1, 1)[0])

    commands.add(header, run)
    commands.add(f"{header}?", plain(lambda session: "ON" if on[0] else "OFF"))
