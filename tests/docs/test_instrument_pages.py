"""The pages of the instruments do what they say: wiring joins, what is served is talked to.

Each page's instrument stands in memory, on virtual time, at the resources that the page writes;
`RealConnector` finds it there.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import inspect
import io
import re
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from drivers import describing
from drivers.__main__ import parser as drivers_parser
from drivers.commands import COMMANDS
from drivers.registry import BUILT_IN, load
from drivers.transport import real
from drivers.transport.memory import MemoryNetwork
from hil.bench.connection import Connection
from hil.bench.document import parse_toml
from hil.bench.file import parse
from hil.bench.writing import Start, starting_text
from sim_backends.__main__ import parser as serve_parser
from sim_backends.catalogue import MODELS, build
from sim_backends.endpoints import reached
from sim_backends.faults import LinkFaults
from sim_backends.host.clock import BenchClock
from sim_backends.host.session import LinkTiming, client_connected
from sim_backends.instrument import Door, Placement, SimulatedInstrument
from sim_backends.ordering import parse_order, place
from sim_backends.virtual_time import VirtualTimeLoop
from tests.docs.pages import INSTRUMENTS, ROOT, blocks, commands, tables

PAGES = [INSTRUMENTS / f"{model}.md" for model in sorted(BUILT_IN)]
SERVED_AT = re.compile(r"(?:TCPIP|ASRL|USB|GPIB)[\w/.:,-]+::(?:INSTR|SOCKET)")
EVERYWHERE = [*PAGES, INSTRUMENTS / "README.md", INSTRUMENTS / "hosts.md", ROOT / "README.md"]


def by_name(path: Path) -> str:
    return path.stem


def on_virtual_time(work: Coroutine[Any, Any, Any]) -> None:
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(0.0)) as runner:
        runner.run(asyncio.wait_for(work, 1e4))


def alone(asked: argparse.Namespace) -> SimulatedInstrument:
    """The instrument that a `serve --instrument` command asks for."""
    options = dict(option.split("=", 1) for option in asked.option)
    identity = {key: options.pop(key) for key in ("model", "serial") if key in options}
    return build(asked.instrument, Placement(BenchClock(), asked.seed, identity, options))


def put(network: MemoryNetwork, device: SimulatedInstrument, resources: set[str]) -> None:
    """Let a simulated instrument answer at resources, as far as it has such doors."""
    for resource in resources:
        try:
            doors: list[tuple[str, Door]] = reached(resource, device.doors)
        except ValueError:
            continue
        for address, door in doors:
            if address not in network.addresses:
                connected = client_connected(door.converse, LinkTiming(1e-4, 1e6), LinkFaults())
                network.listen(address, connected, stream=door.kind != "message")


def resources_of(page: Path) -> set[str]:
    """What the code and the commands of a page name as resources."""
    text = "\n".join([*blocks(page, "python"), *blocks(page, "sh")])
    return {match.group() for match in SERVED_AT.finditer(text)}


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_wiring_example_joins_a_bench(page: Path) -> None:
    """As a spare unit of a bench: read by both sides, built, simulated, and identified."""
    found = [text for text in tables(page) if "[[instrument]]" in text]
    assert len(found) == 1, "a page has one wiring example"
    table = inspect.cleandoc(found[0])
    (mine,) = parse_toml(table, page.name)["instrument"]
    assert mine["driver"] == page.stem
    bench, taken = starting_text(Start(2, 1, "bench")), f'name = "{mine["name"]}"'
    if f'driver = "{page.stem}"' in bench:  # instead of the bench's own
        pattern = rf'\[\[instrument\]\][^[]*?driver = "{page.stem}"[^[]*?(?=\n\n)'
        (own,) = re.findall(pattern, bench)
        bench = bench.replace(own, table)
        named = re.search(r'name = "(.*?)"', own)
        assert named is not None
        bench = bench.replace(f'"{named[1]}"', f'"{mine["name"]}"')
    else:
        assert taken not in bench
        bench = bench.replace("# ---- Wiring ---", f"{table}\n\n# ---- Wiring ---", 1)
    opens(bench, page.name)


def opens(bench: str, source: str) -> None:
    """The file is taken by both sides, and every instrument that it names answers."""
    connection = Connection(parse(bench, source=source), backend="sim")

    async def whole() -> None:
        assert not await connection.open_instruments()
        assert not await connection.close_instruments()

    with asyncio.Runner(loop_factory=connection.new_loop) as runner:
        runner.run(whole())


def test_tables_of_the_bench_file_page_join_a_bench() -> None:
    """All in one bench: an oscilloscope, a laser with a key, a knob, a tap, a switch, delayed
    triggers, a broken heater.
    """
    found = tables(ROOT / "docs" / "bench-file.md")
    assert len(found) == 6
    bench = starting_text(Start(4, 2, "bench"))
    added = "\n".join(map(inspect.cleandoc, found))
    opens(f"{bench}\n{added}\n", "bench-file.md")


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_what_a_page_serves_answers_its_code(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served = [serve_parser().parse_args(words) for words in commands(page, "sim_backends")]
    assert served, "a page says how to serve its instrument"
    code, asked = blocks(page, "python"), commands(page, "drivers")
    assert code or asked, "a page says how to talk to it"
    assert all(one.instrument == page.stem for one in served)
    for one in served[1:]:
        alone(one)  # its options are taken
    device = alone(served[0])

    async def whole() -> None:
        network = MemoryNetwork()
        monkeypatch.setattr(real, "RealConnector", lambda: network)
        put(network, device, resources_of(page))
        names: dict[str, Any] = {"__name__": page.stem}
        for number, text in enumerate(code):
            where = f"{page.name} block {number}"
            compiled = compile(text, where, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            done = eval(compiled, names)
            if inspect.isawaitable(done):
                await done
        for words in asked:
            await ask(words, network)
        await network.close()

    on_virtual_time(whole())
    printed = capsys.readouterr().out
    assert printed or "print(" not in "".join(code)


async def ask(words: list[str], network: MemoryNetwork) -> str:
    """What `python -m drivers` prints for these words."""
    asked, said = drivers_parser().parse_args(words), io.StringIO()
    out, told = Console(file=said, width=200), Console(file=io.StringIO())
    await COMMANDS[asked.command](asked, network, out, told)
    assert said.getvalue(), words
    return said.getvalue()


def orders() -> Iterator[Any]:
    for page in EVERYWHERE:
        for words in commands(page, "sim_backends"):
            for order in serve_parser().parse_args(words).fault:
                yield pytest.param(words, order, id=f"{page.stem} {order}")


@pytest.mark.parametrize(("words", "order"), list(orders()))
def test_faults_of_the_pages_can_be_ordered(words: list[str], order: str) -> None:
    asked = serve_parser().parse_args(words)
    place(parse_order(order), {asked.instrument: alone(asked)}, {asked.instrument: LinkFaults()})


def test_commands_of_the_overview_run() -> None:
    """On the box that the page says to serve, at the address that it writes."""
    page = INSTRUMENTS / "README.md"
    asked = [words for words in commands(page, "drivers") if words[0] != "scan"]
    assert {words[0] for words in asked} == {"list", "identify", "read", "write"}

    async def whole() -> None:
        network = MemoryNetwork()
        box = build("red_pitaya", Placement(BenchClock()))
        put(network, box, {"TCPIP::192.168.1.20::5000::SOCKET"})
        told = {" ".join(words): await ask(words, network) for words in asked}
        assert any("reads 0.5 V" in text for text in told.values())
        await network.close()

    on_virtual_time(whole())


def test_overview_lists_what_the_drivers_say() -> None:
    rows = re.findall(
        r"^\| \[(\w+)\]\((\w+)\.md\) \| [^|]* \| ([^|]*) \| ([^|]*) \|$",
        (INSTRUMENTS / "README.md").read_text(),
        re.MULTILINE,
    )
    assert sorted(row[0] for row in rows) == sorted(BUILT_IN) == sorted(MODELS)
    for name, page, links, roles in rows:
        driver = load(name)
        assert page == name
        spelled = {"usb": "USB", "tcp": "TCP", "gpib": "GPIB", "vxi11": "VXI-11"}
        wanted = [{"hislip": "HiSLIP"}.get(one, spelled.get(one, one)) for one in driver.links]
        assert sorted(links.split(", ")) == sorted(wanted), name
        assert re.findall(r"`(\w+)`", roles) == list(driver.roles), name


def test_the_page_of_quantities_is_what_the_drivers_declare() -> None:
    """`python -m drivers list --markdown > docs/instruments/quantities.md` writes it anew."""
    page = (INSTRUMENTS / "quantities.md").read_text()
    assert page == describing.markdown((name, load(name)) for name in sorted(BUILT_IN))
    for name in BUILT_IN:
        assert page.count(f"\n## {name}\n") == 1
        for quantity in load(name).quantities:
            assert f"| `{quantity.name}` |" in page


def test_options_of_a_driver_stand_on_its_page() -> None:
    """Every option of a constructor is named, and nothing in a page's table of options is not."""
    common = {"self", "name", "resource", "connector", "link", "expect", "timeout"}
    missing: list[str] = []
    for page in PAGES:
        text = page.read_text()
        driver = load(page.stem)
        has = set(inspect.signature(driver).parameters) - common
        has -= set() if "serial" in driver.links else {"baud"}
        missing += [f"{page.name}: {one}" for one in sorted(has) if f"`{one}`" not in text]
        for row in re.findall(r"^\| option \|.*\n\|.*\n((?:\|.*\n)+)", text, re.MULTILINE):
            named = re.findall(r"^\| ([^|]*) \|", row, re.MULTILINE)
            told = {one for cell in named for one in re.findall(r"`(\w+)`", cell)}
            missing += [f"{page.name}: no option {one}" for one in sorted(told - has)]
    assert not missing, "\n".join(missing)


def test_the_server_teaches_orders_that_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        serve_parser().parse_args(["serve", "--help"])
    taught = re.findall(r"--fault ([a-z]\S+:\S+)", capsys.readouterr().out)
    assert len(taught) == 2
    for order in taught:
        parse_order(order)
