"""Every registered driver against the simulated instrument of its name: all it can send is known.

What a driver declares is read and set over the wire; what else it sends stands as text in its
source: every header there is sent too. An instrument that does not know a header says so (-113).
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers import naming
from drivers.errors import InstrumentError, LimitError
from drivers.instrument import Instrument
from drivers.link_model import LinkModel
from drivers.polatis import Polatis
from drivers.quantity import Quantity, Value
from drivers.registry import BUILT_IN, load
from drivers.scpi_instrument import ScpiInstrument
from drivers.transport.memory import MemoryNetwork
from sim_backends import catalogue
from sim_backends.faults import LinkFaults
from sim_backends.host.clock import BenchClock
from sim_backends.host.session import LinkTiming, client_connected
from sim_backends.instrument import Placement, SimulatedInstrument
from sim_backends.virtual_time import VirtualTimeLoop

LINK = LinkModel(latency=1e-3, bytes_per_second=1e5)
OPTIONS: dict[str, dict[str, Any]] = {"qontrol_q8": {"modules": 8}}
"""What a simulated instrument is asked to be, so that it is what the driver expects."""
UNKNOWN = re.compile(
    r"(^|; |')-11[0-4],|command not available|parameter not available", re.IGNORECASE
)
HEADER = re.compile(r"(\*[A-Z]{3}|[A-Z]{2,}[a-z]*[0-9]*(:[A-Z][A-Za-z]*[0-9]*)+)\??")


def served(model: str, network: MemoryNetwork) -> tuple[SimulatedInstrument, str]:
    """Put a simulated instrument on the network; returns it and a resource that it is found at."""
    placement = Placement(clock=BenchClock(), seed=1, options=OPTIONS.get(model, {}))
    device = catalogue.build(model, placement)
    links = load(model).links
    resource = ""
    for door in device.doors:
        if door.kind == "udp":
            continue  # a broadcast's, which no driver opens
        where, kinds = {
            "serial": ("ASRL/dev/instrument::INSTR", ("serial",)),
            "tcp": (f"TCPIP::instrument::{door.port}::SOCKET", ("tcp",)),
            "http": (f"TCPIP::instrument::{door.port}::SOCKET", ("tcp",)),
            "message": ("TCPIP::instrument::hislip0::INSTR", ("hislip", "usb", "gpib")),
        }[door.kind]
        if door.kind == "message" and "hislip" not in links:
            where = "GPIB0::12::INSTR" if "gpib" in links else "USB::0x1313::0x8078::P1::0::INSTR"
        network.listen(where, client_connected(door.converse, LinkTiming(1e-3, 1e5), LinkFaults()))
        if not resource and set(kinds) & set(links):
            resource = where
    assert resource, f"the simulated {model} has no door that its driver knows"
    return device, resource


def run(model: str, scenario: Any) -> None:
    """Run a scenario with the model's driver opened on its simulated instrument."""

    async def whole() -> None:
        network = MemoryNetwork()
        _, resource = served(model, network)
        async with load(model)("thing", resource, network, link=LINK) as instrument:
            await asyncio.wait_for(scenario(instrument), 1e5)
        await network.close()

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
        runner.run(whole())


@pytest.mark.parametrize("model", sorted(BUILT_IN))
def test_it_has_a_simulated_instrument(model: str) -> None:
    assert model in catalogue.MODELS


@pytest.mark.parametrize("model", sorted(BUILT_IN))
def test_settings_are_told_and_off_is_understood(model: str) -> None:
    async def scenario(instrument: Instrument) -> None:
        told = await instrument.read_settings()
        assert told
        refused = [text for text in map(str, told.values()) if "refused" in text]
        assert not [text for text in refused if UNKNOWN.search(text)]
        await instrument.off()

    run(model, scenario)


def values(quantity: Quantity) -> Iterator[Value]:
    """What a quantity can be set to: the ends of its range, or all its words."""
    if quantity.kind is bool:
        yield from (True, False)
    elif quantity.choices:
        yield from quantity.choices
    else:
        yield from (quantity.low, quantity.high)


@pytest.mark.parametrize("model", sorted(BUILT_IN))
def test_every_declared_quantity_is_known(model: str) -> None:
    """Refused it may be (a conflict, a state), but not as a command that there is not."""

    async def scenario(instrument: Instrument) -> None:
        unknown: list[str] = []
        for quantity in instrument.quantities:
            channels = ("",)
            if isinstance(instrument, ScpiInstrument) and quantity.has_channels:
                every = instrument.channels_of(quantity)
                channels = tuple(map(str, {every[0]: 0, every[-1]: 0}))
            elif quantity.has_channels:
                named = [str(one) for one in quantity.channels] or ["0"]
                channels = ("", named[0], named[-1])
            for channel in channels:
                if quantity.readable:
                    try:
                        await naming.read(instrument, quantity.name, channel)
                    except InstrumentError as error:
                        unknown += [str(error)] if UNKNOWN.search(error.reply) else []
                    except naming.NamingError:
                        assert not isinstance(instrument, ScpiInstrument)
                if not (quantity.writable and hasattr(instrument, "set")):
                    continue
                for value in values(quantity):
                    try:
                        await naming.write(instrument, quantity.name, value, channel)
                    except InstrumentError as error:
                        unknown += [str(error)] if UNKNOWN.search(error.reply) else []
                    except ValueError:
                        pass  # the driver has narrower limits of its own
        assert not unknown, "\n".join(unknown)

    run(model, scenario)


def test_a_heater_and_lines_by_name() -> None:
    async def heater(instrument: Instrument) -> None:
        await naming.write(instrument, "volts", 1.5, "9")
        assert await naming.read(instrument, "volts", "9") == pytest.approx(1.5, abs=0.01)
        assert await naming.read(instrument, "volts", "8") == pytest.approx(0.0, abs=0.01)
        with pytest.raises(LimitError, match=r"channel 9: 12\.5 V"):
            await naming.write(instrument, "volts", 12.5, "9")
        for channel in ("", "64", "-1"):
            with pytest.raises(ValueError, match="needs a channel from 0 to 63"):
                await naming.write(instrument, "volts", 1.5, channel)
        await naming.write(instrument, "volts_max", 1.5, "9")
        with pytest.raises(LimitError, match=r"0 to 1\.5 V"):
            await naming.write(instrument, "volts", 1.6, "9")

    async def lines(instrument: Instrument) -> None:
        await naming.write(instrument, "mask", 0b101)
        with pytest.raises(LimitError, match="0 to 255"):
            await naming.write(instrument, "mask", 256)

    run("qontrol_q8", heater)
    run("pulse_streamer", lines)


FROM_THE_ROOT = (Polatis,)
"""Drivers whose headers begin with a colon; elsewhere such text is the end of a header."""


def headers(driver: type[Instrument]) -> dict[str, str]:
    """Headers that stand as text in a driver's sources, and where; `{…}` stands for a 1."""
    module = inspect.getmodule(driver)
    assert module is not None
    source = Path(inspect.getfile(driver))
    package = source.parent.name != "drivers"
    files = source.parent.glob("*.py") if package else source.parent.glob(f"{source.stem}*.py")
    # What can only be read is no command without its question mark: declared ones are tried above.
    declared = {one.command.format(channel=1, value=1) for one in driver.quantities}
    found: dict[str, str] = {}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                text = "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "1"
                    for part in node.values
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            header = re.sub(r"\{\w*\}", "1", text).partition(" ")[0]
            if driver in FROM_THE_ROOT:
                header = header.removeprefix(":")
            if HEADER.fullmatch(header) and header not in declared:
                found[header] = f"{file.name}:{node.lineno}"
    return found


@pytest.mark.parametrize(
    "model", [name for name in sorted(BUILT_IN) if issubclass(load(name), ScpiInstrument)]
)
def test_every_header_in_its_source_is_known(model: str) -> None:
    sent = headers(load(model))
    assert sent, "no header was found: is the search wrong?"

    async def scenario(instrument: Instrument) -> None:
        assert isinstance(instrument, ScpiInstrument)
        unknown: list[str] = []
        for header, where in sent.items():
            try:
                await (instrument.ask if header.endswith("?") else instrument.tell)(header)
            except InstrumentError as error:
                if UNKNOWN.search(error.reply):
                    unknown.append(f"{where}: {error}")
        assert not unknown, "\n".join(unknown)

    run(model, scenario)
