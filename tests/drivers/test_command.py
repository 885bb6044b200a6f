"""`python -m drivers`: what people see, what is sent, and that nothing is set without --write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from drivers import commands, scanning
from drivers.__main__ import main
from drivers.describing import HEAD
from drivers.transport.link import LinkError
from drivers.transport.memory import MemoryNetwork

BOX = "TCPIP::box::5000::SOCKET"
OK = b'0,"No error"\r\n'


class Box:
    """A Red Pitaya of which an offset can be read and set; notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.offset = {"1": "0", "2": "-0.25"}

    async def serve(self, reader: asyncio.StreamReader, writer: Any) -> None:
        while line := (await reader.readline()).decode().strip():
            self.told.append(line)
            if line == "*IDN?":
                writer.write(b"REDPITAYA,INSTR,2026-07-01,2.07\r\n")
                continue
            first = line.split(";")[0]
            name = first[4:5]
            if first.endswith("VOLT:OFFS?"):
                writer.write(self.offset[name].encode() + b";" + OK)
            elif "VOLT:OFFS " in first:
                self.offset[name] = first.split(" ")[1]
                writer.write(OK)
            elif first == "SYST:ERR?":
                writer.write(OK)
            else:
                writer.write(b'-113,"Undefined header"\r\n')


@pytest.fixture
def box() -> Box:
    """A box that nobody has talked to."""
    return Box()


@pytest.fixture
def run(box: Box, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command on a network where the box is; returns status, output, errors."""
    network = MemoryNetwork()
    network.listen(BOX, box.serve)

    def _run(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments, network)
        said = capsys.readouterr()
        return status, said.out, said.err

    return _run


def test_list_tells_models_links_and_roles(run) -> None:
    status, out, _ = run("list")
    assert status == 0
    line = next(line for line in out.splitlines() if line.startswith("pulse_streamer"))
    assert "tcp" in line
    assert "SwitchSequencer" in line


def test_list_of_a_model_tells_what_it_declares(run, box: Box) -> None:
    status, out, _ = run("list", "keithley_2400")
    assert status == 0
    head, *rows = out.splitlines()
    assert head.split() == list(HEAD)
    (volts,) = [row for row in rows if row.startswith("level_volts ")]
    assert volts.endswith("number        V     -210 to 210             50 V/s   0.0001 s  0")
    status, _, told = run("list", "redpitaya")
    assert (status, told.count("\n")) == (1, 1)
    assert "did you mean red_pitaya?" in told
    assert box.told == []


def test_identify_names_the_driver_and_reads_no_error_queue(run, box: Box) -> None:
    status, out, err = run("identify", BOX)
    assert status == 0
    assert "model     REDPITAYA" in out
    assert "serial    not told" in out
    assert "driver    red_pitaya" in out
    assert "tried *IDN? by raw TCP: REDPITAYA,INSTR,2026-07-01,2.07" in err
    assert box.told == ["*IDN?"]


def test_identify_tries_the_ports_of_a_host(run, box: Box) -> None:
    status, out, err = run("identify", "TCPIP::box::INSTR")
    assert (status, "driver    red_pitaya" in out) == (0, True)
    assert "tried *IDN? on TCP port 5025: " in err
    assert "tried *IDN? on TCP port 5000: REDPITAYA" in err


def test_identify_where_nobody_is(run) -> None:
    status, out, err = run("identify", "TCPIP::nobody::5025::SOCKET")
    assert (status, out) == (1, "")
    assert "tried *IDN? by raw TCP: TCPIP::nobody::5025::SOCKET: nothing listens there" in err
    assert "error: TCPIP::nobody::5025::SOCKET: nothing that is known answers" in err
    assert run("identify", "box:5000")[0] == 1


def test_an_instrument_that_no_driver_serves(capsys) -> None:
    async def serve(reader, writer) -> None:
        while await reader.readline():
            writer.write(b"ACME,TOASTER,1,2\n")

    network = MemoryNetwork()
    network.listen("GPIB0::7::INSTR", serve)
    assert main(["identify", "GPIB0::7::INSTR"], network) == 0
    assert "none serves it" in capsys.readouterr().out
    assert main(["read", "GPIB0::7::INSTR"], network) == 1
    assert "'ACME,TOASTER,1,2' answers, which no driver serves" in capsys.readouterr().err


def test_a_dialect_of_its_own_is_tried_after_idn(capsys) -> None:
    said = []

    async def serve(reader, writer) -> None:
        while line := await reader.readline():
            if line := line.strip():
                said.append(line)
            if line == b"firmware?":
                writer.write(b"v2.4.1\n")
            elif line == b"NUPALL?":
                writer.write(b"Q8iv-0007: 0\n")
            elif line == b"*IDN?":
                writer.write(b"E10:00\n")
            elif line in (b"VFULLALL?", b"IFULLALL?"):
                writer.write(b"12.0 V\n" if line.startswith(b"V") else b"24.0 mA\n")

    network = MemoryNetwork()
    network.listen("ASRL/dev/ttyUSB0::INSTR", serve)
    assert main(["identify", "ASRL/dev/ttyUSB0::INSTR", "--timeout", "0.3"], network) == 0
    out, err = capsys.readouterr()
    assert "driver    qontrol_q8" in out
    assert "tried *IDN? at 9600 baud: " in err
    assert "tried qontrol_q8, firmware? at 115200 baud: Q8iv, " in err
    assert not any(b"=" in line for line in said)  # nothing was set


def test_read(run, box: Box) -> None:
    assert run("read", BOX, "offset")[:2] == (0, "offset[1]: 0 V\noffset[2]: -0.25 V\n")
    assert run("read", BOX, "offset", "--channel", "2")[1] == "offset: -0.25 V\n"
    status, out, _ = run("read", BOX, "--driver", "red_pitaya")
    assert status == 0
    assert "offset[2]: -0.25 V\n" in out
    assert "decimation: refused (-113" in out
    told = [line.split(";")[0].partition(" ") for line in box.told]
    assert not [head for head, space, _ in told if space and not head.endswith("?")]  # none is set


def test_reading_what_there_is_not(run) -> None:
    assert "did you mean offset?" in run("read", BOX, "ofset")[2]
    assert "no channel '3'; name one of 1, 2" in run("read", BOX, "offset", "--channel", "3")[2]
    assert "did you mean red_pitaya?" in run("read", BOX, "--driver", "redpitaya")[2]
    assert "it has the options trigger_timeout" in run("read", BOX, "--option", "modules=2")[2]
    assert "KEY=VALUE" in run("read", BOX, "--option", "modules")[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scan", "--host", "127.0.0.1", "--port", "99999"], "no TCP port"),
        (["scan", "--port", "0"], "no TCP port"),
        (["read", BOX, "--timeout", "-1"], "no time-out"),
        (["read", BOX, "--timeout", "0"], "no time-out"),
        (["identify", BOX, "--timeout", "nan"], "no time-out"),
        (["identify", BOX, "--timeout", "soon"], "no time-out"),
    ],
)
def test_ports_and_time_outs_that_are_none_are_said(run, capsys, arguments, said) -> None:
    with pytest.raises(SystemExit):
        run(*arguments)
    assert said in capsys.readouterr().err


def test_an_option_that_a_driver_has_not_is_named_with_those_it_has(run, box: Box) -> None:
    status, _, error = run("read", BOX, "--option", "colour=1", "--driver", "red_pitaya")
    assert status == 1
    assert "RedPitaya has no option colour; it has the options trigger_timeout" in error
    assert box.told == []


def test_nothing_is_set_without_write(run, box: Box) -> None:
    status, out, err = run("write", BOX, "offset", "0.5", "--channel", "1")
    assert (status, out) == (1, "")
    assert "offset of channel 1 would be set to 0.5 V (allowed: -1 to 1 V)" in err
    assert "--write" in err
    for value, words in (
        ("1.5", "the limit is -1 to 1 V"), ("nan", "only finite values"), ("0.5V", "is no number"),
    ):  # fmt: skip
        status, _, err = run("write", BOX, "offset", value, "--channel", "1", "--write")
        assert status == 1
        assert words in err
    assert "name one of 1, 2" in run("write", BOX, "offset", "0.5", "--write")[2]
    assert box.offset == {"1": "0", "2": "-0.25"}
    assert not [line for line in box.told if "OFFS " in line]


def test_write_says_what_it_did(run, box: Box) -> None:
    status, out, _ = run("write", BOX, "offset", "0.5", "--channel", "1", "--write")
    assert (status, out) == (0, "offset of channel 1: was 0 V, set to 0.5 V, reads 0.5 V\n")
    assert [line for line in box.told if "OFFS " in line] == ["SOUR1:VOLT:OFFS 0.5;:SYST:ERR?"]


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("192.168.1.0/30", ["192.168.1.1", "192.168.1.2"]),
        ("10.0.0.9-11", ["10.0.0.9", "10.0.0.10", "10.0.0.11"]),
        ("10.0.0.9", ["10.0.0.9"]),
        ("laser-1.lab", ["laser-1.lab"]),
    ],
)
def test_ranges_of_hosts(text: str, hosts: list[str]) -> None:
    assert scanning.hosts(text) == hosts


@pytest.mark.parametrize(
    "text", ["10.0.0.0/8", "10.0.0.9-3", "300.1.1.1", "10.0.0", "10.0.0/33", "", "10.0.0.1:5025"]
)
def test_ranges_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="range"):
        scanning.hosts(text)


def test_scan_lists_and_asks_hosts(run, monkeypatch) -> None:
    def no_visa() -> None:
        raise LinkError("no VISA library is installed")

    port = scanning.Seen("ASRL/dev/ttyUSB0::INSTR", "Qontrol, USB 0403:6015")
    monkeypatch.setattr(scanning, "serial_ports", lambda: [port])
    monkeypatch.setattr(scanning, "visa_resources", no_visa)

    async def serve(reader, writer) -> None:
        await reader.readline()
        writer.write(b"ACME,PS,1,2\n")
        await reader.read()
        writer.close()

    async def whole(asked, connector, out, told) -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            asked.port = server.sockets[0].getsockname()[1]
            await commands.scan(asked, connector, out, told)

    monkeypatch.setitem(commands.COMMANDS, "scan", whole)
    status, out, err = run("scan", "--host", "127.0.0.1")
    assert status == 0
    assert out.splitlines()[0] == "ASRL/dev/ttyUSB0::INSTR  Qontrol, USB 0403:6015"
    assert out.splitlines()[1].endswith("::SOCKET  ACME,PS,1,2")
    assert "VISA: no VISA library is installed" in err
    assert "1 of 1 hosts accept TCP port" in err


def test_ctrl_c_ends_it_in_a_word(run, monkeypatch) -> None:
    async def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(commands.COMMANDS, "scan", interrupted)
    status, _, err = run("scan")
    assert (status, err) == (130, "stopped\n")


def test_help_teaches(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    for words in ("ASRL/dev/ttyUSB0::INSTR", "python -m drivers identify", "--write"):
        assert words in said


def test_what_wants_cr_alone_is_found_and_told_no_line_feed(capsys) -> None:
    told = bytearray()

    async def laser(reader: asyncio.StreamReader, writer: Any) -> None:
        while data := await reader.read(100):
            told.extend(data)
            if told.endswith(b"*IDN?\r"):
                writer.write(b"SANTEC,TSL-570,21020001,0001.0000.0001\r")

    network = MemoryNetwork()
    network.listen("TCPIP::laser::5000::SOCKET", laser)
    assert main(["identify", "TCPIP::laser::5000::SOCKET"], network) == 0
    assert "driver    santec_tsl570" in capsys.readouterr().out
    assert bytes(told) == b"*IDN?\r"


@pytest.mark.parametrize("host", ["a..b", "x" * 70])
def test_a_host_that_no_name_can_be_is_an_error_in_a_line(run, host: str, monkeypatch) -> None:
    monkeypatch.setattr(scanning, "serial_ports", list)
    monkeypatch.setattr(scanning, "visa_resources", lambda: ([], []))
    monkeypatch.setattr(scanning, "pulse_streamers", _no_streamers)
    status, out, told = run("scan", "--host", host)
    assert (status, out) == (0, "")
    assert "0 of 1 hosts accept TCP port 5025" in told


async def _no_streamers() -> list[scanning.Seen]:
    return []
