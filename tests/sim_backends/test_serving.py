"""The command line, and bench time on a real loop."""

from __future__ import annotations

import argparse
import asyncio
import socket
import tomllib

import pytest

from drivers.transport.real import RealConnector
from sim_backends.__main__ import _serve, main
from sim_backends.bench_file import BenchDocumentError
from sim_backends.catalogue import build
from sim_backends.faults import LinkFaults, drop, duplicate
from sim_backends.host.clock import BenchClock
from sim_backends.host.serving import Address, InstrumentHost, Served
from sim_backends.instrument import Door, Placement
from sim_backends.ordering import parse_order, place
from sim_backends.readdress import readdressed


def test_bench_time_on_a_real_loop_begins_at_the_start_time() -> None:
    async def look() -> tuple[float, float]:
        clock = BenchClock(100.0)
        first = clock.now()
        await asyncio.sleep(0)
        return first, clock.now()

    first, second = asyncio.run(look())
    assert first == pytest.approx(100.0)
    assert 100.0 <= second < 101.0


def test_no_bench_time_passes_while_one_message_is_carried_out() -> None:
    """As on a virtual loop: what a start of the lines settles first is not later than the start."""

    async def look() -> tuple[list[float], float]:
        clock, loop = BenchClock(), asyncio.get_running_loop()
        turn = [clock.now()]
        before = loop.time()
        while loop.time() - before < 1e-4:
            pass
        turn.append(clock.now())
        await asyncio.sleep(0)
        return turn, clock.now()

    (first, same), later = asyncio.run(look())
    assert first == same
    assert later >= first + 1e-4


def test_a_bench_on_a_real_loop_can_be_asked_the_time_when_the_loop_has_ended() -> None:
    clock = BenchClock()

    async def begin() -> float:
        return clock.now()

    first = asyncio.run(begin())
    assert clock.now() >= first


def test_bench_time_on_a_virtual_loop_is_the_loops(run) -> None:
    async def look() -> float:
        await asyncio.sleep(2.0)
        return BenchClock(100.0).now()

    assert run(look(), 5.0) == 7.0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("schema = [", "not a TOML file"),
        ("schema = 1\n", "ports"),
        ("\xf5", "bench.toml: not a TOML file"),
        (None, "bench.toml: No such file or directory; name a bench file by its path"),
    ],
)
def test_what_the_caller_can_mend_is_one_line_and_exit_code_2(
    tmp_path, capsys, text, named
) -> None:
    file = tmp_path / "bench.toml"
    if text is not None:
        file.write_text(text, encoding="latin-1")
    assert main(["serve", str(file)]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("asked", ["relax-mzi-8", "relax-mzi-8.toml"])
def test_a_packaged_bench_is_named_by_the_path_of_its_file(
    tmp_path, monkeypatch, capsys, asked
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["serve", asked]) == 2
    assert "those that are packaged lie in hil/benches" in capsys.readouterr().err
    (tmp_path / "hil/benches").mkdir(parents=True)
    (tmp_path / "hil/benches/relax-mzi-8.toml").write_text("", encoding="utf-8")
    assert main(["serve", asked]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{asked}: No such file or directory; ")
    assert error.endswith(" path: hil/benches/relax-mzi-8.toml\n")


def test_instruments_of_one_kind_take_ports_in_a_row(bench) -> None:
    async def serve() -> list[int | None]:
        made, _, _ = bench()
        first = InstrumentHost(made.served(), "127.0.0.7")
        await first.start()
        second = InstrumentHost(made.served(), "127.0.0.7")
        await second.start()
        ports = [
            host.address(name, 5000).port for host in (first, second) for name in ("box-0", "box-1")
        ]
        await first.close()
        await second.close()
        return ports

    ports = asyncio.run(serve())
    assert None not in ports
    assert len(set(ports)) == 4
    assert ports == sorted(ports)  # type: ignore[type-var]


def test_an_address_that_cannot_be_had_is_named_and_leaves_nothing_open(bench) -> None:
    async def serve() -> None:
        made, _, _ = bench()
        host = InstrumentHost(made.served(), "192.0.2.1")
        with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1"):
            await host.start()
        assert not host._servers
        assert not host._terminals

    asyncio.run(serve())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--instrument", "no_such"], "qontrol_q8, red_pitaya"),
        (["--instrument", "qontrol_q8", "--option", "nonsense=1"], "modules, ohms, noise"),
        (["--instrument", "qontrol_q8", "--option", "modules"], "KEY=VALUE"),
        (["--instrument", "qontrol_q8", "--option", "modules=9"], "1 to 8"),
        (["--instrument", "qontrol_q8", "--option", "modules=two"], "cannot be read"),
        (["--instrument", "polatis", "--host", "192.0.2.1"], "cannot listen on 192.0.2.1:5025"),
        (["--instrument", "qontrol_q8", "--fault", "x"], "NAME:KIND"),
        (["--instrument", "qontrol_q8", "--fault", "x:drop"], "no instrument is named 'x'"),
        (["--instrument", "qontrol_q8", "--fault", "qontrol_q8:melt"], "silence, garbage"),
        (["--instrument", "qontrol_q8", "--fault", "qontrol_q8:late=soon"], "seconds"),
        (["--instrument", "qontrol_q8", "--fault", "qontrol_q8:drop%2"], "0 to 1"),
        (["--instrument", "qontrol_q8", "--fault", "qontrol_q8:dead=1%1.5"], "0 to 1"),
        (["--instrument", "qontrol_q8", "--fault", "qontrol_q8:dead=99%0.5"], "channel 99"),
        (["--instrument", "qontrol_q8", "--fault", "qontrol_q8:dead=99"], "channel 99"),
    ],
)
def test_what_is_served_wrongly_is_one_line(arguments, said, capsys) -> None:
    assert main(["serve", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_nothing_to_serve_is_said(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["serve"])
    assert "--instrument" in capsys.readouterr().err


TWO = """schema = 1
[[instrument]]  # the first
name = "heaters-0"
driver = "qontrol_q8"
resource = "ASRL/dev/qontrol-0::INSTR"  # by the door
[[instrument]]
name = "box-0"
driver = "red_pitaya"
resource = 'TCPIP::rp-0::5000::SOCKET'
"""


def serial_door() -> Door:
    return Door("serial", None, lambda send: None)  # type: ignore[arg-type,return-value]


def test_a_bench_file_is_given_the_addresses_and_keeps_its_comments() -> None:
    addresses = [
        Address("heaters-0", serial_door(), "ASRL/dev/pts/7::INSTR", None),
        Address("box-0", serial_door(), "TCPIP::127.0.0.1::5001::SOCKET", 5001),
    ]
    assert readdressed(TWO, addresses) == TWO.replace("/dev/qontrol-0", "/dev/pts/7").replace(
        "'TCPIP::rp-0::5000::SOCKET'", '"TCPIP::127.0.0.1::5001::SOCKET"'
    )
    with pytest.raises(BenchDocumentError, match="box-0 is not served"):
        readdressed(TWO, addresses[:1])
    with pytest.raises(BenchDocumentError, match="line of its own"):
        readdressed('[[instrument]]\nname = "a"\ndriver="b"', addresses)


PATTERN = """schema = 1
[[instrument]]
name = "pattern"
driver = "pulse_streamer"
resource = "TCPIP::pulsestreamer::INSTR"  # upstairs
{options}
[[instrument]]
name = "box-0"
driver = "red_pitaya"
resource = "TCPIP::rp-0::5000::SOCKET"
options = {{ debounce = 1e-6 }}
"""


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ("", ""),
        ("options = { channels = 1 }  # kept", "channels = 1 }  # kept"),
    ],
)
def test_ports_that_have_moved_are_told_as_options(options, given) -> None:
    http = Door("http", 8050, lambda send: None)  # type: ignore[arg-type,return-value]
    upload = Door("tcp", 21328, lambda send: None)  # type: ignore[arg-type,return-value]
    text = PATTERN.format(options=options)
    box = Address("box-0", serial_door(), "TCPIP::127.0.0.1::5001::SOCKET", 5001)

    def at(rpc: int, binary: int) -> str:
        return readdressed(
            text,
            [
                Address("pattern", http, f"http://127.0.0.1:{rpc}/json-rpc", rpc),
                Address("pattern", upload, f"TCPIP::127.0.0.1::{binary}::SOCKET", binary),
                box,
            ],
        )

    moved = tomllib.loads(at(8051, 21330))["instrument"]
    assert moved[0]["resource"] == "TCPIP::127.0.0.1::INSTR"
    ports = {"rpc_port": 8051, "upload_port": 21330}
    assert moved[0]["options"] == ports | ({"channels": 1} if options else {})
    assert moved[1]["options"] == {"debounce": 1e-6}
    assert given in at(8051, 21330)
    assert "# upstairs" in at(8051, 21330)
    at_home = at(8050, 21328)
    assert at_home == text.replace("pulsestreamer::INSTR", "127.0.0.1::INSTR").replace(
        "rp-0::5000", "127.0.0.1::5001"
    )


def test_a_message_based_instrument_is_served_over_hislip_and_vxi11() -> None:
    async def serve() -> None:
        device = build("thorlabs_pm100", Placement(BenchClock()))
        host = InstrumentHost([Served("meter", device.doors)], free_ports=True)
        await host.start()
        try:
            hislip, vxi11 = (one for one in host.addresses if one.door.kind == "message")
            assert hislip.resource == f"TCPIP::127.0.0.1::hislip0,{hislip.port}::INSTR"
            assert vxi11.resource == f"TCPIP::127.0.0.1,{vxi11.port}::inst0::INSTR"
            link = await RealConnector().visa(vxi11.resource)
            await link.write(b"*IDN?\n")
            assert (await link.read_until(b"\n", 5.0)).startswith(b"Thorlabs,PM100D")
            await link.close()
        finally:
            await host.close()

    asyncio.run(asyncio.wait_for(serve(), 30.0))


def test_faults_by_chance_come_as_often_as_ordered() -> None:
    faults = LinkFaults(seed=3)
    faults.by_chance(0.25, drop())
    dropped = sum(faults.next(b"x").drop for _ in range(4000))
    assert dropped == pytest.approx(1000, abs=100)
    faults.order(duplicate())
    assert faults.next(b"x").parts == ((b"x", 0.0), (b"x", 0.0))
    faults.clear()
    assert not faults.pending


def test_a_fault_at_a_time_waits_for_it(run) -> None:
    chain = build("qontrol_q8", Placement(BenchClock()))
    link = LinkFaults()
    orders = [
        place(parse_order(text), {"heaters": chain}, {"heaters": link})
        for text in ("heaters:late=0.5@10", "heaters:stuck=3/1.5@20", "heaters:silence%1")
    ]

    async def scenario() -> None:
        for order in orders[:2]:
            order()
        await asyncio.sleep(9.9)
        assert not link.pending
        await asyncio.sleep(0.2)
        assert link.next(b"x").parts == ((b"x", 0.5),)
        assert chain.stuck == {}  # type: ignore[attr-defined]
        await asyncio.sleep(10.0)
        assert chain.stuck == {3: 1.5}  # type: ignore[attr-defined]
        orders[2]()
        assert link.next(b"x").parts == ()

    run(scenario())


def test_an_instrument_that_is_not_on_its_own_port_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client at the usual port would speak to another program; those of a bench lie in a row."""

    async def nothing(*of: object, **more: object) -> None:
        return None

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        door = Door("tcp", port, lambda send: pytest.fail("nobody calls"))
        served = [Served("one", (door,)), Served("two", (Door("serial", None, door.converse),))]
        monkeypatch.setattr(asyncio.Event, "wait", nothing)
        chosen = argparse.Namespace(host="127.0.0.1", free_ports=False, as_bench=None)
        asyncio.run(_serve(served, chosen, [], ""))
        first, second = capsys.readouterr().out.splitlines()[:2]
    said = f"(not on its own port {port}, where another program listens already)"
    assert first.endswith(said)
    assert "own port" not in second
    asyncio.run(_serve([served[0], Served("three", (door,))], chosen, [], ""))
    assert "own port" not in capsys.readouterr().out
