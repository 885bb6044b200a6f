"""The instrument: its ports, and the trigger that they share."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Protocol

from sim_backends.engine.device import ScpiDevice
from sim_backends.engine.dialect import Dialect
from sim_backends.engine.errors import ScpiError
from sim_backends.engine.operations import Deferred
from sim_backends.instrument import Door, OwnFault

from .function_commands import add_functions
from .port import Light, Port
from .power_commands import add_power

PORTS = {"N7744A": 4, "N7744C": 4, "N7745A": 8, "N7745C": 8}
POLL = 1e-3
"""s between two looks whether what is waited for has come."""


class Surroundings(Light, Protocol):
    """What a meter is joined to: light, and its trigger input."""

    def next_edge(self, after: float, rising: bool) -> float | None:
        """Next edge at the trigger input later than bench time `after` (s), or None."""
        ...


class KeysightN7744A(ScpiDevice):
    """A multiport power meter. All clients share its state."""

    dialect = Dialect(
        reply_end=b"\n",
        common_resets_path=False,
        queue_depth=30,
        no_error='+0,"No error"',
        error_summary=False,
    )

    def __init__(
        self,
        now: Callable[[], float],
        surroundings: Surroundings,
        *,
        model: str = "N7745A",
        serial: str = "MY49700101",
        firmware: str = "V1.204",
        maker: str = "Agilent Technologies",
        latency: float = 1e-6,
        noise: float = 1.0,
        offset: float = 2e-12,
        seed: int = 0,
    ) -> None:
        """`latency` (s) from an edge to the window it opens; `noise` scales that of the ports;
        `offset` (W) is what an unzeroed port reads in the dark. Raises `KeyError` for an unknown
        model.
        """
        super().__init__(now, f"{maker},{model},{serial},{firmware}")
        self.model, self.serial, self.firmware = model, serial, firmware
        self.latency = latency
        self._surroundings = surroundings
        self._seen = -math.inf
        self.ports = tuple(
            Port(number, surroundings, seed, noise, offset) for number in range(1, PORTS[model] + 1)
        )
        self.points, self.averaging = 1000, 100e-6
        self.period, self.total = 0.1, 1.0
        self.extremes: tuple[str, int] = ("CONT", 100)
        self.stability_averaging = 0.1
        add_power(self)
        add_functions(self)

    @property
    def doors(self) -> tuple[Door, ...]:
        """The raw socket, and HiSLIP (for VXI-11 and USB-TMC)."""
        return (Door("tcp", 5025, self.converse), Door("message", 4880, self.converse))

    @property
    def own_faults(self) -> dict[str, OwnFault]:
        """`dead=PORT`: its detector sees nothing any more."""
        return {"dead": self._dead}

    def kill(self, number: int) -> None:
        """A port's detector sees nothing any more."""
        self.settle()
        self.ports[number - 1].dead = True

    def _dead(self, value: str) -> Callable[[], None]:
        number = int(value)
        if not 1 <= number <= len(self.ports):
            raise ValueError(value)
        return lambda: self.kill(number)

    @property
    def one(self) -> tuple[tuple[int, int], ...]:
        """Ranges of the suffixes of `SENSe#[:CHANnel#]`."""
        return ((1, len(self.ports)), (1, 1))

    def port(self, suffixes: tuple[int, ...]) -> Port:
        """The port of a header's suffixes."""
        return self.ports[suffixes[0] - 1]

    def reset(self) -> None:
        """*RST: functions end, settings go back."""
        super().reset()
        for port in self.ports:
            port.reset()

    # -- time and triggers ------------------------------------------------------------------------

    def settle(self) -> None:
        """Read all that is to be read up to now: it is about to change."""
        self.advance()

    def advance(self) -> None:
        """Take all triggers that have come up to now, and the samples that are complete."""
        until = self.now()
        waiting = [
            port for port in self.ports if port.running and self.input_mode(port.number) != "IGN"
        ]
        if waiting and self.settings.word("trigger_routing") != "DIS":
            while True:
                edge = self._surroundings.next_edge(self._seen, True)
                if edge is None or edge > until:
                    break
                self._seen = edge
                for port in waiting:
                    port.trigger(edge + self.latency)
        # An edge at this very instant may still be on its way.
        self._seen = max(self._seen, math.nextafter(until, -math.inf))
        for port in self.ports:
            port.collect(until)

    def trigger(self) -> None:
        """A trigger by software: as an edge at the input."""
        for port in self.ports:
            if self.input_mode(port.number) != "IGN":
                port.trigger(self.now())

    def input_mode(self, number: int) -> str:
        """What a port does with triggers."""
        return self.settings.word("trigger_input", number, 1)

    @staticmethod
    def refuse_while_running(port: Port) -> None:
        """Raise `ScpiError` -221 while the port's function takes data; others can be set up."""
        if port.running:
            raise ScpiError(-221, "Settings conflict; a data acquisition function is running")

    def when(self, ready: Callable[[], bool], answer: Callable[[], bytes]) -> Deferred:
        """Answer once `ready`, looking every millisecond."""
        held = Deferred()

        def look() -> None:
            if held.done:
                return
            self.advance()
            if not ready():
                asyncio.get_running_loop().call_later(POLL, look)
                return
            try:
                held.resolve(answer())
            except ScpiError as failure:
                held.fail(failure)

        look()
        return held
