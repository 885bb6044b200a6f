"""What starts and ends an acquisition, and the registers that tell how far it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sim_backends.engine.common import plain, store
from sim_backends.engine.operations import Deferred
from sim_backends.engine.parameters import arguments, choice
from sim_backends.engine.session import ScpiSession
from sim_backends.engine.writing import nr1_signed
from sim_backends.oscilloscope.device import number_of
from sim_backends.oscilloscope.inputs import EXTERNAL

if TYPE_CHECKING:
    from .scope import KeysightInfiniivision

RUNNING, WAITING = 8, 32
"""Bits of the operation condition register."""
LOOK_EVERY = 1e-3
"""s between two looks for an edge that is not known yet, while commands are held by a DIGitize."""


def add_control(scope: KeysightInfiniivision) -> None:
    """Enter RUN, STOP, SINGle, AUToscale, DIGitize, TRIGger:FORCe, and the registers."""
    acquisition, operation = scope.acquisition, scope.status.operation

    def enable(session: ScpiSession, value: int) -> None:
        operation.enable = value

    def digitize(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Deferred:
        words = arguments(text, 0, scope.model.inputs) if text.strip() else []
        sources = [number_of(choice(word, (*scope.words, "EXTernal"))) for word in words]
        for source in sources:
            if source != EXTERNAL:
                scope.settings["display", source] = True
        return _digitize(scope)

    scope.action("RUN", lambda: _start(scope, single=False))
    scope.action("STOP", acquisition.stop)
    scope.action("SINGle", lambda: _start(scope, single=True))
    scope.action("AUToscale", lambda: _start(scope, single=False))
    scope.action("TRIGger:FORCe", acquisition.force)
    scope.commands.add("DIGitize", digitize)
    # "*TRG has the same effect as :DIGitize with no parameters"
    scope.commands.replace("*TRG", plain(lambda session: _digitize(scope)))
    scope.query("OPERegister:CONDition", lambda _: nr1_signed(condition(scope)))
    scope.query("OPERegister[:EVENt]", lambda _: nr1_signed(operation.read()))
    scope.commands.add("OPEE", store(enable, 0x7FFF))
    scope.query("OPEE", lambda _: nr1_signed(operation.enable))
    scope.query("AER", lambda _: nr1_signed(acquisition.was_armed()))
    scope.query("TER", lambda _: nr1_signed(acquisition.was_triggered()))


def condition(scope: KeysightInfiniivision) -> int:
    """The operation condition register, kept up to date; its events follow."""
    state = scope.acquisition.state
    scope.status.operation.set(RUNNING, state != "STOP")
    scope.status.operation.set(WAITING, state == "WAIT")
    return scope.status.operation.condition


def _start(scope: KeysightInfiniivision, *, single: bool) -> None:
    scope.acquisition.start(single=single)
    condition(scope)


def _digitize(scope: KeysightInfiniivision) -> Deferred:
    """Acquire once; nothing else is carried out until it is complete."""
    acquisition = scope.acquisition
    _start(scope, single=True)
    held = Deferred()
    operation = scope.operations.begin()
    loop = asyncio.get_running_loop()

    def look() -> None:
        acquisition.advance()
        if held.done or not acquisition.running:  # a device clear gives it up
            operation.finish()
            held.resolve()
            return
        ends = acquisition.ends_at()
        wait = LOOK_EVERY if ends is None else max(ends - scope.now(), 0.0) + 1e-9
        operation.timer = loop.call_later(wait, look)

    look()
    return held
