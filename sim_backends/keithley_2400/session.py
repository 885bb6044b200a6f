"""One client's conversation with a 2400: serial line ends, and what it holds while it measures.

While the instrument is in its trigger layers it carries out nothing but an abort, a reset, a
trigger and a device clear; all else waits (2400S-900-01, section 11).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sim_backends.engine.errors import TEXTS, ScpiError
from sim_backends.engine.header import CommandTable, Found
from sim_backends.engine.operations import Deferred
from sim_backends.engine.session import Command, Reply, ScpiSession

URGENT = re.compile(r":?(\*RST|\*TRG|\*RCL\s.*|ABOR(T)?|SYST(EM)?:PRES(ET)?)\s*;?", re.IGNORECASE)
_MAKERS_TEXTS = {
    -120: "Numeric data error",
    -222: "Parameter data out of range",
    -410: "Query INTERRUPTED",
}


class HoldingTable(CommandTable[Command]):
    """The commands of another table, held until `when_idle` where `busy` and not urgent."""

    def __init__(
        self,
        table: CommandTable[Command],
        busy: Callable[[], bool],
        when_idle: Callable[[Callable[[], None]], None],
    ) -> None:
        super().__init__()
        self._table = table
        self._busy = busy
        self._when_idle = when_idle

    def find(self, header: str) -> Found[Command] | None:
        """The command of a header, as it is carried out now."""
        found = self._table.find(header)
        if found is None or not self._busy() or URGENT.fullmatch(header):
            return found
        return found._replace(handler=self._held(found.handler))

    def _held(self, handler: Command) -> Command:
        def later(session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
            held = Deferred()

            def go() -> None:
                if held.done:
                    return
                try:
                    reply = handler(session, suffixes, text)
                except ScpiError as failure:
                    held.fail(failure)
                    return
                _pass_on(reply, held)

            self._when_idle(go)
            return held

        return later


def _pass_on(reply: Reply, held: Deferred) -> None:
    """What a held command answered, now or later, is the answer."""
    if not isinstance(reply, Deferred):
        held.resolve(reply)
    elif reply.done:
        _settle(reply, held)
    else:
        reply.then(lambda: _settle(reply, held))


def _settle(reply: Deferred, held: Deferred) -> None:
    if reply.failure is not None:
        held.fail(reply.failure)
    else:
        held.resolve(reply.reply)


class Session2400(ScpiSession):
    """A conversation over GPIB; `abort` is what a device clear does to the trigger model."""

    abort: Callable[[], None]

    def clear(self) -> None:
        """Device clear: it goes idle, too."""
        super().clear()
        self.abort()

    def close(self) -> None:
        """The connection has ended; what it started goes on."""
        super().clear()

    def failed(self, failure: ScpiError) -> None:
        """A unit ended with `failure`; some texts are the maker's own."""
        text = failure.text
        if text == TEXTS.get(failure.code):
            text = _MAKERS_TEXTS.get(failure.code, text)
        self.error(failure.code, text)

    def _take(self, messages: list[str]) -> None:
        if self._awaited is not None:
            urgent = [message for message in messages if URGENT.fullmatch(message.strip())]
            messages = [message for message in messages if message not in urgent]
            for message in urgent:
                self.execute(message)
        super()._take(messages)


class SerialSession2400(Session2400):
    """A conversation over RS-232: CR ends a message as well as LF; ^C and ^X clear."""

    def receive(self, data: bytes) -> None:
        """Take bytes from the line."""
        at = max(data.rfind(b"\x03"), data.rfind(b"\x18"))
        if at >= 0:
            self.clear()
            data = data[at + 1 :]
        super().receive(data.replace(b"\r", b"\n"))
