"""A made-up SCPI supply, and scripts that it is played against."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from drivers.link_model import LinkModel
from drivers.quantity import Quantity
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.memory import MemoryNetwork
from tests.drivers.conftest import Script, run

LINK = LinkModel(latency=0.001, bytes_per_second=1e6)
IDN = b"ACME,PS 2450,1234,1.7.3"
NONE = b'0,"No error"\n'
ASK = b"SYST:ERR?\n"
HELLO = [(b"*IDN?\n", IDN + b"\n"), (ASK, NONE)]
VOLTS = Quantity(
    "volts", "SOUR{channel}:VOLT", "Control the output in V (0 to 5).", unit="V", low=0, high=5,
    safe=0.0,
)  # fmt: skip
AMPS = Quantity("amps", "MEAS:CURR", "Measure the current in A (0 to 1).", unit="A", low=0, high=1)
ENABLE = Quantity("enable", "OUTP", "Control whether the output is on.", kind=bool, safe=False)
KEY = Quantity("key", "SYST:KEY", "Set a key (0 to 9).", kind=int, low=0, high=9)


class Supply(ScpiInstrument):
    """A made-up supply of two channels."""

    quantities = (VOLTS, AMPS, ENABLE, KEY)
    models = (r"PS 24\d\d",)
    links: ClassVar[tuple[str, ...]] = ("serial", "tcp", "usb", "gpib", "vxi11", "hislip")
    channels = (1, 2)
    default_port = 5025
    baud = 9600


class Joined(Supply):
    """The same on a parser that goes on after a unit that failed."""

    error_in_message = True


SOCKET = "TCPIP::ps::5025::SOCKET"
PORT = "ASRL/dev/ttyUSB0::INSTR"
GPIB = "GPIB0::5::INSTR"


def play(
    entries, scenario, *, resource=SOCKET, model=Supply, stream=True, hello=HELLO,
    closing=IDN + b"\n", **options,
):  # fmt: skip
    """Run a scenario with an opened supply against a greeting and these entries."""
    server = Script([*hello, *entries], closing=closing if stream else b"")
    network = MemoryNetwork()
    network.listen(resource, server.serve, stream=stream)

    async def opened():
        supply = model("ps", resource, network, link=LINK, timeout=1.0, **options)
        await supply.open()
        try:
            return await scenario(supply)
        finally:
            await supply.close()

    result = run(opened())
    server.finish()
    return result


CASES = [
    (Supply, SOCKET, True), (Supply, PORT, True), (Supply, GPIB, False), (Joined, SOCKET, True),
    (Joined, GPIB, False),
]  # fmt: skip


def said(model: type, stream: bool, *units: bytes, answer: bytes = b"", error: bytes = NONE):
    """Entries for one exchange, by how this model and link speak."""
    message = b";".join(units)
    if model.error_in_message:
        reply = answer + b";" + error if answer else error
        return [(message + b";:SYST:ERR?\n", reply)]
    lines = answer + b"\n" if answer else b""
    if stream:
        return [(message + b"\n" + ASK, lines + error)]
    return [(message + b"\n", lines), (ASK, error)]


def late(*parts: tuple[float, bytes]):
    """Answers after so many seconds each, without holding up what is asked meanwhile."""

    def answer(writer) -> None:
        loop = asyncio.get_running_loop()
        for delay, data in parts:
            loop.call_later(delay, writer.write, data)

    return answer
