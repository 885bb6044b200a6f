"""All that a bench file states of an identity is compared, as far as the instrument can know it."""

from __future__ import annotations

import asyncio

import pytest

from drivers.transport.memory import MemoryNetwork
from hil.bench.assembly import assemble
from hil.bench.connection import Connection
from hil.bench.file import parse
from hil.bench.simulated import Simulation
from hil.bench.writing import Start, starting_text
from sim_backends.virtual_time import VirtualTimeLoop


def file_with(identity: str) -> str:
    return starting_text(Start(2, 1, "b")).replace(
        'identity = { model = "Q8iv", serial = "0001" }', f"identity = {{ {identity} }}"
    )


@pytest.mark.parametrize(
    ("identity", "told"),
    [
        ('firmware = "v9.9"', "heaters-0: firmware 'v9.9' was expected, but 'v2.4.1' answers"),
        ('maker = "Acme"', "heaters-0: maker 'Acme' was expected, but 'Qontrol' answers"),
        ('maker = "qontrol", firmware = "V2.4.1"', ""),
    ],
)
def test_maker_and_firmware_are_compared(identity: str, told: str) -> None:
    """Of a real bench: here the simulated instruments stand for it."""
    file = parse(file_with(identity), source="b")

    async def whole() -> list[BaseException]:
        network: MemoryNetwork = Simulation(file.document, only=None, start_time=0.0).network()
        parts = assemble(file, {one.name: network for one in file.instruments})
        opened = await asyncio.gather(
            *(one.open() for one in parts.instruments), return_exceptions=True
        )
        for one in parts.instruments:
            await one.close()
        return [error for error in opened if error is not None]

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
        failed = runner.run(whole())
    assert [str(error).startswith(told) for error in failed] == ([True] if told else [])


def test_a_simulated_instrument_has_maker_and_firmware_of_its_own() -> None:
    """Model and serial number are as the file says; the rest would only keep a file from it."""
    text = file_with('maker = "Acme", model = "Q8b", serial = "0420", firmware = "v9.9"')
    connection = Connection(parse(text, source="b"), backend="sim")

    async def whole() -> dict[str, BaseException]:
        failed = await connection.open_instruments()
        await connection.close_instruments()
        return failed

    with asyncio.Runner(loop_factory=connection.new_loop) as runner:
        assert runner.run(whole()) == {}
    who = connection.parts.instruments[0].identity
    assert who is not None
    assert (who.model, who.serial) == ("Q8b", "0420")
