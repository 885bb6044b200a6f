"""A small meter for the tests of message-based links: blocks both ways, slow answers, triggers."""

from __future__ import annotations

import asyncio

from sim_backends.engine.device import ScpiDevice
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.operations import Deferred
from sim_backends.engine.parameters import block, number
from sim_backends.engine.session import ScpiSession
from sim_backends.engine.writing import write_block


class Meter(ScpiDevice):
    """`DATA <block>` and `DATA?`, `AFTer? <seconds>`, `ECHO? <text>`, `SHOTs?` counts triggers."""

    dialect = Dialect(reply_end=b"\n", input_limit=1 << 22)

    def __init__(self) -> None:
        super().__init__(lambda: 0.0, "MAKER,METER,7,1.0")
        self.data = b"\x00\n\xff"
        self.shots = 0
        self.answered = asyncio.Event()
        """Set when an AFTer? has been answered."""
        self.sessions: list[ScpiSession] = []
        self.commands.add("DATA", lambda s, n, text: self._set(text))
        self.commands.add("DATA?", lambda s, n, text: write_block(self.data))
        self.commands.add("AFTer?", lambda s, n, text: self._after(number(text)))
        self.commands.add("ECHO?", lambda s, n, text: text)
        self.commands.add("SHOTs?", lambda s, n, text: str(self.shots))

    def converse(self, send) -> ScpiSession:
        self.sessions.append(super().converse(send))
        return self.sessions[-1]

    def _set(self, text: str) -> None:
        self.data = block(text)

    def _after(self, seconds: float) -> Deferred:
        held = Deferred()

        def answer() -> None:
            held.resolve("late")
            self.answered.set()

        asyncio.get_running_loop().call_later(seconds, answer)
        return held

    def trigger(self) -> None:
        self.shots += 1
